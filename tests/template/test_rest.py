import wave
from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from frame_generation_pipeline.audio.features import feature_window
from frame_generation_pipeline.spec import AVE, HUBERT
from frame_generation_pipeline.template.landmarks import lip_opening
from frame_generation_pipeline.template.rest import CLOSED, parted_in_silence, recorded_rest, rest_frame
from frame_generation_pipeline.template.template import Template
from samples import draw, write_template, write_wav


def face(opening: float, tilt: float = 0.0, size: float = 100.0) -> npt.NDArray[np.int32]:
    """110 points; opening in distances of the eyes' corners, tilt in degrees."""
    points = np.zeros((110, 2))
    points[66], points[78], points[54], points[16] = (-0.5, 0), (0.5, 0), (0, 0), (0, 1.2)
    points[103:106] = (-0.1, 0.7), (0, 0.7), (0.1, 0.7)
    points[107:110] = (0.1, 0.7 + opening), (0, 0.7 + opening), (-0.1, 0.7 + opening)
    turn = np.radians(tilt)
    matrix = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    return np.asarray(np.round(size * points @ matrix.T + 300), np.int32)


@pytest.mark.parametrize("tilt", [0, 25])
@pytest.mark.parametrize("size", [100, 240])
@pytest.mark.parametrize("opening", [0, 0.05, 0.3])
def test_lip_opening(opening: float, tilt: float, size: float) -> None:
    assert lip_opening(face(opening, tilt, size)) == pytest.approx(opening, abs=1.5 / size)


def test_points_that_are_no_face_are_not_closed() -> None:
    assert lip_opening(np.full((110, 2), 7, np.int32)) > CLOSED


def test_middle_of_the_longest_stretch() -> None:
    openings = [0.2] * 60
    assert rest_frame(openings, AVE) is None
    openings[5:18] = [0.0] * 13  # 8 to 17 count, as windows of 5 to 7 reach beyond the beginning
    assert rest_frame(openings, AVE) == 12
    openings[30:41] = [0.01] * 11
    assert rest_frame(openings, AVE) == 35
    assert rest_frame(openings, AVE, cuts=(28,)) == 12  # 36 to 40
    openings[35] = 0.1
    assert rest_frame(openings, AVE) == 12
    assert rest_frame([0.0] * 20, AVE) is None
    assert rest_frame([], AVE) is None


def test_window_of_the_recording(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "t", 30, size=(256, 192))
    assert recorded_rest(Template.open(folder), AVE) is None  # no features
    features = draw("features", (28, 512))
    np.save(folder / "aud_ave.npy", features)
    assert recorded_rest(Template.open(folder), AVE) is None  # no rest
    for path in (folder / "landmarks").iterdir():
        points = np.loadtxt(path)
        points[[66, 78, 54, 16]] = (40, 50), (70, 50), (50, 40), (50, 90)
        np.savetxt(path, points)
    rest = recorded_rest(Template.open(folder), AVE)
    assert rest is not None
    np.testing.assert_array_equal(rest, feature_window(features, 14, AVE))
    assert recorded_rest(Template.open(folder), HUBERT) is None
    with wave.open(str(folder / "aud.wav"), "wb") as file:  # speech from frame 19 on
        file.setparams((1, 2, 16_000, 0, "NONE", "NONE"))
        samples = (2000 * draw("audio", (30 * 640,))).astype("<i2") * np.repeat(np.arange(30) >= 19, 640)
        file.writeframes(samples.tobytes())
    np.testing.assert_array_equal(recorded_rest(Template.open(folder), AVE), feature_window(features, 13, AVE))
    (folder / "aud.wav").unlink()
    write_wav(folder / "aud.wav", 1.2)  # speech throughout
    np.testing.assert_array_equal(recorded_rest(Template.open(folder), AVE), rest)


def test_lips_apart_in_pauses(tmp_path: Path) -> None:
    folder = write_template(tmp_path / "t", 40, size=(256, 192))
    for number in range(40):
        path = folder / "landmarks" / f"{number}.lms"
        points = np.loadtxt(path)
        points[[66, 78, 54, 16]] = (40, 50), (70, 50), (50, 40), (50, 90)
        smiles = number < 6 or 18 <= number < 31
        points[107:110] += (0, 0 if number in (3, 15) else 6 if smiles else 2)
        np.savetxt(path, points)
    template = Template.open(folder)
    assert parted_in_silence(template, AVE) == []  # no audio
    quiet = np.repeat([i < 6 or 12 <= i < 16 or 20 <= i < 28 or i >= 38 for i in range(40)], 640)  # one as of a stop
    audio = draw("audio", (40 * 640,)) * np.where(quiet, 30, 3000)
    for faint in (1, 20):
        with wave.open(str(folder / "aud.wav"), "wb") as file:
            file.setparams((1, 2, 16_000, 0, "NONE", "NONE"))
            file.writeframes((audio / faint).astype("<i2").tobytes())
        assert parted_in_silence(template, AVE) == [0, 1, 2, 4, 5, *range(18, 31)]
    landmarks = (folder / "landmarks" / "20.lms").read_bytes()
    for path in (folder / "landmarks").iterdir():  # lips that always are as far apart are no smile
        path.write_bytes(landmarks)
    assert parted_in_silence(Template.open(folder), AVE) == [*range(6), *range(20, 28)]
