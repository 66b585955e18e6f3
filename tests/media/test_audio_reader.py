import logging
import math
import wave
from collections.abc import Callable
from pathlib import Path
from typing import Any

import av
import numpy as np
import numpy.typing as npt
import pytest
import soxr

from frame_generation_pipeline.arrays import Samples
from frame_generation_pipeline.errors import AudioError, MissingFileError, OptionError
from frame_generation_pipeline.media.audio_reader import AudioInfo, decode_audio, probe_audio
from frame_generation_pipeline.media.downmix import LAYOUTS, MEAN, Downmix
from samples import make_speech, write_pcm


def encode(
    path: Path, samples: npt.NDArray[Any], rate: int, codec: str, format: str, options: dict[str, str] | None = None
) -> Path:
    """Write samples (channels, n), already of the type of `format`, with FFmpeg."""
    layout = LAYOUTS[len(samples)]
    with av.open(str(path), "w", options=options or {}) as container:
        stream = container.add_stream(codec, rate=rate, layout=layout)
        assert isinstance(stream, av.AudioStream)
        stream.format = av.AudioFormat(format)
        packed = samples if format.endswith("p") else samples.T.reshape(1, -1)
        frame = av.AudioFrame.from_ndarray(np.ascontiguousarray(packed), format=format, layout=layout)
        frame.rate, frame.pts = rate, 0
        for packet in [*stream.encode(frame), *stream.encode(None)]:
            container.mux(packet)
    return path


def whole(path: Path, **options: Any) -> Samples:
    blocks = list(decode_audio(path, **options))
    assert all(block.dtype == np.float32 and block.ndim == 1 and len(block) for block in blocks)
    return np.concatenate(blocks)


@pytest.mark.parametrize(
    ("codec", "format", "dtype", "zero", "scale"),
    [
        ("pcm_u8", "u8", np.uint8, 128, 128),
        ("pcm_s16le", "s16", np.int16, 0, 2**15),
        ("pcm_s32le", "s32", np.int32, 0, 2**31),
        ("pcm_f32le", "flt", np.float32, 0, 1),
        ("pcm_f64le", "dbl", np.float64, 0, 1),
    ],
)
def test_sample_formats_are_scaled_to_full_scale_and_averaged(
    tmp_path: Path, codec: str, format: str, dtype: type, zero: int, scale: int
) -> None:
    stored: npt.NDArray[Any] = (make_speech(3000, channels=2) * 0.99 * scale + zero).astype(dtype)
    path = encode(tmp_path / "a.wav", stored, 16_000, codec, format)
    expected = ((stored.astype(np.float64) - zero) / scale).mean(axis=0)
    np.testing.assert_allclose(whole(path), expected, atol=1e-7)


def test_planar_formats_and_the_mean_of_more_channels(tmp_path: Path) -> None:
    stored = (make_speech(3000, channels=6) * 32_000).astype(np.int16)
    path = encode(tmp_path / "a.mka", stored, 16_000, "flac", "s16")
    np.testing.assert_array_equal(whole(path), whole(write_pcm(tmp_path / "a.wav", stored, 16_000)))
    np.testing.assert_allclose(whole(path, downmix=MEAN), stored.mean(axis=0) / 2**15, atol=1e-7)
    planar = av.AudioFrame.from_ndarray(stored[:2], format="s16p", layout="stereo")
    np.testing.assert_allclose(Downmix().mix(planar, path), stored[:2].mean(axis=0) / 2**15, atol=1e-7)


def test_eight_channels_that_lie_apart(tmp_path: Path) -> None:
    path = tmp_path / "a.mka"
    values = np.linspace(-0.4, 0.4, 8, dtype=np.float32) + 0.1
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16_000, layout="7.1")
        frame = av.AudioFrame.from_ndarray(np.tile(values, 8192)[np.newaxis], format="flt", layout="7.1")
        frame.rate, frame.pts = 16_000, 0
        (planar,) = av.AudioResampler(format="fltp").resample(frame)
        for packet in [*stream.encode(planar), *stream.encode(None)]:
            container.mux(packet)
    assert abs(whole(path, downmix=MEAN)[2000:6000].mean() - 0.1) < 0.02


@pytest.mark.parametrize("rate", [8000, 11_025, 22_050, 44_100, 48_000, 96_000])
def test_resampling_is_the_one_of_librosa(tmp_path: Path, rate: int) -> None:
    stored = (make_speech(rate // 2 + 17, rate, 2) * 32_000).astype(np.int16)
    samples = whole(write_pcm(tmp_path / "a.wav", stored, rate))
    mono = (stored / np.float32(2**15)).mean(axis=0, dtype=np.float32)
    expected = soxr.resample(mono, rate, 16_000, quality="HQ")  # librosa's soxr_hq, which it fills up to:
    assert len(samples) == math.ceil(len(mono) * 16_000 / rate)
    np.testing.assert_allclose(samples[: len(expected)], expected, atol=1e-6)
    assert not samples[len(expected) :].any()


@pytest.mark.parametrize(
    ("name", "codec", "rate", "padding"),
    [("a.mp3", "libmp3lame", 44_100, 0), ("a.m4a", "aac", 44_100, 1024), ("a.ogg", "libopus", 48_000, 0)],
)
def test_lossy_codecs_keep_time(tmp_path: Path, name: str, codec: str, rate: int, padding: int) -> None:
    original = make_speech(rate, rate)
    path = encode(tmp_path / name, original, rate, codec, "flt" if codec == "libopus" else "fltp")
    info = probe_audio(path)
    assert 1 <= info.duration <= 1 + padding / rate  # the encoder's delay is cut off; AAC may leave its last frame
    expected = soxr.resample(original[0], rate, 16_000, quality="HQ")
    samples = whole(path)[: len(expected)]
    shifts = range(-20, 21)
    errors = [np.abs(np.roll(samples, shift) - expected)[50:-50].mean() for shift in shifts]
    assert shifts[int(np.argmin(errors))] == 0


def test_audio_track_of_a_video(tmp_path: Path) -> None:
    path = tmp_path / "a.mp4"
    with av.open(str(path), "w") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        audio = container.add_stream("aac", rate=16_000, layout="mono")
        for _ in range(25):
            image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="bgr24")
            container.mux(video.encode(image))
        frame = av.AudioFrame.from_ndarray(make_speech(16_000), format="fltp", layout="mono")
        frame.rate, frame.pts = 16_000, 0
        for packet in [*video.encode(None), *audio.encode(frame), *audio.encode(None)]:
            container.mux(packet)
    assert len(whole(path)) >= 16_000


def test_probe_counts_the_decoded_samples(tmp_path: Path) -> None:
    path = write_pcm(tmp_path / "a:b ü.wav", (make_speech(12_345, channels=2) * 32_000).astype(np.int16), 44_100)
    assert probe_audio(str(path)) == AudioInfo(path, 44_100, 2, 12_345 / 44_100)


@pytest.mark.parametrize(("start", "end"), [(0.0, 0.3), (0.1, None), (0.12345, 0.54321), (0.2, 99.0), (0, math.inf)])
def test_range_is_cut_at_samples_of_the_source(tmp_path: Path, start: float, end: float) -> None:
    rate = 44_100
    stored = (make_speech(rate, rate) * 32_000).astype(np.int16)
    first, last = round(start * rate), None if end in (None, math.inf) else round(end * rate)
    cut = write_pcm(tmp_path / "cut.wav", stored[:, first:last], rate)
    path = write_pcm(tmp_path / "a.wav", stored, rate)
    np.testing.assert_array_equal(whole(path, start=start, end=end), whole(cut))


@pytest.mark.parametrize(("start", "end"), [(-1.0, None), (1.0, 1.0), (2.0, 1.0), (math.nan, None), (0.0, math.nan)])
def test_impossible_range(tmp_path: Path, start: float, end: float | None) -> None:
    path = write_pcm(tmp_path / "a.wav", (make_speech(100) * 32_000).astype(np.int16), 16_000)
    with pytest.raises(OptionError, match="range"):
        whole(path, start=start, end=end)


def test_range_beyond_the_audio(tmp_path: Path) -> None:
    path = write_pcm(tmp_path / "a.wav", (make_speech(100) * 32_000).astype(np.int16), 16_000)
    with pytest.raises(AudioError, match=r"a\.wav: has no samples from 5\.0 to 6\.0 s"):
        whole(path, start=5.0, end=6.0)


@pytest.mark.parametrize("rate", [16_000, 44_100])
def test_one_sample(tmp_path: Path, rate: int) -> None:
    assert len(whole(write_pcm(tmp_path / "a.wav", np.full((1, 1), 9000), rate))) == 1


@pytest.mark.parametrize(
    ("name", "codec", "format", "options"),
    [
        ("a.wav", "pcm_s16le", "s16", None),
        ("a.flac", "flac", "s16", None),
        ("a.mp3", "libmp3lame", "s16p", None),
        ("a.m4a", "aac", "fltp", {"movflags": "faststart"}),
    ],
)
def test_cut_off_file_keeps_what_decodes(
    tmp_path: Path, name: str, codec: str, format: str, options: dict[str, str]
) -> None:
    samples = make_speech(44_100, 44_100)
    stored = samples if format == "fltp" else (samples * 32_000).astype(np.int16)
    path = encode(tmp_path / name, stored, 44_100, codec, format, options)
    full = whole(path)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2 + 7])
    half = whole(path)
    assert 0.2 * len(full) < len(half) < 0.8 * len(full)
    np.testing.assert_allclose(half[:2000], full[:2000], atol=1e-6)


def test_damaged_packets_are_logged(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = encode(tmp_path / "a.flac", (make_speech(44_100) * 32_000).astype(np.int16), 44_100, "flac", "s16")
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with caplog.at_level(logging.WARNING):
        assert 0.3 < probe_audio(path).duration < 0.6
    assert "a.flac: 1 damaged audio packet(s) left out" in caplog.text


def no_samples(path: Path) -> None:
    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(16_000)


def no_audio(path: Path) -> None:
    with av.open(str(path), "w", format="mp4") as container:
        video = container.add_stream("mpeg4", rate=25)
        video.width = video.height = 32
        video.pix_fmt = "yuv420p"
        image = av.VideoFrame.from_ndarray(np.zeros((32, 32, 3), np.uint8), format="bgr24")
        for packet in [*video.encode(image), *video.encode(None)]:
            container.mux(packet)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (Path.mkdir, "is a folder"),
        (Path.touch, "is an empty file"),
        (lambda path: path.write_text("not media " * 50), "cannot be decoded"),
        (no_audio, "has no audio stream"),
        (no_samples, "no audio could be decoded"),
        (lambda path: encode(path, np.full((1, 9), np.nan, np.float32), 16_000, "pcm_f32le", "flt"), "not finite"),
        (lambda path: encode(path, np.full((1, 9), 1e300), 16_000, "pcm_f64le", "dbl"), "not finite"),
    ],
)
def test_unusable_files_are_one_line_errors(tmp_path: Path, make: Callable[[Path], object], message: str) -> None:
    path = tmp_path / "a.wav"
    make(path)
    for use in (probe_audio, whole):
        with pytest.raises(AudioError, match=message) as caught:
            use(path)
        assert str(path) in str(caught.value)
        assert "\n" not in str(caught.value)


def test_missing_file(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"none\.wav: no such file"):
        probe_audio(tmp_path / "none.wav")


def test_format_that_pyav_cannot_hand_over(tmp_path: Path) -> None:
    frame = av.AudioFrame(format="s64", layout="mono", samples=4)
    with pytest.raises(AudioError, match="s64 samples are not supported"):
        Downmix().mix(frame, tmp_path / "a.wav")


def test_changing_rate_is_refused(tmp_path: Path) -> None:
    # Raw ADTS frames name their rate one by one, so that two files in a row are a stream that changes it.
    parts = [
        encode(tmp_path / f"{rate}.aac", make_speech(rate, rate), rate, "aac", "fltp") for rate in (44_100, 16_000)
    ]
    path = tmp_path / "both.aac"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    with pytest.raises(AudioError, match="changes its sample rate from 44100 to 16000 Hz"):
        whole(path)


def test_changing_channels_are_averaged_frame_by_frame(tmp_path: Path) -> None:
    parts = [
        encode(tmp_path / f"{channels}.aac", make_speech(16_000, channels=channels), 16_000, "aac", "fltp")
        for channels in (1, 2)
    ]
    path = tmp_path / "both.aac"
    path.write_bytes(b"".join(part.read_bytes() for part in parts))
    assert len(whole(path)) == sum(len(whole(part)) for part in parts)


def test_leaving_early_closes_the_file(tmp_path: Path) -> None:
    path = write_pcm(tmp_path / "a.wav", (make_speech(50_000) * 32_000).astype(np.int16), 16_000)
    blocks = decode_audio(path)
    next(blocks)
    blocks.close()  # type: ignore[attr-defined]
    with pytest.raises(StopIteration):
        next(blocks)
