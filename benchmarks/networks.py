"""What a frame costs by each network: the face program and the render program, one core, in turn in one run.

python -m benchmarks.networks [--crop 313] [--rounds 40]

Weights are random, which changes no time. Prints the table of `docs/performance.md`: milliseconds of the fastest of the
rounds, in which all programs take turns; the median over the rounds of what both take as a share of light's in the same
round, so that whatever else the machine does meets both; and the size of both programs in half precision, as
`framegen pack --precision fp16` writes them.
"""

import argparse
import time
from collections.abc import Callable

import numpy as np
import torch

from benchmarks.markdown import print_header, print_row
from frame_generation_pipeline.generator.program_backend import ProgramGenerator
from frame_generation_pipeline.making.half import halve
from frame_generation_pipeline.making.networks import build_network
from frame_generation_pipeline.making.programs import build_face_program, build_render_program
from frame_generation_pipeline.spec import FEATHERED, NETWORKS, WHISPER, WINDOW, GeneratorSpec


def measured(work: Callable[[], object]) -> float:
    """Milliseconds that `work` takes once."""
    before = time.perf_counter()
    work()
    return 1000 * (time.perf_counter() - before)


def main() -> None:
    """Measure every network."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--crop", type=int, default=313, help="pixels of the face's box, along a side")
    parser.add_argument("--rounds", type=int, default=40)
    arguments = parser.parse_args()
    draw = np.random.default_rng(0)
    crop = draw.integers(0, 256, (arguments.crop, arguments.crop, 3), np.uint8)
    window = draw.standard_normal((WINDOW, WHISPER.feature_size), np.float32)
    torch.manual_seed(0)
    generators, sizes = {}, {}
    for name, (shape, width) in NETWORKS.items():
        network = build_network(GeneratorSpec(shape, WHISPER, width)).eval()
        face_program = build_face_program(network).SerializeToString()
        render_program = build_render_program(network).SerializeToString()
        generators[name] = ProgramGenerator(face_program, render_program, network.spec, threads=1)
        sizes[name] = sum(len(halve(program)) for program in (face_program, render_program)) / 1e6
    states = {name: generator.encode_face(crop) for name, generator in generators.items()}
    seconds: dict[str, list[tuple[float, float]]] = {name: [] for name in generators}
    for _ in range(arguments.rounds):
        for name, generator in generators.items():
            state = states[name]
            face = measured(lambda g=generator: g.encode_face(crop))  # type: ignore[misc]
            render = measured(lambda g=generator, s=state: g.render(s, window, crop, blend=FEATHERED))  # type: ignore[misc]
            seconds[name].append((face, render))
    best = {name: np.min(times, axis=0) for name, times in seconds.items()}
    print_header("network", "face program", "render program", "both", "of light's", "face state", "both programs, fp16")
    for name, (face, render) in best.items():
        share = np.median(np.sum(seconds[name], axis=1) / np.sum(seconds["light"], axis=1))
        times = (f"{milliseconds:.1f} ms" for milliseconds in (face, render, face + render))
        print_row(name, *times, f"{share:.2f}", f"{states[name].nbytes / 1e6:.1f} MB", f"{sizes[name]:.1f} MB")


if __name__ == "__main__":
    main()
