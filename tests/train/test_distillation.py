"""What a small generator sees when it learns from a large one."""

from pathlib import Path

import numpy as np
import pytest

from frame_generation_pipeline.audio.features import AudioFeatures, feature_window
from frame_generation_pipeline.errors import FeatureError
from frame_generation_pipeline.face.crop import network_input, resize_crop
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.making.encoder import usual_audio
from frame_generation_pipeline.making.programs import build_face_program, build_render_program
from frame_generation_pipeline.spec import AVE, FACE_160, FACE_MOBILE, NETWORKS
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.train.distillation import DistillationSet, begin_student
from frame_generation_pipeline.train.recipe import DISTILLING
from samples import draw, seeded_network

FPS = AVE.fps


@pytest.fixture(scope="module")
def teacher() -> ProgramGenerator:
    network = seeded_network()
    face, render = build_face_program(network), build_render_program(network)
    return ProgramGenerator(face.SerializeToString(), render.SerializeToString(), network.spec)


def build(template: Template, teacher: ProgramGenerator, store: Path, *, held_out: float = 0.4) -> DistillationSet:
    speech = [AudioFeatures(draw(f"voice {i}", (30 + i, 512)), AVE) for i in range(2)]
    return DistillationSet.build(template, teacher, FACE_160, speech, held_out, store)


def test_targets_are_what_the_large_generator_paints(
    template: Template, teacher: ProgramGenerator, tmp_path: Path
) -> None:
    data = build(template, teacher, tmp_path / "faces.npy")
    windows = [draw(f"window {i}", (16, 512)) for i in range(2)]
    batch = data.samples(np.array([5, 7]), windows)
    for sample, (index, window) in enumerate(zip((5, 7), windows, strict=True)):
        frame = template.read(index)
        crop = resize_crop(frame.box.cut(frame.image), FACE_160)
        np.testing.assert_array_equal(batch.image[sample : sample + 1], network_input(crop, FACE_160))
        expected = teacher.render(teacher.encode_face(crop), window, crop)[4:-4, 4:-4]
        np.testing.assert_array_equal((batch.target[sample].permute(1, 2, 0) * 255).round().numpy(), expected)
        np.testing.assert_array_equal(batch.audio[sample].reshape(16, 512), window)


def test_what_is_held_out_is_never_drawn(template: Template, teacher: ProgramGenerator, tmp_path: Path) -> None:
    data = build(template, teacher, tmp_path / "faces.npy")
    assert [len(voice) for voice in data.speech] == [30 + 2, 31 - 10 - 8 + 2]  # silence around it; the window reaches 8
    assert len(data.held_out_windows) == 0.4 * FPS
    last = draw("voice 1", (31, 512))
    np.testing.assert_array_equal(data.held_out_windows[-1], feature_window(last, 30, AVE))
    known = np.concatenate([draw("voice 0", (30, 512)), last[:13]])
    rng = np.random.default_rng(0)
    rows = np.concatenate([data._window(rng) for _ in range(50)])  # each lies between two that are known, or silence
    shares, *_ = np.linalg.lstsq(known.T, rows.T, rcond=None)
    assert np.abs(known.T @ shares - rows.T).max() < 1e-4
    assert data.held_out_samples(3).target.shape == (3, 3, 160, 160)  # type: ignore[union-attr]
    assert build(template, teacher, tmp_path / "faces.npy", held_out=0).held_out_samples(3) is None


def test_batches_depend_on_their_random_numbers_alone(
    template: Template, teacher: ProgramGenerator, tmp_path: Path
) -> None:
    data = build(template, teacher, tmp_path / "faces.npy")
    one, same, other = (data.batch(DISTILLING, np.random.default_rng(seed)) for seed in (1, 1, 2))
    assert one.target.shape == (DISTILLING.batch, 3, 160, 160)
    assert one.target.equal(same.target)
    assert one.audio.equal(same.audio)
    assert not one.audio.equal(other.audio)


def test_too_little_speech(template: Template, teacher: ProgramGenerator, tmp_path: Path) -> None:
    speech = [AudioFeatures(draw("short", (40, 512)), AVE)]
    with pytest.raises(FeatureError, match=r"40 features of speech leave none to learn from beside 1.5 s held out"):
        DistillationSet.build(template, teacher, FACE_160, speech, 1.5, tmp_path / "faces.npy")


def test_begins_as_the_presenter_as_far_as_that_fits(monkeypatch: pytest.MonkeyPatch) -> None:
    usual, ave = (begin_student("mobile", audio, 0).state_dict() for audio in (usual_audio(), AVE))
    same = [name for name, value in usual.items() if name in ave and value.equal(ave[name])]
    assert all(
        name in same for name in usual if not name.startswith("audio_model.") and usual[name].is_floating_point()
    )
    assert not all(name in same for name in usual)
    monkeypatch.setitem(NETWORKS, "tiny", (FACE_MOBILE, 2))
    assert begin_student("tiny", AVE, 0).spec.width == 2
