"""Sessions say in one line what ONNX Runtime could not do."""

from typing import Any

import numpy as np
import pytest

from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.runtime.onnx_session import open_session
from frame_generation_pipeline.weights import FACE_DETECTOR


@pytest.mark.parametrize(
    ("names", "value"),
    [
        (["nothing"], None),
        (None, np.zeros(3, np.float32)),
        (None, np.zeros((1, 128, 128, 3), np.int64)),
        (None, "text"),
    ],
)
def test_whatever_is_raised_while_it_runs(names: list[str] | None, value: Any) -> None:
    session = open_session(FACE_DETECTOR)
    (takes,) = session.get_inputs()
    good = np.zeros([size if isinstance(size, int) else 1 for size in takes.shape], np.float32)
    with pytest.raises(ModelError, match=r"face_detector\.onnx: failed while it ran \(") as caught:
        session.run(names, {takes.name: good if value is None else value})
    assert str(caught.value).isprintable()
    assert len(session.run(None, {takes.name: good})) == len(session.get_outputs())


def test_the_model_is_named_without_a_file() -> None:
    session = open_session(FACE_DETECTOR.read_bytes())
    with pytest.raises(ModelError, match=r"^the model: failed"):
        session.run(None, {})
