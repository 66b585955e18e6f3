"""Find what a prepared template has beside frames and landmarks: features, and the cuts of its recording."""

from pathlib import Path

from frame_generation_pipeline.errors import MissingFileError, OptionError, TemplateError
from frame_generation_pipeline.files.json_file import read_json

SUMMARY, AUDIO = "prepare.json", "aud.wav"


def features_name(mode: str) -> str:
    """The name of the file of features of type `mode` in a template's folder, as in the original."""
    return f"aud_{mode}.npy"


def find_features(folder: Path, mode: str | None = None) -> Path:
    """Find the feature file in a template's folder: that of type `mode` if there is one, otherwise the only one.

    Raises MissingFileError if there is none, OptionError if there are several.
    """
    if mode is not None and (folder / features_name(mode)).is_file():
        return folder / features_name(mode)
    files = sorted(folder.glob(features_name("*")))
    if not files:
        raise MissingFileError(
            f"{folder}: no {features_name('*')}; prepare a recording with audio, or name a feature file"
        )
    if len(files) > 1:
        raise OptionError(f"{folder}: has {', '.join(path.name for path in files)}; name the one to use")
    return files[0]


def recording_cuts(folder: Path) -> tuple[int, ...]:
    """The frames before which the recording was cut, as `prepare.json` states them. Raises TemplateError."""
    path = folder / SUMMARY
    if not path.is_file():
        return ()
    try:
        return tuple(int(part["first"]) for part in read_json(path)["ranges"][1:])
    except (OSError, ValueError, KeyError, TypeError, OverflowError) as error:
        raise TemplateError(f"{path}: is damaged; prepare the recording again") from error
