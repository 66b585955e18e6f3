"""Videos that are interrupted and continued: at most one segment is made again, the file is the same to the byte."""

import errno
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import av
import numpy as np
import pytest

from frame_generation_pipeline import Avatar
from frame_generation_pipeline.errors import FrameGenerationError, MissingFileError, OutputError
from frame_generation_pipeline.making.pack import pack_avatar
from frame_generation_pipeline.media import frames_folder, segments, video_writer
from frame_generation_pipeline.media.encoding import Encoding
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.speaking.timing import Timing
from samples import write_template, write_wav

SECONDS = 3.0  # of audio; 75 frames
SEGMENT = 10  # frames


def test_what_a_run_is_made_from_looks_alike_in_every_process(package: Path) -> None:
    """An address in it, as objects have by default, would let no later process go on."""
    program = f"from frame_generation_pipeline import Avatar; print(Avatar.load({str(package)!r}).frames_fingerprint())"
    fingerprints = {
        subprocess.run([sys.executable, "-c", program], capture_output=True, check=True).stdout for _ in range(2)
    }
    assert fingerprints == {f"{Avatar.load(package).frames_fingerprint()}\n".encode()}


class Stop(BaseException):
    """What no code expects, like the end of the process."""


@pytest.fixture(scope="module")
def audio(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_wav(tmp_path_factory.mktemp("audio") / "a.wav", SECONDS, rate=44_100)


@pytest.fixture
def short_segments(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(video_writer, "SECONDS", SEGMENT / 25)
    monkeypatch.setattr(frames_folder, "WORTH_KEEPING", SEGMENT)


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Callable[..., list[int]]:
    """Runs `call(progress)` up to the frame `at`, where `failure` is raised; returns the frames it rendered."""

    def run(call: Callable[..., object], at: int | None = None, failure: BaseException | None = None) -> list[int]:
        done: list[int] = []

        def progress(count: int, total: int) -> None:
            done.append(count)
            if count == at:
                raise failure or Stop

        try:
            call(progress=progress)
        except (Stop, FrameGenerationError):
            assert at is not None
        return done

    return run


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize(("suffix", "fps"), [(".mp4", 25), (".mp4", 30), (".mov", 25), (".mkv", 25), (".webm", 12.5)])
def test_continued_is_uninterrupted(
    suffix: str, fps: float, package: Path, audio: Path, tmp_path: Path, run: Callable[..., list[int]]
) -> None:
    avatar = Avatar.load(package)

    def call(name: str, **options: object) -> None:
        timing = Timing(end=2.5, fps=fps)
        avatar.generate_video(audio, tmp_path / f"{name}{suffix}", timing=timing, **options)  # type: ignore[arg-type]

    assert run(lambda **o: call("whole", **o))[0] == 1
    for at in (3, 31, 50):
        run(lambda **o: call("parts", **o), at=at)
    done = run(lambda **o: call("parts", **o))
    segment = round(SEGMENT / 25 * fps)
    frames = int(50 * fps / 25) // segment * segment  # of the video, at least in complete segments by then
    assert done[0] >= (frames - segment) / fps * 25
    assert done[-1] == round(2.5 * 25)
    assert (tmp_path / f"parts{suffix}").read_bytes() == (tmp_path / f"whole{suffix}").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == [f"parts{suffix}", f"whole{suffix}"]


@pytest.mark.usefixtures("short_segments")
def test_images_are_continued(package: Path, audio: Path, tmp_path: Path, run: Callable[..., list[int]]) -> None:
    avatar = Avatar.load(package)
    whole = avatar.generate_images(audio, tmp_path / "whole")
    run(lambda **o: avatar.generate_images(audio, tmp_path / "parts", **o), at=33)
    assert not list((tmp_path / "parts").glob("frame_*"))
    damaged = tmp_path / "parts" / ".partial" / "frame_00030.png"
    damaged.write_bytes(damaged.read_bytes()[:-20])
    assert run(lambda **o: avatar.generate_images(audio, tmp_path / "parts", **o))[:2] == [30, 31]
    for path in whole:
        assert path.read_bytes() == (tmp_path / "parts" / path.name).read_bytes()
    assert len(list((tmp_path / "parts").iterdir())) == len(whole) == 75


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("moved", [0, 40, 74])
def test_killed_while_everything_gets_its_name(
    moved: int,
    package: Path,
    audio: Path,
    tmp_path: Path,
    run: Callable[..., list[int]],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    avatar = Avatar.load(package)
    avatar.generate_video(audio, tmp_path / "whole.mp4", frames_dir=tmp_path / "whole")

    def call(**options: object) -> None:
        avatar.generate_video(audio, tmp_path / "parts.mp4", frames_dir=tmp_path / "parts", **options)  # type: ignore[arg-type]

    replace = Path.replace
    renamed: list[Path] = []

    def replace_some(path: Path, target: Path) -> Path:
        if path.parent.name == ".partial" and path.name.startswith("frame_"):
            if len(renamed) == moved:
                raise Stop
            renamed.append(path)
        return replace(path, target)

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", replace_some)
        with pytest.raises(Stop):
            call()
    assert run(call) == [75]
    assert (tmp_path / "parts.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()
    names = sorted(path.name for path in (tmp_path / "whole").iterdir())
    assert sorted(path.name for path in (tmp_path / "parts").iterdir()) == names
    assert sorted(path.name for path in tmp_path.iterdir()) == ["parts", "parts.mp4", "whole", "whole.mp4"]


@pytest.mark.usefixtures("short_segments")
def test_what_lies_there_is_used_only_where_it_fits(
    package: Path, audio: Path, tmp_path: Path, run: Callable[..., list[int]], checkpoint: Path, encoder_path: Path
) -> None:
    other_audio = write_wav(tmp_path / "b.wav", SECONDS, rate=22_050)
    template = write_template(tmp_path / "t", 5)
    pack_avatar(tmp_path / "other", checkpoint=checkpoint, template=template, encoder=encoder_path)
    output = tmp_path / "o.mp4"

    def call(avatar: Path = package, speech: Path = audio, **options: object) -> None:
        Avatar.load(avatar).generate_video(speech, output, **options)  # type: ignore[arg-type]

    for options in (
        {"speech": other_audio},
        {"avatar": tmp_path / "other"},
        {"encoding": Encoding(crf=30)},
        {"encoding": Encoding(preset="medium")},
        {"timing": Timing(start_frame=1)},
        {"timing": Timing(start=0.4)},
        {"timing": Timing(end=2.9)},
        {"timing": Timing(fps=50)},
    ):
        run(lambda **o: call(**o), at=15)
        assert (tmp_path / "o.mp4.partial" / "00000.segment").exists()
        assert run(lambda **o: call(**options, **o), at=5)[0] == 1, options  # noqa: B023
    run(lambda **o: call(**o), at=45)
    damaged = tmp_path / "o.mp4.partial" / "00001.segment"
    damaged.write_bytes(damaged.read_bytes()[:-50] + b"x" * 50)
    assert run(lambda **o: call(**o))[0] == SEGMENT


@pytest.mark.usefixtures("short_segments")
@pytest.mark.parametrize("recorded", [False, True])
@pytest.mark.parametrize("content", [b"", b"x" * 200, None])
def test_a_forged_segment_is_made_again(
    content: bytes | None, recorded: bool, package: Path, audio: Path, tmp_path: Path, run: Callable[..., list[int]]
) -> None:
    """Another one in its place, of nothing, of noise or of good images of this video; also one that is recorded."""
    avatar = Avatar.load(package)
    avatar.generate_video(audio, tmp_path / "whole.mp4")
    run(lambda **o: avatar.generate_video(audio, tmp_path / "o.mp4", **o), at=45)
    folder = tmp_path / "o.mp4.partial"
    if content is None:
        shutil.copy(folder / "00000.segment", folder / "00001.segment")
    else:
        writer = segments.SegmentWriter(folder / "00001.segment")
        for index in range(SEGMENT):
            packet = av.Packet(content)
            packet.pts = packet.dts = index
            writer.write(packet)
        if recorded:
            digests = (folder / "digests").read_bytes()
            (folder / "digests").write_bytes(digests[:32] + writer.digest + digests[64:])
        writer.complete(SEGMENT)
    assert run(lambda **o: avatar.generate_video(audio, tmp_path / "o.mp4", **o))[0] == SEGMENT
    assert (tmp_path / "o.mp4").read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.usefixtures("short_segments")
def test_a_forged_image_is_made_again(
    package: Path, audio: Path, tmp_path: Path, run: Callable[..., list[int]]
) -> None:
    avatar = Avatar.load(package)
    whole = avatar.generate_images(audio, tmp_path / "whole")
    run(lambda **o: avatar.generate_images(audio, tmp_path / "f", **o), at=45)
    partial = tmp_path / "f" / ".partial"
    shutil.copy(partial / "frame_00003.png", partial / "frame_00020.png")
    assert run(lambda **o: avatar.generate_images(audio, tmp_path / "f", **o))[0] == 20
    for path in whole:
        assert (tmp_path / "f" / path.name).read_bytes() == path.read_bytes()


@pytest.mark.usefixtures("short_segments")
def test_failures_are_one_error_and_keep_the_work(
    package: Path, audio: Path, tmp_path: Path, run: Callable[..., list[int]], monkeypatch: pytest.MonkeyPatch
) -> None:
    folder = tmp_path / "may"
    shutil.unpack_archive(package, folder, "zip")
    avatar, output = Avatar.load(folder, runtime=Runtime(cache_size=0)), tmp_path / "o.mp4"  # reads every frame
    avatar.generate_video(audio, tmp_path / "whole.mp4")

    def fail(expected: type[FrameGenerationError], message: str, progress: Callable[[int, int], None]) -> None:
        with pytest.raises(expected, match=message) as raised:
            avatar.generate_video(audio, output, progress=progress)
        assert "frames are kept" in raised.value.__notes__[0]
        assert not output.exists()

    def frame_vanishes(done: int, total: int) -> None:
        if done == 25:
            (folder / "frames" / "00002.jpg").rename(tmp_path / "away.jpg")

    fail(FrameGenerationError, "cannot be read", frame_vanishes)
    (tmp_path / "away.jpg").rename(folder / "frames" / "00002.jpg")

    def disk_is_full(done: int, total: int) -> None:
        if done == 45:
            monkeypatch.setattr(segments.SegmentWriter, "write", full)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    fail(OutputError, r"o\.mp4: cannot be written \(No space left", disk_is_full)
    monkeypatch.undo()
    monkeypatch.setattr(video_writer, "SECONDS", SEGMENT / 25)

    def encoder_fails(done: int, total: int) -> None:
        if done == 55:
            monkeypatch.setattr(video_writer, "show", broken)

    def broken(*_: object) -> None:
        raise av.error.ExternalError(542398533, "Generic error in an external library")

    fail(OutputError, r"o\.mp4: cannot be written \(Generic error", encoder_fails)
    monkeypatch.undo()
    monkeypatch.setattr(video_writer, "SECONDS", SEGMENT / 25)
    done = run(lambda **o: avatar.generate_video(audio, output, **o))
    assert done[0] >= 40
    assert output.read_bytes() == (tmp_path / "whole.mp4").read_bytes()


@pytest.mark.usefixtures("short_segments")
def test_a_template_folder_that_loses_a_file(checkpoint: Path, tmp_path: Path, run: Callable[..., list[int]]) -> None:
    from frame_generation_pipeline import FrameGenerationPipeline

    template, features = write_template(tmp_path / "t"), tmp_path / "f.npy"
    np.save(features, np.zeros((40, 512), np.float32))
    lost = template / "full_body_img" / "1.jpg"

    def call(**options: object) -> None:
        pipeline = FrameGenerationPipeline(checkpoint, device="cpu")
        pipeline.generate_video(features, template, output_path=tmp_path / "o.mp4", **options)  # type: ignore[arg-type]

    def lose(done: int, total: int) -> None:
        if done == 25:
            lost.rename(tmp_path / "1.jpg")

    with pytest.raises(MissingFileError, match=r"1\.jpg"):
        call(progress=lose)
    shutil.copy(tmp_path / "1.jpg", lost)  # with another time
    assert run(call)[0] == 2 * SEGMENT


def test_two_runs_for_one_output(package: Path, audio: Path, tmp_path: Path) -> None:
    avatar, output = Avatar.load(package), tmp_path / "o.mp4"

    def again(done: int, total: int) -> None:
        if done == 5:
            with pytest.raises(OutputError, match=r"o\.mp4: another run is making it"):
                avatar.generate_video(audio, output)

    avatar.generate_video(audio, output, progress=again)
    assert [path.name for path in tmp_path.iterdir()] == ["o.mp4"]
