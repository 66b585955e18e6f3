import wave
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from av.audio.resampler import AudioResampler

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.media.video_reader import read_frames
from frame_generation_pipeline.media.video_writer import VideoWriter, exact_rate
from media.writing import GREY, NOISE, SUFFIXES, write, write_wav


def ends(path: Path) -> dict[str, float]:
    """Where each stream's last packet ends, in seconds."""
    times: dict[str, float] = {}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.pts is not None:
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                times[packet.stream.type] = max(times.get(packet.stream.type, 0.0), end)
    return times


def stored_audio(path: Path) -> tuple[int, npt.NDArray[np.float32]]:
    """The sample rate and the samples `(n, channels)` from time 0 of the image on."""
    with av.open(str(path)) as container:
        image = next(container.decode(video=0))
    with av.open(str(path)) as container:
        to_interleaved = AudioResampler(format="flt")
        frames = [piece for frame in container.decode(audio=0) for piece in to_interleaved.resample(frame)]
    rate = frames[0].sample_rate
    assert image.time is not None
    assert frames[0].time is not None
    early = max(0, round((image.time - frames[0].time) * rate))  # priming that this demuxer does not hide
    return rate, np.concatenate([frame.to_ndarray().reshape(frame.samples, -1) for frame in frames])[early:]


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize(
    ("rate", "channels", "seconds", "fps", "extra"),
    [
        (8000, 1, 0.01, 25, 0),
        (16000, 1, 3.337, 25, 0),
        (22050, 2, 0.7, 30, 9),
        (44100, 6, 1.0, 60, 0),
        (48000, 1, 0.5, Fraction(30000, 1001), 3),
        (48000, 8, 0.4, 25, 0),
        (96000, 2, 1.017, 29.97, 1),
        (192000, 1, 0.3, 25, 0),
    ],
)
def test_image_and_audio_end_together(
    tmp_path: Path, suffix: str, rate: int, channels: int, seconds: float, fps: float | Fraction, extra: int
) -> None:
    audio = write_wav(tmp_path / "a.wav", rate, channels, seconds)
    count = int(np.ceil(seconds * float(fps))) + extra
    path = write(tmp_path / f"o{suffix}", count, fps=fps, audio_path=audio)
    end = ends(path)
    assert end["video"] == pytest.approx(count / float(fps), abs=0.002)
    assert abs(end["video"] - end["audio"]) <= 1 / float(fps)
    stored_rate, samples = stored_audio(path)
    assert len(samples) >= seconds * stored_rate
    assert samples.shape[1] == channels
    if suffix not in (".webm", ".mkv"):
        assert stored_rate == min(rate, 96_000)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_audio_is_in_sync_and_padded_with_silence(tmp_path: Path, suffix: str) -> None:
    samples = np.zeros(48_000, "<i2")
    samples[24_000:24_480] = 20_000 * np.sin(np.arange(480))
    with wave.open(str(tmp_path / "click.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(samples.tobytes())
    rate, decoded = stored_audio(write(tmp_path / f"o{suffix}", 50, audio_path=tmp_path / "click.wav"))
    loud = np.flatnonzero(np.abs(decoded[:, 0]) > 0.2)
    assert loud[0] / rate == pytest.approx(0.5, abs=0.002)
    assert loud[-1] / rate == pytest.approx(0.51, abs=0.002)
    assert len(decoded) >= 2 * rate
    assert np.abs(decoded[rate + 100 :]).max() < 0.01


def test_audio_is_never_cut_to_the_image(tmp_path: Path) -> None:
    audio = write_wav(tmp_path / "a.wav", 16_000, 1, 2.0)
    assert ends(write(tmp_path / "o.mp4", 5, audio_path=audio))["audio"] == pytest.approx(2.0, abs=0.001)


def test_cut_of_the_audio(tmp_path: Path) -> None:
    audio = write_wav(tmp_path / "a.wav", 44_100, 1, 2.0)
    path = write(tmp_path / "o.mp4", 1, audio_path=audio, audio_start=0.5, audio_end=1.25)
    assert ends(path)["audio"] == pytest.approx(0.75, abs=1 / 44_100)


def test_audio_is_interleaved(tmp_path: Path) -> None:
    audio = write_wav(tmp_path / "a.wav", 48_000, 1, 8.0)
    path = write(tmp_path / "o.mp4", 200, audio_path=audio)
    times: dict[str, float] = {"video": 0.0, "audio": 0.0}
    apart = 0.0
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux() if packet.pts is not None]
        for packet in sorted(packets, key=lambda packet: packet.pos or 0):
            assert packet.dts is not None
            assert packet.time_base is not None
            times[packet.stream.type] = float(packet.dts * packet.time_base)
            apart = max(apart, abs(times["video"] - times["audio"]))
    assert apart < 1.5


@pytest.mark.parametrize("suffix", SUFFIXES)
@pytest.mark.parametrize("colour", [(0, 0, 255), (0, 255, 0), (255, 0, 0), (40, 90, 200), (255, 255, 255), (3, 3, 3)])
def test_colours_survive_and_are_tagged(tmp_path: Path, suffix: str, colour: tuple[int, int, int]) -> None:
    frame = np.full((48, 64, 3), colour, np.uint8)
    (decoded,) = read_frames(write(tmp_path / f"o{suffix}", [frame], crf=10))
    assert np.abs(decoded.astype(int) - frame).max() <= 3
    with av.open(str(tmp_path / f"o{suffix}")) as container:
        context = container.streams.video[0].codec_context
        assert (context.colorspace, context.color_range) == (1, 1)
        if suffix != ".webm":
            assert (context.color_primaries, context.color_trc, context.pix_fmt) == (1, 1, "yuv420p")


def test_odd_sides_are_padded_by_the_edge(tmp_path: Path) -> None:
    ramp = np.tile(np.linspace(20, 230, 63).astype(np.uint8)[None, :, None], (47, 1, 3))
    with VideoWriter(tmp_path / "o.mp4", (63, 47), 25, crf=1) as writer:
        writer.write(ramp)
    (decoded,) = read_frames(tmp_path / "o.mp4")
    assert decoded.shape == (48, 64, 3)
    assert np.abs(decoded[:47, :63].astype(int) - ramp).max() <= 4
    assert np.abs(decoded[:, 63].astype(int) - 230).max() <= 4


@pytest.mark.parametrize(
    ("fps", "rate"),
    [
        (23.976, "24000/1001"),
        (23.98, "24000/1001"),
        (29.97, "30000/1001"),
        (59.94, "60000/1001"),
        (24, "24"),
        (12.5, "25/2"),
        (1, "1"),
        (240, "240"),
    ],
)
def test_rates_are_those_that_players_know(fps: float, rate: str) -> None:
    assert exact_rate(fps) == Fraction(rate)


@pytest.mark.parametrize("fps", [0.5, 1000, 240.5, float("nan"), float("inf")])
def test_rates_that_players_refuse_are_refused(fps: float) -> None:
    with pytest.raises(OptionError, match=r"impossible frame rate .*; give 1 to 240 frames a second"):
        exact_rate(fps)


@pytest.mark.parametrize("suffix", SUFFIXES)
def test_same_input_gives_the_same_bytes(tmp_path: Path, suffix: str) -> None:
    audio = write_wav(tmp_path / "a.wav", 22_050, 2, 1.0)
    first, second = (write(tmp_path / f"{n}{suffix}", 30, audio_path=audio, threads=2) for n in "ab")
    assert first.read_bytes() == second.read_bytes()


def test_index_comes_first(tmp_path: Path) -> None:
    data = write(tmp_path / "o.mp4").read_bytes()
    assert 0 < data.index(b"moov") < data.index(b"mdat")


def test_preset_and_crf_matter(tmp_path: Path) -> None:
    noise = np.asarray(cv2.GaussianBlur(NOISE, (5, 5), 0), np.uint8)
    for suffix in (".mp4", ".webm"):
        for crf in (5, 45):
            write(tmp_path / f"{crf}{suffix}", [noise], crf=crf, preset="fast", provenance=False)
        assert (tmp_path / f"5{suffix}").stat().st_size > 2 * (tmp_path / f"45{suffix}").stat().st_size


def test_replaces_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "o.mp4").write_bytes(b"old")
    assert len(list(read_frames(write(tmp_path / "o.mp4")))) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["o.mp4"]


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_smallest_frames(tmp_path: Path, suffix: str) -> None:
    with VideoWriter(tmp_path / f"o{suffix}", (1, 1), 25) as writer:
        writer.write(GREY[:1, :1])
    (decoded,) = read_frames(tmp_path / f"o{suffix}")
    assert decoded.shape == (2, 2, 3)
