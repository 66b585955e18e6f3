import wave
from fractions import Fraction
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
from av.audio.frame import AudioFrame

from frame_generation_pipeline.errors import AudioError, MissingFileError
from frame_generation_pipeline.media.audio_encoder import read_audio, stream_layout
from frame_generation_pipeline.media.audio_reader import probe_audio
from frame_generation_pipeline.media.codecs import CONTAINERS, H264, VP9


def write_wav(path: Path, samples: npt.NDArray[Any], rate: int) -> Path:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(samples.shape[1])
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(samples.astype("<i2").tobytes())
    return path


def read(path: Path, rate: int, layout: str, start: float = 0.0, end: float | None = None) -> npt.NDArray[np.float32]:
    return np.concatenate(list(read_audio(path, rate, layout, start, end)))


@pytest.fixture
def noise(tmp_path: Path) -> tuple[Path, npt.NDArray[np.float64]]:
    samples = np.random.default_rng(0).integers(-20_000, 20_000, (30_000, 2))
    return write_wav(tmp_path / "noise.wav", samples, 44_100), samples / 32_768


def test_samples_are_those_of_the_file(noise: tuple[Path, npt.NDArray[np.float64]]) -> None:
    path, samples = noise
    assert stream_layout(path) == (44_100, "stereo")
    decoded = read(path, 44_100, "stereo")
    assert decoded.dtype == np.float32
    np.testing.assert_allclose(decoded, samples, atol=1e-6)


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.1), (0.25, None), (0.1, 0.3), (1 / 44_100, 2 / 44_100)])
def test_cut_is_exact_to_the_sample(
    noise: tuple[Path, npt.NDArray[np.float64]], start: float, end: float | None
) -> None:
    path, samples = noise
    first, last = round(start * 44_100), None if end is None else round(end * 44_100)
    np.testing.assert_allclose(read(path, 44_100, "stereo", start, end), samples[first:last], atol=1e-6)


def test_resampled_audio_has_the_right_length(noise: tuple[Path, npt.NDArray[np.float64]]) -> None:
    path, samples = noise
    decoded = read(path, 48_000, "mono")
    assert decoded.shape[1] == 1
    assert abs(len(decoded) - len(samples) * 48_000 / 44_100) <= 1


def test_gaps_are_silence(tmp_path: Path, noise: tuple[Path, npt.NDArray[np.float64]]) -> None:
    _, samples = noise
    with av.open(str(tmp_path / "gap.mka"), "w", format="matroska") as container:
        stream = container.add_stream("pcm_f32le", rate=44_100)
        stream.layout = "mono"
        for index in range(3):
            piece = np.ascontiguousarray(samples[None, index * 1000 : (index + 1) * 1000, 0], np.float32)
            frame = AudioFrame.from_ndarray(piece, format="flt", layout="mono")
            frame.sample_rate, frame.pts, frame.time_base = 44_100, 20_000 + index * 50_000, Fraction(1, 44_100)
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    found = read(tmp_path / "gap.mka", 44_100, "mono")
    decoded = np.flatnonzero(found[:, 0])
    np.testing.assert_allclose(found[decoded], samples[:3000, :1], atol=1e-6)
    np.testing.assert_allclose(decoded[::1000], [0, 50_000, 100_000], atol=50)  # Matroska has milliseconds


@pytest.mark.parametrize(("channels", "layout"), [(1, "mono"), (2, "stereo"), (6, "5.1"), (8, "7.1")])
def test_plain_wav_gets_the_usual_layout(tmp_path: Path, channels: int, layout: str) -> None:
    path = write_wav(tmp_path / "a.wav", np.zeros((100, channels)), 8000)
    assert stream_layout(path) == (8000, layout)


def test_unusable_files(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match="gone"):
        stream_layout(tmp_path / "gone.wav")
    with pytest.raises(AudioError, match="no audio could be decoded"):
        stream_layout(write_wav(tmp_path / "empty.wav", np.zeros((0, 1)), 8000))
    with pytest.raises(AudioError, match="has 9 channels"):
        stream_layout(write_wav(tmp_path / "nine.wav", np.zeros((100, 9)), 8000))
    with pytest.raises(AudioError, match="is a folder"):
        stream_layout(tmp_path)
    with av.open(str(tmp_path / "silent.mkv"), "w") as container:
        stream = container.add_stream("libx264", rate=25)
        container.mux(stream.encode(av.VideoFrame(640, 480, "yuv420p")))
        container.mux(stream.encode(None))
    with pytest.raises(AudioError, match="has no audio stream"):
        stream_layout(tmp_path / "silent.mkv")


def test_damaged_packets_are_left_out_as_in_the_features(
    tmp_path: Path, noise: tuple[Path, npt.NDArray[np.float64]]
) -> None:
    _, samples = noise
    with av.open(str(tmp_path / "a.aac"), "w") as container:
        stream = container.add_stream("aac", rate=44_100)
        frame = AudioFrame.from_ndarray(np.float32(samples).reshape(1, -1), format="flt", layout="stereo")
        frame.sample_rate, frame.pts, frame.time_base = 44_100, 0, Fraction(1, 44_100)
        container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    data = bytearray((tmp_path / "a.aac").read_bytes())
    data[len(data) // 2 : len(data) // 2 + 700] = bytes(range(100)) * 7
    (tmp_path / "damaged.aac").write_bytes(data)
    decoded = len(read(tmp_path / "damaged.aac", 44_100, "stereo"))
    assert decoded == round(probe_audio(tmp_path / "damaged.aac").duration * 44_100)
    assert 0 < decoded < len(read(tmp_path / "a.aac", 44_100, "stereo"))


def test_samples_that_are_not_finite(tmp_path: Path) -> None:
    with av.open(str(tmp_path / "nan.wav"), "w") as container:
        stream = container.add_stream("pcm_f32le", rate=8000)
        stream.layout = "mono"
        frame = AudioFrame.from_ndarray(np.full((1, 100), np.nan, np.float32), format="flt", layout="mono")
        frame.sample_rate = 8000
        container.mux(stream.encode(frame))
    with pytest.raises(AudioError, match="finite"):
        read(tmp_path / "nan.wav", 8000, "mono")


def test_rates_that_can_be_stored() -> None:
    fps = Fraction(25)
    assert [H264.audio_rate(rate, fps) for rate in (8000, 37_800, 44_100, 192_000)] == [8000, 44_100, 44_100, 96_000]
    assert VP9.audio_rate(8000, fps) == 48_000
    _, matroska = CONTAINERS[".mkv"]
    assert [matroska.audio_rate(rate, fps) for rate in (8000, 48_000)] == [32_000, 48_000]


def test_layouts_that_can_be_stored() -> None:
    assert [H264.audio_layout(48_000, layout) for layout in ("mono", "5.1", "5.1(side)")] == [
        "mono",
        "5.1",
        "5.1(side)",
    ]
    assert VP9.audio_layout(48_000, "5.1(side)") == "5.1"
    assert VP9.audio_layout(48_000, "2.1") == "stereo"
