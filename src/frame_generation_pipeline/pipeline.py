"""The calls of SyncTalk_2D's users: a checkpoint and a template folder in, a video out."""

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.audio.encoder import AudioProgram, builtin_encoder
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.errors import OptionError, check_choice
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.files.fingerprint import file_digest, fingerprint_of
from frame_generation_pipeline.files.progress import Progress
from frame_generation_pipeline.generator.face_states import FaceStates
from frame_generation_pipeline.generator.onnx_backend import OnnxGenerator
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.generator.protocol import Generator
from frame_generation_pipeline.making.encoder import load_encoder
from frame_generation_pipeline.media.codecs import DEFAULT_PRESET
from frame_generation_pipeline.media.downmix import MEAN
from frame_generation_pipeline.media.encoding import Encoding
from frame_generation_pipeline.speaking.audio_front_end import AudioFrontEnd
from frame_generation_pipeline.speaking.speech import plan_speech
from frame_generation_pipeline.speaking.stages import StageTimes
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.speaking.timing import Timing
from frame_generation_pipeline.spec import REFERENCE
from frame_generation_pipeline.template.rest import recorded_rest
from frame_generation_pipeline.template.template import Template

BACKENDS = ("torch", "onnx")


class FrameGenerationPipeline:
    """A generator that makes videos, images and exports.

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
        style: Style = Style(blend=REFERENCE),
    ) -> None:
        """Load a generator from `checkpoint_path` (.pth, .safetensors), or from `model_path` (.onnx) without PyTorch.

        mode: `ave`, `hubert`, `wenet`, `whisper` or `streaming`; by default recognised from the file.
        device: PyTorch's: `auto`, `cpu`, `cuda` or `mps`.
        encoder_path: the audio encoder (.pth, .safetensors, .onnx), for audio without features; by default the
            built-in one for the mode, if there is one.
        backend: runs a checkpoint: `torch`, the reference, or `onnx`.
        providers, threads: for ONNX Runtime; see `runtime.onnx_session.open_session`.
        style: how frames look. The default blend `reference` gives the original's frames to the bit, and averages the
            channels of audio as the original does; `feathered`, the default of avatars, gives faces without an edge
            and mouths that rest in silence.

        Raises MissingFileError, ModelError, OptionError.
        """
        check_choice("backend", backend, BACKENDS)
        self._checkpoint_path = checkpoint_path
        self._style = style
        self._origin = (
            *(path and file_digest(path) for path in (checkpoint_path, model_path, encoder_path)),
            *(mode, device, backend, ",".join(providers or ()), threads),
        )
        self.generator: Generator
        if checkpoint_path is None and model_path is not None:
            self.generator = OnnxGenerator(model_path, mode=mode, providers=providers, threads=threads)
        elif checkpoint_path is None or model_path is not None:
            raise OptionError("give either a checkpoint or an ONNX model")
        elif backend == "torch":
            with needing_train_extra(f"{checkpoint_path}: a checkpoint"):
                from frame_generation_pipeline.making.torch_backend import TorchGenerator
            self.generator = TorchGenerator.load(checkpoint_path, mode=mode, device=device or "auto")
        else:
            self.generator = _programs(checkpoint_path, mode, providers, threads)
        self.encoder: AudioProgram | None
        if encoder_path is not None:
            self.encoder = load_encoder(encoder_path, providers=providers)
        else:
            self.encoder = builtin_encoder(self.generator.spec.audio, providers=providers)

    @property
    def mode(self) -> str:
        """The type of the generator's audio features: `ave`, `hubert`, `wenet`, `whisper` or `streaming`."""
        return self.generator.spec.audio.name

    def avatar(self, template_dir: str | Path, *, use_parsing: bool = False) -> Avatar:
        """The avatar of this generator and the template in `template_dir`.

        The folder has `full_body_img/`, `landmarks/` and, for `use_parsing`, `parsing/`; see `Template.open`.
        """
        template = Template.open(template_dir, parsing=use_parsing)
        states = None
        if isinstance(self.generator, ProgramGenerator):
            states = FaceStates.of(template, self.generator)
        rested = self._style.blend != REFERENCE and self._style.gate is not None
        rest = recorded_rest(template, self.generator.spec.audio) if rested else None
        fingerprint = fingerprint_of(*self._origin, template.fingerprint())
        return Avatar(
            template,
            self.generator,
            self.encoder,
            states=states,
            style=self._style,
            downmix=MEAN if self._style.blend == REFERENCE else None,
            rest=rest,
            fingerprint=fingerprint,
        )

    def generate_video(
        self,
        audio_features_path: str | Path | None = None,
        template_dir: str | Path = "",
        audio_path: str | Path | None = None,
        output_path: str | Path = "",
        start_frame: int = 0,
        fps: float | None = None,
        use_parsing: bool = False,
        crf: int | None = None,
        save_frames: bool = False,
        frames_dir: str | Path | None = None,
        *,
        start_time: float = 0.0,
        end_time: float | None = None,
        preset: str = DEFAULT_PRESET,
        frame_format: str = "png",
        provenance: bool = True,
        progress: Progress | None = None,
        times: StageTimes | None = None,
    ) -> str:
        """Write the video `output_path` and return its name.

        save_frames: also write the frames as images into `frames_dir`, by default beside the video.
        start_frame, start_time, end_time, fps: see `Timing`. crf, preset, frame_format, provenance: see `Encoding`.
        The other arguments are those of `Avatar.generate_video`.
        """
        if save_frames and frames_dir is None:
            frames_dir = Path(output_path).with_name(f"{Path(output_path).stem}_frames")
        return str(
            self.avatar(template_dir, use_parsing=use_parsing).generate_video(
                audio_path,
                output_path,
                audio_features_path=audio_features_path,
                timing=Timing(start_time, end_time, start_frame, fps),
                encoding=Encoding(crf, preset, frame_format, provenance),
                frames_dir=frames_dir if save_frames else None,
                progress=progress,
                times=times,
            )
        )

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
        start_time: float = 0.0,
        end_time: float | None = None,
        frame_format: str = "png",
        provenance: bool = True,
        progress: Progress | None = None,
        times: StageTimes | None = None,
    ) -> list[str]:
        """Write the frames to `output_dir`, from `frame_00000.png` on, and return their names; see `generate_video`."""
        written = self.avatar(template_dir, use_parsing=use_parsing).generate_images(
            audio_path,
            output_dir,
            audio_features_path=audio_features_path,
            timing=Timing(start_time, end_time, start_frame, fps),
            encoding=Encoding(frame_format=frame_format, provenance=provenance),
            progress=progress,
            times=times,
        )
        return [str(path) for path in written]

    def frames(
        self,
        template_dir: str | Path,
        *,
        audio_path: str | Path | None = None,
        audio_features_path: str | Path | None = None,
        use_parsing: bool = False,
        start_frame: int = 0,
        start_time: float = 0.0,
        end_time: float | None = None,
    ) -> Iterator[Frame]:
        """Yield the frames (H, W, 3) uint8 BGR as they are rendered."""
        timing = Timing(start_time, end_time, start_frame)
        avatar = self.avatar(template_dir, use_parsing=use_parsing)
        return avatar.frames(audio_path, audio_features_path=audio_features_path, timing=timing)

    def export_model_to_onnx(self, output_path: str | Path, opset_version: int = 17) -> None:
        """Write the generator as one ONNX graph, compared with PyTorch; see `making.export_generator.export_generator`.

        Raises OptionError when the pipeline runs an ONNX model; ModelError, OutputError.
        """
        if self._checkpoint_path is None:
            raise OptionError("the pipeline runs an ONNX model; export from the checkpoint that it was made from")
        from frame_generation_pipeline.making.export_generator import export_generator
        from frame_generation_pipeline.making.torch_backend import load_network

        export_generator(load_network(self._checkpoint_path, self.mode), output_path, opset_version=opset_version)

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
        from frame_generation_pipeline.making.reference_outputs import write_reference_outputs

        speech = plan_speech(AudioFrontEnd(self.generator.spec.audio), features_path=audio_features_path)
        return write_reference_outputs(
            self.generator, Template.open(template_dir), speech, Path(output_dir), num_sample_frames
        )


def _programs(
    checkpoint_path: str | Path, mode: str | None, providers: Sequence[str] | None, threads: int | None
) -> ProgramGenerator:
    """A checkpoint as the programs that an avatar package would hold."""
    with needing_train_extra(f"{checkpoint_path}: a checkpoint"):
        from frame_generation_pipeline.making.programs import build_face_program, build_render_program
        from frame_generation_pipeline.making.torch_backend import load_network
    network = load_network(checkpoint_path, mode)
    face, render = build_face_program(network), build_render_program(network, parsing=True)
    return ProgramGenerator(
        face.SerializeToString(), render.SerializeToString(), network.spec, providers=providers, threads=threads
    )
