"""Render one frame: template frame, crop, generator, paste. All sessions render their frames here."""

from dataclasses import dataclass

import cv2
import numpy as np

from frame_generation_pipeline.arrays import Frame, Planes, Window
from frame_generation_pipeline.face.paste import paste
from frame_generation_pipeline.face.steady import RenderedFrame
from frame_generation_pipeline.generator.face_states import FaceStates
from frame_generation_pipeline.generator.protocol import Generator
from frame_generation_pipeline.media.images import to_planes
from frame_generation_pipeline.speaking.stages import StageTimes
from frame_generation_pipeline.spec import REFERENCE
from frame_generation_pipeline.template.loop import FORTH_AND_BACK, Loop
from frame_generation_pipeline.template.planar import PlanarFrames
from frame_generation_pipeline.template.sequence import FrameSequence


@dataclass(frozen=True)
class FrameRenderer:
    """Renders the frames of one person; the result depends on the arguments alone. Any thread may call it."""

    template: FrameSequence
    generator: Generator
    states: FaceStates | None = None  # keeps the face states of template frames
    blend: str = REFERENCE  # of `spec.BLENDS`
    loop: Loop = FORTH_AND_BACK  # the order in which template frames are shown
    planar: bool = False  # give `Planes` instead of BGR, and keep template frames beside the states

    def render(self, number: int, window: Window, start_frame: int, times: StageTimes) -> RenderedFrame:
        """Render the patch of a session's frame `number` >= 0 for a window (16, F); it is not pasted yet.

        start_frame: how many frames later the template begins. Raises the errors of decoding a template frame.
        """
        shown = self.template.shown(number, start_frame, self.loop)
        if self.planar and self.states is not None and self.states.beside is not None and len(shown.indices) == 1:
            return self._render(PlanarFrames(self.template, self.states.beside), shown.index, window, times)
        rendered = [self._render(self.template, index, window, times) for index in shown.indices]
        return rendered[0] if len(rendered) == 1 else rendered[0].dissolving(rendered[1], shown.share)

    def make(self, number: int, window: Window, start_frame: int, times: StageTimes) -> Frame:
        """Render the complete frame; the arguments are those of `render`."""
        return finish(self.render(number, window, start_frame, times), times)

    def kept(self, number: int, window: Window, start_frame: int) -> Frame | None:
        """The complete frame if it is kept from before, else None; the arguments are those of `render`."""
        return None

    def _render(
        self, template: FrameSequence | PlanarFrames, index: int, window: Window, times: StageTimes
    ) -> RenderedFrame:
        with times.measure("decode"):
            frame = template.read(index)
        crop = frame.box.cut(frame.image)
        with times.measure("face"):
            state = self.states.encode_face(index, crop) if self.states else self.generator.encode_face(crop)
        with times.measure("render"):
            patch = self.generator.render(state, window, crop, frame.keep, self.blend)
        return RenderedFrame(frame, patch, planar=self.planar)


def finish(rendered: RenderedFrame, times: StageTimes) -> Frame | Planes:
    """Paste the patch, and dissolve into the other frame if there is one: (H, W, 3) uint8 BGR, or `Planes`."""
    with times.measure("paste"):
        image = paste(rendered.frame, rendered.patch)
        if rendered.frame.background is not None:
            return rendered.frame.background.around(image)
        if rendered.into is not None:
            other = paste(rendered.into.frame, rendered.into.patch)
            image = np.asarray(cv2.addWeighted(image, 1 - rendered.share, other, rendered.share, 0), np.uint8)
        return to_planes(image) if rendered.planar else image
