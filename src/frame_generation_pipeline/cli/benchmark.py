"""Speed and memory of each backend on given inputs, from template decoding to the written video, and delay when live.

Every run is a process of its own, so that its peak memory and its start are its own; backends take turns, so that
what else the machine does falls on all of them.
"""

import statistics
import sys
import tempfile
import threading
import time
from concurrent.futures import ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from dataclasses import dataclass, replace
from multiprocessing import get_context
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.audio.blocks import look_ahead
from frame_generation_pipeline.errors import FrameGenerationError, OptionError
from frame_generation_pipeline.making.source import Source
from frame_generation_pipeline.media.encoding import Encoding
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import SAMPLE_RATE

if TYPE_CHECKING:
    from frame_generation_pipeline.avatar import Avatar

TORCH = "torch"  # the reference
WARM = "engine, faces kept"
LIVE_SECONDS = 4.0  # of the audio, spoken in real time
PIECE = 320  # samples that are pushed at once, 20 ms


@dataclass(frozen=True)
class Run:
    """One run of one backend."""

    backend: str
    frames: int
    seconds: float  # from the first template frame's decoding to the written file
    first_frame: float  # seconds from the start of the process to the first finished frame
    peak_memory: int  # bytes
    stages: dict[str, float]  # milliseconds a frame
    look_ahead: tuple[float, float] | None  # see `audio.blocks`; None without an audio program
    delays: tuple[float, ...]  # see `live_delays`; empty where only files are made


@dataclass(frozen=True)
class Result:
    """The medians of a backend's runs."""

    backend: str
    fps: float
    ratio: float | None  # fps against the reference's; None where that was not run
    first_frame: float  # seconds
    peak_memory: int  # bytes
    stages: dict[str, float]  # milliseconds a frame
    look_ahead: tuple[float, float] | None  # seconds, least and most, see `audio.blocks`
    delay: tuple[float, float] | None  # seconds, median and 95th percentile of `live_delays`; None where it is not live


@dataclass(frozen=True)
class Inputs:
    """What a benchmark runs on; files as the commands take them."""

    avatar: Path | None = None
    checkpoint: Path | None = None
    model: Path | None = None  # generator as ONNX
    template: Path | None = None
    encoder: Path | None = None
    audio: Path | None = None
    features: Path | None = None
    source: Source = Source()  # of the checkpoint or model
    runtime: Runtime = Runtime()
    timing: Timing = Timing()
    encoding: Encoding = Encoding()


def benchmark_backends(inputs: Inputs, *, runs: int = 3) -> list[Result]:
    """Run every backend that the given files allow `runs` times in turn.

    A checkpoint is run by PyTorch, as one ONNX graph, and packed with its template, by the engine; a model as the graph
    that it is, an avatar by the engine. The engine runs twice: seeing each face for the first time, and with a file of
    the faces' states, which a run that is not counted fills.

    Raises OptionError without anything to measure, FrameGenerationError with the message of a run that failed.
    """
    if (inputs.checkpoint is not None or inputs.model is not None) and inputs.template is None:
        raise OptionError("a checkpoint or model needs a template; give both")
    with tempfile.TemporaryDirectory() as folder:
        backends: dict[str, Inputs] = {}
        avatar, model = inputs.avatar, inputs.model
        if inputs.checkpoint is not None:
            assert inputs.template is not None
            from frame_generation_pipeline.making.export import export_checkpoint
            from frame_generation_pipeline.making.pack import pack_avatar

            backends[TORCH] = replace(inputs, avatar=None, model=None, runtime=Runtime())
            if model is None:
                model = Path(folder, "generator.onnx")
                export_checkpoint(inputs.checkpoint, model, mode=inputs.source.mode)
            if avatar is None:
                avatar = Path(folder, "engine.avatar")
                pack_avatar(
                    avatar,
                    checkpoint=inputs.checkpoint,
                    template=inputs.template,
                    encoder=inputs.encoder,
                    mode=inputs.source.mode,
                    parsing=inputs.source.parsing,
                )
        threads = Runtime(threads=inputs.runtime.threads)
        if model is not None:
            backends["onnx"] = replace(inputs, avatar=None, checkpoint=None, model=model, runtime=threads)
        if avatar is not None:
            backends["engine"] = replace(inputs, avatar=avatar)
            kept = replace(threads, cache_file=Path(folder, "faces"))
            backends[WARM] = replace(inputs, avatar=avatar, runtime=kept)
        if not backends:
            raise OptionError("nothing to measure; give an avatar, a checkpoint or an ONNX model")
        if WARM in backends:
            _in_own_process(WARM, backends[WARM])
        measured: dict[str, list[Run]] = {backend: [] for backend in backends}
        for _ in range(runs):
            for backend, options in backends.items():
                measured[backend].append(_in_own_process(backend, options))
    return [_summary(times, measured.get(TORCH)) for times in measured.values()]


def _summary(runs: list[Run], reference: list[Run] | None) -> Result:
    fps, delays = _fps(runs), [delay for run in runs for delay in run.delays]
    return Result(
        runs[0].backend,
        fps,
        fps / _fps(reference) if reference else None,
        statistics.median(run.first_frame for run in runs),
        max(run.peak_memory for run in runs),
        {stage: statistics.median(run.stages[stage] for run in runs) for stage in runs[0].stages},
        runs[0].look_ahead,
        (float(np.median(delays)), float(np.percentile(delays, 95))) if delays else None,
    )


def _fps(runs: list[Run]) -> float:
    return statistics.median(run.frames / run.seconds for run in runs)


def measure(backend: str, inputs: Inputs, started: float) -> Run:
    """Make one video in this process, of the avatar in `inputs` or else of its checkpoint or model.

    An avatar with an audio program also speaks the beginning of the audio live.
    started: when the process began, in seconds as `time.time()` gives them.
    """
    from frame_generation_pipeline.avatar import Avatar
    from frame_generation_pipeline.media.audio_reader import decode_audio
    from frame_generation_pipeline.pipeline import FrameGenerationPipeline
    from frame_generation_pipeline.speaking.stages import StageTimes

    times = StageTimes()
    frames = 0
    first_frame = 0.0

    def progress(done: int, total: int) -> None:
        nonlocal frames, first_frame
        frames = done
        first_frame = first_frame or time.time() - started

    if inputs.avatar is not None:
        person = Avatar.load(inputs.avatar, runtime=inputs.runtime)
    else:
        assert inputs.template is not None
        person = FrameGenerationPipeline(
            inputs.checkpoint,
            inputs.source.mode,
            model_path=inputs.model,
            encoder_path=inputs.encoder,
            threads=inputs.runtime.threads,
        ).avatar(inputs.template, use_parsing=inputs.source.parsing)
    with tempfile.TemporaryDirectory() as folder:
        begun = time.perf_counter()
        person.generate_video(
            inputs.audio,
            Path(folder, "result.mp4"),
            audio_features_path=inputs.features,
            timing=inputs.timing,
            encoding=inputs.encoding,
            times=times,
            progress=progress,
        )
        seconds = time.perf_counter() - begun
    stages = {stage: 1000 * spent / frames for stage, spent in times.seconds.items()}
    memory, ahead = peak_memory(), None
    delays: tuple[float, ...] = ()
    if inputs.avatar is not None and inputs.audio is not None and person.encoder is not None:
        ahead = look_ahead(person.encoder.spec)
        decoded = decode_audio(inputs.audio, end=LIVE_SECONDS, track=inputs.timing.audio_track)
        delays = live_delays(person, np.concatenate(list(decoded)), ahead[1])
    return Run(backend, frames, seconds, first_frame, memory, stages, ahead, delays)


def live_delays(person: "Avatar", samples: Samples, most_ahead: float) -> tuple[float, ...]:
    """Seconds from the beginning of each frame's audio, which is pushed in real time, until the frame is rendered.

    samples: (L,) float32 at 16 kHz. most_ahead: seconds; frames whose windows need audio beyond the end do not count,
    as they wait for less.
    """
    session, fps, began = person.live(), person.generator.spec.audio.fps, time.monotonic()

    def push() -> None:
        for start in range(0, len(samples), PIECE):
            piece = samples[start : start + PIECE]
            time.sleep(max(0.0, began + (start + len(piece)) / SAMPLE_RATE - time.monotonic()))
            session.push(piece)
        session.finish()

    pushing = threading.Thread(target=push)
    pushing.start()
    count = max(int((len(samples) / SAMPLE_RATE - most_ahead) * fps), 0)
    delays = [time.monotonic() - began - index / fps for index, _ in enumerate(session.frames())][:count]
    pushing.join()
    return tuple(delays)


def peak_memory() -> int:
    """The most memory that this process ever held, in bytes."""
    status = Path("/proc/self/status")
    if status.exists():  # getrusage on Linux counts what the parent held before it started this process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) * 1024
    import resource

    unit = 1 if sys.platform == "darwin" else 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * unit


def _in_own_process(backend: str, inputs: Inputs) -> Run:
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as process:
        try:
            return process.submit(measure, backend, inputs, time.time()).result()
        except FrameGenerationError as error:
            raise FrameGenerationError(f"{backend}: {error}") from error
        except BrokenProcessPool as error:
            raise FrameGenerationError(f"{backend}: its process was ended, perhaps for want of memory") from error
