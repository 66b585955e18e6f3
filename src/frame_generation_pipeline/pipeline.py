"""The data's way from top to bottom: audio and a template in, a video of the person saying it out."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, closing
from math import ceil
from pathlib import Path
from typing import Any, Protocol, Self

import numpy as np
import numpy.typing as npt

from .audio.encoder import AudioProgram, load_encoder
from .engine import generate_frames
from .errors import OptionError
from .generator.onnx_backend import OnnxGenerator
from .generator.protocol import Generator
from .speech import Speech, plan_speech
from .stages import StageTimes, prefetch
from .template.template import Template
from .video.frames_folder import FrameFolderWriter
from .video.writer import VideoWriter, exact_rate

BACKENDS = ("torch", "onnx")
Frame = npt.NDArray[np.uint8]  # (H, W, 3) BGR
Progress = Callable[[int, int], None]  # frames done, frames in all


class FrameSink(Protocol):
    """Where frames go, a video or a folder of pictures; complete when its `with` block ends well."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *exception: Any) -> None: ...

    def write(self, frame: Frame) -> Any:
        """Take the next frame (H, W, 3) uint8 BGR."""


class FrameGenerationPipeline:
    """A generator, ready to make videos, frames and exports of itself.

    pipeline = FrameGenerationPipeline(checkpoint_path="checkpoint/May/5.pth", mode="ave")
    pipeline.generate_video("aud_ave.npy", "dataset/May", "speech.wav", "result.mp4")
    """

    def __init__(
        self,
        checkpoint_path: str | Path | None = None,
        mode: str | None = None,
        device: str | None = None,
        *,
        model_path: str | Path | None = None,
        encoder_path: str | Path | None = None,
        backend: str = "torch",
        providers: Sequence[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Load a generator from `checkpoint_path` (.pth, .safetensors), or from `model_path` (.onnx) without PyTorch.

        mode: `ave`, `hubert` or `wenet`; recognised from the file when not given.
        device: `auto`, `cpu`, `cuda` or `mps`, for PyTorch.
        encoder_path: the audio encoder (.pth, .safetensors, .onnx), for audio that comes without features.
        backend: what runs a checkpoint: `torch`, the reference, or `onnx`.
        providers, threads: for ONNX Runtime; see `generator.onnx_session.open_session`.

        Raises MissingFileError, ModelError, OptionError.
        """
        if backend not in BACKENDS:
            raise OptionError(f"backend {backend!r} is unknown; expected one of {', '.join(BACKENDS)}")
        self._checkpoint_path = checkpoint_path
        self.generator: Generator
        if checkpoint_path is None and model_path is not None:
            self.generator = OnnxGenerator(model_path, mode=mode, providers=providers, threads=threads)
        elif checkpoint_path is None or model_path is not None:
            raise OptionError("give either a checkpoint or an ONNX model")
        elif backend == "torch":
            from .generator.torch_backend import TorchGenerator

            self.generator = TorchGenerator.load(checkpoint_path, mode=mode, device=device or "auto")
        else:
            self.generator = _exported(checkpoint_path, mode, providers, threads)
        self.encoder: AudioProgram | None = load_encoder(encoder_path) if encoder_path is not None else None

    @property
    def mode(self) -> str:
        """The type of audio features that the generator wants: `ave`, `hubert` or `wenet`."""
        return self.generator.spec.audio.name

    def generate_video(
        self,
        audio_features_path: str | Path | None = None,
        template_dir: str | Path = "",
        audio_path: str | Path | None = None,
        output_path: str | Path | None = None,
        start_frame: int = 0,
        fps: float | None = None,
        use_parsing: bool = False,
        crf: int | None = None,
        save_frames: bool = False,
        frames_dir: str | Path | None = None,
        *,
        frame_format: str = "png",
        preset: str = "medium",
        start_time: float = 0.0,
        end_time: float | None = None,
        progress: Progress | None = None,
        times: StageTimes | None = None,
    ) -> str:
        """Make the video `output_path` (.mp4, .mov, .mkv, .webm), picture and sound of one length; returns its name.

        audio_features_path: features (.npy, .bin); computed from the sound by the encoder when not given.
        template_dir: folder with `full_body_img/`, `landmarks/` and, for `use_parsing`, `parsing/`.
        audio_path: any sound FFmpeg reads; without it the video is silent.
        start_frame: how many frames later the template is entered.
        fps: of the video; frames are repeated or left out where it is not the features' own (25, wenet 20).
        crf: constant rate factor, lower is better; the codec's usual one when not given.
        save_frames, frames_dir, frame_format: also write the frames as pictures, by default beside the video.
        start_time, end_time: the part of the sound to say, in seconds.
        progress: called after each frame with the frames done and the frames in all.

        Raises the errors of `errors.py`; inputs and outputs are checked before the first frame is made, and nothing
        stands under its final name until it is complete.
        """
        if output_path is None:
            raise OptionError("no output; give the name of a video, such as result.mp4")
        output_path = Path(output_path)
        template = Template.open(template_dir, parsing=use_parsing)
        speech = self._plan(audio_features_path, audio_path, start_time, end_time)
        sinks: list[FrameSink] = [
            VideoWriter(
                output_path,
                (template.width, template.height),
                fps or speech.spec.fps,
                audio_path=speech.audio_path,
                audio_start=speech.start,
                audio_end=speech.end,
                crf=crf,
                preset=preset,
            )
        ]
        if save_frames:
            folder = frames_dir or output_path.with_name(f"{output_path.stem}_frames")
            sinks.append(FrameFolderWriter(Path(folder), frame_format))
        self._write(template, speech, start_frame, fps, sinks, progress, times)
        return str(output_path)

    def generate_frames_only(
        self,
        audio_features_path: str | Path | None = None,
        template_dir: str | Path = "",
        output_dir: str | Path = "",
        start_frame: int = 0,
        fps: float | None = None,
        use_parsing: bool = False,
        *,
        audio_path: str | Path | None = None,
        frame_format: str = "png",
        start_time: float = 0.0,
        end_time: float | None = None,
        progress: Progress | None = None,
        times: StageTimes | None = None,
    ) -> list[str]:
        """Write the frames as `frame_00000.png` on to `output_dir` and return their names; see `generate_video`."""
        template = Template.open(template_dir, parsing=use_parsing)
        speech = self._plan(audio_features_path, audio_path, start_time, end_time)
        sink = FrameFolderWriter(Path(output_dir), frame_format)
        written = self._write(template, speech, start_frame, fps, [sink], progress, times)
        return [str(sink.path(index)) for index in range(written)]

    def frames(
        self,
        template_dir: str | Path,
        *,
        audio_path: str | Path | None = None,
        audio_features_path: str | Path | None = None,
        start_frame: int = 0,
        use_parsing: bool = False,
        start_time: float = 0.0,
        end_time: float | None = None,
    ) -> Iterator[Frame]:
        """The frames themselves, (H, W, 3) uint8 BGR, one by one as they are made; see `generate_video`."""
        template = Template.open(template_dir, parsing=use_parsing)
        speech = self._plan(audio_features_path, audio_path, start_time, end_time)
        return generate_frames(template, self.generator, speech.windows(), start_frame=start_frame)

    def export_model_to_onnx(self, output_path: str | Path, opset_version: int | None = None) -> None:
        """Write the generator as one ONNX graph, compared with PyTorch; see `generator.export.export_generator`.

        Raises OptionError when the pipeline runs an ONNX model, or the opset is older than 17; ModelError, OutputError.
        """
        from .generator.export import OPSET, export_generator

        export_generator(self._network(), output_path, opset_version=OPSET if opset_version is None else opset_version)

    def generate_reference_outputs(
        self,
        audio_features_path: str | Path,
        template_dir: str | Path,
        output_dir: str | Path,
        num_sample_frames: int = 5,
    ) -> dict[str, Any]:
        """Write `num_sample_frames` frames, evenly spread, for other implementations to compare with.

        See `reference_outputs.write_reference_outputs`, whose description of the run is returned.
        """
        from .reference_outputs import write_reference_outputs

        speech = self._plan(audio_features_path, None, 0.0, None)
        return write_reference_outputs(
            self.generator, Template.open(template_dir), speech, Path(output_dir), num_sample_frames
        )

    def _plan(
        self,
        features_path: str | Path | None,
        audio_path: str | Path | None,
        start_time: float,
        end_time: float | None,
    ) -> Speech:
        return plan_speech(
            self.generator.spec.audio,
            features_path=features_path,
            audio_path=audio_path,
            encoder=self.encoder,
            start_time=start_time,
            end_time=end_time,
        )

    def _write(
        self,
        template: Template,
        speech: Speech,
        start_frame: int,
        fps: float | None,
        sinks: Sequence[FrameSink],
        progress: Progress | None,
        times: StageTimes | None,
    ) -> int:
        """Make the frames and give them to every sink; returns how many were written."""
        times = times or StageTimes()
        made = generate_frames(template, self.generator, speech.windows(), start_frame=start_frame, times=times)
        written = 0
        with ExitStack() as stack:
            for sink in sinks:
                stack.enter_context(sink)
            # The generator works on the next frames while this thread encodes the last one.
            frames = stack.enter_context(closing(prefetch(made)))
            for done, (frame, copies) in enumerate(at_rate(frames, speech.spec.fps, fps), start=1):
                with times.measure("encode"):
                    for _ in range(copies):
                        for sink in sinks:
                            sink.write(frame)
                written += copies
                if progress:
                    progress(done, speech.count)
        return written

    def _network(self) -> Any:
        if self._checkpoint_path is None:
            raise OptionError("the pipeline runs an ONNX model; export from the checkpoint that it was made from")
        from .generator.torch_backend import load_network

        return load_network(self._checkpoint_path, self.mode)


def at_rate(frames: Iterator[Frame], made_at: int, shown_at: float | None) -> Iterator[tuple[Frame, int]]:
    """Each frame with how many times it is shown, so that what was made at one rate lasts as long at the other.

    Raises OptionError for an impossible rate.
    """
    ratio = exact_rate(shown_at if shown_at is not None else made_at) / made_at
    for index, frame in enumerate(frames):
        yield frame, ceil((index + 1) * ratio) - ceil(index * ratio)


def _exported(
    checkpoint_path: str | Path, mode: str | None, providers: Sequence[str] | None, threads: int | None
) -> OnnxGenerator:
    import tempfile

    from .generator.export import export_generator
    from .generator.torch_backend import load_network

    with tempfile.TemporaryDirectory() as folder:
        model = Path(folder, "generator.onnx")
        network = load_network(checkpoint_path, mode)
        export_generator(network, model)
        return OnnxGenerator(model.read_bytes(), mode=network.spec.audio.name, providers=providers, threads=threads)
