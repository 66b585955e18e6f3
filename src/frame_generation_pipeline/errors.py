"""The errors that this package raises on purpose: each says what was given, what was expected and what to do."""

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path

LIBRARIES = {"av": "FFmpeg", "cv2": "OpenCV", "onnxruntime": "ONNX Runtime"}  # by the Python package
MOST_QUOTED = 200  # characters of a library's message


class FrameGenerationError(Exception):
    """Base of every error below; the command line prints it as one line and exits with status 2."""


class MissingFileError(FrameGenerationError, FileNotFoundError):
    """A file or folder that does not exist."""


class AudioError(FrameGenerationError, ValueError):
    """An audio file that cannot be decoded, has no audio stream or no samples."""


class FeatureError(FrameGenerationError, ValueError):
    """Audio features of the wrong shape or type, with values that are not finite, or an unreadable feature file."""


class TemplateError(FrameGenerationError, ValueError):
    """A template folder with gaps, malformed landmarks, unusable boxes or unreadable images."""


class ModelError(FrameGenerationError, ValueError):
    """A checkpoint or ONNX file that is damaged, of another kind than expected, or not for the stated mode."""


class VideoError(FrameGenerationError, ValueError):
    """A video or folder of frames that cannot be read, or frames that do not fit together."""


class OutputError(FrameGenerationError, OSError):
    """An output that cannot be written: unknown format, missing rights, full disk."""


class OptionError(FrameGenerationError, ValueError):
    """An option or argument whose value is impossible, or options that contradict each other."""


class PackageError(FrameGenerationError, ValueError):
    """An avatar package that is damaged, incomplete, of an unknown version or has forbidden contents."""


class SessionError(FrameGenerationError, RuntimeError):
    """A call that a session's state does not allow: audio after its end, or idle frames while it speaks."""


class TextError(FrameGenerationError, ValueError):
    """A text that cannot be spoken. place: index of the character that is the reason; None for the whole text."""

    def __init__(self, message: str, place: int | None = None) -> None:
        super().__init__(message)
        self.place = place


class VoiceError(FrameGenerationError, RuntimeError):
    """A voice that failed, such as an endpoint that cannot be reached, refuses a text or does not send audio."""


class LibraryError(FrameGenerationError, RuntimeError):
    """FFmpeg, OpenCV or ONNX Runtime failed during the work, for a reason that no check of this package found."""


def check_choice(kind: str, value: str | None, choices: Collection[str]) -> None:
    """Raise an OptionError, which names the choices, unless `value` is one of `choices` or None. kind: its name."""
    if value is not None and value not in choices:
        raise OptionError(f"{kind} {value!r} is unknown; expected one of {', '.join(choices)}")


@contextmanager
def library_errors(doing: str) -> Iterator[None]:
    """Turn errors of FFmpeg, OpenCV or ONNX Runtime into a LibraryError of one line that begins with `doing`.

    Use it around a block, or as the decorator of a public call.
    """
    try:
        yield
    except FrameGenerationError:
        raise
    except Exception as error:
        library = _library_of(error)
        if library is None:
            raise
        raise LibraryError(
            f"{doing}: {library} failed ({quoted(error)}); free memory and space and try again, or report this"
        ) from error


def quoted(error: BaseException) -> str:
    """The first line of an error's message, short and without control characters; its class if it has no message."""
    text = (str(error).splitlines() or [type(error).__name__])[0][:MOST_QUOTED]
    return "".join(letter if letter.isprintable() else "?" for letter in text)


def _library_of(error: Exception) -> str | None:
    """The library that defines the error's class or that raised it; None for other errors."""
    place = error.__traceback__
    while place is not None and place.tb_next is not None:
        place = place.tb_next
    packages = {type(error).__module__.partition(".")[0]}
    if place is not None:
        # Code that Cython compiled has a relative path, as `av/video/frame.py`; other code that of its installation.
        path = Path(place.tb_frame.f_code.co_filename).parts
        packages |= {path[0]} | {after for folder, after in pairwise(path) if folder.endswith("-packages")}
    return next((library for package, library in LIBRARIES.items() if package in packages), None)
