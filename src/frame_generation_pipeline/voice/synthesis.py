"""Speak a text into a folder, sentence by sentence, ahead of the thread that takes its audio."""

import threading
import wave
from collections.abc import Iterator, Sequence
from pathlib import Path
from types import TracebackType
from typing import Self

import numpy as np

from frame_generation_pipeline.errors import SessionError
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.voice.protocol import RATE, Voice, VoiceSamples, spoken
from frame_generation_pipeline.voice.sentences import Sentence

FULL_SCALE = 32_768  # of 16 bits
PATIENCE = 1.0  # seconds for the thread to end; it may still wait for an endpoint
USUAL = 0.06  # seconds for a character, to guess the length before anything is spoken


class Synthesis:
    """Speaks a text's sentences in a thread of its own during the `with` block.

    Each complete sentence is a WAV file in `folder`. Sentences that are there already are not spoken again, so a later
    run of the same text has the same audio, even if the voice never speaks the same way twice.
    """

    def __init__(self, voice: Voice, text: str, sentences: Sequence[Sentence], folder: Path) -> None:
        self._voice, self._text, self._sentences, self._folder = voice, text, sentences, folder
        self._lengths: list[int] = []  # samples of each complete sentence
        self._failed: BaseException | None = None
        self._changed = threading.Condition()
        self._wanted = True
        self._thread = threading.Thread(target=self._work, name="synthesis", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with self._changed:
            self._wanted = False
            self._changed.notify_all()
        self._thread.join(PATIENCE)

    def blocks(self) -> Iterator[VoiceSamples]:
        """Yield the audio at `RATE`, one sentence at a time, waiting for each. Raises the errors of the voice."""
        for number in range(len(self._sentences)):
            with self._changed:
                while len(self._lengths) <= number and self._wanted and self._failed is None:
                    self._changed.wait()
                if len(self._lengths) <= number:
                    if self._failed is not None:
                        raise self._failed
                    return
            yield read_samples(self._path(number))

    def seconds(self) -> float:
        """The length of the audio: of the spoken sentences, and a guess by the letters for the rest."""
        with self._changed:
            done = len(self._lengths)
            spoken, letters = sum(self._lengths) / RATE, sum(len(part.text) for part in self._sentences[:done])
        left = sum(len(part.text) for part in self._sentences[done:])
        return spoken + left * (spoken / letters if letters else USUAL)

    def write(self, path: Path) -> None:
        """Write the complete audio as a WAV file, after all sentences are spoken. Raises OutputError."""
        write_wav(path, self.blocks())

    def _work(self) -> None:
        try:
            for number, sentence in enumerate(self._sentences):
                path = self._path(number)
                if not path.is_file():
                    write_wav(path, self._as_long_as_wanted(spoken(self._voice, self._text, sentence, number)))
                length = len(read_samples(path))
                with self._changed:
                    self._lengths.append(length)
                    self._changed.notify_all()
        except BaseException as error:  # raised in the thread that takes the audio
            with self._changed:
                self._failed = error
                self._changed.notify_all()

    def _as_long_as_wanted(self, blocks: Iterator[VoiceSamples]) -> Iterator[VoiceSamples]:
        """The blocks; raises where nobody wants them any more, so that nothing more is written."""
        for samples in blocks:
            if not self._wanted:
                break
            yield samples
        if not self._wanted:
            raise SessionError("the synthesis was ended before all was spoken")

    def _path(self, number: int) -> Path:
        return self._folder / f"{number:05d}.wav"


def write_wav(path: Path, blocks: Iterator[VoiceSamples]) -> None:
    """Write audio at `RATE` with 16 bits; the file gets its name when it is complete. Raises OutputError."""
    with complete_file(path) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for samples in blocks:
            file.writeframes(pcm16(samples))


def pcm16(samples: VoiceSamples) -> bytes:
    """Convert samples to 16 bits each, little-endian."""
    levels = np.clip(np.rint(samples * np.float32(FULL_SCALE)), -FULL_SCALE, FULL_SCALE - 1)
    return bytes(levels.astype("<i2").tobytes())


def read_samples(path: Path) -> VoiceSamples:
    """Read the audio of a file from `write_wav`."""
    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / np.float32(FULL_SCALE)
