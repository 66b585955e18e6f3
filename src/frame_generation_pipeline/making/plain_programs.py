"""Build the plain programs, which run before and after a generator that was exported as its network alone.

They have no weights, so one pair serves all generators of the same face geometry. Together with the exported network
they compute what a package's face and render programs do. `studio/plain_programs.py` writes them for all hosts.
"""

import numpy as np
import onnx

from frame_generation_pipeline.making.cropping import network_input, resize_crop
from frame_generation_pipeline.making.graph import Graph
from frame_generation_pipeline.making.write_back import kept, written_back
from frame_generation_pipeline.spec import FaceSpec


def build_input_program(face: FaceSpec) -> onnx.ModelProto:
    """Build the program crop (h, w, 3) uint8 BGR -> resized, image.

    resized: (3, crop_size, crop_size) uint8. image: the network's input (1, 6, size, size) float32 in [0, 1].
    """
    graph = Graph()
    resized = resize_crop(graph, face, graph.input("crop", np.uint8, ("h", "w", 3)))
    graph.output(graph.cast(resized, np.uint8), "resized", np.uint8, (3, face.crop_size, face.crop_size))
    graph.output(network_input(graph, face, resized), "image", np.float32, (1, 6, face.size, face.size))
    return graph.model("input")


def build_patch_program(face: FaceSpec) -> onnx.ModelProto:
    """Build the program face, resized, crop, blend, keep -> patch (h, w, 3) uint8 BGR.

    face: (1, 3, size, size) float32 in [0, 1], the network's output. resized: the input program's, for `crop`, which
    is (h, w, 3) uint8 BGR. blend: () uint8, an index into `spec.BLENDS`. keep: (h, w) uint8, not zero where the crop
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
