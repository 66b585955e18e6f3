"""Read and write checkpoints, `.pth` and `.safetensors`, without ever running code from a file."""

import errno
import pickle
import pickletools
import warnings
import zipfile
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from frame_generation_pipeline.errors import MissingFileError, ModelError, check_choice
from frame_generation_pipeline.extras import needing_train_extra
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.spec import AUDIO_SPECS, FACE_160, FACE_328, FACE_MOBILE, STREAMING, GeneratorSpec

if TYPE_CHECKING:
    import torch

CHECKPOINT_SUFFIXES = (".pth", ".pt", ".safetensors")

# Names under which training states keep a network's tensors, the preferred one first.
WRAPPERS = ("params_ema", "state_dict", "model_state_dict", "model", "generator", "network", "net", "params")
PREFIXES = ("module.", "model.", "generator.", "network.", "net.")  # prefixes that training programs give to all names
COMPILED = "_orig_mod."  # the prefix that torch.compile gives to a module's names
# Values that training programs keep beside the tensors, by their names in the pickle: ignored, and never run.
_IGNORED = (
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    *("numpy.dtype", "numpy.ndarray", "argparse.Namespace", "datetime.datetime", "pathlib.PosixPath"),
    *("pathlib.WindowsPath", "pathlib._local.PosixPath", "pathlib._local.WindowsPath"),
)
MOST_HEADER = (
    4 * 10**6
)  # bytes of the names and shapes of a checkpoint's tensors, and of what else is pickled with them
LEGACY_PICKLES = 5  # magic number, version, system, content, the keys of the tensors that follow
DEEPEST = 8  # levels of wrappers
MOST_WIDTH = 100_000  # channels at a generator's first level; nobody could run a network with more
_MOST_NAMED = 8  # keys that a message lists


def read_tensors(path: str | Path) -> "dict[str, torch.Tensor]":
    """Read the tensors of a checkpoint file by name, on the CPU.

    Files other than `.safetensors` are read as PyTorch files with `weights_only=True`, which refuses pickles that run
    code. Tensors inside `WRAPPERS`, as in training states, are unwrapped; `PREFIXES` that all names share are removed.

    Raises MissingFileError; ModelError if the file is not a checkpoint; OptionError without the extra `[train]`.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"{path}: no such checkpoint; give a .pth or .safetensors file")
    with needing_train_extra(f"{path}: a checkpoint"):
        import torch

        content = _read_safetensors(path) if path.suffix == ".safetensors" else _read_pytorch(path)
    content = _unwrapped(content)
    tensors = {str(name): value for name, value in content.items() if isinstance(value, torch.Tensor)}
    if not tensors or any(isinstance(value, dict) for value in content.values()):
        description = f"the keys {_listed(content)}" if content else "nothing by name"
        raise ModelError(
            f"{path}: holds no named tensors but {description}; expected the state_dict of a generator or audio"
            f" encoder, by itself or as one of {', '.join(WRAPPERS)}"
        )
    if nested := [name for name, tensor in tensors.items() if tensor.is_nested]:  # they have no shape
        raise ModelError(f"{path}: {_printable(nested[0])} is no plain tensor of numbers; save its state_dict() again")
    return _plain_names(tensors)


def _unwrapped(content: object) -> dict[object, object]:
    """The contents of the innermost wrapper; empty if it is no dictionary or contains itself."""
    for _ in range(DEEPEST):
        if not isinstance(content, dict):
            return {}
        inner = next((content[name] for name in WRAPPERS if isinstance(content.get(name), dict)), None)
        if inner is None:
            return content
        content = inner
    return {}


def _plain_names(tensors: "dict[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
    """The tensors by their names in the module, without prefixes."""
    tensors = {name.replace(COMPILED, ""): tensor for name, tensor in tensors.items()}
    while prefix := next((p for p in PREFIXES if all(name.startswith(p) for name in tensors)), None):
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _listed(content: dict[object, object]) -> str:
    more = f" and {len(content) - _MOST_NAMED} more" if len(content) > _MOST_NAMED else ""
    return ", ".join(_printable(str(key))[:50] for key in list(content)[:_MOST_NAMED]) + more


class _Ignored:
    """Replaces a value of a pickle that is not needed; accepts any arguments and does nothing."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


def _ignored() -> "list[Callable[..., Any] | tuple[Callable[..., Any], str]]":
    """A replacement for each name in `_IGNORED`, in the form in which PyTorch takes allowed classes."""
    split = (name.rpartition(".") for name in _IGNORED)
    return [type(name, (_Ignored,), {"__module__": module, "__qualname__": name}) for module, _, name in split]


def _read_safetensors(path: Path) -> object:
    from safetensors.torch import load_file

    try:
        with path.open("rb") as file:
            size = int.from_bytes(file.read(8), "little")
        if MOST_HEADER < size <= path.stat().st_size:
            raise ModelError(
                f"{path}: refused, the list of its tensors has {size} bytes; expected at most {MOST_HEADER}"
            )
        return load_file(path)
    except ModelError:
        raise
    except Exception as error:  # the format's own class, or torch's for unknown types
        raise ModelError(f"{path}: not a readable .safetensors file ({_first_line(error)}); save it again") from error


def _read_pytorch(path: Path) -> object:
    import torch

    _check_archive(path)
    try:
        with warnings.catch_warnings():  # warnings of old or odd pickles; problems are raised
            warnings.simplefilter("ignore")
            with torch.serialization.safe_globals(_ignored()):
                return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path}: refused, this is not a plain checkpoint of tensors but a pickle that wants to run code"
            " or is damaged; save its state_dict() with torch.save or as .safetensors"
        ) from error
    except Exception as error:  # torch's functions raise anything for a damaged pickle
        raise ModelError(
            f"{path}: not a readable PyTorch checkpoint ({_first_line(error)}); copy or save it again"
        ) from error


def _check_archive(path: Path) -> None:
    """Refuse an archive that is much larger in memory than on disk: torch's are uncompressed, with short pickles."""
    try:
        if not zipfile.is_zipfile(path):
            pickled = _pickled(path)
            size = 0
        else:
            with zipfile.ZipFile(path) as archive:
                size = sum(entry.file_size for entry in archive.infolist())
                pickled = sum(entry.file_size for entry in archive.infolist() if entry.filename.endswith(".pkl"))
    except Exception as error:  # damaged directories raise half a dozen classes
        raise ModelError(f"{path}: not a readable PyTorch checkpoint ({_first_line(error)})") from error
    if size > path.stat().st_size:
        raise ModelError(f"{path}: refused, its archive is compressed; save it again with torch.save")
    if pickled > MOST_HEADER:
        raise ModelError(
            f"{path}: refused, what it holds beside its tensors' values has more than {MOST_HEADER} bytes; save its"
            " state_dict() alone"
        )


def _pickled(path: Path) -> int:
    """The size of the pickles at the start of a file from before PyTorch 1.6, as far as they can be read."""
    with path.open("rb") as file:
        with suppress(Exception):  # other data raises anything; torch reports it later
            for _ in range(LEGACY_PICKLES):
                for _ in pickletools.genops(file):
                    if file.tell() > MOST_HEADER:
                        return file.tell()
        return min(file.tell(), MOST_HEADER)


def load_strict(module: "torch.nn.Module", tensors: "dict[str, torch.Tensor]", path: str | Path) -> None:
    """Load `tensors` into `module`; names and shapes must be the same, as with `strict=True`.

    Raises ModelError, which names the first tensors that are missing, unexpected, of another shape or not finite.
    """
    check_fit(module, tensors, path)
    expected = module.state_dict()
    for name, tensor in tensors.items():
        kept = tensor.to(expected[name].dtype)  # converted first: a value may overflow in this type
        if kept.is_floating_point() and not kept.isfinite().all():
            raise ModelError(
                f"{path}: {_printable(name)} has values that are not finite numbers; use a checkpoint from before"
                " its training went wrong"
            )
    module.load_state_dict(tensors, strict=True)


def check_fit(module: "torch.nn.Module", tensors: "dict[str, torch.Tensor]", path: str | Path) -> None:
    """Refuse tensors that do not fit `module`, which may be on the device `meta`, where it takes no memory.

    Raises ModelError like `load_strict`, and for tensors with fewer values in the file than their shapes state.
    """
    expected = module.state_dict()
    problems = [f"{name} is missing" for name in expected if name not in tensors]
    problems += [f"{name} is unexpected" for name in tensors if name not in expected]
    problems += [
        f"{name} has shape {tuple(tensors[name].shape)}, expected {tuple(value.shape)}"
        for name, value in expected.items()
        if name in tensors and tensors[name].shape != value.shape
    ]
    problems += [
        f"{name} is no plain tensor of numbers"
        for name, tensor in tensors.items()
        if str(tensor.layout) != "torch.strided"
        or tensor.is_quantized
        or tensor.is_floating_point() != expected.get(name, tensor).is_floating_point()
        or tensor.is_complex()
        or tensor.is_meta
        or tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size()  # one stored value repeated
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ModelError(f"{path}: does not fit {type(module).__name__}: {'; '.join(problems[:3])}{more}")


def write_tensors(path: str | Path, tensors: "dict[str, torch.Tensor]") -> None:
    """Write a checkpoint, `.safetensors` or `.pth`; it gets its final name when it is complete.

    Raises ModelError for another suffix, OutputError, OptionError without the extra `[train]`.
    """
    path = Path(path)
    if path.suffix not in CHECKPOINT_SUFFIXES:
        raise ModelError(f"{path}: unknown kind of checkpoint; end its name with {' or '.join(CHECKPOINT_SUFFIXES)}")
    with needing_train_extra(f"{path}: a checkpoint"), complete_file(path) as temporary:
        if path.suffix == ".safetensors":
            from safetensors.torch import save

            # `save_file` ignores the umask and makes files that only their owner may read.
            temporary.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
        else:
            save_pickled(tensors, temporary)


def save_pickled(values: object, path: Path) -> None:
    """Call `torch.save`, but raise OSError if it cannot write."""
    import torch

    try:
        torch.save(values, path)
    except RuntimeError as error:  # from its writer in C++, for example on a full disk
        raise OSError(errno.EIO, f"PyTorch wrote a part of it alone: {_first_line(error)}") from error


def recognise_specs(tensors: "dict[str, torch.Tensor]", path: str | Path) -> tuple[GeneratorSpec, ...]:
    """Recognise the specs that fit a checkpoint, by the names and shapes of its tensors.

    There can be two: `ave` and `hubert` networks of one size differ only in two strides, not in their tensors. Those of
    `whisper` and `streaming` do not differ either; so the audio model of the latter has the buffer `before`.

    Raises ModelError if the tensors belong to no generator.
    """
    shapes = {name: tuple(tensor.shape) for name, tensor in tensors.items()}
    mobile = shapes.get("inc.0.weight", ())
    first = mobile or shapes.get("inc.inconv.0.conv.6.weight", ())
    audio = shapes.get("audio_model.conv1.conv.0.weight", ())
    if len(first) != 4 or len(audio) != 4:
        raise ModelError(f"{path}: holds no SyncTalk_2D generator (tensors inc.* and audio_model.* are expected)")
    face = FACE_328 if any(name.startswith("down5.") for name in shapes) else FACE_160
    width = first[0]
    if mobile:
        face, width = FACE_MOBILE, width // 2
    if not 1 <= width <= MOST_WIDTH:
        raise ModelError(f"{path}: a generator of unknown form (it begins with {width} channels)")
    specs = tuple(
        GeneratorSpec(face, spec, width)
        for spec in AUDIO_SPECS.values()
        if spec.window_shape[0] == audio[1] and (spec == STREAMING) == ("audio_model.before" in shapes)
    )
    if not specs:
        raise ModelError(f"{path}: a generator of unknown form (its audio has {audio[1]} channels)")
    return specs


def choose_spec(specs: tuple[GeneratorSpec, ...], path: str | Path, mode: str | None) -> GeneratorSpec:
    """Choose the one of `specs` for features of type `mode`; None: the first, so `ave` before `hubert`.

    Raises ModelError if the file is not for `mode`, OptionError if there is no such mode.
    """
    check_choice("mode", mode, AUDIO_SPECS)
    for spec in specs:
        if mode in (None, spec.audio.name):
            return spec
    modes = " or ".join(spec.audio.name for spec in specs)
    raise ModelError(f"{path}: this generator is for {modes} features, not {mode}; leave the mode out or correct it")


def _first_line(error: BaseException) -> str:
    return _printable((str(error).splitlines() or [type(error).__name__])[0][:200])


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
