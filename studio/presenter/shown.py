"""What a generator shows of its audio model's output, told without painting it.

Most of what an audio model says changes nothing in the image. What does is seen where the image and the audio are
joined, and the opening of the lips is read there by a small network, which learns it from frames that are painted and
tracked.
"""

from collections.abc import Iterator, Sequence

import numpy as np
import torch
from torch import Tensor, nn

from frame_generation_pipeline.arrays import Frame
from frame_generation_pipeline.face.blend import write_back
from frame_generation_pipeline.face.paste import paste
from frame_generation_pipeline.making.networks import Network
from frame_generation_pipeline.making.torch_backend import TorchGenerator
from frame_generation_pipeline.spec import FEATHERED
from frame_generation_pipeline.template.sequence import FrameSequence
from frame_generation_pipeline.tracking.openings import track_openings
from studio.presenter.encoded_speech import WIDEST
from studio.presenter.fit import fit

FACES = 16  # of the template, spread over it
TRACKED = 0.08 / 0.009 * WIDEST  # distance of the eyes' corners that the tracker sees of a true opening of 1
CLOSED = 0.0003 / WIDEST  # a true opening that counts as none
CHANNELS, HIDDEN = 32, 64
NOISE = 0.1
STEPS, BATCH, RATE = 1500, 128, 2e-3


def render_outputs(generator: TorchGenerator, template: FrameSequence, outputs: Tensor) -> Iterator[Frame]:
    """The template's frames, from its first one on, in which the mouth is what the audio model's `outputs` say."""
    for number, output in enumerate(outputs):
        frame = template.read(number % len(template))
        crop = frame.box.cut(frame.image)
        state = generator.encode_face(crop)
        with torch.inference_mode():
            face = generator.network.decode(state.encoded, output[None]).numpy()
        yield paste(frame, write_back(crop, state.resized, face, generator.spec.face, FEATHERED))


class Shown(nn.Module):
    """A generator's joint of image and audio, for some faces of a template, and the opening that is read there."""

    faces: Tensor
    scaling: Tensor

    def __init__(
        self, network: Network, template: FrameSequence, speeches: Sequence[tuple[Tensor, Tensor]], seed: int = 0
    ) -> None:
        """speeches: what the audio model says of frames in a row, (n, C, h, w), and their true openings (n,)."""
        super().__init__()
        torch.manual_seed(seed)
        generator = TorchGenerator(network, "cpu")
        self.join = network.fuse_conv
        frames = [template.read(round(i)) for i in np.linspace(0, len(template) - 1, FACES)]
        faces = [generator.encode_face(frame.box.cut(frame.image)).encoded[-1] for frame in frames]
        self.register_buffer("faces", torch.cat(faces).clone())
        tracked = (track_openings(render_outputs(generator, template, outputs)) for outputs, _ in speeches)
        openings = torch.tensor([opening for run in tracked for opening in run])
        seen = openings.isfinite()
        outputs, truth = (torch.cat(parts)[seen] for parts in zip(*speeches, strict=True))
        openings = openings[seen]
        self.closed = float(openings[truth < CLOSED].median())
        self.usual, self.deviation = float(openings.mean()), float(openings.std())
        with torch.no_grad():
            joined = torch.cat(
                [self.join(torch.cat([self.some(len(part)), part], 1)) for part in torch.split(outputs, 256)]
            )
        self.register_buffer("scaling", torch.stack([joined.mean(0), joined.std(0) + 1e-4]))
        channels, height, width = joined.shape[1:]
        self.opening = nn.Sequential(
            *(nn.Conv2d(channels, CHANNELS, 1), nn.GELU(), nn.Flatten(), nn.Dropout(0.2)),
            *(nn.Linear(CHANNELS * height * width, HIDDEN), nn.GELU(), nn.Linear(HIDDEN, 1), nn.Flatten(0)),
        )
        scaled, known = (joined - self.scaling[0]) / self.scaling[1], (openings - self.usual) / self.deviation

        def loss() -> Tensor:
            some = torch.randint(len(scaled), (BATCH,))
            noisy = scaled[some] + NOISE * torch.randn_like(scaled[some])
            error: Tensor = self.opening(noisy) - known[some]
            return error.square().mean()

        fit(self.opening, loss, STEPS, RATE, weight_decay=0.1)
        self.requires_grad_(False).eval()

    def some(self, count: int) -> Tensor:
        """The image encoder's last tensor of `count` of the faces."""
        return self.faces[torch.randint(len(self.faces), (count,))]

    def forward(self, faces: Tensor, outputs: Tensor) -> Tensor:
        """What `some` gave and the audio model's outputs (b, C, h, w) -> their joint (b, c, h, w), of unit variance."""
        joined: Tensor = self.join(torch.cat([faces, outputs], 1))
        return (joined - self.scaling[0]) / self.scaling[1]

    def true_opening(self, opening: Tensor) -> Tensor:
        """A true opening, as in `encoded_speech.NAMES`, in units of `opening`: as tracked, of unit variance."""
        return (self.closed + TRACKED * opening - self.usual) / self.deviation
