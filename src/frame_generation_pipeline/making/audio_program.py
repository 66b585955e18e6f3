"""The audio program: 16 kHz samples -> audio features, with the mel front end inside, as one ONNX graph.

It computes what `mel.py` and the encoder compute, for hosts in any language. The spectrum is in float64 there and here:
in float32, its rounding alone would use half of the 1e-4 by which features may differ, and save a tenth of the time.
"""

import numpy as np
import onnx

from frame_generation_pipeline.audio.mel import (
    BANDS,
    COLUMN_RATE,
    FFT_SIZE,
    FREQUENCIES,
    HOP,
    PRE_EMPHASIS,
    SHORTEST,
    WINDOW_COLUMNS,
    filterbank,
)
from frame_generation_pipeline.making.ave_encoder import AveEncoder, ConvBlock
from frame_generation_pipeline.making.folding import Convolution
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.spec import AVE


def build_audio_program(encoder: AveEncoder) -> onnx.ModelProto:
    """Build the program samples (L,) float32 at 16 kHz, first () int64, count () int64 -> features (m, 512) float32.

    Audio of these samples has n windows, see `mel.window_count`; the features are those of the windows first, ...,
    first + m - 1 with m = max(0, min(count, n - first)). The first and last features are not repeated. L >= 1, and
    audio of less than 3000 samples is padded with zeros; first >= 0. No other window and few other columns are
    computed. The same encoder gives the same program to the byte.
    """
    graph = Graph()
    samples = graph.input("samples", np.float32, ("L",))
    first, count = graph.input("first", np.int64, ()), graph.input("count", np.int64, ())
    one, width = graph.number(1, np.int64), graph.number(WINDOW_COLUMNS, np.int64)

    sample_count = graph.op("Squeeze", graph.op("Shape", samples))
    length = graph.op("Max", sample_count, graph.number(SHORTEST, np.int64))
    columns = graph.op("Add", graph.op("Div", length, graph.number(HOP, np.int64)), one)
    last_start = graph.op("Sub", columns, width)

    def start(window: str) -> str:
        """The first column of windows as in `mel.window_start`, moved back at the end of the audio."""
        scaled = graph.op("Mul", window, graph.number(COLUMN_RATE, np.int64))
        return graph.op("Min", graph.op("Div", scaled, graph.number(AVE.fps, np.int64)), last_start)

    left = graph.op("Sub", _window_count(graph, last_start), first)
    end = graph.op("Add", first, graph.op("Min", count, left))  # so that no count overflows
    begin, stop = start(first), graph.op("Add", start(graph.op("Sub", end, one)), width)

    emphasised = _emphasised(graph, samples, graph.op("Sub", length, sample_count))
    after = graph.op("Sub", graph.op("Mul", graph.op("Add", columns, one), graph.number(HOP, np.int64)), length)
    hops = graph.op("Reshape", _pad(graph, emphasised, FFT_SIZE // 2, after), graph.integers(-1, HOP))
    frames = _gather_runs(graph, hops, graph.op("Range", begin, stop, one), FFT_SIZE // HOP)
    mel = _mel(graph, graph.op("Reshape", frames, graph.integers(-1, FFT_SIZE)))
    starts = graph.op("Sub", start(graph.op("Range", first, end, one)), begin)
    windows = graph.op("Transpose", _gather_runs(graph, mel, starts, WINDOW_COLUMNS), perm=[0, 2, 1])
    graph.output(_encoded(graph, windows, encoder), "features", np.float32, ("m", AVE.feature_size))
    return graph.model("audio")


def _window_count(graph: Graph, last_start: str) -> str:
    """Compute `mel.window_count` in float64 and in the same steps, so that it rounds the same way."""
    seconds = graph.op("Div", graph.cast(last_start, np.float64), graph.number(float(COLUMN_RATE), np.float64))
    windows = graph.op("Mul", seconds, graph.number(float(AVE.fps), np.float64))
    return graph.op("Add", graph.cast(windows, np.int64), graph.number(2, np.int64))


def _emphasised(graph: Graph, samples: str, missing: str) -> str:
    """Append `missing` zeros, then apply the pre-emphasis: (L + missing,) float64."""
    x = _pad(graph, graph.cast(samples, np.float64), 1, missing)
    previous = graph.op("Slice", x, graph.integers(0), graph.integers(-1))
    current = graph.op("Slice", x, graph.integers(1), graph.integers(np.iinfo(np.int64).max))
    return graph.op("Sub", current, graph.op("Mul", previous, graph.number(PRE_EMPHASIS, np.float64)))


def _mel(graph: Graph, frames: str) -> str:
    """Frames (c, 800) float64 -> mel columns (c, 80) float32; see `mel.mel_columns`."""
    # One period of the cosine gives the Hann window and the Fourier basis, with the same arguments on every machine;
    # a quarter of a period later it is the sine, whose sign does not matter. The runtime computes the product once,
    # when it loads the program; storing it would make the file half as large again.
    cosine = graph.constant("cosine", np.cos(2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE), np.float64)
    time = graph.constant("time", np.arange(FFT_SIZE)[:, None, None], np.int64)
    frequency = graph.constant("frequency", np.arange(FREQUENCIES), np.int64)
    quarter = graph.constant("quarter", [[0], [FFT_SIZE // 4]], np.int64)
    angle = graph.op("Add", graph.op("Mul", time, frequency), quarter)
    basis = graph.op("Gather", cosine, graph.op("Mod", angle, graph.number(FFT_SIZE, np.int64)))
    half = graph.number(0.5, np.float64)
    hann = graph.op("Sub", half, graph.op("Mul", half, graph.op("Gather", cosine, time)))
    basis = graph.op("Reshape", graph.op("Mul", hann, basis), graph.integers(FFT_SIZE, 2 * FREQUENCIES))

    spectrum = graph.op("Reshape", graph.op("MatMul", frames, basis), graph.integers(-1, 2, FREQUENCIES))
    squares = graph.op("Mul", spectrum, spectrum)
    magnitude = graph.op("Sqrt", graph.op("ReduceSum", squares, graph.integers(1), keepdims=0))
    weights = graph.cast(graph.constant("filterbank", filterbank().T), np.float64)
    bands = graph.op("Max", graph.op("MatMul", magnitude, weights), graph.number(1e-5, np.float64))
    # 20 log10 bands - 20 decibels, of which -100 becomes -4 and 0 becomes 4.
    scaled = graph.op("Mul", graph.op("Log", bands), graph.number(1.6 / np.log(10), np.float64))
    shifted = graph.op("Add", scaled, graph.number(2.4, np.float64))
    limits = (graph.number(limit, np.float64) for limit in (-4.0, 4.0))
    return graph.cast(graph.op("Clip", shifted, *limits), np.float32)


def _encoded(graph: Graph, windows: str, encoder: AveEncoder) -> str:
    x = graph.op("Reshape", windows, graph.integers(-1, 1, BANDS, WINDOW_COLUMNS))
    for index, block in enumerate(encoder.audio_encoder):
        assert isinstance(block, ConvBlock)
        convolution = Convolution.of(f"audio_encoder.{index}", *block.parts)
        y = graph.op(
            "Conv",
            x,
            graph.constant(f"{convolution.name}.weight", convolution.weight),
            graph.constant(f"{convolution.name}.bias", convolution.bias),
            strides=convolution.stride,
            pads=[convolution.padding] * 4,
        )
        x = graph.op("Relu", graph.op("Add", y, x) if block.residual else y)
    return graph.op("Flatten", x)


def _pad(graph: Graph, values: str, before: int, after: str) -> str:
    """Zeros around a vector."""
    ends = graph.op("Unsqueeze", after, graph.integers(0))
    return graph.op("Pad", values, graph.op("Concat", graph.integers(before), ends, axis=0))


def _gather_runs(graph: Graph, rows: str, starts: str, length: int) -> str:
    """Runs of `length` rows from each of `starts` (s,): (s, length, row)."""
    run = graph.constant(f"run_{length}", np.arange(length), np.int64)
    return graph.op("Gather", rows, graph.op("Add", graph.op("Unsqueeze", starts, graph.integers(1)), run))
