"""A template folder as in the original: numbered images with landmarks."""

import hashlib
from dataclasses import dataclass
from itertools import islice, pairwise
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import FrameGenerationError, MissingFileError, TemplateError
from frame_generation_pipeline.media.image_header import image_size
from frame_generation_pipeline.media.video_reader import read_image
from frame_generation_pipeline.template.crop_box import CropBox
from frame_generation_pipeline.template.landmarks import read_landmarks
from frame_generation_pipeline.template.sequence import FrameSequence, TemplateFrame

FRAMES, LANDMARKS, PARSING = "full_body_img", "landmarks", "parsing"
MOST_PROBLEMS_SHOWN = 20
ENDS = 4096  # bytes of an image's beginning and end that enter the fingerprint


@dataclass(frozen=True)
class Template(FrameSequence):
    """A checked template folder; images are read one by one when they are needed."""

    folder: Path
    width: int  # pixels
    height: int  # pixels
    images: tuple[Path, ...]
    boxes: tuple[CropBox, ...]
    parsing: tuple[Path, ...] | None  # one for each of `images`, if parsing images are used

    @classmethod
    def open(cls, folder: str | Path, *, parsing: bool = False) -> "Template":
        """Check `full_body_img/`, `landmarks/` and, with `parsing`, `parsing/` of `folder`, without decoding images.

        Raises MissingFileError if a folder is absent, TemplateError with all other problems together.
        """
        folder = Path(folder)
        for part in (folder, folder / FRAMES, folder / LANDMARKS, *([folder / PARSING] if parsing else [])):
            if not part.is_dir():
                raise MissingFileError(
                    f"{part}: no such folder; a template has {FRAMES}/, {LANDMARKS}/ and sometimes {PARSING}/"
                )
        images, problems = _numbered(folder / FRAMES)
        sizes: dict[int, tuple[int, int]] = {}
        boxes: dict[int, CropBox] = {}
        masks = {number: folder / PARSING / f"{number}.png" for number in images} if parsing else {}
        for number, path in images.items():
            try:
                for image in (path, *([masks[number]] if parsing else [])):
                    if image.exists() and not image.is_file():  # reading a pipe would wait for ever
                        raise TemplateError(f"{image}: expected an image file")
                sizes[number] = image_size(path)
                boxes[number] = CropBox.from_landmarks(read_landmarks(landmark_file(folder, number)))
                if parsing and image_size(masks[number]) != sizes[number]:
                    problems.append(f"{masks[number]}: is not of its frame's size")
            except FrameGenerationError as error:
                problems.append(str(error))
        usual = max(set(sizes.values()), key=list(sizes.values()).count, default=(0, 0))
        for number, size in sizes.items():
            if size != usual:
                problems.append(f"{images[number]}: is {size[0]}x{size[1]}, the others are {usual[0]}x{usual[1]}")
            elif number in boxes and (problem := boxes[number].problem(*size)):
                problems.append(f"{landmark_file(folder, number)}: {problem}")
        if problems:
            shown = "; ".join(problems[:MOST_PROBLEMS_SHOWN])
            more = len(problems) - MOST_PROBLEMS_SHOWN
            raise TemplateError(f"{folder}: {shown}" + (f"; and {more} more" if more > 0 else ""))
        return cls(
            folder, *usual, tuple(images.values()), tuple(boxes.values()), tuple(masks.values()) if parsing else None
        )

    @property
    def path(self) -> Path:
        """The template's folder."""
        return self.folder

    def __len__(self) -> int:
        return len(self.images)

    def landmark_file(self, index: int) -> Path:
        """The landmark file of frame `index`."""
        return landmark_file(self.folder, int(self.images[index].stem))

    def fingerprint(self) -> str:
        """Fingerprint of the frames: of the crop boxes, and the sizes, beginnings and ends of the image files.

        Compressed images of equal size that differ only in the middle do not occur. Raises TemplateError.
        """
        digest = hashlib.sha256(repr((self.width, self.height, self.boxes)).encode())
        for path in (*self.images, *(self.parsing or ())):
            try:
                with path.open("rb") as file:
                    size = file.seek(0, 2)
                    file.seek(max(0, size - ENDS))
                    end = file.read(ENDS)
                    file.seek(0)
                    digest.update(f"{path.name} {size}".encode() + file.read(ENDS) + end)
            except OSError as error:
                raise TemplateError(f"{path}: cannot be read ({error.strerror}); check the file") from error
        return digest.hexdigest()

    def read(self, index: int) -> TemplateFrame:
        """Decode frame `index`, counted from 0 whatever the number of the first file.

        Raises VideoError or MissingFileError if the image became unreadable after the folder was checked, TemplateError
        if it has another size than its header states.
        """
        box = self.boxes[index]
        keep = None
        if self.parsing:
            keep = kept_pixels(box.cut(self._read_image(self.parsing[index])))
        return TemplateFrame(self._read_image(self.images[index]), box, keep)

    def _read_image(self, path: Path) -> npt.NDArray[np.uint8]:
        image = read_image(path)
        if image.shape[:2] != (self.height, self.width):
            raise TemplateError(
                f"{path}: is {image.shape[1]}x{image.shape[0]} pixels once it is decoded, its header says"
                f" {self.width}x{self.height}; where its EXIF data turn it, write it again without them"
            )
        return image


def landmark_file(folder: Path, number: int) -> Path:
    """The landmark file of an image with `number` in its name, which may have leading zeros there."""
    return folder / LANDMARKS / f"{number}.lms"


def kept_pixels(parsing: npt.NDArray[np.uint8]) -> npt.NDArray[np.bool_]:
    """The pixels to keep: (h, w) bool, true where a parsing image (h, w, 3) uint8 BGR is pure red or white."""
    blue, green, red = parsing[..., 0], parsing[..., 1], parsing[..., 2]
    return np.asarray((red == 255) & (blue == green) & ((blue == 0) | (blue == 255)))


def _numbered(folder: Path) -> tuple[dict[int, Path], list[str]]:
    """The folder's images by number, in order, and the problems with their numbers."""
    images: dict[int, Path] = {}
    problems = []
    for path in sorted(folder.iterdir()):
        if path.suffix.lower() not in (".jpg", ".jpeg", ".png") or not path.stem.isdecimal():
            continue
        if int(path.stem) in images:
            problems.append(f"{path}: frame {int(path.stem)} is there twice")
        images[int(path.stem)] = path
    if not images:
        problems.append(f"{folder}: no frames; expected 0.jpg, 1.jpg, ... (or .png)")
    elif min(images) > 1:
        problems.append(f"{folder}: the first frame is {min(images)}; frames are numbered from 0 or 1")
    numbers = sorted(images)
    gaps = (number for low, high in pairwise(numbers) for number in range(low + 1, high))
    if shown := list(islice(gaps, 10)):
        more = numbers[-1] - numbers[0] + 1 - len(numbers) - len(shown)
        problems.append(
            f"{folder}: frames {', '.join(map(str, shown))}{f' and {more} more' if more else ''} are missing"
        )
    return dict(sorted(images.items())), problems
