"""Make the audio program of the feature type `streaming`: a small network on 1.28 s of audio.

python -m studio.streaming_encoder WEIGHTS.safetensors \\
    -o src/frame_generation_pipeline/weights/presenter/programs/audio.onnx

WEIGHTS: what `studio.streaming_encoder_learning` wrote. Every feature is computed by itself from its own samples, so
that the same bits come out in whatever pieces audio comes.
"""

import argparse
import copy
from pathlib import Path

import numpy as np
import numpy.typing as npt
import torch
from safetensors.torch import load_file
from torch import Tensor, nn
from torch.nn import functional as F

from frame_generation_pipeline.audio.streaming import SAMPLES_BEFORE, SAMPLES_FROM_ITS_OWN, SAMPLES_WITH_CONTEXT, STEP
from frame_generation_pipeline.audio.whisper import FFT_SIZE, HOP
from frame_generation_pipeline.files.output import complete_file
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.spec import STREAMING
from studio.voice_encoder import filterbank
from studio.whisper_weights import BANDS

COLUMNS = 125  # of a feature; the last one ends with its samples
UNUSED = SAMPLES_WITH_CONTEXT - FFT_SIZE - (COLUMNS - 1) * HOP  # of its first samples
SIZE = STREAMING.feature_size  # the first ones of those of `whisper`
DELAY = 1  # frames from that whose `whisper` feature is estimated to that of the feature
SKIPPED = UNUSED % HOP  # samples before the first of the columns that features share
LARGEST = 4.0
FLOOR = 1e-6  # power of a band that counts as silence
CENTRE, SCALE = -1.5, 0.5  # what brings the logarithms of bands near zero mean and unit variance
WIDTH = 256  # channels
LEVEL = 77  # columns over which the level of each band is measured, to the end of the columns that it belongs to
LAST = 6  # steps of 40 ms that the last layer sees


class StreamingEncoder(nn.Module):
    """A convolutional network on log-mel columns, beside which it gets the level of each band until then.

    There is no padding, so that features that follow one another are computed at once, as a feature by itself is.
    """

    bands: Tensor
    window: Tensor

    def __init__(self) -> None:
        super().__init__()
        self.register_buffer("bands", torch.from_numpy(filterbank().T.copy()), persistent=False)
        self.register_buffer("window", torch.hann_window(FFT_SIZE), persistent=False)
        self.stem = nn.Conv1d(BANDS, WIDTH, 5, 2, bias=False)
        self.level = nn.Conv1d(2 * BANDS, WIDTH, 1, bias=False)
        self.stem_norm = nn.BatchNorm1d(WIDTH)
        self.fine1, self.fine2 = Layer(WIDTH, WIDTH), Layer(WIDTH, WIDTH)
        self.halve = Layer(WIDTH, WIDTH, stride=2)
        self.coarse1, self.coarse2 = Layer(WIDTH, WIDTH), Layer(WIDTH, WIDTH)
        self.last = Layer(WIDTH, WIDTH, kernel=LAST)
        self.out = nn.Conv1d(WIDTH, SIZE, 1)

    def powers(self, samples: Tensor) -> Tensor:
        """(n, HOP * (c - 1) + FFT_SIZE) -> (n, 80, c), power of each band in each column."""
        spectrum = torch.fft.rfft(samples.unfold(1, FFT_SIZE, HOP) * self.window)
        squares: Tensor = spectrum.real.square() + spectrum.imag.square()
        return (squares @ self.bands).transpose(1, 2)

    def values(self, powers: Tensor) -> Tensor:
        """(n, 80, 125 + 4 * (r - 1)) -> (n, SIZE, r): features that follow one another, not yet clipped."""
        mel = (powers.clamp_min(FLOOR).log10() - CENTRE) * SCALE
        level = torch.cat([F.avg_pool1d(mel, LEVEL, 2), F.max_pool1d(mel, LEVEL, 2)], 1)
        x = torch.relu(self.stem_norm(self.stem(mel[:, :, LEVEL - 5 :]) + self.level(level)))
        for layer in (self.fine1, self.fine2):
            x = x[:, :, 1:-1] + layer(x)
        x = self.halve(x)
        for layer in (self.coarse1, self.coarse2):
            x = x[:, :, 1:-1] + layer(x)
        values: Tensor = self.out(self.last(x))
        return values

    def forward(self, samples: Tensor) -> Tensor:
        """(n, SAMPLES_WITH_CONTEXT) at 16 kHz -> (n, SIZE)."""
        return self.values(self.powers(samples[:, UNUSED:]))[:, :, 0].clamp(-LARGEST, LARGEST)


class Layer(nn.Module):
    """Convolution without padding, normalisation, rectifier."""

    def __init__(self, channels: int, out: int, *, kernel: int = 3, stride: int = 1) -> None:
        super().__init__()
        self.conv = nn.Conv1d(channels, out, kernel, stride, bias=False)
        self.norm = nn.BatchNorm1d(out)

    def forward(self, x: Tensor) -> Tensor:
        """(n, channels, c) -> (n, out, (c - kernel) // stride + 1)."""
        return torch.relu(self.norm(self.conv(x)))


def build(encoder: StreamingEncoder) -> bytes:
    """The audio program: samples (L,) float32, first () int64, count () int64 -> features (m, 240) float32.

    Its values are kept as float16. Only operators whose results for a feature do not depend on how many are computed at
    once are used: products with a matrix of one row are rounded in another way than those of many.
    """
    graph = Graph()
    samples = graph.input("samples", np.float32, ("L",))
    first, count = graph.input("first", np.int64, ()), graph.input("count", np.int64, ())
    one, step = graph.number(1, np.int64), graph.number(STEP, np.int64)
    length = graph.op("Squeeze", graph.op("Shape", samples))
    total = graph.op("Div", graph.op("Add", length, graph.number(STEP - 1, np.int64)), step)
    left = graph.op("Max", graph.op("Sub", total, first), graph.number(0, np.int64))
    end = graph.op("Add", first, graph.op("Min", count, left))  # so that no count overflows
    x = _frames(
        graph, samples, graph.op("Sub", graph.op("Mul", total, step), length), graph.op("Range", first, end, one)
    )
    x = _convolutions(graph, _mel(graph, x), encoder)
    x = graph.op("Clip", x, graph.number(-LARGEST), graph.number(LARGEST))
    x = graph.op("Reshape", x, graph.integers(-1, SIZE))
    graph.output(x, "features", np.float32, ("m", SIZE))
    program: bytes = graph.model("audio").SerializeToString(deterministic=True)
    return program


def _frames(graph: Graph, samples: str, lack: str, indices: str) -> str:
    """The windowed samples of the columns, (m, 125, 400), of the features in `indices`; `lack` samples fill a step."""
    piece = np.gcd(HOP, FFT_SIZE)  # 80 samples, of which all columns begin at a whole number
    after = graph.op("Add", lack, graph.number(SAMPLES_FROM_ITS_OWN - STEP, np.int64))
    ends = graph.op("Concat", graph.integers(SAMPLES_BEFORE), graph.op("Unsqueeze", after, graph.integers(0)), axis=0)
    pieces = graph.op("Reshape", graph.op("Pad", samples, ends), graph.integers(-1, piece))
    run = UNUSED // piece + np.arange(COLUMNS)[:, None] * (HOP // piece) + np.arange(FFT_SIZE // piece)
    starts = graph.op(
        "Mul", graph.op("Unsqueeze", indices, graph.integers(1, 2)), graph.number(STEP // piece, np.int64)
    )
    frames = graph.op("Gather", pieces, graph.op("Add", starts, graph.constant("run", run[None], np.int64)))
    frames = graph.op("Reshape", frames, graph.integers(-1, COLUMNS, FFT_SIZE))
    return graph.op("Mul", frames, graph.constant("window", torch.hann_window(FFT_SIZE).numpy()))


def _mel(graph: Graph, frames: str) -> str:
    """(m, 125, 400) -> (m, 80, 125); see `StreamingEncoder.powers`.

    The spectrum's bins 4k, 4k + 2 and 2k + 1 come from sums and differences of the frame's halves and quarters, as the
    first steps of a fast Fourier transform have them: three eighths of the products.
    """

    def halves(x: str, size: int) -> tuple[str, str]:
        parts = [
            graph.op("Slice", x, graph.integers(a), graph.integers(a + size), graph.integers(2)) for a in (0, size)
        ]
        return graph.op("Add", *parts), graph.op("Sub", *parts)

    sums, odd = halves(frames, FFT_SIZE // 2)
    fourth, even = halves(sums, FFT_SIZE // 4)
    bands = ""
    for x, bins in ((fourth, range(0, 201, 4)), (even, range(2, 201, 4)), (odd, range(1, 201, 2))):
        size = FFT_SIZE // 2 if x == odd else FFT_SIZE // 4
        angles = 2 * np.pi * np.outer(np.arange(size), bins) / FFT_SIZE
        parts = [graph.op("MatMul", x, graph.constant(f"{name}_{bins.start}", wave))
                 for name, wave in (("cosine", np.cos(angles)), ("sine", np.sin(angles)))]  # fmt: skip
        power = graph.op("Add", *(graph.op("Mul", part, part) for part in parts))
        of_bins = graph.constant(f"bands_{bins.start}", filterbank().T[bins.start :: bins.step])
        share = graph.op("MatMul", power, of_bins)
        bands = graph.op("Add", bands, share) if bands else share
    decades = graph.op("Log", graph.op("Max", bands, graph.number(FLOOR)))
    scaled = graph.op("Mul", decades, graph.number(SCALE / np.log(10)))
    return graph.op("Transpose", graph.op("Sub", scaled, graph.number(CENTRE * SCALE)), perm=[0, 2, 1])


def _convolutions(graph: Graph, mel: str, encoder: StreamingEncoder) -> str:
    """(m, 80, 125) -> (m, SIZE, 1); see `StreamingEncoder.values`."""

    def convolve(x: str, name: str, conv: nn.Conv1d, norm: nn.BatchNorm1d | None) -> str:
        weight, bias = folded(conv, norm)
        half = graph.cast(graph.constant(f"{name}.weight", weight, np.float16), np.float32)
        return graph.op("Conv", x, half, graph.constant(f"{name}.bias", bias), strides=list(conv.stride))

    def layer(x: str, name: str) -> str:
        part = getattr(encoder, name)
        return graph.op("Relu", convolve(x, name, part.conv, part.norm))

    def end(x: str, begin: int) -> str:
        return graph.op("Slice", x, graph.integers(begin), graph.integers(2**31), graph.integers(2))

    def residual(x: str, name: str) -> str:
        inner = graph.op("Slice", x, graph.integers(1), graph.integers(-1), graph.integers(2))
        return graph.op("Add", inner, layer(x, name))

    pools = [graph.op(kind, mel, kernel_shape=[LEVEL], strides=[2]) for kind in ("AveragePool", "MaxPool")]
    level = convolve(graph.op("Concat", *pools, axis=1), "level", encoder.level, _scaling(encoder.stem_norm))
    x = convolve(end(mel, LEVEL - 5), "stem", encoder.stem, encoder.stem_norm)
    x = graph.op("Relu", graph.op("Add", x, level))
    x = layer(residual(residual(x, "fine1"), "fine2"), "halve")
    x = layer(residual(residual(x, "coarse1"), "coarse2"), "last")
    return convolve(x, "out", encoder.out, None)


def _scaling(norm: nn.BatchNorm1d) -> nn.BatchNorm1d:
    """The normalisation without what it adds, for the second of two values whose sum is normalised."""
    other = copy.deepcopy(norm).requires_grad_(False)
    assert other.running_mean is not None
    other.running_mean.zero_()
    other.bias.zero_()
    return other


def folded(conv: nn.Conv1d, norm: nn.BatchNorm1d | None) -> tuple[npt.NDArray[np.float32], npt.NDArray[np.float32]]:
    """Weight and bias of a convolution with the normalisation after it in evaluation."""
    bias = torch.zeros(conv.out_channels) if conv.bias is None else conv.bias
    if norm is None:
        return conv.weight.detach().numpy(), bias.detach().numpy()
    assert norm.running_var is not None
    assert norm.running_mean is not None
    scale = (norm.running_var + norm.eps).rsqrt() * norm.weight
    shift = (bias - norm.running_mean) * scale + norm.bias
    return (conv.weight * scale[:, None, None]).detach().numpy(), shift.detach().numpy()


def load(path: Path) -> StreamingEncoder:
    """The encoder in a .safetensors file, in evaluation mode."""
    encoder = StreamingEncoder()
    encoder.load_state_dict(load_file(path))
    return encoder.eval()


def main() -> None:
    """Read, build, compare with PyTorch, write."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    encoder = load(arguments.weights)
    program = build(encoder)

    import onnxruntime

    samples = np.random.default_rng(0).normal(0, 0.05, SAMPLES_BEFORE * 2).astype(np.float32)
    session = onnxruntime.InferenceSession(program)
    features = session.run(None, {"samples": samples, "first": np.array(0), "count": np.array(len(samples))})[0]
    padded = np.pad(samples, (SAMPLES_BEFORE, SAMPLES_FROM_ITS_OWN))
    rows = np.stack([padded[i * STEP :][:SAMPLES_WITH_CONTEXT] for i in range(len(features))])
    with torch.inference_mode():
        expected = encoder(torch.from_numpy(rows)).numpy()
    print(f"{len(program) / 1e6:.1f} MB, at most {np.abs(features - expected).max():.1e} from PyTorch")
    with complete_file(arguments.output) as temporary:
        temporary.write_bytes(program)


if __name__ == "__main__":
    main()
