"""Read the saved state of a training, without trusting the file."""

import hashlib
import os
from pathlib import Path
from typing import Any

import numpy as np
import torch

from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.files.regular import is_regular
from frame_generation_pipeline.template.template import Template

MOMENTS = ("exp_avg", "exp_avg_sq")  # what Adam stores for each weight


def read_state(path: Path) -> dict[str, Any] | None:
    """Read the state that a training saved as `path`; None if there is none.

    Raises ModelError if it is no file or cannot be read.
    """
    if not os.path.lexists(path):
        return None
    if not is_regular(path):  # reading a pipe would wait for ever
        raise damaged(path)
    try:
        loaded: dict[str, Any] = torch.load(path, weights_only=True)
    except Exception as error:  # torch's functions raise anything for a damaged pickle
        raise damaged(path) from error
    return loaded


def load_optimizer(optimizer: torch.optim.Adam, state: dict[str, Any]) -> None:
    """Load the state of an optimizer's `state_dict()`.

    Raises KeyError, TypeError, AttributeError or ValueError for any other state; PyTorch itself does not check shapes.
    """
    optimizer.load_state_dict(state)
    for parameter, moments in optimizer.state.items():
        if any(moments[name].shape != parameter.shape for name in MOMENTS):
            raise ValueError("the optimizer's moments are of other shapes than the weights")


def damaged(path: Path) -> ModelError:
    """The error for a state that is damaged."""
    return ModelError(f"{path}: damaged, the training cannot go on; begin it anew in another folder")


def fingerprint(template: Template, *features: AudioFeatures) -> str:
    """Fingerprint of a template and its features."""
    digest = hashlib.sha256()
    for voice in features:
        digest.update(np.ascontiguousarray(voice.values).tobytes())
    digest.update(repr((template.width, template.height, template.boxes)).encode())
    return digest.hexdigest()
