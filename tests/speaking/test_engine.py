import gc
import subprocess
import sys
import threading
import time
from concurrent.futures import CancelledError
from functools import partial

import pytest

from frame_generation_pipeline.speaking.engine import Engine


def test_the_task_that_is_due_first_is_done_first() -> None:
    engine = Engine(1)
    begun, may_end = threading.Event(), threading.Event()
    order: list[int] = []

    def block() -> None:
        begun.set()
        may_end.wait()

    blocking = engine.submit(block)
    begun.wait()
    tasks = [engine.submit(partial(order.append, i), deadline) for i, deadline in enumerate([3.0, 1.0, 2.0, 1.0])]
    may_end.set()
    for task in [blocking, *tasks]:
        engine.wait(task)
    assert order == [1, 3, 2, 0]
    engine.close()


@pytest.mark.parametrize("workers", [0, 1, 3])
def test_results_and_errors_come_through(workers: int) -> None:
    engine = Engine(workers)
    assert engine.wait(engine.submit(lambda: 42)) == 42
    with pytest.raises(ZeroDivisionError):
        engine.wait(engine.submit(lambda: 1 // 0))


def test_without_workers_whoever_waits_does_the_work() -> None:
    engine = Engine(0)
    names = [engine.submit(lambda: threading.current_thread().name) for _ in range(3)]
    assert [engine.wait(name) for name in names] == ["MainThread"] * 3
    cancelled = engine.submit(lambda: None)
    cancelled.cancel()
    with pytest.raises(CancelledError):
        engine.wait(cancelled)


def test_close_cancels_what_waits() -> None:
    engine = Engine(1)
    begun, may_end = threading.Event(), threading.Event()

    def block() -> None:
        begun.set()
        may_end.wait()

    engine.submit(block)
    begun.wait()
    waiting = engine.submit(lambda: None)
    threading.Timer(0.1, may_end.set).start()
    engine.close()
    assert waiting.cancelled()
    with pytest.raises(CancelledError):
        engine.wait(engine.submit(lambda: None))


def test_a_forgotten_engine_ends_its_threads() -> None:
    engine = Engine(2)
    for _ in range(4):
        engine.wait(engine.submit(lambda: None))
    threads = list(engine._threads)
    del engine
    gc.collect()
    began = time.monotonic()
    while any(thread.is_alive() for thread in threads):
        assert time.monotonic() - began < 10
        time.sleep(0.01)


def test_a_process_ends_well_while_frames_are_painted() -> None:
    code = (
        f"import sys; sys.path[:0] = {sys.path!r}\n"
        "import numpy as np\n"
        "from frame_generation_pipeline import Avatar\n"
        "session = Avatar.load().live()\n"
        "session.push(np.zeros(64000, np.float32))\n"
        "next(session.frames())\n"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
