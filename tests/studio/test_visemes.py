import json
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from studio.presenter.phones import KNOWN, SILENCE, Phone
from studio.presenter.state import SEAL
from studio.presenter.visemes import ARTICULATORS, FPS, JAW, PHONES, articulate, track, weights

# By how much a weight parts the lips of the presenter's head where they are not sealed, in distances between the eyes'
# outer corners as the tracker sees both: least squares over 14 sentences, and 378 frames that were drawn and tracked.
PARTS = {"jawOpen": 0.268, "mouthFunnel": 0.094, "mouthUpperUpLeft": 0.036, "mouthLowerDownLeft": 0.019}
SAID = Path(__file__).with_name("phones_said.json")  # of six sentences by six voices


def phones_in_order(*names: str, length: float = 0.2) -> list[Phone]:
    """Phones of one length between silences."""
    return [Phone(name, index * length, (index + 1) * length) for index, name in enumerate([SILENCE, *names, SILENCE])]


def middle(name: str) -> dict[str, float]:
    """Articulators in the middle of a phone between silences."""
    return {key: float(value[0]) for key, value in articulate(phones_in_order(name), np.array([0.3])).items()}


def test_every_phone_has_targets() -> None:
    assert set(PHONES) == KNOWN | {SILENCE}


@pytest.mark.parametrize("name", sorted(PHONES))
def test_articulators_stay_in_their_range(name: str) -> None:
    for label, values in articulate(phones_in_order("aa", name, "uw"), np.linspace(-0.5, 1.5, 200)).items():
        assert values.min() >= 0, label
        assert values.max() <= 1 + 1e-9, label


@pytest.mark.parametrize("name", ["p", "b", "m"])
@pytest.mark.parametrize("vowel", ["aa", "iy", "uw"])
def test_lips_meet_whatever_the_neighbours_want(name: str, vowel: str) -> None:
    moves = articulate([Phone(vowel, 0.0, 0.2), Phone(name, 0.2, 0.26), Phone(vowel, 0.26, 0.5)], np.array([0.1, 0.22]))
    assert moves["seal"] == pytest.approx([0, 1])


@pytest.mark.parametrize("name", ["f", "v"])
def test_the_lower_lip_meets_the_teeth(name: str) -> None:
    assert middle(name)["bite"] == pytest.approx(1)
    assert middle(name)["seal"] == pytest.approx(0)


def test_a_closure_lasts_longer_than_a_frame_however_short_its_phone() -> None:
    times = np.arange(0, 0.5, 0.001)
    moves = articulate([Phone("aa", 0.0, 0.2), Phone("m", 0.2, 0.22), Phone("aa", 0.22, 0.5)], times)
    assert (moves["seal"] > 0.99).sum() / 1000 > 1 / FPS


def test_vowels_are_ordered_by_openness() -> None:
    jaws = [middle(name)["jaw"] for name in ("aa", "ah", "ih", "iy")]
    assert jaws == sorted(jaws, reverse=True)


def test_stressed_vowels_open_wider_and_keep_their_shape_beside_their_neighbours() -> None:
    def jaw(stress: int) -> float:
        phones = [Phone("s", 0.0, 0.1), Phone("ae", 0.1, 0.2, stress), Phone("s", 0.2, 0.3)]
        return float(articulate(phones, np.array([0.15]))["jaw"][0])

    assert jaw(1) > 1.08 * jaw(2) > 1.15 * jaw(0)


def test_lips_round_spread_and_flare_for_their_phones() -> None:
    shapes = {name: middle(name) for name in ("uw", "iy", "sh", "aa")}
    for articulator, phone in (("round", "uw"), ("spread", "iy"), ("flare", "sh"), ("jaw", "aa")):
        assert max(shapes, key=lambda name: shapes[name][articulator]) == phone


def test_a_vowel_is_rounded_before_a_rounded_neighbour_begins() -> None:
    at = np.array([0.38])
    assert (
        articulate(phones_in_order("iy", "w"), at)["round"][0]
        > articulate(phones_in_order("iy", "s"), at)["round"][0] + 0.1
    )


def test_the_mouth_rests_in_silence_and_far_from_everything() -> None:
    quiet = articulate([Phone(SILENCE, 0.0, 1.0)], np.array([0.5]))
    assert quiet["seal"][0] == pytest.approx(1)
    assert max(quiet[name][0] for name in ARTICULATORS) == 0
    far = articulate([Phone("aa", 0.0, 0.1)], np.array([5.0]))
    assert far["jaw"][0] < 1e-6


def test_weights_are_those_of_a_symmetric_face() -> None:
    moment = weights(dict.fromkeys([*ARTICULATORS, "seal"], 0.5))
    assert moment[SEAL] == 0.5
    left = {name.removesuffix("Left"): value for name, value in moment.items() if name.endswith("Left")}
    right = {name.removesuffix("Right"): value for name, value in moment.items() if name.endswith("Right")}
    assert left == right
    assert left
    assert all(0 < value < 1 for value in moment.values())


def test_a_mouth_at_rest_has_no_weights() -> None:
    assert set(weights(dict.fromkeys([*ARTICULATORS, "seal"], 0.0)).values()) == {0.0}


def test_a_frame_shows_the_middle_of_its_exposure() -> None:
    phones = [Phone("aa", 0.0, 0.06), Phone("m", 0.06, 0.14)]
    frames, moves, labels = track(phones, 4)
    assert labels == ["aa", "m", "m", SILENCE]  # told at 20, 60, 100 and 140 ms
    assert [frame["jawOpen"] for frame in frames] == pytest.approx(list(JAW * moves["jaw"]))
    assert moves["jaw"] == pytest.approx(articulate(phones, np.array([0.02, 0.06, 0.10, 0.14]))["jaw"])


def openings(phones: list[Phone]) -> npt.NDArray[np.float64]:
    """(N,) of the lips in each frame, over the distance between the eyes' outer corners."""
    frames, _, _ = track(phones, round(phones[-1].end * FPS))
    return np.array([(1 - frame[SEAL]) * sum(PARTS[name] * frame[name] for name in PARTS) for frame in frames])


def test_mouths_open_as_wide_as_those_of_people() -> None:
    said = [openings([Phone(*row) for row in rows]) for rows in json.loads(SAID.read_text())]
    opened = np.concatenate(said)
    assert 0.030 < opened.std() < 0.045  # of real speakers 0.025 to 0.063
    assert 0.12 < opened.max() < 0.20  # of two of them 0.14 and 0.17 in one frame of twenty
    assert (opened < 0.002).mean() > 0.1
