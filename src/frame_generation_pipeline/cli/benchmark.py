"""Speed and memory of each backend on given inputs, from template decoding to the written video.

Every run is a process of its own, so that its peak memory and its start are its own; backends take turns, so that
what else the machine does falls on all of them.
"""

import json
import statistics
import subprocess
import sys
import tempfile
import time
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from frame_generation_pipeline.errors import FrameGenerationError, OptionError

REFERENCE = "torch"
WARM = "engine, faces kept"


@dataclass(frozen=True)
class Run:
    """One run of one backend."""

    backend: str
    frames: int
    seconds: float  # from the first template frame's decoding to the written file
    first_frame: float  # seconds from the start of the process to the first finished frame
    peak_memory: int  # bytes
    stages: dict[str, float]  # milliseconds a frame


@dataclass(frozen=True)
class Result:
    """The medians of a backend's runs."""

    backend: str
    fps: float
    ratio: float | None  # fps against the reference's; None where that was not run
    first_frame: float  # seconds
    peak_memory: int  # bytes
    stages: dict[str, float]  # milliseconds a frame


def benchmark_backends(
    video: dict[str, Any],
    *,
    avatar: Path | None = None,
    checkpoint: Path | None = None,
    model: Path | None = None,
    encoder: Path | None = None,
    mode: str | None = None,
    threads: int | None = None,
    cache_size: int | None = None,
    runs: int = 3,
) -> list[Result]:
    """Run every backend that the given files allow `runs` times in turn.

    A checkpoint is run by PyTorch, as one ONNX graph, and packed with its template, by the engine; a model as the graph
    that it is, an avatar by the engine. The engine runs twice: seeing each face for the first time, and with a file of
    the faces' states, which a run that is not counted fills.
    video: arguments of `FrameGenerationPipeline.generate_video`, without the output. cache_size: see `Avatar.load`.

    Raises OptionError without anything to measure, FrameGenerationError with the message of a run that failed.
    """
    if (checkpoint is not None or model is not None) and video["template_dir"] is None:
        raise OptionError("a checkpoint or model needs a template; give both")
    common = {"mode": mode, "encoder_path": encoder}
    with tempfile.TemporaryDirectory() as folder:
        backends: dict[str, dict[str, Any]] = {}
        if checkpoint is not None:
            from frame_generation_pipeline.making.export import export_checkpoint
            from frame_generation_pipeline.making.pack import pack_avatar

            backends[REFERENCE] = common | {"checkpoint_path": checkpoint}
            if model is None:
                model = Path(folder, "generator.onnx")
                export_checkpoint(checkpoint, model, mode=mode)
            if avatar is None:
                avatar = Path(folder, "engine.avatar")
                pack_avatar(
                    avatar,
                    checkpoint=checkpoint,
                    template=video["template_dir"],
                    encoder=encoder,
                    mode=mode,
                    parsing=video["use_parsing"],
                )
        if model is not None:
            backends["onnx"] = common | {"model_path": model, "threads": threads}
        if avatar is not None:
            backends["engine"] = {"path": avatar, "threads": threads, "cache_size": cache_size}
            backends[WARM] = backends["engine"] | {"cache_size": None, "cache_file": Path(folder, "faces")}
        if not backends:
            raise OptionError("nothing to measure; give an avatar, a checkpoint or an ONNX model")
        if WARM in backends:
            _in_own_process(WARM, backends[WARM], video)
        measured: dict[str, list[Run]] = {backend: [] for backend in backends}
        for _ in range(runs):
            for backend, arguments in backends.items():
                measured[backend].append(_in_own_process(backend, arguments, video))
    return [_summary(found, measured.get(REFERENCE)) for found in measured.values()]


def _summary(runs: list[Run], reference: list[Run] | None) -> Result:
    fps = _fps(runs)
    return Result(
        runs[0].backend,
        fps,
        fps / _fps(reference) if reference else None,
        statistics.median(run.first_frame for run in runs),
        max(run.peak_memory for run in runs),
        {stage: statistics.median(run.stages[stage] for run in runs) for stage in runs[0].stages},
    )


def _fps(runs: list[Run]) -> float:
    return statistics.median(run.frames / run.seconds for run in runs)


def measure(backend: str, arguments: dict[str, Any], video: dict[str, Any], started: float) -> Run:
    """Make one video in this process.

    arguments: of `Avatar.load` for the engine, otherwise of `FrameGenerationPipeline`.
    video: of `FrameGenerationPipeline.generate_video`, without the output.
    started: when the process began, as `time.time()` tells it.
    """
    from frame_generation_pipeline.avatar import Avatar
    from frame_generation_pipeline.pipeline import FrameGenerationPipeline
    from frame_generation_pipeline.speaking.stages import StageTimes

    template, parsing, audio = video.pop("template_dir"), video.pop("use_parsing"), video.pop("audio_path")
    times = StageTimes()
    frames = 0
    first_frame = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal frames, first_frame
        frames = done
        first_frame = first_frame or time.time() - started

    if "path" in arguments:
        person = Avatar.load(**arguments)
    else:
        person = FrameGenerationPipeline(**arguments).avatar(template, use_parsing=parsing)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        person.generate_video(audio, Path(folder, "result.mp4"), **video, times=times, progress=progress)
        seconds = time.perf_counter() - begun
    stages = {stage: 1000 * spent / frames for stage, spent in times.seconds.items()}
    return Run(backend, frames, seconds, first_frame, peak_memory(), stages)


def peak_memory() -> int:
    """The most memory that this process ever held, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage on Linux counts what the parent held before it started this process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _in_own_process(backend: str, arguments: dict[str, Any], video: dict[str, Any]) -> Run:
    call = {"backend": backend, "arguments": arguments, "video": video, "started": time.time()}
    command = [sys.executable, "-m", __spec__.name, json.dumps(call, default=str)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        raise FrameGenerationError(f"{backend}: {(done.stderr.strip().splitlines() or ['failed'])[-1]}")
    return Run(**json.loads(done.stdout.splitlines()[-1]))


if __name__ == "__main__":
    try:
        print(json.dumps(asdict(measure(**json.loads(sys.argv[1])))))
    except FrameGenerationError as error:
        sys.exit(str(error))
