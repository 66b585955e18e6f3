"""Read the phones of a recording with their times, which forced alignment or a synthetic voice gives."""

from itertools import pairwise
from math import isfinite
from pathlib import Path
from typing import NamedTuple

from frame_generation_pipeline.errors import FeatureError, MissingFileError
from frame_generation_pipeline.files.json_file import read_json

BILABIAL = ("p", "b", "m")  # phones for which the lips meet
SILENCE = "sil"


class Phone(NamedTuple):
    """A phone: its name in ARPAbet in small letters, or `sil`; its start and end in seconds of the recording."""

    name: str
    start: float
    end: float


def read_phones(path: str | Path) -> tuple[Phone, ...]:
    """Read the phones of a JSON file: a list of `[name, start, end]`, ordered by time.

    Raises MissingFileError; FeatureError for any other content.
    """
    path = Path(path)
    if not path.is_file():
        raise MissingFileError(f"{path}: no such file of phones; give a JSON list of [phone, start, end] in seconds")
    try:
        phones = tuple(_phone(*row) for row in read_json(path))
    except (OSError, ValueError, TypeError) as error:
        raise FeatureError(f"{path}: no list of [phone, start, end] in seconds; write the phones again") from error
    if any(before.start > after.start for before, after in pairwise(phones)):
        raise FeatureError(f"{path}: its phones are not in the order of time; sort them by their start")
    return phones


def _phone(name: object, start: float, end: float) -> Phone:
    if not isinstance(name, str) or not (isfinite(start) and isfinite(end) and start <= end):
        raise ValueError(f"no phone: {name} from {start} to {end}")
    return Phone(name, float(start), float(end))
