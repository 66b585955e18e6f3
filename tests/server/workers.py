"""Workers of jobs that are as nice as their tests: at their usual place, the last, they wait for all other tests."""

WORKER = "import frame_generation_pipeline.jobs.worker as worker; worker.LAST = 0; worker.main()"
# The command line, of a server that starts such ones.
FRAMEGEN = f"""
import sys
from frame_generation_pipeline.cli.app import main
from frame_generation_pipeline.jobs import process

process.COMMAND = (sys.executable, "-c", {WORKER!r})
main()
"""
