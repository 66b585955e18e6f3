import resource
import wave
from fractions import Fraction
from pathlib import Path

import av
import cv2
import numpy as np
import numpy.typing as npt
import pytest
from av.audio.resampler import AudioResampler

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import AudioError, MissingFileError, OptionError, OutputError, VideoError
from frame_generation_pipeline.media import images as pictures_module
from frame_generation_pipeline.media import video_writer as writer_module
from frame_generation_pipeline.media.video_reader import read_frames
from frame_generation_pipeline.media.video_writer import VideoWriter, check_output, exact_rate

SUFFIXES = (".mp4", ".m4v", ".mov", ".mkv", ".webm")
SIZE = (64, 48)
GREY = np.full((48, 64, 3), 90, np.uint8)
NOISE = np.random.default_rng(0).integers(0, 256, (48, 64, 3), dtype=np.uint8)


def write_wav(path: Path, rate: int, channels: int, seconds: float) -> Path:
    """A tone of another pitch in every channel."""
    time = np.arange(round(rate * seconds)) / rate
    tones = np.stack([np.sin(2 * np.pi * 220 * (1 + n) * time) for n in range(channels)], axis=1)
    with wave.open(str(path), "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes((tones * 12_000).astype("<i2").tobytes())
    return path


def ends(path: Path) -> dict[str, float]:
    """Where each stream's last packet ends, in seconds."""
    found: dict[str, float] = {}
    with av.open(str(path)) as container:
        for packet in container.demux():
            if packet.pts is not None:
                end = float((packet.pts + (packet.duration or 0)) * packet.time_base)
                found[packet.stream.type] = max(found.get(packet.stream.type, 0.0), end)
    return found


def sound(path: Path) -> tuple[int, npt.NDArray[np.float32]]:
    """The sample rate and the samples `(n, channels)` from time 0 of the picture on."""
    with av.open(str(path)) as container:
        picture = next(container.decode(video=0))
    with av.open(str(path)) as container:
        to_interleaved = AudioResampler(format="flt")
        frames = [piece for frame in container.decode(audio=0) for piece in to_interleaved.resample(frame)]
    rate = frames[0].sample_rate
    early = max(0, round((picture.time - frames[0].time) * rate))  # priming that this demuxer does not hide
    return rate, np.concatenate([frame.to_ndarray().reshape(frame.samples, -1) for frame in frames])[early:]


def write(path: Path, frames: int | list[Frame] = 3, failure: type[BaseException] | None = None, **options) -> Path:
    if isinstance(frames, int):
        frames = [GREY + np.uint8(index % 150) for index in range(frames)]
    with VideoWriter(path, SIZE, **({"fps": 25, "preset": "ultrafast"} | options)) as writer:
        for frame in frames:
            writer.write(frame)
        if failure:
            raise failure
    return path


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
def test_picture_and_sound_end_together(
    tmp_path: Path, suffix: str, rate: int, channels: int, seconds: float, fps: float | Fraction, extra: int
) -> None:
    audio = write_wav(tmp_path / "a.wav", rate, channels, seconds)
    count = int(np.ceil(seconds * float(fps))) + extra
    path = write(tmp_path / f"o{suffix}", count, fps=fps, audio_path=audio)
    end = ends(path)
    assert end["video"] == pytest.approx(count / float(fps), abs=0.002)
    assert abs(end["video"] - end["audio"]) <= 1 / float(fps)
    stored_rate, samples = sound(path)
    assert len(samples) >= seconds * stored_rate
    assert samples.shape[1] == channels
    if suffix not in (".webm", ".mkv"):
        assert stored_rate == min(rate, 96_000)


@pytest.mark.parametrize("suffix", [".mp4", ".mkv", ".webm"])
def test_sound_is_in_sync_and_padded_with_silence(tmp_path: Path, suffix: str) -> None:
    samples = np.zeros(48_000, "<i2")
    samples[24_000:24_480] = 20_000 * np.sin(np.arange(480))
    with wave.open(str(tmp_path / "click.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(48_000)
        file.writeframes(samples.tobytes())
    rate, heard = sound(write(tmp_path / f"o{suffix}", 50, audio_path=tmp_path / "click.wav"))
    loud = np.flatnonzero(np.abs(heard[:, 0]) > 0.2)
    assert loud[0] / rate == pytest.approx(0.5, abs=0.002)
    assert loud[-1] / rate == pytest.approx(0.51, abs=0.002)
    assert len(heard) >= 2 * rate
    assert np.abs(heard[rate + 100 :]).max() < 0.01


def test_sound_is_never_cut_to_the_picture(tmp_path: Path) -> None:
    audio = write_wav(tmp_path / "a.wav", 16_000, 1, 2.0)
    assert ends(write(tmp_path / "o.mp4", 5, audio_path=audio))["audio"] == pytest.approx(2.0, abs=0.001)


def test_cut_of_the_sound(tmp_path: Path) -> None:
    audio = write_wav(tmp_path / "a.wav", 44_100, 1, 2.0)
    path = write(tmp_path / "o.mp4", 1, audio_path=audio, audio_start=0.5, audio_end=1.25)
    assert ends(path)["audio"] == pytest.approx(0.75, abs=1 / 44_100)


def test_sound_is_interleaved(tmp_path: Path) -> None:
    audio = write_wav(tmp_path / "a.wav", 48_000, 1, 8.0)
    path = write(tmp_path / "o.mp4", 200, audio_path=audio)
    times: dict[str, float] = {"video": 0.0, "audio": 0.0}
    apart = 0.0
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux() if packet.pts is not None]
        for packet in sorted(packets, key=lambda packet: packet.pos):
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
    noise = cv2.GaussianBlur(NOISE, (5, 5), 0)
    for suffix in (".mp4", ".webm"):
        for crf in (5, 45):
            write(tmp_path / f"{crf}{suffix}", [noise], crf=crf, preset="fast", provenance=False)
        assert (tmp_path / f"5{suffix}").stat().st_size > 2 * (tmp_path / f"45{suffix}").stat().st_size


@pytest.mark.parametrize("failure", [RuntimeError, KeyboardInterrupt])
def test_a_failed_run_leaves_nothing_and_keeps_the_old_file(tmp_path: Path, failure: type[BaseException]) -> None:
    path = tmp_path / "o.mp4"
    path.write_bytes(b"old")
    with pytest.raises(failure):
        write(path, failure=failure)
    assert path.read_bytes() == b"old"
    assert list(tmp_path.iterdir()) == [path]


def test_replaces_the_old_file(tmp_path: Path) -> None:
    (tmp_path / "o.mp4").write_bytes(b"old")
    assert len(list(read_frames(write(tmp_path / "o.mp4")))) == 3
    assert [file.name for file in tmp_path.iterdir()] == ["o.mp4"]


def test_no_frame(tmp_path: Path) -> None:
    with pytest.raises(OutputError, match="no frame"):
        write(tmp_path / "o.mp4", 0)
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("frame", [GREY[:, :63], GREY[..., 0], GREY.astype(np.float32)])
def test_frame_that_is_not_as_announced(tmp_path: Path, frame: Frame) -> None:
    with pytest.raises(VideoError, match=r"frame 1 .*48, 64, 3"):
        write(tmp_path / "o.mp4", [GREY, frame])
    assert not list(tmp_path.iterdir())


def test_output_is_checked_before_any_frame(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    (tmp_path / "folder.mp4").mkdir()
    with pytest.raises(OutputError, match=r"\.mp4, \.m4v, \.mov, \.mkv, \.webm"):
        VideoWriter(tmp_path / "o.avi", SIZE, 25)
    with pytest.raises(OutputError, match="found a folder"):
        VideoWriter(tmp_path / "folder.mp4", SIZE, 25)
    with pytest.raises(OutputError, match="expected a folder"):
        VideoWriter(tmp_path / "file" / "o.mp4", SIZE, 25)
    check_output(tmp_path / "new" / "deeper" / "o.MP4")
    assert (tmp_path / "new" / "deeper").is_dir()


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"crf": 52}, "crf 52"),
        ({"crf": -1}, "crf -1"),
        ({"preset": "placebo"}, "placebo.*medium"),
        ({"threads": -1}, "threads"),
        ({"size": (0, 10)}, "size"),
        ({"size": (20_000, 10)}, "size"),
        ({"audio_start": -1.0}, "cut"),
        ({"audio_start": 1.0, "audio_end": 1.0}, "cut"),
        ({"audio_start": 9.0}, "no sound"),
        *(({"fps": fps}, "frame rate") for fps in (0, -25, 0.5, 241, float("nan"), float("inf"))),
    ],
)
def test_impossible_options(tmp_path: Path, options: dict[str, str], match: str) -> None:
    audio = write_wav(tmp_path / "a.wav", 16_000, 1, 0.5)
    with pytest.raises(OptionError, match=match):
        VideoWriter(tmp_path / "o.mp4", **({"size": SIZE, "fps": 25, "audio_path": audio} | options))


def test_unusable_sound(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"gone\.wav"):
        VideoWriter(tmp_path / "o.mp4", SIZE, 25, audio_path=tmp_path / "gone.wav")
    (tmp_path / "text.wav").write_text("no sound at all")
    with pytest.raises(AudioError, match=r"text\.wav"):
        VideoWriter(tmp_path / "o.mp4", SIZE, 25, audio_path=tmp_path / "text.wav")
    assert not (tmp_path / "o.mp4").exists()


def test_encoder_that_cannot_be_added(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pictures_module, "BT709", "no number")
    with pytest.raises(TypeError):
        write(tmp_path / "o.mp4")
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("suffix", [".mp4", ".webm"])
def test_smallest_frames(tmp_path: Path, suffix: str) -> None:
    with VideoWriter(tmp_path / f"o{suffix}", (1, 1), 25) as writer:
        writer.write(GREY[:1, :1])
    (decoded,) = read_frames(tmp_path / f"o{suffix}")
    assert decoded.shape == (2, 2, 3)


def test_full_disk(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (20_000, hard))
    try:
        with pytest.raises(OutputError, match=r"o\.mkv: cannot be written"):
            write(tmp_path / "o.mkv", [np.roll(NOISE, 7 * n) for n in range(60)], crf=0)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
    assert not list(tmp_path.iterdir())


def test_unwritable_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(**_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr("tempfile.TemporaryFile", refuse)
    with pytest.raises(OutputError, match="Permission denied"):
        check_output(tmp_path / "o.mp4")


def test_container_that_cannot_be_opened(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(*_: object, **__: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(writer_module.av, "open", refuse)
    with pytest.raises(OutputError, match="No space left"):
        write(tmp_path / "o.mp4")
