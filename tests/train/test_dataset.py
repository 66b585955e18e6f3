"""What a training sees: faces as inference has them, nothing of what is held out."""

import shutil
from dataclasses import replace
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import torch

from frame_generation_pipeline.audio.features import AudioFeatures, feature_window
from frame_generation_pipeline.errors import OutputError, TemplateError
from frame_generation_pipeline.face.crop import network_input, resize_crop
from frame_generation_pipeline.spec import FACE_160, FACE_328, FACE_MOBILE
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.train.cutting import DeviceFaces
from frame_generation_pipeline.train.dataset import TrainingSet, mouth_side
from frame_generation_pipeline.train.recipe import DEFAULT, ORIGINAL
from samples import write_template

STILL = replace(ORIGINAL, sync=0.0)


def build(template: Template, features: AudioFeatures, store: Path, **options: Any) -> TrainingSet:
    arguments: dict[str, Any] = {"recipe": STILL, "held_out": range(30, 40)} | options
    held_out = arguments.pop("held_out")
    return TrainingSet.build(template, features, FACE_160, held_out, store, **arguments)


def test_samples_are_what_inference_sees(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    data = build(template, features, tmp_path / "faces.npy")
    batch = data.samples(np.array([5]), np.array([7]))
    target, reference = (template.read(index) for index in (5, 7))
    expected = network_input(resize_crop(target.box.cut(target.image), FACE_160), FACE_160)
    shown = network_input(resize_crop(reference.box.cut(reference.image), FACE_160), FACE_160)
    np.testing.assert_array_equal(batch.image[:, 3:], expected[:, 3:])
    np.testing.assert_array_equal(batch.image[:, :3], shown[:, :3])
    np.testing.assert_array_equal(batch.target, expected[:, :3])
    np.testing.assert_array_equal(batch.audio.reshape(16, 512), feature_window(features.values, 5, features.spec))


def test_moved_faces_show_their_surroundings(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    data = build(template, features, tmp_path / "faces.npy", recipe=DEFAULT)
    still, moved = (data.samples(np.array([5]), np.array([7]), np.full((2, 1, 3), move)) for move in (0.0, 0.03))
    assert (still.image - moved.image).abs().mean() > 0.005
    # Moved to the right and downwards by 3 % of the box, and 3 % larger: what was at 50 % is now at about 47 %.
    before, after = still.target[0, :, 80, 80], moved.target[0, :, 75, 75]
    assert (before - after).abs().max() < 0.06


def test_mouth_square_is_around_the_lips(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    data = build(template, features, tmp_path / "faces.npy")
    batch = data.samples(np.array([5]), np.array([7]))
    box = template.boxes[5]
    # All but three landmarks of a sample template are at (50 + i, 50 + i).
    lips = (np.array([55, 55]) - (box.x, box.y)) * FACE_160.crop_size / box.size - FACE_160.margin
    side = mouth_side(FACE_160)
    assert np.all(np.abs(batch.mouth[0] + side / 2 - lips) <= 1)
    assert [mouth_side(face) for face in (FACE_328, FACE_160, FACE_MOBILE)] == [128, 64, 128]


def test_numbers_with_leading_zeros(features: AudioFeatures, tmp_path: Path) -> None:
    folder = write_template(tmp_path / "t", 12)
    for image in (folder / "full_body_img").iterdir():
        image.rename(image.with_stem(f"{image.stem:0>5}"))
    data = build(Template.open(folder), features, tmp_path / "faces.npy", held_out=range(0))
    assert len(data.lips) == len(data.faces) == 12


def test_what_is_learned_from_and_what_is_shown(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    data = build(template, features, tmp_path / "faces.npy", held_out=range(30, 34), cuts=(12,))
    assert set(data.train) == set(range(4)) | {20, 21}
    less = build(template, features, tmp_path / "faces.npy", held_out=range(30, 34), cuts=(12,), left_out=[1, 21, 31])
    assert set(less.train) == {0, 2, 3, 20}
    assert set(data.shown) == set(less.shown) == set(range(22))
    rng = np.random.default_rng(0)
    for _ in range(20):
        batch = data.batch(replace(STILL, batch=2), rng)
        assert batch.image.shape == (2, 6, 160, 160)


def test_batches_follow_the_generator_alone(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    data = build(template, features, tmp_path / "faces.npy", recipe=DEFAULT)
    one, same, other = (data.batch(DEFAULT, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.image.equal(same.image)
    assert not one.image.equal(other.image)


def test_temporal_pairs_are_neighbours(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    data = build(template, features, tmp_path / "faces.npy")
    batch = data.batch(replace(STILL, temporal=1.0, batch=6), np.random.default_rng(0))
    windows = batch.audio.reshape(6, 16, 512)
    for first, second in zip(windows[::2], windows[1::2], strict=True):
        assert second[:15].equal(first[1:])
    assert batch.image[::2, :3].equal(batch.image[1::2, :3])


def test_store_is_made_once(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    seen = []
    for _ in range(2):
        build(template, features, tmp_path / "faces.npy", progress=lambda done, total: seen.append((done, total)))
    assert seen == [(done, 40) for done in range(1, 41)]


def test_too_little_is_refused(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    with pytest.raises(TemplateError, match="leave 0 frames to learn from"):
        build(template, features, tmp_path / "faces.npy", held_out=range(5, 40))
    assert not (tmp_path / "faces.npy").exists()


def test_noise_is_a_share_of_each_value(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    uneven = AudioFeatures(features.values * np.linspace(0, 5, 512, dtype=np.float32), features.spec)
    data = build(template, uneven, tmp_path / "faces.npy")
    recipe = replace(STILL, batch=64)
    plain, noisy = (data.batch(replace(recipe, noise=noise), np.random.default_rng(1)) for noise in (0.0, 0.5))
    assert plain.image.equal(noisy.image)
    added = (noisy.audio - plain.audio).reshape(-1, 512).std(dim=0).numpy()
    np.testing.assert_allclose(added, 0.5 * uneven.values.std(axis=0), rtol=0.15)


def test_matched_references_stand_alike_at_another_moment(
    template: Template, features: AudioFeatures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Here the head stands alike in every second frame; the box is moved with the reference image."""
    data = build(template, features, tmp_path / "faces.npy", recipe=DEFAULT)
    data = replace(data, noses=np.repeat(np.arange(len(data.noses)) % 2 * 5.0, 2).reshape(-1, 2))
    drawn = []
    original = TrainingSet.samples

    def samples(self: TrainingSet, *arguments: Any) -> object:
        drawn.append(arguments)
        return original(self, *arguments)

    monkeypatch.setattr(TrainingSet, "samples", samples)
    data.batch(replace(DEFAULT, matched=1.0, temporal=0.1, batch=12), np.random.default_rng(0))
    targets, references, moves, _ = drawn[0]
    np.testing.assert_array_equal(references[::2], references[1::2])
    np.testing.assert_array_equal(references[::2] % 2, targets[::2] % 2)
    assert (np.abs(references[::2] - targets[::2]) > 8).all()
    np.testing.assert_array_equal(moves[0], moves[1])
    data.batch(DEFAULT, np.random.default_rng(0))
    assert (drawn[1][2][0] != drawn[1][2][1]).all()


def test_other_voices_say_the_same_frames(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    other = AudioFeatures(features.values[::-1].copy(), features.spec)
    data = build(template, features, tmp_path / "faces.npy", others=(other,))
    batch = data.samples(np.array([5, 5]), np.array([7, 7]), voices=np.array([0, 1]))
    assert batch.target[0].equal(batch.target[1])
    for sample, voice in zip(batch.audio.reshape(2, 16, 512), (features, other), strict=True):
        np.testing.assert_array_equal(sample, feature_window(voice.values, 5, voice.spec))
    own = build(template, features, tmp_path / "faces.npy")
    alone = [own.batch(STILL, np.random.default_rng(seed)).audio for seed in range(20)]
    drawn = [data.batch(STILL, np.random.default_rng(seed)).audio for seed in range(20)]
    equal = np.mean([one.equal(two) for a, b in zip(alone, drawn, strict=True) for one, two in zip(a, b, strict=True)])
    assert 0.3 < equal < 0.7  # each voice is drawn as often; the same frames are, with one voice and with two


def test_faces_cut_on_a_device_are_opencvs(template: Template, features: AudioFeatures, tmp_path: Path) -> None:
    data = build(template, features, tmp_path / "faces.npy", recipe=DEFAULT)
    device = replace(data, cutting=DeviceFaces(data.faces, data.face, torch.device("cpu")))
    for seed in range(3):
        expected, actual = (each.batch(DEFAULT, np.random.default_rng(seed)) for each in (data, device))
        for name in ("image", "target"):
            apart = 255 * (getattr(actual, name) - getattr(expected, name)).abs()
            assert apart.mean() < 0.3  # levels; OpenCV rounds places to 1/32 of a pixel
            assert apart.max() < 16
            assert getattr(actual, name).is_contiguous(memory_format=torch.channels_last)
        assert actual.audio.equal(expected.audio)
        np.testing.assert_array_equal(actual.mouth, expected.mouth)
    plain = data.samples(np.array([3]), np.array([5]))
    assert 255 * (device.samples(np.array([3]), np.array([5])).target - plain.target).abs().max() < 2


def test_a_bounded_number_of_frames_is_stored(
    template: Template, features: AudioFeatures, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    whole = build(template, features, tmp_path / "whole.npy")
    data = build(template, features, tmp_path / "faces.npy", most=12)
    assert "12 of 40 frames are learned from, spread over" in caplog.text
    assert len(data.train) == len(data.shown) == 12
    assert len(data.faces) == 22  # and what is held out
    assert set(data.train) < set(whole.train)
    batch, same = (built.samples(data.train, data.shown[::-1]) for built in (data, whole))
    assert batch.image.equal(same.image)
    assert batch.target.equal(same.target)
    for index in (30, 39):
        np.testing.assert_array_equal(data.faces[data.rows[index]], whole.faces[index])
    cutting = DeviceFaces(data.faces, FACE_160, torch.device("cpu"))
    on_device = replace(data, cutting=cutting).samples(data.train, data.shown[::-1])
    assert (on_device.target - batch.target).abs().mean() < 0.01


def test_room_is_checked_before_faces_are_cut(
    template: Template, features: AudioFeatures, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda folder: SimpleNamespace(free=2_000_000))
    with pytest.raises(OutputError, match=r"faces\.npy: 40 faces take about \d\.\d MB, 2\.0 MB"):
        build(template, features, tmp_path / "faces.npy")
    assert not list(tmp_path.iterdir())
