"""Read hostile files one after the other and report each: a process that may die, hang or run out of memory.

Called with a folder to work in and the number of the first case; prints a line of JSON for each.
"""

import json
import logging
import os
import resource
import signal
import sys
import time
import warnings
from pathlib import Path
from types import FrameType

from frame_generation_pipeline.errors import FrameGenerationError
from hostile.cases import CASES

MEMORY = 2 * 10**9  # bytes that reading may take beyond what the libraries take
SECONDS = 10  # of the processor, which a busy machine makes no more
WAITING = 120  # seconds of the clock, for what waits


def main(folder: Path, first: int) -> None:
    """Run the cases from number `first` on."""
    warnings.simplefilter("error")
    logging.disable(logging.CRITICAL)
    status = dict(
        line.split(":") for line in Path("/proc/self/status").read_text().splitlines() if line.startswith("VmS")
    )
    used = 1024 * int(status["VmSize"].split()[0])
    resource.setrlimit(resource.RLIMIT_AS, (used + MEMORY, used + MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    for late in (signal.SIGALRM, signal.SIGPROF):
        signal.signal(late, _too_long)
    os.chdir(folder)
    for index, (name, case) in list(enumerate(CASES.items()))[first:]:
        work = folder / f"{index:03d}" / "in"
        work.mkdir(parents=True)
        path = case.write(work)
        before = {*folder.iterdir(), *work.rglob("*")}
        started = time.process_time()
        signal.setitimer(signal.ITIMER_PROF, SECONDS)
        signal.alarm(WAITING)
        try:
            case.read(path)
            refusal = None
        except FrameGenerationError as error:
            refusal = str(error)
        except BaseException as error:
            refusal = f"FAILED {type(error).__name__}: {error}"
        signal.alarm(0)
        signal.setitimer(signal.ITIMER_PROF, 0)
        more = sorted(str(path) for path in {*folder.iterdir(), *work.rglob("*")} - before)
        seconds = time.process_time() - started
        report = {"case": name, "refusal": refusal, "path": str(path), "seconds": seconds, "more": more}
        print(json.dumps(report), flush=True)


def _too_long(number: int, frame: FrameType | None) -> None:
    raise TimeoutError(f"{SECONDS} s of work, or {WAITING} s of waiting")


if __name__ == "__main__":
    main(Path(sys.argv[1]), int(sys.argv[2]))
