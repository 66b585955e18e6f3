"""A face's box may reach beyond the image, whose edge is then repeated outwards."""

from pathlib import Path

import cv2
import numpy as np
import pytest

from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.making.pack import pack_avatar
from frame_generation_pipeline.media.video_reader import read_image
from frame_generation_pipeline.package.verify import verify_package
from frame_generation_pipeline.template.template import Template
from samples import write_template

SIZE, PAD = (72, 60), 30  # pixels; the boxes of `write_template` then reach over the right and the lower edge


@pytest.fixture
def templates(tmp_path: Path) -> tuple[Path, Path]:
    """One whose boxes leave the image, and the same with the images' edges repeated so far that they do not."""
    small = write_template(tmp_path / "small", 4, size=SIZE, parsing=True)
    large = write_template(tmp_path / "large", 4, size=SIZE, parsing=True)
    for kind, suffix in (("full_body_img", "jpg"), ("parsing", "png")):
        for index in range(4):
            path = small / kind / f"{index}.{suffix}"
            image = read_image(path)
            padded = cv2.copyMakeBorder(image, PAD, PAD, PAD, PAD, cv2.BORDER_REPLICATE)
            for folder, shown in ((small, image), (large, padded)):
                (folder / kind / path.name).unlink()
                cv2.imwrite(str(folder / kind / f"{index}.png"), shown)
    for index in range(4):
        path = large / "landmarks" / f"{index}.lms"
        np.savetxt(path, np.loadtxt(path) + PAD)
    return small, large


@pytest.mark.parametrize("blend", ["reference", "feathered"])
@pytest.mark.parametrize("parsing", [False, True])
def test_the_same_as_in_a_larger_image(
    templates: tuple[Path, Path], checkpoint: Path, features_path: Path, tmp_path: Path, blend: str, parsing: bool
) -> None:
    opened = Template.open(templates[0])
    assert not any(box.inside(*SIZE) for box in opened.boxes)
    videos = []
    for template in templates:
        package = tmp_path / f"{template.name}.avatar"
        pack_avatar(package, checkpoint=checkpoint, template=template, parsing=parsing, blend=blend)
        verify_package(package)
        videos.append(np.array(list(Avatar.load(package).frames(audio_features_path=features_path))))
    small, large = videos
    np.testing.assert_array_equal(small, large[:, PAD:-PAD, PAD:-PAD])
    assert (small != np.array([opened.read(i).image for i in (1, 2, 3, 2, 1, 0, 1, 2)])).any()
