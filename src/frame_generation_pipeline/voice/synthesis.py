"""Speak a text into a folder, sentence by sentence, ahead of whoever takes its audio."""

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
PATIENCE = 1.0  # seconds for the thread to end; an endpoint's answer is not waited for
USUAL = 0.06  # seconds a character takes; for what is left while nothing is spoken yet


class Synthesis:
    """The audio of a text's sentences; a thread of its own speaks them while the `with` block lasts.

    Each is a WAV file in `folder` as soon as it is complete. What lies there already is not spoken again, so that a
    later run of the same text has the same audio, also of a voice that never speaks twice alike.
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
        """The audio at `RATE`, a sentence each, waited for. Raises what speaking it raises."""
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
        """How long the whole is: what is spoken, and for the rest a guess by its letters."""
        with self._changed:
            done = len(self._lengths)
            spoken, letters = sum(self._lengths) / RATE, sum(len(part.text) for part in self._sentences[:done])
        left = sum(len(part.text) for part in self._sentences[done:])
        return spoken + left * (spoken / letters if letters else USUAL)

    def write(self, path: Path) -> None:
        """Write the whole as a WAV file, once all of it is spoken. Raises OutputError."""
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
        except BaseException as error:  # raised where the audio is taken
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
    """Write audio at `RATE` as 16 bits, piece by piece; it has its name once it is complete. Raises OutputError."""
    with complete_file(path) as temporary, wave.open(str(temporary), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE)
        for samples in blocks:
            file.writeframes(pcm16(samples))


def pcm16(samples: VoiceSamples) -> bytes:
    """Samples as 16 bits each, little-endian."""
    levels = np.clip(np.rint(samples * np.float32(FULL_SCALE)), -FULL_SCALE, FULL_SCALE - 1)
    return bytes(levels.astype("<i2").tobytes())


def read_samples(path: Path) -> VoiceSamples:
    """The audio of a file that `write_wav` wrote."""
    with wave.open(str(path), "rb") as file:
        return np.frombuffer(file.readframes(file.getnframes()), "<i2").astype(np.float32) / np.float32(FULL_SCALE)
