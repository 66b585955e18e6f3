"""Write the small vectors of this repository from its reference code: `python tests/make_vectors.py`.

They pin the reference where the original programs' own, larger vectors are absent. Weights and inputs are those of
`samples.py`, which depend on names alone, so that only results are stored.
"""

import shutil
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import torch

from frame_generation_pipeline.arrays import Features, Frame, Samples
from frame_generation_pipeline.audio.encoder import builtin_encoder
from frame_generation_pipeline.audio.features import AudioFeatures
from frame_generation_pipeline.audio.mel import mel_spectrogram
from frame_generation_pipeline.audio.stream import extract_features
from frame_generation_pipeline.making.networks import Network
from frame_generation_pipeline.making.torch_backend import TorchGenerator
from frame_generation_pipeline.speaking.engine import Engine
from frame_generation_pipeline.speaking.frame_renderer import FrameRenderer
from frame_generation_pipeline.speaking.session import Session
from frame_generation_pipeline.spec import AUDIO_SPECS, AVE, FACE_SPECS, WHISPER, GeneratorSpec
from frame_generation_pipeline.template.template import Template
from samples import draw, seeded_encoder, seeded_network, write_template

FOLDER = Path(__file__).parent / "vectors"
SPECS = {
    f"{face}_{audio}": GeneratorSpec(FACE_SPECS[face], AUDIO_SPECS[audio], width=4)
    for face in ("328", "160")
    for audio in AUDIO_SPECS
}
RUNS = {"328": ("328_ave", False), "328_parsing": ("328_ave", True), "160": ("160_ave", False)}
FRAMES = 5  # of each run


def network_output(network: Network) -> npt.NDArray[np.float32]:
    """Every 16th pixel of what the network makes of drawn input, (3, size / 16, size / 16) float32."""
    spec = network.spec
    image = np.abs(draw("image", (1, 6, spec.face.size, spec.face.size))).clip(0, 1)
    audio = draw("audio", (1, *spec.audio.window_shape))
    with torch.inference_mode():
        output: npt.NDArray[np.float32] = network(torch.from_numpy(image), torch.from_numpy(audio)).numpy()
    return output[0, :, ::16, ::16]


def samples() -> Samples:
    """Half a second of something between a voice and noise, at 16 kHz."""
    time = np.arange(8000) / 16_000
    tone = np.sin(2 * np.pi * 140 * time) * (0.6 + 0.4 * np.sin(2 * np.pi * 5 * time))
    return (0.3 * tone + 0.02 * draw("breath", (8000,))).astype(np.float32)


def mel_and_features() -> tuple[npt.NDArray[np.float32], Features]:
    """The mel spectrogram of `samples` and the seeded encoder's vectors of its first four windows."""
    mel = mel_spectrogram(samples())
    windows = np.stack([mel[:, 16 * i // 5 :][:, :16] for i in range(4)])
    with torch.inference_mode():
        return mel, seeded_encoder()(torch.from_numpy(windows)).numpy()


def whisper_features() -> Features:
    """What the built-in audio program makes of `samples`, (13, 256)."""
    program = builtin_encoder(WHISPER)
    assert program is not None
    return extract_features([samples()], program).values


def frames(run: str) -> list[Frame]:
    """The first frames of a run over the stored template."""
    spec, parsing = RUNS[run]
    generator = TorchGenerator(seeded_network(SPECS[spec]), "cpu")
    windows = AudioFeatures(draw("features", (8, 512)), AVE).windows(FRAMES)
    renderer = FrameRenderer(Template.open(FOLDER / "template", parsing=parsing), generator)
    return list(Session(renderer, Engine(0)).say(windows))


def main() -> None:
    """Write all of it anew."""
    shutil.rmtree(FOLDER, ignore_errors=True)
    write_template(FOLDER / "template", parsing=True)
    mel, features = mel_and_features()
    networks = {name: network_output(seeded_network(spec)) for name, spec in SPECS.items()}
    np.savez_compressed(FOLDER / "networks.npz", allow_pickle=False, **networks)
    np.savez_compressed(FOLDER / "audio.npz", mel=mel, features=features, whisper=whisper_features())
    for run in RUNS:
        for index, frame in enumerate(frames(run)):
            cv2.imwrite(str(FOLDER / f"{run}_{index}.png"), frame)


if __name__ == "__main__":
    main()
