import wave
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import MissingFileError, OutputError, VideoError
from frame_generation_pipeline.media.video_reader import frame_files, read_frames, read_image, write_image
from frame_generation_pipeline.media.video_writer import VideoWriter


@pytest.fixture
def photo() -> Frame:
    """Smooth, and different in every corner."""
    rows, columns = np.mgrid[0:48, 0:64]
    return np.stack([rows * 5, columns * 4, 255 - rows * 2 - columns * 2], axis=-1).astype(np.uint8)


def test_video_frames_in_order(tmp_path: Path, photo: Frame) -> None:
    frames = [photo // (n + 1) for n in range(5)]
    with VideoWriter(tmp_path / "ö ü:1.mp4", (64, 48), 25, crf=5) as writer:
        for frame in frames:
            writer.write(frame)
    decoded = list(read_frames(tmp_path / "ö ü:1.mp4"))
    assert len(decoded) == 5
    for frame, original in zip(decoded, frames, strict=True):
        assert frame.shape == (48, 64, 3)
        assert frame.dtype == np.uint8
        assert cv2.PSNR(frame, original) > 30


@pytest.mark.parametrize("angle", [90, 180, -90])
def test_rotation_is_honoured_as_opencv_does(tmp_path: Path, photo: Frame, angle: int) -> None:
    path = tmp_path / "turned.mp4"
    with av.open(str(path), "w") as container:
        stream = container.add_stream("libx264", rate=25, options={"crf": "5"})
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        if not hasattr(stream, "set_display_rotation"):
            pytest.skip("this PyAV cannot write a rotation")
        stream.set_display_rotation(angle)
        container.mux(stream.encode(av.VideoFrame.from_ndarray(photo, format="bgr24")))
        container.mux(stream.encode(None))
    (frame,) = read_frames(path)
    capture = cv2.VideoCapture(str(path))
    _, expected = capture.read()
    assert frame.shape == expected.shape
    assert cv2.PSNR(frame, expected) > 30
    assert cv2.PSNR(frame, np.ascontiguousarray(np.rot90(photo, angle // 90))) > 25


def test_folder_in_the_order_of_the_numbers(tmp_path: Path, photo: Frame) -> None:
    for number in (10, 9, 0):
        write_image(tmp_path / f"take2_{number}.png", photo // (number + 1))
    (tmp_path / "notes.txt").write_text("")
    (tmp_path / ".hidden.png").write_text("")
    assert list(frame_files(tmp_path)) == [0, 9, 10]
    frames = list(read_frames(tmp_path))
    np.testing.assert_array_equal(frames, [photo, photo // 10, photo // 11])


def test_unusable_folders(tmp_path: Path, photo: Frame) -> None:
    with pytest.raises(VideoError, match="found none"):
        read_frames(tmp_path)
    write_image(tmp_path / "cover.png", photo)
    with pytest.raises(VideoError, match=r"cover\.png.*number"):
        read_frames(tmp_path)
    (tmp_path / "cover.png").rename(tmp_path / "1.png")
    write_image(tmp_path / "01.jpg", photo)
    with pytest.raises(VideoError, match="same number"):
        read_frames(tmp_path)
    with pytest.raises(MissingFileError):
        frame_files(tmp_path / "gone")


def test_unusable_videos(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError, match=r"gone\.mp4"):
        read_frames(tmp_path / "gone.mp4")
    (tmp_path / "text.mp4").write_text("not a video")
    with pytest.raises(VideoError, match=r"text\.mp4"):
        list(read_frames(tmp_path / "text.mp4"))
    with wave.open(str(tmp_path / "audio.wav"), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(8000)
        file.writeframes(bytes(1000))
    with pytest.raises(VideoError, match="video stream"):
        list(read_frames(tmp_path / "audio.wav"))


@pytest.mark.parametrize("name", ["é.png", "é.jpg", "É.JPEG"])
def test_image_there_and_back(tmp_path: Path, photo: Frame, name: str) -> None:
    write_image(tmp_path / name, photo, quality=100)
    image = read_image(tmp_path / name)
    assert image.shape == photo.shape
    assert np.abs(image.astype(int) - photo).max() <= (0 if name.endswith("png") else 8)
    assert [file.name for file in tmp_path.iterdir()] == [name]


@pytest.mark.parametrize("name", ["a.png", "a.jpg"])
@pytest.mark.parametrize("share", [0.0, 0.1, 0.6, 0.99])
def test_cut_off_image(
    tmp_path: Path, photo: Frame, name: str, share: float, capfd: pytest.CaptureFixture[str]
) -> None:
    write_image(tmp_path / name, photo)
    data = (tmp_path / name).read_bytes()
    (tmp_path / name).write_bytes(data[: int(len(data) * share)])
    with pytest.raises(VideoError, match=name):
        read_image(tmp_path / name)


def test_thumbnail_does_not_hide_a_cut(tmp_path: Path, photo: Frame) -> None:
    small, large = (cv2.imencode(".jpg", image)[1].tobytes() for image in (photo[::4, ::4], photo))
    segment = b"\xff\xe1" + (len(small) + 2).to_bytes(2, "big") + small
    whole = large[:2] + segment + large[2:]
    (tmp_path / "whole.jpg").write_bytes(whole)
    assert read_image(tmp_path / "whole.jpg").shape == photo.shape
    (tmp_path / "cut.jpg").write_bytes(whole[:-40])
    with pytest.raises(VideoError, match="cut off"):
        read_image(tmp_path / "cut.jpg")


def test_unusable_images(tmp_path: Path) -> None:
    with pytest.raises(MissingFileError):
        read_image(tmp_path / "gone.png")
    with pytest.raises(VideoError, match="read"):
        read_image(tmp_path)
    (tmp_path / "text.png").write_text("not an image")
    with pytest.raises(VideoError, match="neither a JPEG nor a PNG"):
        read_image(tmp_path / "text.png")


def test_image_that_cannot_be_written(tmp_path: Path, photo: Frame) -> None:
    with pytest.raises(OutputError, match=r"\.png, \.jpg"):
        write_image(tmp_path / "a.bmp", photo)
    (tmp_path / "file").touch()
    with pytest.raises(OutputError, match="expected a folder"):
        write_image(tmp_path / "file" / "a.png", photo)


@pytest.mark.parametrize("quality", [60, 100])
def test_progressive_images_are_read(quality: int, tmp_path: Path) -> None:
    noise = np.random.default_rng(1).integers(0, 256, (64, 96, 3), np.uint8)
    options = [cv2.IMWRITE_JPEG_PROGRESSIVE, 1, cv2.IMWRITE_JPEG_QUALITY, quality]
    data = cv2.imencode(".jpg", noise, options)[1].tobytes()
    assert 5 < data.count(b"\xff\xda") < 20
    (tmp_path / "0.jpg").write_bytes(
        data + 100 * b"\xff\xda" + data[-2:]
    )  # after its end anything may follow, as phones do
    assert read_image(tmp_path / "0.jpg").shape == (64, 96, 3)
