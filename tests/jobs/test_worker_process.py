"""The process that makes videos, beside what is more urgent."""

import os
import sys
import threading
import time
from pathlib import Path

import pytest

from frame_generation_pipeline.jobs import process
from frame_generation_pipeline.jobs import worker as worker_module
from frame_generation_pipeline.jobs.job import VideoRequest
from frame_generation_pipeline.jobs.making import AUDIO, Task
from frame_generation_pipeline.jobs.process import Outcome, WorkerProcess
from frame_generation_pipeline.jobs.worker import LAST
from frame_generation_pipeline.voice.settings import VoiceSettings
from samples import write_wav

TINY = Path(__file__).parent.parent.parent / "conformance" / "avatars" / "ave-160"


@pytest.mark.skipif(not Path("/proc/self/task").is_dir(), reason="finds the threads of a process in /proc")
def test_a_worker_comes_last_and_rests_when_it_shall(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        process, "COMMAND", (sys.executable, "-m", worker_module.__name__)
    )  # not that of servers' tests
    write_wav(tmp_path / AUDIO, 4)
    worker, reports, outcomes = WorkerProcess(), list[int](), list[Outcome]()
    task = Task(tmp_path, TINY, VideoRequest("tiny"), VoiceSettings())
    worker.rest(True)
    making = threading.Thread(
        target=lambda: outcomes.append(worker.run(task, lambda done, total: reports.append(done)))
    )
    making.start()
    try:
        until = time.monotonic() + 60
        while not reports:
            assert time.monotonic() < until
            time.sleep(0.05)
        time.sleep(1.0)
        assert reports == [1]  # frame, at which it rests
        assert worker._process is not None
        threads = [int(thread.name) for thread in Path(f"/proc/{worker._process.pid}/task").iterdir()]
        assert {os.getpriority(os.PRIO_PROCESS, thread) for thread in threads} == {LAST}
        worker.rest(False)
        making.join(60)
        assert reports[-1] == 100
        assert outcomes[0].size == task.video.stat().st_size
    finally:
        worker.stop()
        making.join()
