from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.programs import load_programs
from frame_generation_pipeline.runtime.isolated import IsolatedProcess
from frame_generation_pipeline.runtime.settings import Bounds, Runtime
from frame_generation_pipeline.spec import WINDOW

TINY = Path(__file__).parents[2] / "conformance" / "avatars" / "ave-160"


def square() -> bytes:
    """A program that multiplies a matrix of ones (side, side) by itself."""
    nodes = [
        helper.make_node("ConstantOfShape", ["shape"], ["ones"], value=helper.make_tensor("one", 1, [1], [1.0])),
        helper.make_node("MatMul", ["ones", "ones"], ["product"]),
        helper.make_node("ReduceMax", ["product"], ["largest"], keepdims=0),
    ]
    shape = helper.make_tensor_value_info("shape", TensorProto.INT64, [2])
    largest = helper.make_tensor_value_info("largest", TensorProto.FLOAT, [])
    graph = helper.make_graph(nodes, "square", [shape], [largest])
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    return bytes(model.SerializeToString())


@pytest.fixture(scope="module")
def process() -> Iterator[IsolatedProcess]:
    isolated = IsolatedProcess(Bounds(seconds=0.5))
    yield isolated
    isolated.close()


def test_what_takes_too_much_ends_and_the_next_run_goes_well(process: IsolatedProcess) -> None:
    session = process.open(square())
    assert [(tensor.name, tensor.type, tensor.shape) for tensor in session.get_inputs()] == [
        ("shape", "tensor(int64)", [2])
    ]

    def largest(side: int) -> float:
        return float(session.run(["largest"], {"shape": np.array([side, side], np.int64)})[0])

    assert largest(3) == 3
    with pytest.raises(ModelError, match=r"more than 0\.5 s"):
        largest(8000)  # a trillion operations
    assert largest(4) == 4
    with pytest.raises(ModelError):
        largest(100_000)  # 40 GB
    assert largest(5) == 5


def test_what_is_no_program_is_an_error_of_one_line(process: IsolatedProcess) -> None:
    with pytest.raises(ModelError) as refused:
        process.open(b"no program")
    assert "\n" not in str(refused.value)


def test_an_avatar_in_a_process_of_its_own_gives_the_same_bits() -> None:
    package = open_package(TINY)
    (own, own_audio), (isolated, isolated_audio) = (
        load_programs(package, Runtime(bounds=each)) for each in (None, Bounds())
    )
    crop = np.random.default_rng(0).integers(0, 256, (60, 60, 3), np.uint8)
    window = np.random.default_rng(1).normal(size=(WINDOW, own.spec.audio.feature_size)).astype(np.float32)
    patch, same = (each.render(each.encode_face(crop), window, crop) for each in (own, isolated))
    np.testing.assert_array_equal(patch, same)
    same[0, 0] = 0  # it may be written to
    samples = np.sin(np.arange(16_000, dtype=np.float32) / 20)
    assert own_audio is not None
    assert isolated_audio is not None
    np.testing.assert_array_equal(own_audio.features(samples, 0, 9), isolated_audio.features(samples, 0, 9))
