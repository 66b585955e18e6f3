"""What FFmpeg, OpenCV and ONNX Runtime raise in the middle of work is one line."""

import pytest

from failing import RAISING
from frame_generation_pipeline.errors import LibraryError, ModelError, library_errors
from frame_generation_pipeline.speaking.engine import Engine


@pytest.mark.parametrize("name", RAISING)
def test_each_library_is_named_in_one_line(name: str) -> None:
    library, fail = RAISING[name]
    with pytest.raises(LibraryError, match=f"^frame 7: {library} failed \\(") as caught, library_errors("frame 7"):
        fail()
    assert str(caught.value).isprintable()
    assert caught.value.__cause__ is not None


def test_other_errors_pass() -> None:
    with pytest.raises(ZeroDivisionError), library_errors("frame 7"):
        1 / 0  # noqa: B018
    with pytest.raises(ModelError, match="ours"), library_errors("frame 7"):
        raise ModelError("ours")


@pytest.mark.parametrize("name", RAISING)
@pytest.mark.parametrize("workers", [0, 2])
def test_in_the_middle_of_work(name: str, workers: int) -> None:
    library, fail = RAISING[name]
    engine = Engine(workers)
    good, bad, after = engine.submit(lambda: 1), engine.submit(fail), engine.submit(lambda: 2)
    assert engine.wait(good) == 1
    with pytest.raises(LibraryError, match=f"a frame could not be made: {library} failed"):
        engine.wait(bad)
    assert engine.wait(after) == 2
    engine.close()
