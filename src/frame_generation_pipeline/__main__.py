"""`python -m frame_generation_pipeline` is `framegen`."""

from .cli import main

main()
