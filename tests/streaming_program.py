"""A small audio program for features of the type `streaming`, with weights that depend on their names alone."""

import numpy as np

from frame_generation_pipeline.audio.streaming import SAMPLES_BEFORE, SAMPLES_FROM_ITS_OWN, SAMPLES_WITH_CONTEXT, STEP
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.spec import STREAMING
from samples import draw

CHANNELS = 4


def build_streaming_program() -> bytes:
    """Each feature is computed from its own samples alone: how loud a few filters are in each of its steps, mixed."""
    graph = Graph()
    samples = graph.input("samples", np.float32, ("L",))
    first, count = graph.input("first", np.int64, ()), graph.input("count", np.int64, ())
    none, one, step = (graph.number(value, np.int64) for value in (0, 1, STEP))
    total = graph.op(
        "Div", graph.op("Add", graph.op("Squeeze", graph.op("Shape", samples)), graph.op("Sub", step, one)), step
    )
    given = graph.op("Max", graph.op("Min", count, graph.op("Sub", total, first)), none)  # no sum of them overflows
    padded = graph.op("Pad", samples, graph.integers(SAMPLES_BEFORE, SAMPLES_FROM_ITS_OWN))
    starts = graph.op("Mul", graph.op("Add", graph.op("Range", none, given, one), first), step)
    run = graph.constant("run", np.arange(SAMPLES_WITH_CONTEXT), np.int64)
    rows = graph.op("Gather", padded, graph.op("Add", graph.op("Unsqueeze", starts, graph.integers(1)), run))
    filters = draw("filters", (CHANNELS, 1, STEP)) / np.sqrt(STEP)
    filtered = graph.op(
        "Conv", graph.op("Unsqueeze", rows, graph.integers(1)), graph.constant("filters", filters), strides=[STEP]
    )
    steps = SAMPLES_WITH_CONTEXT // STEP
    mix = draw("mix", (STREAMING.feature_size, CHANNELS, steps)) / np.float32(np.sqrt(CHANNELS * steps))
    mixed = graph.op("Conv", graph.op("Abs", filtered), graph.constant("mix", 10 * mix))
    graph.output(graph.op("Squeeze", mixed, graph.integers(2)), "features", np.float32, ("m", STREAMING.feature_size))
    program: bytes = graph.model("audio").SerializeToString(deterministic=True)
    return program
