"""Write sample frames with their inputs, with which other implementations can be compared."""

import json
from pathlib import Path
from typing import Any

import numpy as np

from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.face.paste import paste
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.generator.protocol import Generator
from frame_generation_pipeline.media.video_reader import write_image
from frame_generation_pipeline.speaking.speech import Speech
from frame_generation_pipeline.template.template import Template


def write_reference_outputs(
    generator: Generator, template: Template, speech: Speech, folder: Path, samples: int
) -> dict[str, Any]:
    """Write `samples` frames, evenly spread over the speech, to `folder`; returns the contents of `metadata.json`.

    Each has `frame_00012.png`, the complete frame, and `frame_00012.npz` with `template_frame` (its index), `box`
    (x, y, size), `window` (16, F) float32, and `crop` and `patch` (size, size, 3) uint8 BGR.

    Raises OptionError if `samples` is below 1; OutputError.
    """
    if samples < 1:
        raise OptionError(f"{samples} sample frames; expected 1 or more")
    indices = sorted({int(index) for index in np.linspace(0, speech.count - 1, samples)})
    names = {index: f"frame_{index:05d}" for index in indices}
    for index, window in enumerate(speech.windows()):
        if index not in names:
            continue
        frame = template.read(template.index(index))
        crop = frame.box.cut(frame.image).copy()
        patch = generator.render(generator.encode_face(crop), window, crop, frame.keep)
        with complete_file(folder / f"{names[index]}.npz") as temporary:
            np.savez_compressed(
                temporary,
                template_frame=template.index(index),
                box=(frame.box.x, frame.box.y, frame.box.size),
                window=window,
                crop=crop,
                patch=patch,
            )
        write_image(folder / f"{names[index]}.png", paste(frame, patch))
    metadata = {
        "num_total_frames": speech.count,
        "sample_indices": indices,
        "reference_frames": {index: str(folder / f"{name}.png") for index, name in names.items()},
        "audio_features_shape": [speech.count, *speech.spec.feature_shape],
        "mode": speech.spec.name,
        "generator": generator.spec.name,
        "frame_size": [template.width, template.height],
    }
    with complete_file(folder / "metadata.json") as temporary:
        temporary.write_text(json.dumps(metadata, indent=2) + "\n")
    return metadata
