from pathlib import Path

import cv2
import numpy as np
import onnx
import pytest
from onnxruntime import InferenceSession

from frame_generation_pipeline.arrays import Frame, Window
from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.errors import MissingFileError, ModelError
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.making.networks import Network
from frame_generation_pipeline.making.programs import build_face_program, build_render_program, face_state_shapes
from frame_generation_pipeline.making.resize import resize
from frame_generation_pipeline.making.torch_backend import TorchGenerator, load_network
from frame_generation_pipeline.spec import (
    AUDIO_SPECS,
    AVE,
    FACE_160,
    FACE_328,
    FACE_MOBILE,
    FACE_SPECS,
    FEATHERED,
    LIGHT,
    WENET,
    WHISPER,
    AudioSpec,
    FaceSpec,
    GeneratorSpec,
)
from frame_generation_pipeline.template.template import Template
from samples import TINY, draw, seeded_network


def random_image(height: int, width: int) -> Frame:
    """A crop with soft shapes and some grain, so that errors of resizing would show."""
    soft = cv2.resize(draw("soft", (9, 9, 3)), (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(np.clip(128 + 50 * soft + 8 * draw("grain", (height, width, 3)), 0, 255), np.uint8)


def programs(network: Network, *, parsing: bool = False) -> ProgramGenerator:
    face, render = build_face_program(network), build_render_program(network, parsing=parsing)
    return ProgramGenerator(face.SerializeToString(), render.SerializeToString(), network.spec, threads=2)


def assert_agree(actual: Frame, expected: Frame) -> None:
    assert (actual.dtype, actual.shape) == (expected.dtype, expected.shape)
    difference = np.abs(actual.astype(int) - expected)
    assert 10 * np.log10(255**2 / max(1e-9, (difference**2).mean())) >= 50
    assert (difference <= 2).mean() >= 0.999


def assert_like_reference(network: Network, generator: ProgramGenerator, crop: Frame, window: Window) -> None:
    reference = TorchGenerator(network, "cpu")
    expected = reference.render(reference.encode_face(crop), window, crop)
    assert expected.std() > 10, "an image without contrast shows no differences"
    assert_agree(generator.render(generator.encode_face(crop), window, crop), expected)
    expected = reference.render(reference.encode_face(crop), window, crop, blend=FEATHERED)
    assert_agree(generator.render(generator.encode_face(crop), window, crop, blend=FEATHERED), expected)


@pytest.fixture(scope="module")
def tiny() -> ProgramGenerator:
    return programs(seeded_network())


@pytest.mark.parametrize("cubic", [True, False])
def test_resize_is_opencvs(cubic: bool) -> None:
    graph = Graph()
    image = graph.input("image", np.float32, (3, "h", "w"))
    target = graph.input("height", np.int64, (1,)), graph.input("width", np.int64, (1,))
    source = graph.op("Shape", image, start=1, end=2), graph.op("Shape", image, start=2, end=3)
    graph.output(resize(graph, image, source, target, cubic=cubic), "resized", np.float32, (3, "height", "width"))
    session = InferenceSession(graph.model("resize").SerializeToString())
    for height, width, new_height, new_width in (
        (61, 90, 328, 328),
        (328, 328, 183, 60),
        (70, 500, 168, 168),
        (1, 1, 9, 9),
    ):
        crop = random_image(height, width)
        expected = cv2.resize(
            crop, (new_width, new_height), interpolation=cv2.INTER_CUBIC if cubic else cv2.INTER_LINEAR
        )
        feed = {"image": crop.transpose(2, 0, 1).astype(np.float32)}
        feed |= {"height": np.array([new_height]), "width": np.array([new_width])}
        resized = session.run(None, feed)[0].transpose(1, 2, 0)
        difference = np.abs(resized - expected)
        assert difference.max() <= 1
        assert (difference > 0).mean() < (1e-3 if cubic else 1e-2)


@pytest.mark.parametrize("audio", AUDIO_SPECS.values())
@pytest.mark.parametrize("face", FACE_SPECS.values())
def test_every_kind_agrees_with_the_reference(face: FaceSpec, audio: AudioSpec) -> None:
    network = seeded_network(GeneratorSpec(face, audio, width=2))
    window = draw("window", (16, audio.feature_size))
    generator = programs(network)
    for height, width in ((60, 60), (203, 199)):
        assert_like_reference(network, generator, random_image(height, width), window)


@pytest.mark.parametrize(
    "spec",
    [GeneratorSpec(FACE_328, AVE), GeneratorSpec(FACE_160, WENET, LIGHT), GeneratorSpec(FACE_MOBILE, WHISPER, LIGHT)],
    ids=lambda s: s.name,
)
def test_full_width_agrees_with_the_reference(spec: GeneratorSpec) -> None:
    network = seeded_network(spec)
    assert_like_reference(network, programs(network), random_image(182, 182), draw("w", (16, spec.audio.feature_size)))


def test_real_person(real_dir: Path) -> None:
    network = load_network(real_dir / "checkpoint" / "person_ave.pth")
    window = next(AudioFeatures.load(real_dir / "person" / "aud_ave.npy").windows(1, start=20))
    frame = Template.open(real_dir / "person").read(1)
    assert_like_reference(network, programs(network), frame.box.cut(frame.image).copy(), window)


def test_state_has_the_stated_shapes_whatever_the_crop(tiny: ProgramGenerator) -> None:
    expected = face_state_shapes(seeded_network())
    for crop in (random_image(60, 60), random_image(97, 101)):
        state = tiny.encode_face(crop)
        assert {name: (array.dtype.type, array.shape) for name, array in state.tensors.items()} == expected
        assert state.nbytes == sum(np.dtype(kind).itemsize * np.prod(shape) for kind, shape in expected.values())


def test_the_audio_and_the_face_are_both_seen(tiny: ProgramGenerator) -> None:
    crop, window = random_image(80, 80), draw("window", (16, 512))
    state = tiny.encode_face(crop)
    patch = tiny.render(state, window, crop)
    assert np.array_equal(patch, tiny.render(state, window, crop))
    assert not np.array_equal(patch, tiny.render(state, -window, crop))
    assert not np.array_equal(patch, tiny.render(tiny.encode_face(255 - crop), window, crop))
    rim = cv2.resize(cv2.resize(crop, (168, 168)), (80, 80))[0]
    assert np.abs(patch[0] - rim.astype(int)).max() <= 1, "the outermost pixels stay the crop's own"


def test_kept_pixels_are_the_crops() -> None:
    network, crop, window = seeded_network(), random_image(80, 80), draw("window", (16, 512))
    parsing, plain = programs(network, parsing=True), programs(network)
    keep = np.zeros((80, 80), np.bool_)
    keep[30:60, 20:50] = True
    state = parsing.encode_face(crop)
    patch = plain.render(state, window, crop)
    assert np.array_equal(parsing.render(state, window, crop), patch)
    assert np.array_equal(parsing.render(state, window, crop, keep), np.where(keep[..., None], crop, patch))
    with pytest.raises(ModelError, match="build it with parsing"):
        plain.render(state, window, crop, keep)


def test_the_same_network_gives_the_same_bytes() -> None:
    first, second = seeded_network(), seeded_network()
    assert build_face_program(first).SerializeToString() == build_face_program(second).SerializeToString()
    assert build_render_program(first).SerializeToString() == build_render_program(second).SerializeToString()


def test_constants_are_named_after_parameters() -> None:
    names = {constant.name for constant in build_render_program(seeded_network()).graph.initializer}
    assert {"audio_model.conv3.weight", "audio_model.conv5.bias", "fuse_conv.1.double_conv.1.conv.3.weight"} <= names


def test_programs_of_different_networks_are_refused(tmp_path: Path) -> None:
    network = seeded_network()
    face, render = tmp_path / "face.onnx", tmp_path / "render.onnx"
    onnx.save(build_face_program(network), face)
    onnx.save(build_render_program(network), render)
    ProgramGenerator(face, render, TINY)
    with pytest.raises(ModelError, match="no windows"):
        ProgramGenerator(face, render, GeneratorSpec(FACE_160, WENET, width=2))
    other = build_render_program(seeded_network(GeneratorSpec(FACE_160, AVE, width=3)))
    with pytest.raises(ModelError, match="different avatars"):
        ProgramGenerator(face, other.SerializeToString(), TINY)
    with pytest.raises(ModelError, match="different avatars"):
        ProgramGenerator(render, face, TINY)
    with pytest.raises(MissingFileError, match=r"gone\.onnx"):
        ProgramGenerator(tmp_path / "gone.onnx", render, TINY)
