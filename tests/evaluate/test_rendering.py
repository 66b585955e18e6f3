from itertools import pairwise
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import pytest
from torch import Tensor

from frame_generation_pipeline.evaluate.rendering import Choice, dub, reconstruct, with_face, with_mouth
from frame_generation_pipeline.face.crop import network_input, resize_crop
from frame_generation_pipeline.making.torch_backend import TorchGenerator
from frame_generation_pipeline.spec import FACE_160, FEATHERED, REFERENCE
from frame_generation_pipeline.template.sequence import TemplateFrame
from frame_generation_pipeline.template.template import Template
from samples import draw, seeded_network

WINDOW = draw("window", (16, 512))


@pytest.fixture
def frames(template_dir: Path) -> list[TemplateFrame]:
    template = Template.open(template_dir)
    return [template.read(index) for index in range(3)]


@pytest.fixture(scope="module")
def generator() -> TorchGenerator:
    return TorchGenerator(seeded_network(), "cpu")


def test_choice_is_seeded_and_keeps_neighbours() -> None:
    train = [*range(10), *range(40, 50)]
    choice = Choice.draw(train, 60, 7)
    assert choice == Choice.draw(train, 60, 7)
    assert choice != Choice.draw(train, 60, 8)
    assert len(choice.references) == len(choice.mouths) == 60
    assert {*choice.references, *choice.mouths} <= set(train)
    places = [train.index(index) for index in choice.references]
    assert {abs(b - a) for a, b in pairwise(places)} == {1}
    assert Choice.draw([5], 3, 0) == Choice((5, 5, 5), (5, 5, 5))


def test_with_the_frame_itself_as_reference_it_is_what_generation_makes(
    frames: list[TemplateFrame], generator: TorchGenerator
) -> None:
    kept = frames[0].image.copy()
    rendered = dub(generator, frames[0], WINDOW, FEATHERED)
    np.testing.assert_array_equal(reconstruct(generator, frames[0], frames[0], WINDOW, FEATHERED), rendered)
    np.testing.assert_array_equal(frames[0].image, kept)
    assert (rendered != kept).any()


def test_the_network_sees_the_reference_and_the_masked_target(
    frames: list[TemplateFrame], generator: TorchGenerator
) -> None:
    seen: list[npt.NDArray[np.float32]] = []

    class Watched(TorchGenerator):
        def encode_image(self, image: npt.NDArray[np.float32]) -> list[Tensor]:
            seen.append(image.copy())
            return super().encode_image(image)

    reconstruct(Watched(generator.network, "cpu"), frames[0], frames[2], WINDOW, REFERENCE)
    target, other = (network_input(resize_crop(frames[i].box.cut(frames[i].image), FACE_160), FACE_160) for i in (0, 2))
    np.testing.assert_array_equal(seen[0][:, :3], other[:, :3])
    np.testing.assert_array_equal(seen[0][:, 3:], target[:, 3:])


def test_baselines(frames: list[TemplateFrame]) -> None:
    unchanged = with_face(frames[0], frames[0], FACE_160)
    box = frames[0].box
    resized = cv2.resize(resize_crop(box.cut(frames[0].image), FACE_160), (box.size, box.size))
    np.testing.assert_array_equal(box.cut(unchanged), resized)
    other = with_face(frames[0], frames[2], FACE_160)
    inner = slice(box.y + 5, box.y + box.size - 5), slice(box.x + 5, box.x + box.size - 5)
    expected = cv2.resize(frames[2].box.cut(frames[2].image), (box.size, box.size), interpolation=cv2.INTER_LINEAR)
    shown = other[inner].astype(int) - expected[5:-5, 5:-5]
    assert np.abs(shown).mean() < 4  # two resizings apart
    np.testing.assert_array_equal(other[:10], frames[0].image[:10])

    mouth = with_mouth(frames[0], (50, 40, 60, 50), frames[1], (30, 30, 40, 40))
    np.testing.assert_array_equal(mouth[40:50, 50:60], frames[1].image[30:40, 30:40])
    mouth[40:50, 50:60] = frames[0].image[40:50, 50:60]
    np.testing.assert_array_equal(mouth, frames[0].image)


def test_kept_pixels_stay(template_dir: Path, generator: TorchGenerator) -> None:
    frame = Template.open(template_dir).read(0)
    keep = np.zeros((frame.box.size, frame.box.size), bool)
    keep[10:30] = True
    kept = type(frame)(frame.image, frame.box, keep)
    for image in (reconstruct(generator, kept, frame, WINDOW, REFERENCE), dub(generator, kept, WINDOW, FEATHERED)):
        np.testing.assert_array_equal(frame.box.cut(image)[keep], frame.box.cut(frame.image)[keep])
