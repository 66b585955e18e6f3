"""Unpack a package's template into a folder, on which a generator can be trained."""

import shutil
from pathlib import Path

import numpy as np

from frame_generation_pipeline.files.output import prepare_folder, temporary_beside, writing
from frame_generation_pipeline.package.load import Package
from frame_generation_pipeline.package.manifest import LANDMARK_POINTS, LANDMARKS, frame_path, parsing_path
from frame_generation_pipeline.template.template import FRAMES, PARSING, Template, landmark_file
from frame_generation_pipeline.template.template import LANDMARKS as LANDMARK_FOLDER


def unpack_template(package: Package, folder: Path) -> Template:
    """Write the frames, byte for byte, the landmarks and the parsing images of `package` as the template `folder`.

    The folder of an earlier call is used as it is. Raises PackageError for files that are not the listed ones,
    OutputError, and the errors of `Template.open`.
    """
    manifest = package.manifest
    if not folder.exists():
        prepare_folder(folder.parent)
        temporary = temporary_beside(folder)
        points = np.frombuffer(package.read(LANDMARKS), "<i2").reshape(-1, LANDMARK_POINTS, 2)
        try:
            with writing(folder):
                for part in (FRAMES, LANDMARK_FOLDER, *([PARSING] if manifest.parsing else [])):
                    (temporary / part).mkdir(parents=True)
                for index in range(manifest.frame.count):
                    data = package.read(frame_path(index, manifest.frame.format))
                    (temporary / FRAMES / f"{index}.{manifest.frame.format}").write_bytes(data)
                    landmark_file(temporary, index).write_text("".join(f"{x} {y}\n" for x, y in points[index].tolist()))
                    if manifest.parsing:
                        (temporary / PARSING / f"{index}.png").write_bytes(package.read(parsing_path(index)))
                temporary.rename(folder)
        finally:
            shutil.rmtree(temporary, ignore_errors=True)
    return Template.open(folder, parsing=manifest.parsing)
