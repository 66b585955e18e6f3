"""Face states of template frames, kept so that a frame seen again costs nothing: in memory or in a mapped file."""

import hashlib
import mmap
import os
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import numpy.typing as npt
import onnxruntime

from frame_generation_pipeline.errors import OutputError
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.generator.program_backend import ProgramGenerator, ProgramState

MOST_MEMORY = 64 * 2**20  # bytes that are kept in memory at most, when nobody says how many
SHARE_OF_FREE = 4  # and never more than this part of what is free
MAGIC = b"framegen face states 1\n"
ALIGNMENT = 64  # bytes; tensors begin at multiples, states and the header fill whole pages


class FaceStates:
    """`ProgramGenerator.encode_face` with a memory; what it gives does not depend on what it kept.

    Frames 0, 1, ... up to the budget have a place, each is kept once it was needed, and the others are computed every
    time. Any number of threads may ask, and processes share a file.
    """

    def __init__(
        self,
        generator: ProgramGenerator,
        frames: int,
        *,
        budget: int | None = None,
        file: Path | None = None,
        fingerprint: str = "",
    ) -> None:
        """States for the `frames` frames of a template.

        budget: bytes; without it a part of the free memory, or, in a file, as many as there are frames.
        file: keeps the states from one run to the next; `fingerprint` tells what they were made from, and a file of
        something else is replaced.

        Raises OutputError when the file cannot be written or has no room.
        """
        self._generator = generator
        self._record = _record(generator.state_tensors)
        if budget is None:
            budget = frames * self._record.itemsize if file else min(MOST_MEMORY, available_memory() // SHARE_OF_FREE)
        self.places = min(frames, budget // self._record.itemsize)
        self._file: mmap.mmap | None = None
        if file is None:
            self._kept = np.zeros(self.places, np.uint8)
            self._states = np.zeros(self.places, self._record)  # pages that nobody wrote take no memory
        else:
            header, first, size = self._layout(fingerprint)
            self._file = _mapped(file, header, size)
            whole = np.frombuffer(self._file, np.uint8)
            self._kept, self._states = whole[len(header) :][: self.places], whole[first:].view(self._record)

    def encode_face(self, index: int, crop: npt.NDArray[np.uint8]) -> ProgramState:
        """The state of template frame `index`, whose crop is `crop` (h, w, 3) uint8 BGR."""
        if index >= self.places:
            return self._generator.encode_face(crop)
        place = self._states[index]
        if self._kept[index]:
            state = ProgramState({name: place[name] for name in self._record.names or ()})
            if self._file is None:
                return state
            state = ProgramState({name: tensor.copy() for name, tensor in state.tensors.items()})
        else:
            state = self._generator.encode_face(crop)
            for name, tensor in state.tensors.items():
                place[name] = tensor
            self._kept[index] = 1  # last, so that nobody sees half a state
        if self._file is not None and hasattr(mmap, "MADV_DONTNEED"):
            # The pages stay in the system's cache of the file, but are no longer this process's memory.
            start = len(self._file) - (self.places - index) * self._record.itemsize
            self._file.madvise(mmap.MADV_DONTNEED, start, self._record.itemsize)
        return state

    def _layout(self, fingerprint: str) -> tuple[bytes, int, int]:
        """What a file begins with, where its states begin, and its size."""
        made_from = (fingerprint, str(self._record), str(self.places), onnxruntime.__version__)
        header = MAGIC + hashlib.sha256("\n".join(made_from).encode()).digest()
        first = _whole_pages(len(header) + self.places)
        return header, first, first + self.places * self._record.itemsize


def _mapped(file: Path, header: bytes, size: int) -> mmap.mmap:
    """The file, mapped; one that is not there or begins otherwise is made anew, with nothing kept."""
    try:
        with file.open("rb") as existing:
            fits = existing.read(len(header)) == header and file.stat().st_size == size
    except FileNotFoundError:
        fits = False
    except OSError as error:
        raise OutputError(f"{file}: cannot be read ({error.strerror}); choose another cache file") from error
    if not fits:
        with complete_file(file) as temporary, temporary.open("wb") as new:
            new.write(header)
            if hasattr(os, "posix_fallocate"):  # room that is missing shows now, not as a crash later
                os.posix_fallocate(new.fileno(), 0, size)
            new.truncate(size)
    with file.open("r+b") as opened:
        return mmap.mmap(opened.fileno(), size)


def available_memory() -> int:
    """Bytes of memory that nobody uses, as far as the system tells."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # neither macOS nor Windows tell
        return SHARE_OF_FREE * MOST_MEMORY


def _record(tensors: Mapping[str, tuple[npt.DTypeLike, tuple[int, ...]]]) -> np.dtype[np.void]:
    """One state as a record of whole pages, its tensors aligned."""
    names, formats, offsets, end = [], [], [], 0
    for name, (dtype, shape) in tensors.items():
        names.append(name)
        formats.append((dtype, shape))
        offsets.append(end)
        end += -(-int(np.prod(shape)) * np.dtype(dtype).itemsize // ALIGNMENT) * ALIGNMENT
    return np.dtype({"names": names, "formats": formats, "offsets": offsets, "itemsize": _whole_pages(end)})


def _whole_pages(size: int) -> int:
    return -(-size // mmap.PAGESIZE) * mmap.PAGESIZE
