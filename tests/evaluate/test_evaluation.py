import json
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.arrays import Features, Frame, Samples, Window
from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.errors import FeatureError, OptionError
from frame_generation_pipeline.evaluate.definitions import DEFINITIONS
from frame_generation_pipeline.evaluate.evaluation import Evaluation, evaluate, training_part
from frame_generation_pipeline.evaluate.phones import Phone
from frame_generation_pipeline.spec import AVE, BLENDS, HUBERT, REFERENCE, STREAMING
from frame_generation_pipeline.template.template import Template
from speaker import FRAMES, HELD_OUT, Oracle, features_of


def number(evaluation: Evaluation, figure: str, subject: str = "output") -> float:
    """A figure that must have a value."""
    value = evaluation.number(figure, subject)
    assert value is not None, evaluation.values[figure][subject].reason
    return value


class Silence:
    """An audio program that gives zeros."""

    spec = AVE

    def features(self, samples: Samples, first: int, count: int) -> Features:
        assert not samples.any()
        return np.zeros((count, *self.spec.feature_shape), np.float32)


@pytest.fixture(scope="module")
def oracle(recording: Path) -> Oracle:
    return Oracle(recording)


@pytest.fixture(scope="module")
def known(recording: Path, oracle: Oracle) -> Evaluation:
    """The evaluation of what knows the truth, with everything there is; pasted hard, since its heads are elsewhere."""
    steps = []
    evaluation = evaluate(
        oracle,
        Template.open(recording),
        features_of(recording),
        HELD_OUT,
        audio=recording / "aud.wav",
        strips=4,
        blend="reference",
        progress=lambda done, total, note="": steps.append((done, total)),
    )
    assert steps[-1][0] == steps[-1][1]
    assert [done for done, _ in steps] == [*range(1, steps[-1][1] + 1)]
    return evaluation


def test_truth_is_found_to_be_good(known: Evaluation) -> None:
    for name, low, high in (
        ("face_psnr", 30, 60),  # two resizings from the recording
        ("face_ssim", 0.95, 1),
        ("mouth_psnr", 28, 60),
        ("mouth_ssim", 0.9, 1),
        ("lip_distance", 0, 1.5),
        ("lip_distance_px", 0, 3),
        ("opening_correlation", 0.97, 1),
        ("lag", -6, 6),
        ("seam", 0.8, 1.1),
        ("inner_seam", 0.7, 1.1),
        ("lip_jitter", 0.8, 1.2),
        ("mouth_jitter", 0.7, 1.1),
        ("mouth_sharpness", 0.3, 1),
    ):
        assert low <= number(known, name) <= high, (name, number(known, name))
    for subject in ("template", "random"):
        assert number(known, "mouth_psnr", subject) < number(known, "mouth_psnr") - 3
        assert number(known, "mouth_ssim", subject) < number(known, "mouth_ssim") - 0.02
        assert number(known, "lip_distance", subject) > number(known, "lip_distance")
        assert abs(number(known, "opening_correlation", subject)) < 0.8
    assert number(known, "mouth_jitter", "random") > 1.3
    assert known.missed == 0


def test_dubbing_is_compared_with_the_audio(known: Evaluation) -> None:
    assert number(known, "opening_correlation", "dubbing") > 0.9
    assert abs(number(known, "lag", "dubbing")) < 12
    assert number(known, "opening_correlation", "unchanged") < 0.8
    assert number(known, "seam", "dubbing") == pytest.approx(1, abs=0.2)


def test_the_truth_is_never_shown(recording: Path, oracle: Oracle, known: Evaluation) -> None:
    """In the reconstruction: the reference image is another frame's, and the masked one has no mouth."""
    template, count = Template.open(recording), len(HELD_OUT)
    assert oracle.indices[:count] == list(HELD_OUT)
    x, y, width, height = oracle.spec.face.mask
    same = Oracle(recording)
    for index, image in zip(HELD_OUT, oracle.seen, strict=False):
        frame = template.read(index)
        own = same.encode_face(frame.box.cut(frame.image)).encoded
        assert not image[0, 3:, y : y + height, x : x + width].any()
        assert np.abs(image[0, :3] - own[0, :3]).mean() > 0.005
        np.testing.assert_array_equal(image[0, 3:], own[0, 3:])


def test_late_lips_are_late(recording: Path) -> None:
    template = Template.open(recording)
    evaluation = evaluate(Oracle(recording, late=2), template, features_of(recording), HELD_OUT, strips=0)
    assert number(evaluation, "lag") == pytest.approx(80, abs=12)
    assert number(evaluation, "opening_correlation") < 0.8
    assert evaluation.strips == ()
    for name, subject in (("silence_motion", "output"), ("silence_motion", "recording")):
        assert evaluation.values[name][subject].reason == "the template has no audio"
    assert "audio encoder" in str(evaluation.values["silence_opening"]["dubbing"].reason)


def test_json_is_strict_and_says_what_is_what(known: Evaluation) -> None:
    written = json.loads(json.dumps(known.to_json(), allow_nan=False))
    assert written["held_out"] == [HELD_OUT.start, HELD_OUT.stop]
    assert list(written["figures"]) == list(DEFINITIONS)
    assert all(figure["definition"] and figure["better"] for figure in written["figures"].values())
    assert written["figures"]["lag"]["unit"] == "ms"
    assert [len(curve) for curve in written["openings"].values()] == [len(HELD_OUT)] * 3
    assert len(written["loudness"]) == len(HELD_OUT)
    for figure in written["figures"].values():
        assert all((figure["values"][name] is None) == (name in figure["reasons"]) for name in figure["values"])
    assert known.strips[0].shape == (272, 960, 3)
    assert len(known.strips) == 4


def test_same_arguments_same_figures(recording: Path) -> None:
    template, features = Template.open(recording), features_of(recording)
    first, second, other = (
        evaluate(Oracle(recording), template, features, range(60, 65), seed=seed).to_json() for seed in (0, 0, 1)
    )
    assert first == second
    assert first["figures"]["mouth_psnr"] != other["figures"]["mouth_psnr"]
    assert first["figures"]["silence_opening"] == other["figures"]["silence_opening"]


def test_digital_silence_and_silent_parts(recording: Path) -> None:
    """On silence the oracle, which hears frame 0, holds the lips still; the template's own move."""
    held = range(60, 72)

    evaluation = evaluate(Oracle(recording), Template.open(recording), features_of(recording), held, encoder=Silence())
    assert number(evaluation, "silence_opening", "unchanged") > 1
    assert number(evaluation, "silence_opening", "dubbing") < 0.5 * number(evaluation, "silence_opening", "unchanged")
    assert "20 are needed" in str(evaluation.values["lag"]["output"].reason)


def test_phones_are_held_against_the_lips(recording: Path) -> None:
    """An oracle's lips meet where the drawn ones do; phones before the held-out part do not count."""
    phones = [Phone("m", i / 25, (i + 1) / 25) for i in range(80)]
    evaluation = evaluate(
        Oracle(recording),
        Template.open(recording),
        features_of(recording),
        HELD_OUT,
        phones=[*phones, Phone("sil", 2.0, 3.2)],
        encoder=Silence(),
        blend=REFERENCE,
    )
    assert number(evaluation, "closure", "recording") == 100
    assert number(evaluation, "closure", "output") > 90
    assert 0 < number(evaluation, "resting", "recording") < 100
    assert number(evaluation, "resting", "output") == pytest.approx(number(evaluation, "resting", "recording"), abs=20)


def test_a_package_can_only_be_used(recording: Path) -> None:
    """The programs of a package take one crop: no reconstruction, but everything of dubbing."""

    class Programs:
        concurrency = 1
        blends = BLENDS

        def __init__(self) -> None:
            self._oracle = Oracle(recording)
            self.spec = self._oracle.spec

        def encode_face(self, crop: Frame) -> Any:
            return self._oracle.encode_face(crop)

        def render(
            self,
            state: Any,
            window: Window,
            crop: Frame,
            keep: npt.NDArray[np.bool_] | None = None,
            blend: str = REFERENCE,
        ) -> Frame:
            return self._oracle.render(state, window, crop, keep, blend)

    held = range(50, 74)
    evaluation = evaluate(
        Programs(), Template.open(recording), features_of(recording), held, audio=recording / "aud.wav"
    )
    assert number(evaluation, "opening_correlation", "dubbing") > 0.9
    assert number(evaluation, "mouth_psnr", "random") > 10
    for name, values in evaluation.values.items():
        if "output" in values:
            assert "reconstruction needs a checkpoint" in str(values["output"].reason), name
    assert set(evaluation.openings["output"]) == {None}
    assert evaluation.strips == ()


def test_no_face_gives_no_values(template_dir: Path) -> None:
    """Images of noise: what needs no face has a value all the same."""
    folder = template_dir
    features = AudioFeatures(np.repeat(np.arange(40, dtype=np.float32)[:, None], 512, axis=1), AVE)
    for index in range(3, 40):
        for part, suffix in (("full_body_img", "jpg"), ("landmarks", "lms")):
            (folder / part / f"{index}.{suffix}").write_bytes((folder / part / f"{index % 3}.{suffix}").read_bytes())
    evaluation = evaluate(Oracle(folder), Template.open(folder), features, range(30, 34), encoder=Silence())
    assert evaluation.missed == 4
    assert number(evaluation, "face_psnr") > 20
    assert evaluation.values["mouth_psnr"]["output"].reason == "no frame shows a face"
    assert str(evaluation.values["mouth_jitter"]["output"].reason).startswith("no three frames")
    assert evaluation.values["silence_opening"]["dubbing"].reason == "no frame shows a face"


def test_impossible_parts(recording: Path) -> None:
    template, features = Template.open(recording), features_of(recording)
    for held in (range(70, 82), range(70, 72), range(0)):
        with pytest.raises(OptionError, match="choose 3 or more from 0:80"):
            evaluate(Oracle(recording), template, features, held)
    with pytest.raises(OptionError, match="hold less out"):
        evaluate(Oracle(recording), template, features, range(5, 75))
    wrong = AudioFeatures(np.zeros((80, 2, 1024), np.float32), HUBERT)
    with pytest.raises(FeatureError, match="hubert features; the generator is for ave"):
        evaluate(Oracle(recording), template, wrong, HELD_OUT)
    other = Silence()
    other.spec = HUBERT
    with pytest.raises(OptionError, match="the audio encoder gives hubert features"):
        evaluate(Oracle(recording), template, features, HELD_OUT, encoder=other)
    assert training_part(FRAMES, range(20, 30), AVE) == [*range(12), *range(38, 80)]
    assert training_part(FRAMES, range(20, 30), STREAMING) == [*range(16), *range(42, 80)]
