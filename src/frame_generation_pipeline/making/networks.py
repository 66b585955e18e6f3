"""Build the network of a spec."""

from frame_generation_pipeline.making.mobile import MobileNetwork
from frame_generation_pipeline.making.network import GeneratorNetwork
from frame_generation_pipeline.spec import FACE_MOBILE, GeneratorSpec

Network = GeneratorNetwork | MobileNetwork


def build_network(spec: GeneratorSpec) -> Network:
    """Build the network of `spec` with random weights, in training mode."""
    return MobileNetwork(spec) if spec.face == FACE_MOBILE else GeneratorNetwork(spec)
