"""Programs around a generator that was exported as its network alone: from the crop to its input, from its output on.

They have no weights, so that one pair serves all generators of a face. Together with the export they compute what an
avatar's face and render programs do. `studio/plain_programs.py` writes them for this project and for other hosts.
"""

import numpy as np
import onnx

from frame_generation_pipeline.making.cropping import network_input, resize_crop
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.making.write_back import kept, written_back
from frame_generation_pipeline.spec import FaceSpec


def build_input_program(face: FaceSpec) -> onnx.ModelProto:
    """The program crop (h, w, 3) uint8 BGR -> resized (3, crop_size, crop_size) uint8 and the network's image.

    image: (1, 6, size, size) float32 in [0, 1].
    """
    graph = Graph()
    resized = resize_crop(graph, face, graph.input("crop", np.uint8, ("h", "w", 3)))
    graph.output(graph.cast(resized, np.uint8), "resized", np.uint8, (3, face.crop_size, face.crop_size))
    graph.output(network_input(graph, face, resized), "image", np.float32, (1, 6, face.size, face.size))
    return graph.model("input")


def build_patch_program(face: FaceSpec) -> onnx.ModelProto:
    """The program face, resized, crop, blend and keep -> patch (h, w, 3) uint8 BGR, the crop as it is written back.

    face: (1, 3, size, size) float32 in [0, 1], what the network gave. resized: of the input program for `crop`, which
    is (h, w, 3) uint8 BGR. blend: () uint8, its place in `spec.BLENDS`. keep: (h, w) uint8, not zero where the crop
    keeps its own pixels.
    """
    graph = Graph()
    output = graph.input("face", np.float32, (1, 3, face.size, face.size))
    resized = graph.cast(graph.input("resized", np.uint8, (3, face.crop_size, face.crop_size)), np.float32)
    crop = graph.input("crop", np.uint8, ("h", "w", 3))
    feathered = graph.cast(graph.input("blend", np.uint8, ()), np.bool_)
    keep = graph.input("keep", np.uint8, ("h", "w"))
    patch = kept(graph, keep, crop, written_back(graph, face, output, resized, crop, feathered))
    graph.output(patch, "patch", np.uint8, ("h", "w", 3))
    return graph.model("patch")
