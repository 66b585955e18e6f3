"""Checkpoints: the original's `.pth` and `.safetensors`, never running code that a file brings."""

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
from frame_generation_pipeline.spec import AUDIO_SPECS, FACE_160, FACE_328, FACE_MOBILE, GeneratorSpec

if TYPE_CHECKING:
    import torch

CHECKPOINT_SUFFIXES = (".pth", ".pt", ".safetensors")

# Under which names training states keep a network's tensors; where there are several, the first one is meant.
WRAPPERS = ("params_ema", "state_dict", "model_state_dict", "model", "generator", "network", "net", "params")
PREFIXES = ("module.", "model.", "generator.", "network.", "net.")  # what training programs put before all names
COMPILED = "_orig_mod."  # what torch.compile puts before the names of a module
# What training programs keep beside the tensors, by the names in their pickles: read as nothing, none of it runs.
_IGNORED = (
    *(f"numpy.{core}.multiarray.{name}" for core in ("core", "_core") for name in ("scalar", "_reconstruct")),
    *("numpy.dtype", "numpy.ndarray", "argparse.Namespace", "datetime.datetime", "pathlib.PosixPath"),
    *("pathlib.WindowsPath", "pathlib._local.PosixPath", "pathlib._local.WindowsPath"),
)
MOST_HEADER = (
    4 * 10**6
)  # bytes of the names and shapes of a checkpoint's tensors, and of what else is pickled with them
LEGACY_PICKLES = 5  # magic number, version, system, content, the keys of what follows
DEEPEST = 8  # wrappers in each other
MOST_WIDTH = 100_000  # channels at a generator's first level; more is no network that anybody could run
_MOST_NAMED = 8  # keys that a message lists


def read_tensors(path: str | Path) -> "dict[str, torch.Tensor]":
    """Every named tensor of a checkpoint file, on the CPU.

    `.safetensors` is read as such, everything else as a PyTorch file with `weights_only=True`: a pickle that wants to
    run code is refused. A file that wraps its tensors in one of `WRAPPERS` (as training states do) is unwrapped, and
    `PREFIXES` of all names are taken off.

    Raises MissingFileError, ModelError when the file is not a checkpoint, OptionError without the extra `[train]`.
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
        found = f"the keys {_listed(content)}" if content else "nothing by name"
        raise ModelError(
            f"{path}: holds no named tensors but {found}; expected the state_dict of a generator or audio encoder,"
            f" by itself or as one of {', '.join(WRAPPERS)}"
        )
    if nested := [name for name, tensor in tensors.items() if tensor.is_nested]:  # they have no shape to ask for
        raise ModelError(f"{path}: {_printable(nested[0])} is no plain tensor of numbers; save its state_dict() again")
    return _plain_names(tensors)


def _unwrapped(content: object) -> dict[object, object]:
    """The innermost of the wrappers that a training state has; empty for what is no dictionary or holds itself."""
    for _ in range(DEEPEST):
        if not isinstance(content, dict):
            return {}
        inner = next((content[name] for name in WRAPPERS if isinstance(content.get(name), dict)), None)
        if inner is None:
            return content
        content = inner
    return {}


def _plain_names(tensors: "dict[str, torch.Tensor]") -> "dict[str, torch.Tensor]":
    """The tensors by the names that they have in their module."""
    tensors = {name.replace(COMPILED, ""): tensor for name, tensor in tensors.items()}
    while prefix := next((p for p in PREFIXES if all(name.startswith(p) for name in tensors)), None):
        tensors = {name.removeprefix(prefix): tensor for name, tensor in tensors.items()}
    return tensors


def _listed(content: dict[object, object]) -> str:
    more = f" and {len(content) - _MOST_NAMED} more" if len(content) > _MOST_NAMED else ""
    return ", ".join(_printable(str(key))[:50] for key in list(content)[:_MOST_NAMED]) + more


class _Ignored:
    """Stands for a value beside the tensors that nobody needs; takes whatever a pickle gives it and does nothing."""

    def __init__(self, *_: object) -> None: ...

    def __setstate__(self, state: object) -> None: ...


def _ignored() -> "list[Callable[..., Any] | tuple[Callable[..., Any], str]]":
    """A stand-in by each of the names in `_IGNORED`, which is how PyTorch looks for what it may make."""
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
    except Exception as error:  # the format's own class, and what torch raises for types that it does not have
        raise ModelError(f"{path}: not a readable .safetensors file ({_first_line(error)}); save it again") from error


def _read_pytorch(path: Path) -> object:
    import torch

    _check_archive(path)
    try:
        with warnings.catch_warnings():  # remarks on old or odd pickles; what matters is raised
            warnings.simplefilter("ignore")
            with torch.serialization.safe_globals(_ignored()):
                return torch.load(path, map_location="cpu", weights_only=True)
    except pickle.UnpicklingError as error:
        raise ModelError(
            f"{path}: refused, this is not a plain checkpoint of tensors but a pickle that wants to run code"
            " or is damaged; save its state_dict() with torch.save or as .safetensors"
        ) from error
    except Exception as error:  # whatever the pieces of a pickle make torch's own functions raise
        raise ModelError(
            f"{path}: not a readable PyTorch checkpoint ({_first_line(error)}); copy or save it again"
        ) from error


def _check_archive(path: Path) -> None:
    """Refuse what would be much larger in memory than it is: torch writes archives uncompressed, and short pickles."""
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
    """Bytes of the pickles with which a file of before PyTorch 1.6 begins, as far as they can be read; the tensors'
    values follow."""
    with path.open("rb") as file:
        with suppress(Exception):  # what is no pickle raises anything, and torch says so later
            for _ in range(LEGACY_PICKLES):
                for _ in pickletools.genops(file):
                    if file.tell() > MOST_HEADER:
                        return file.tell()
        return min(file.tell(), MOST_HEADER)


def load_strict(module: "torch.nn.Module", tensors: "dict[str, torch.Tensor]", path: str | Path) -> None:
    """Load `tensors` into `module`; every name and shape must be there, as with `strict=True`.

    Raises ModelError that names the first tensors which are missing, unexpected or of another shape, and one that has
    values which are not finite numbers.
    """
    check_fit(module, tensors, path)
    expected = module.state_dict()
    for name, tensor in tensors.items():
        kept = tensor.to(expected[name].dtype)  # which has fewer values than some types, and more than others
        if kept.is_floating_point() and not kept.isfinite().all():
            raise ModelError(
                f"{path}: {_printable(name)} has values that are not finite numbers; use a checkpoint from before"
                " its training went wrong"
            )
    module.load_state_dict(tensors, strict=True)


def check_fit(module: "torch.nn.Module", tensors: "dict[str, torch.Tensor]", path: str | Path) -> None:
    """Refuse tensors that are not those of `module`, which may be on the device `meta` and so take no memory.

    Raises ModelError like `load_strict`, and for tensors with fewer values in the file than their shape states.
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
        or tensor.untyped_storage().nbytes() < tensor.numel() * tensor.element_size()  # one value stands for many
    ]
    if problems:
        more = f" and {len(problems) - 3} more" if len(problems) > 3 else ""
        raise ModelError(f"{path}: does not fit {type(module).__name__}: {'; '.join(problems[:3])}{more}")


def write_tensors(path: str | Path, tensors: "dict[str, torch.Tensor]") -> None:
    """Write a checkpoint under its final name only when it is complete: `.safetensors`, or the original's `.pth`.

    Raises ModelError for another suffix, OutputError, OptionError without the extra `[train]`.
    """
    path = Path(path)
    if path.suffix not in CHECKPOINT_SUFFIXES:
        raise ModelError(f"{path}: unknown kind of checkpoint; end its name with {' or '.join(CHECKPOINT_SUFFIXES)}")
    with needing_train_extra(f"{path}: a checkpoint"), complete_file(path) as temporary:
        if path.suffix == ".safetensors":
            from safetensors.torch import save

            # `save_file` makes files that nobody else may read, whatever the umask says.
            temporary.write_bytes(save({name: tensor.contiguous() for name, tensor in tensors.items()}))
        else:
            save_pickled(tensors, temporary)


def save_pickled(values: object, path: Path) -> None:
    """`torch.save` that raises OSError, as everything else does, where it cannot write."""
    import torch

    try:
        torch.save(values, path)
    except RuntimeError as error:  # of its own writer in C++, on a full disk for example
        raise OSError(errno.EIO, f"PyTorch wrote a part of it alone: {_first_line(error)}") from error


def recognise_specs(tensors: "dict[str, torch.Tensor]", path: str | Path) -> tuple[GeneratorSpec, ...]:
    """The specs of the generators that a checkpoint can be, recognised by the names and shapes of its tensors.

    There can be more than one: `ave` and `hubert` networks of one size differ in two strides and in no tensor.

    Raises ModelError when the tensors are no generator's.
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
    specs = tuple(GeneratorSpec(face, spec, width) for spec in AUDIO_SPECS.values() if spec.window_shape[0] == audio[1])
    if not specs:
        raise ModelError(f"{path}: a generator of unknown form (its audio has {audio[1]} channels)")
    return specs


def choose_spec(specs: tuple[GeneratorSpec, ...], path: str | Path, mode: str | None) -> GeneratorSpec:
    """The one of `specs` for features of type `mode`; the first (`ave` before `hubert`) when `mode` is None.

    Raises ModelError when `mode` contradicts what the file is, OptionError when there is no such mode.
    """
    check_choice("mode", mode, AUDIO_SPECS)
    for spec in specs:
        if mode in (None, spec.audio.name):
            return spec
    found = " or ".join(spec.audio.name for spec in specs)
    raise ModelError(f"{path}: this generator is for {found} features, not {mode}; leave the mode out or correct it")


def _first_line(error: BaseException) -> str:
    return _printable((str(error).splitlines() or [type(error).__name__])[0][:200])


def _printable(text: str) -> str:
    return "".join(letter if letter.isprintable() else "?" for letter in text)
