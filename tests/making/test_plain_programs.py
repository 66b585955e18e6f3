"""The programs around plain exports: they are what the code builds, and give what OpenCV and numpy give."""

import cv2
import numpy as np
import pytest

from frame_generation_pipeline.face.crop import network_input, resize_crop
from frame_generation_pipeline.generator.onnx_backend import PROGRAMS, OnnxGenerator
from frame_generation_pipeline.generator.protocol import NetworkGenerator
from frame_generation_pipeline.making.export_generator import export_generator
from frame_generation_pipeline.making.torch_backend import TorchGenerator
from frame_generation_pipeline.spec import AVE, BLENDS, FACE_SPECS, FaceSpec, GeneratorSpec
from making.test_programs import assert_agree, random_image
from samples import draw, seeded_network
from studio.plain_programs import C_FILE, build_all, c_source

SIZES = ((60, 60), (203, 199))  # of crops


@pytest.fixture(scope="module", params=FACE_SPECS.values(), ids=lambda face: face.name)
def generators(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> tuple[NetworkGenerator, ...]:
    """PyTorch's generator, and the same one exported."""
    network = seeded_network(GeneratorSpec(request.param, AVE, width=2))
    path = tmp_path_factory.mktemp("plain") / "generator.onnx"
    export_generator(network, path)
    return TorchGenerator(network, "cpu"), OnnxGenerator(path)


def test_the_files_are_what_is_built() -> None:
    programs = build_all()
    assert {path.stem: path.read_bytes() for path in PROGRAMS.glob("*.onnx")} == programs
    assert C_FILE.read_text() == c_source(programs), "run python -m studio.plain_programs"


def test_they_have_no_weights() -> None:
    assert max(map(len, build_all().values())) < 25_000


def test_the_image_is_opencvs(generators: tuple[NetworkGenerator, ...]) -> None:
    face: FaceSpec = generators[0].spec.face
    for height, width in SIZES:
        crop = random_image(height, width)
        state = generators[1].encode_face(crop)
        resized = resize_crop(crop, face)
        far = np.abs(state.resized.transpose(1, 2, 0).astype(int) - resized)
        assert far.max() <= 1
        assert (far > 0).mean() < 0.01
        expected = network_input(state.resized.transpose(1, 2, 0).copy(), face)
        np.testing.assert_allclose(state.encoded, expected, atol=1e-7)
        assert (state.encoded[expected == 0] == 0).all()


@pytest.mark.parametrize("blend", BLENDS)
def test_an_export_paints_what_the_reference_does(generators: tuple[NetworkGenerator, ...], blend: str) -> None:
    window = draw("window", (16, AVE.feature_size))
    for height, width in SIZES:
        crop = random_image(height, width)
        expected, actual = (g.render(g.encode_face(crop), window, crop, blend=blend) for g in generators)
        assert expected.std() > 10, "an image without contrast shows no differences"
        assert_agree(actual, expected)


def test_an_export_keeps_pixels(generators: tuple[NetworkGenerator, ...]) -> None:
    crop, export = random_image(80, 80), generators[1]
    keep = cv2.circle(np.zeros((80, 80), np.uint8), (40, 40), 30, 1, -1).astype(bool)
    state, window = export.encode_face(crop), draw("window", (16, AVE.feature_size))
    whole, kept = export.render(state, window, crop), export.render(state, window, crop, keep)
    assert np.array_equal(kept[keep], crop[keep])
    assert np.array_equal(kept[~keep], whole[~keep])
    assert not np.array_equal(kept, whole)
