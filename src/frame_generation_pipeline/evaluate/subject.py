"""Load the generator to evaluate, and choose the frames: by default those that its training held out."""

from dataclasses import dataclass
from math import ceil
from pathlib import Path

from frame_generation_pipeline.audio.encoder import AudioProgram
from frame_generation_pipeline.errors import MissingFileError, ModelError, OptionError
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.files.fingerprint import file_digest
from frame_generation_pipeline.files.json_file import read_json
from frame_generation_pipeline.generator.onnx_backend import OnnxGenerator
from frame_generation_pipeline.generator.protocol import Generator, NetworkGenerator
from frame_generation_pipeline.making.checkpoint import CHECKPOINT_SUFFIXES
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.manifest import MANIFEST
from frame_generation_pipeline.package.programs import load_programs
from frame_generation_pipeline.template.loop import frame_range

TRAINING = "train.json"  # settings of a training, beside its checkpoint
LAST_SHARE, LAST_SECONDS = 0.1, 2.0  # the end of a recording, the longer of the two; without a training's held-out part


@dataclass(frozen=True)
class Subject:
    """A generator with the digest of its file and the audio encoder of its package."""

    path: Path
    sha256: str  # of the file; of a package, the digest of its manifest
    generator: Generator
    encoder: AudioProgram | None = None

    @classmethod
    def load(cls, path: str | Path, *, mode: str | None = None, device: str = "auto") -> "Subject":
        """Load a checkpoint (.pth, .safetensors), a generator as one ONNX graph, or a package (.avatar or a folder).

        mode, device: see `TorchGenerator.load`; on the CPU, ONNX Runtime runs the network.
        Raises MissingFileError, ModelError, PackageError and OptionError.
        """
        path = Path(path)
        if path.suffix == ".avatar" or (path / MANIFEST).is_file():
            package = open_package(path)
            return cls(path, package.fingerprint, *load_programs(package))
        if not path.is_file():
            raise MissingFileError(f"{path}: no such file; give a checkpoint, an ONNX generator or an avatar package")
        if path.suffix == ".onnx":
            return cls(path, file_digest(path), OnnxGenerator(path, mode=mode))
        if path.suffix not in CHECKPOINT_SUFFIXES:
            raise ModelError(f"{path}: expected a checkpoint, an ONNX generator or an avatar package")
        with needing_train_extra(f"{path}: a checkpoint"):
            from frame_generation_pipeline.making.programs import build_network_program
            from frame_generation_pipeline.making.torch_backend import TorchGenerator, choose_device, load_network
        network, device = load_network(path, mode), choose_device(device)
        generator: NetworkGenerator
        if device == "cpu":  # ONNX Runtime is faster there
            generator = OnnxGenerator(build_network_program(network).SerializeToString())
            generator.spec = network.spec
        else:
            generator = TorchGenerator(network, device)
        return cls(path, file_digest(path), generator)


def choose_frames(
    generator: Path, count: int, fps: float, *, frames: str | None = None, seconds: float | None = None
) -> tuple[range, str]:
    """Choose the frames to evaluate, of a recording of `count` frames; returns them and the reason in a few words.

    frames: such as `450:500`, the first frame and the one after the last. seconds: the length of the end. By default
    the frames that the training beside `generator` held out; without a training the last tenth, at least 2 s.

    Raises OptionError if both are given, if they name no frames, and for a training on another recording.
    """
    if frames is not None and seconds is not None:
        raise OptionError("give frames or seconds at the end, not both")
    if frames is not None:
        return frame_range(frames), "as asked for"
    if seconds is not None:
        return range(max(count - round(seconds * fps), 0), count), "as asked for"
    settings = generator.parent / TRAINING
    if settings.is_file():
        try:
            first_held, stop_held = (int(value) for value in read_json(settings)["held_out"])
        except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
            raise OptionError(f"{settings}: does not say what was held out; give the frames") from error
        if stop_held > count:
            raise OptionError(
                f"{settings}: held out frames {first_held}:{stop_held}, but there are {count}; give the recording that"
                " was trained on, or the frames"
            )
        if stop_held > first_held:
            return range(first_held, stop_held), "held out by the training"
    length = min(max(ceil(LAST_SHARE * count), round(LAST_SECONDS * fps)), count)
    return range(count - length, count), "the end of the recording; the training may have learned from it"
