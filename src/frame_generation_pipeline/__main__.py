"""`python -m frame_generation_pipeline` is `framegen`."""

from frame_generation_pipeline.cli.app import main

main()
