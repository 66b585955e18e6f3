"""Keep the face states of template frames, in memory or in a file, so that each is computed once."""

import hashlib
import os
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import onnxruntime

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.files.records import FileRecords, MemoryRecords, RecordFile, Records, record_type
from frame_generation_pipeline.generator.program_backend import ProgramGenerator, ProgramState
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.template.planar import planar_record
from frame_generation_pipeline.template.sequence import FrameSequence

MOST_MEMORY = 64 * 2**20  # bytes that are kept in memory at most, by default
SHARE_OF_FREE = 4  # at most this fraction of the free memory, by default
KIND = b"framegen face states "  # how cache files of all versions begin
MAGIC = KIND + b"4\n"


class FaceStates:
    """Gives the states that `ProgramGenerator.encode_face` computes, and keeps them; the results are the same.

    States of frames 0, 1, ... are kept, as many as the budget holds; those of other frames are computed each time. Any
    number of threads may call it, and processes may share a file.
    """

    def __init__(
        self,
        generator: ProgramGenerator,
        frames: int,
        *,
        budget: int | None = None,
        file: Path | None = None,
        fingerprint: str = "",
        beside: np.dtype[np.void] | None = None,
    ) -> None:
        """Make room for the states of a template with `frames` frames.

        budget: bytes; by default a fraction of the free memory, or in a file the bytes of all frames.
        file: keeps the states for later runs. fingerprint: says what they are computed from; a file with another
        fingerprint is replaced.
        beside: the type of a further record of each frame, which users of `self.beside` keep.

        Raises OutputError if the file cannot be written or the disk has no room for it.
        """
        self._generator = generator
        state = record_type([(name, *kind) for name, kind in generator.state_tensors.items()])
        kinds = [state] if beside is None else [state, beside]
        each = sum(kind.itemsize for kind in kinds)
        if budget is None:
            budget = frames * each if file else min(MOST_MEMORY, available_memory() // SHARE_OF_FREE)
        self.places = min(frames, budget // each)
        self.computed = 0  # states that were computed and kept
        self.most_bytes = self.places * each  # once all of them are kept
        kept: list[Records]
        if file is None:
            kept = [MemoryRecords(kind, self.places) for kind in kinds]
        else:
            versions = onnxruntime.__version__, cv2.__version__
            made_from = (fingerprint, *map(str, kinds), str(self.places), *versions)
            header = MAGIC + hashlib.sha256("\n".join(made_from).encode()).digest()
            whole = RecordFile(file, KIND, header, self.places, [kind.itemsize for kind in kinds])
            kept = [FileRecords(whole, part, kind) for part, kind in enumerate(kinds)]
        self._states, self.beside = kept[0], None if beside is None else kept[1]

    @classmethod
    def of(
        cls,
        template: FrameSequence,
        generator: ProgramGenerator,
        runtime: Runtime = Runtime(),
        fingerprint: str = "",
    ) -> Self:
        """States for the frames of `template`, with the records of `PlanarFrames` beside them.

        runtime: says how much is kept and in which file. fingerprint, errors: as in the constructor.
        """
        return cls(
            generator,
            len(template),
            budget=runtime.cache_size,
            file=runtime.cache_file,
            fingerprint=fingerprint,
            beside=planar_record(template),
        )

    def encode_face(self, index: int, crop: Frame) -> ProgramState:
        """The state of template frame `index`, whose crop is `crop` (h, w, 3) uint8 BGR.

        Raises OutputError if the file cannot be read or written any more.
        """
        kept = self._states.find(index)
        if kept is not None:
            return ProgramState({name: kept[name] for name in self._states.kind.names or ()})
        state = self._generator.encode_face(crop)
        self._states.keep(index, state.tensors)
        self.computed += index < self.places
        return state


def available_memory() -> int:
    """Bytes of free memory; a fixed guess on systems that do not report it."""
    try:
        return os.sysconf("SC_AVPHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    except (AttributeError, OSError, ValueError):  # macOS and Windows
        return SHARE_OF_FREE * MOST_MEMORY
