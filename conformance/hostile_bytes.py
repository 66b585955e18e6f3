"""Bytes that are no program, or that readers of protocol buffers could take for different programs."""

import numpy as np
import onnx
from onnx.helper import make_node

from tiny_programs import PLAIN, WEIGHT, face_program


def ambiguous_programs() -> dict[str, tuple[bytes, str]]:
    """Each by its name, with a part of Python's message."""
    model = face_program()
    good = model.SerializeToString()
    graph = model.graph.SerializeToString()
    before_graph, after_graph = good.split(tagged(7, graph))
    foreign = make_node("Evil", ["weight"], ["state"], domain="com.evil").SerializeToString()

    def with_graph(*graphs: bytes) -> bytes:
        """The program with these graphs, of which one is right; fields stand in the order of their numbers."""
        return bytes(before_graph + b"".join(tagged(7, graph) for graph in graphs) + after_graph)

    def with_weight(weight: bytes) -> bytes:
        before, after = graph.split(tagged(5, WEIGHT.SerializeToString()))
        return with_graph(before + tagged(5, weight) + after)

    def with_state(state: bytes) -> bytes:
        return with_graph(graph.removesuffix(tagged(12, stated)) + tagged(12, state))

    stated = model.graph.output[0].SerializeToString()
    assert with_graph(graph) == with_weight(WEIGHT.SerializeToString()) == with_state(stated) == good
    more = onnx.TypeProto()
    more.tensor_type.shape.dim.add(dim_value=2**20)
    length = tagged(1, b"\x08\1" + tagged(2, b"n"))  # both 1 and n
    both = tagged(1, b"state") + tagged(2, tagged(1, b"\x08\1" + tagged(2, length)))
    node, kind = PLAIN.SerializeToString(), b"\x08\1\x10\1"  # of a weight: one dimension, float32
    value = np.float32(1).tobytes()
    files = {
        "no program": b"no program",
        "ONNX Runtime's own format": b"\x20\0\0\0ORTM" + good,
        "program cut off": good[:-3],
        "varint that is not the shortest": good + b"\x28\x80\x00",
        "varint of more than 64 bits": good + b"\x28" + b"\xff" * 9 + b"\x02",
        "version in a longer form": b"\x08" + longer(good[1]) + good[2:],
        "length in a longer form": before_graph + b"\x3a" + longer(len(graph)) + graph + after_graph,
        "tag in a longer form": longer(good[0]) + good[1:],
        "tag above 32 bits": good + b"\x80\x80\x80\x80\x10\x01",
        "tag of 70 bits": good + b"\xba" + b"\x80" * 8 + b"\x01\0",
        "field of number 0": good + b"\x02\0",
        "operator behind bits above 32": with_graph(graph + tagged(1, foreign, beyond=1)),
        "operator behind bits above 35": with_graph(graph + tagged(1, foreign, beyond=1 << 3)),
        "graph behind bits above 32": good + tagged(7, graph, beyond=1),
        "weights behind bits above 32": with_weight(WEIGHT.SerializeToString() + tagged(13, b"", beyond=1)),
        "two graphs": good + good,
        "graph in two parts": with_graph(tagged(1, node), graph.removeprefix(tagged(1, node))),
        "version twice": b"\x08\x07" + good,
        "name of the graph twice": with_graph(graph + tagged(2, b"other")),
        "operator's kind twice": with_graph(tagged(1, node + tagged(4, b"Loop")) + graph),
        "state's type in two parts": with_state(stated + tagged(2, more.SerializeToString())),
        "state's length said twice": with_state(both),
        "values of a weight twice": with_weight(WEIGHT.SerializeToString() + tagged(9, value)),
        "numbers of a weight in two lists": with_weight(kind + 2 * tagged(4, value) + tagged(8, b"weight")),
        "numbers of a weight one by one": with_weight(kind + b"\x25" + value + tagged(8, b"weight")),
        "dimensions of a weight in one list": with_weight(
            tagged(1, b"\1") + b"\x10\1" + tagged(8, b"weight") + tagged(9, value)
        ),
        "negative number of 32 bits": with_weight(
            b"\x08\1\x10" + varint(2**32 - 1) + tagged(8, b"weight") + tagged(9, value)
        ),
        "text where a number is": b"\x0a\0" + good,
        "unknown field": good + tagged(99, b"x"),
        "unknown field of the graph": with_graph(graph + tagged(99, b"x")),
        "unknown field of an operator": with_graph(tagged(1, node + tagged(99, b"x")) + graph),
        "unknown field of a weight": with_weight(WEIGHT.SerializeToString() + tagged(77, b"x")),
        "group": good + varint(99 << 3 | 3) + varint(99 << 3 | 4),
        "group for a graph": before_graph + b"\x3b" + graph + b"\x3c" + after_graph,
        "group in the graph": with_graph(graph + varint(99 << 3 | 3) + varint(99 << 3 | 4)),
        "end of a group": good + varint(99 << 3 | 4),
        "another order": good[2:] + good[:2],
        "another order in the graph": with_graph(tagged(2, b"face") + tagged(1, node)),
    }
    return {name: (data, "is no ONNX program") for name, data in files.items()}


def varint(value: int) -> bytes:
    """A variable-length integer in its shortest form."""
    data = b""
    while value > 0x7F:
        data, value = data + bytes([value & 0x7F | 0x80]), value >> 7
    return data + bytes([value])


def longer(value: int) -> bytes:
    """The same in one byte more than it needs."""
    data = varint(value)
    return data[:-1] + bytes([data[-1] | 0x80, 0])


def tagged(number: int, content: bytes, *, beyond: int = 0) -> bytes:
    """A field with text or a message; beyond: what its tag has above its 32 bits."""
    return varint(number << 3 | 2 | beyond << 32) + varint(len(content)) + content
