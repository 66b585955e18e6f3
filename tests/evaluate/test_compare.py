import json
from collections.abc import Sequence
from math import inf
from pathlib import Path

import cv2
import numpy as np
import pytest
from skimage.metrics import mean_squared_error, peak_signal_noise_ratio, structural_similarity

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.errors import OptionError, VideoError
from frame_generation_pipeline.evaluate.compare import compare, ssim, worst_frame_image
from frame_generation_pipeline.media.video_reader import write_image
from frame_generation_pipeline.media.video_writer import VideoWriter

RNG = np.random.default_rng(0)
FRAMES: list[Frame] = [
    np.asarray(cv2.GaussianBlur(RNG.integers(0, 256, (40, 60, 3), dtype=np.uint8), (5, 5), 0), np.uint8)
    for _ in range(3)
]


def folder(path: Path, frames: Sequence[Frame], numbers: Sequence[int] | None = None) -> Path:
    path.mkdir()
    for number, frame in zip(numbers or range(len(frames)), frames, strict=True):
        write_image(path / f"frame_{number:05d}.png", frame)
    return path


def disturbed(frame: Frame, sigma: float) -> Frame:
    noisy: Frame = np.clip(frame + RNG.normal(0, sigma, frame.shape), 0, 255).astype(np.uint8)
    return noisy


def test_equal_folders(tmp_path: Path) -> None:
    result = compare(folder(tmp_path / "a", FRAMES), folder(tmp_path / "b", FRAMES))
    assert (result.count, result.mse, result.psnr, result.ssim, result.worst) == (3, 0, inf, 1, 0)
    written = json.loads(json.dumps(result.to_json(), allow_nan=False))
    assert written["psnr"] is None
    assert written["frames"][2] == {"index": 2, "mse": 0, "psnr": None, "ssim": 1}


def test_scores_against_scikit_image(tmp_path: Path) -> None:
    others = [disturbed(frame, sigma) for frame, sigma in zip(FRAMES, (2, 20, 5), strict=True)]
    result = compare(folder(tmp_path / "a", FRAMES, (3, 12, 100)), folder(tmp_path / "b", others, (3, 12, 100)))
    assert [score.index for score in result.frames] == [3, 12, 100]
    assert result.worst == 12
    for score, a, b in zip(result.frames, FRAMES, others, strict=True):
        assert score.mse == pytest.approx(mean_squared_error(a, b), rel=1e-12)
        assert score.psnr == pytest.approx(peak_signal_noise_ratio(a, b), abs=1e-9)
    stacked = mean_squared_error(np.stack(FRAMES), np.stack(others))
    assert result.mse == pytest.approx(stacked)
    assert result.psnr == pytest.approx(10 * np.log10(255**2 / stacked))
    assert result.ssim == pytest.approx(np.mean([score.ssim for score in result.frames]))
    assert result.to_json()["worst"] == 12


@pytest.mark.parametrize("sigma", [1, 10, 60])
def test_ssim_against_scikit_image(sigma: float) -> None:
    a, b = FRAMES[0], disturbed(FRAMES[0], sigma)
    luma_a, luma_b = (frame.astype(np.float64) @ (0.114, 0.587, 0.299) for frame in (a, b))
    options = {"gaussian_weights": True, "sigma": 1.5, "use_sample_covariance": False, "data_range": 255}
    assert ssim(a, b) == pytest.approx(structural_similarity(luma_a, luma_b, **options), abs=1e-4)


def test_videos_and_a_folder(tmp_path: Path) -> None:
    for name, crf in (("good.mp4", 10), ("bad.mp4", 45)):
        with VideoWriter(tmp_path / name, (60, 40), 25, crf=crf) as writer:
            for frame in FRAMES:
                writer.write(frame)
    original = folder(tmp_path / "a", FRAMES, (5, 6, 7))
    good, bad = compare(tmp_path / "good.mp4", original), compare(original, tmp_path / "bad.mp4")
    assert [score.index for score in good.frames] == [0, 1, 2]
    assert good.psnr > bad.psnr + 3
    assert good.ssim > bad.ssim
    assert compare(tmp_path / "good.mp4", tmp_path / "good.mp4").psnr == inf


def test_unpaired_frames(tmp_path: Path) -> None:
    a = folder(tmp_path / "a", FRAMES)
    with pytest.raises(VideoError, match=r"b: has no frame 1, which .*a has \(3 frames in A, 2 in B\)"):
        compare(a, folder(tmp_path / "b", FRAMES[:2], (0, 2)))
    with pytest.raises(VideoError, match="a: has no frame 7"):
        compare(a, folder(tmp_path / "c", FRAMES + FRAMES[:1], (0, 1, 2, 7)))
    with VideoWriter(tmp_path / "v.mp4", (60, 40), 25) as writer:
        writer.write(FRAMES[0])
    with pytest.raises(VideoError, match=r"a has 3 frames, .*v\.mp4 has 1"):
        compare(a, tmp_path / "v.mp4")
    with pytest.raises(VideoError, match=r"v\.mp4 has 1 frames, .*a has 3"):
        compare(tmp_path / "v.mp4", a)


def test_samples_of_a_folder(tmp_path: Path) -> None:
    frames = [np.full((20, 20, 3), value, np.uint8) for value in (10, 20, 30)]
    some, every = folder(tmp_path / "a", frames[1:2], [7]), folder(tmp_path / "b", frames, [6, 7, 8])
    assert [score.index for score in compare(some, every, samples=True).frames] == [7]
    with pytest.raises(VideoError, match="has no frame 6"):
        compare(some, every)
    with pytest.raises(VideoError, match="has no frame 6"):
        compare(every, some, samples=True)


def test_differing_sizes(tmp_path: Path) -> None:
    a, b = folder(tmp_path / "a", FRAMES), folder(tmp_path / "b", [frame[:, :50] for frame in FRAMES])
    with pytest.raises(VideoError, match=r"60x40, of .* 50x40"):
        compare(a, b)
    with pytest.raises(VideoError, match=r"60x40, of .* 50x40"):
        worst_frame_image(a, b, 0)
    with pytest.raises(VideoError, match="10x40 is too small"):
        ssim(FRAMES[0][:, :10], FRAMES[0][:, :10])


def test_worst_frame_image(tmp_path: Path) -> None:
    others = [frame.copy() for frame in FRAMES]
    others[1][10, 20] = np.where(FRAMES[1][10, 20] > 100, FRAMES[1][10, 20] - 25, FRAMES[1][10, 20] + 25)
    a, b = folder(tmp_path / "a", FRAMES), folder(tmp_path / "b", others)
    image = worst_frame_image(a, b, compare(a, b).worst)
    assert image.shape == (72, 180, 3)
    assert image.dtype == np.uint8
    strip, frames = image[:32], image[32:]
    np.testing.assert_array_equal(frames[:, :60], FRAMES[1])
    np.testing.assert_array_equal(frames[:, 60:120], others[1])
    expected = np.zeros((40, 60, 3), np.uint8)
    expected[10, 20] = 250  # 25 levels, ten times
    np.testing.assert_array_equal(frames[:, 120:], expected)
    assert all(strip[:, left : left + 60].max() > 150 for left in (0, 60, 120))
    with pytest.raises(OptionError, match="no frame 3"):
        worst_frame_image(a, b, 3)
