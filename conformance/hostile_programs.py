"""Programs that no package may hold, or that do other things when they run than they state."""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper
from onnx.helper import make_node, make_tensor_value_info

from frame_generation_pipeline.spec import AVE, STREAMING, AudioSpec
from hostile_bytes import ambiguous_programs
from tiny_programs import FEATURES, PLAIN, WEIGHT, audio_program, face_program, render_program, tensor

FACE, RENDER, AUDIO = "face", "render", "audio"
SAME = make_node("Identity", ["crop"], ["patch"])
FEATURES_A_SECOND = 22  # features of one second, which is what programs are tried on


@dataclass(frozen=True)
class HostileProgram:
    """Programs of a package by role, in place of its own, and a part of Python's message."""

    name: str
    programs: dict[str, bytes]
    message: str
    audio: AudioSpec = AVE  # the type that the manifest states where there is an audio program

    def files(self) -> dict[str, bytes]:
        """The programs by their paths."""
        return {f"programs/{role}.onnx": data for role, data in self.programs.items()}

    def change(self, manifest: dict[str, Any]) -> None:
        """Have the manifest ask for an audio program, where there is one: of a type for which hosts know the blocks."""
        if AUDIO in self.programs:
            manifest["generator"]["audio"] = {"name": self.audio.name, "feature_size": self.audio.feature_size}
            manifest["programs"][AUDIO] = "programs/audio.onnx"


def hostile_programs() -> Iterator[HostileProgram]:
    """Each of them, see the module."""
    for name, (data, message) in (_forbidden() | ambiguous_programs()).items():
        yield HostileProgram(name, {FACE: data}, message)
    for name, (face, message) in _other_faces().items():
        yield HostileProgram(name, {FACE: face, RENDER: render_program(SAME)}, message)
    for name, (render, message) in _other_patches().items():
        yield HostileProgram(name, {FACE: face_program().SerializeToString(), RENDER: render}, message)
    for name, (audio, message) in _other_features().items():
        render = render_program(SAME, features=FEATURES)
        yield HostileProgram(name, {FACE: face_program().SerializeToString(), RENDER: render, AUDIO: audio}, message)
    other = {RENDER: render_program(SAME, features=STREAMING.feature_size), AUDIO: audio}
    programs = {FACE: face_program().SerializeToString(), **other}
    yield HostileProgram("features of another type", programs, "has 'features' as float32", STREAMING)


def _forbidden() -> dict[str, tuple[bytes, str]]:
    """What may stand in no program."""
    outside = onnx.TensorProto()
    outside.CopyFrom(WEIGHT)
    outside.ClearField("raw_data")
    outside.data_location = TensorProto.EXTERNAL
    outside.external_data.add(key="location", value="/etc/passwd")
    without_place, place_alone = onnx.TensorProto(), onnx.TensorProto()
    without_place.CopyFrom(outside)
    without_place.ClearField("external_data")
    place_alone.CopyFrom(outside)
    place_alone.ClearField("data_location")
    several = make_node("Constant", [], ["state"])
    several.attribute.add(name="values", type=onnx.AttributeProto.TENSORS).tensors.append(outside)
    state = make_tensor_value_info("state", TensorProto.FLOAT, [1])
    branch = helper.make_graph([PLAIN], "branch", [], [state])
    graphs = make_node("Identity", ["weight"], ["state"])
    graphs.attribute.add(name="bodies", type=onnx.AttributeProto.GRAPHS).graphs.append(branch)
    sparse = onnx.SparseTensorProto(dims=[1])
    sparse_node, sparse_nodes = (make_node("Constant", [], ["state"]) for _ in range(2))
    sparse_node.attribute.add(name="s", type=onnx.AttributeProto.SPARSE_TENSOR).sparse_tensor.CopyFrom(sparse)
    sparse_nodes.attribute.add(name="s", type=onnx.AttributeProto.SPARSE_TENSORS).sparse_tensors.append(sparse)
    sparse_weight, function, trained = face_program(), face_program(), face_program()
    sparse_weight.graph.sparse_initializer.append(sparse)
    function.functions.append(helper.make_function("own", "f", ["x"], ["y"], [], []))
    trained.training_info.add()
    open_state, huge, negative, twice, text = (face_program() for _ in range(5))
    open_state.graph.output[0].type.tensor_type.shape.dim[0].dim_param = "n"
    huge.graph.output[0].type.tensor_type.shape.dim[0].dim_value = 2**27
    negative.graph.output[0].type.tensor_type.shape.dim[0].dim_value = -1
    twice.graph.input.append(twice.graph.input[0])
    text.graph.output[0].type.tensor_type.elem_type = TensorProto.STRING
    halves = helper.make_tensor("weight", TensorProto.FLOAT16, [1], [float("inf")])
    cast = make_node("Cast", ["weight"], ["state"], to=TensorProto.FLOAT)
    endless = make_node("LeakyRelu", ["weight"], ["state"], alpha=float("inf"))
    models = {
        "operators of others": (
            face_program(make_node("Identity", ["weight"], ["state"], domain="com.microsoft")),
            "own alone",
        ),
        "other domain": (face_program(domains=("", "com.microsoft")), "expected ONNX's own alone"),
        **{
            f"control flow, {kind}": (face_program(make_node(kind, ["weight"], ["state"], body=branch)), "control flow")
            for kind in ("If", "Loop", "Scan", "SequenceMap")
        },
        "control flow without a graph": (face_program(make_node("Loop", ["weight"], ["state"])), "control flow"),
        "graph in an operator": (
            face_program(make_node("Relu", ["weight"], ["state"], body=branch)),
            "a graph or sparse",
        ),
        "graphs in an operator": (face_program(graphs), "a graph or sparse weights"),
        "sparse weights": (sparse_weight, "sparse weights"),
        "sparse weights in an operator": (face_program(sparse_node), "a graph or sparse weights"),
        "sparse weights in an operator, a list": (face_program(sparse_nodes), "a graph or sparse weights"),
        "weights elsewhere": (face_program(weights=(outside,)), "weights in another file"),
        "weights elsewhere, nobody says where": (face_program(weights=(without_place,)), "weights in another file"),
        "weights elsewhere, only their place": (face_program(weights=(place_alone,)), "weights in another file"),
        "constant elsewhere": (
            face_program(make_node("Constant", [], ["state"], value=outside)),
            "weights in another file",
        ),
        "constants elsewhere": (face_program(several), "weights in another file"),
        "weights that are no numbers": (face_program(weights=(tensor("weight", [np.nan]),)), "not finite"),
        "weights without end": (face_program(weights=(helper.make_tensor("weight", 1, [1], [-np.inf]),)), "not finite"),
        "weights of 16 bits without end": (face_program(cast, weights=(halves,)), "not finite"),
        "weights of 16 bits that are no numbers": (
            face_program(cast, weights=(tensor("weight", [np.nan], np.float16),)),
            "not finite",
        ),
        "weights of 64 bits without end": (
            face_program(cast, weights=(tensor("weight", [np.inf], np.float64),)),
            "not finite",
        ),
        "constant that is no number": (
            face_program(make_node("Constant", [], ["state"], value=tensor("", [np.nan]))),
            "not finite",
        ),
        "attribute without end": (face_program(endless), "no finite number"),
        "functions": (function, "functions or training"),
        "training": (trained, "functions or training"),
        "state of open shape": (open_state, "not fixed"),
        "state of negative length": (negative, "negative length"),
        "state of texts": (text, "of another type"),
        "input twice": (twice, "twice"),
        "huge state": (huge, "more than 268435456 bytes"),
        "another state": (face_program(), "render.onnx has"),
    }
    return {name: (model.SerializeToString(), message) for name, (model, message) in models.items()}


def _other_faces() -> dict[str, tuple[bytes, str]]:
    """Face programs that fail or give another state than they state."""
    height = (make_node("Shape", ["crop"], ["shape"]), make_node("Gather", ["shape", "zero"], ["height"]))
    zero = tensor("zero", [0], np.int64)
    longer = face_program(*height, make_node("Expand", ["weight", "height"], ["state"]), weights=(WEIGHT, zero))
    impossible = face_program(
        make_node("Reshape", ["weight", "seven"], ["state"]), weights=(WEIGHT, tensor("seven", [7], np.int64))
    )
    failing = face_program(*height, make_node("Reshape", ["weight", "height"], ["state"]), weights=(WEIGHT, zero))
    return {
        "state of another shape when it runs": (longer.SerializeToString(), "came out as float32 of shape"),
        "state that cannot be": (impossible.SerializeToString(), "do not load|do not run"),
        "state that fails when it runs": (failing.SerializeToString(), "do not run"),
    }


def _other_patches() -> dict[str, tuple[bytes, str]]:
    """Render programs that fail or give another image than the crop's size."""
    seven = tensor("seven", [7, 7, 3], np.int64)
    return {
        "patch of two crops": (
            render_program(make_node("Concat", ["crop", "crop"], ["patch"], axis=0)),
            "came out as uint8",
        ),
        "patch of no rows": (
            render_program(
                make_node("Slice", ["crop", "zero", "zero"], ["patch"]), weights=(tensor("zero", [0], np.int64),)
            ),
            "came out as uint8",
        ),
        "patch that fails when it runs": (
            render_program(make_node("Reshape", ["crop", "seven"], ["patch"]), weights=(seven,)),
            "do not run",
        ),
        "patch of an unknown operator": (render_program(make_node("Telepathy", ["crop"], ["patch"])), "do not load"),
    }


def _other_features() -> dict[str, tuple[bytes, str]]:
    """Audio programs whose features are no numbers or not as many as those of the audio."""

    def features(value: float, rows: int, kind: str) -> bytes:
        """So many rows of what the operator `kind` makes of the value, for a second of audio."""
        weights = {"value": [value], "second": [16_000], "rows": [rows], "size": [FEATURES]}
        return audio_program(
            make_node("Shape", ["samples"], ["length"]),
            make_node("Div", ["length", "second"], ["seconds"]),
            make_node("Mul", ["seconds", "rows"], ["count_of_rows"]),
            make_node("Concat", ["count_of_rows", "size"], ["shape"], axis=0),
            make_node(kind, ["value"], ["one"]),
            make_node("Expand", ["one", "shape"], ["features"]),
            weights=tuple(tensor(n, v, np.float32 if n == "value" else np.int64) for n, v in weights.items()),
        )

    return {
        "features that are no numbers": (features(-1, FEATURES_A_SECOND, "Sqrt"), "no finite features"),
        "features without end": (features(1000, FEATURES_A_SECOND, "Exp"), "no finite features"),
        "features too few": (features(1, 1, "Sqrt"), "do not run"),
        "features too many": (features(1, FEATURES_A_SECOND + 1, "Sqrt"), "do not run"),
        "no features": (features(1, 0, "Sqrt"), "do not run"),
    }
