"""One frame: template frame, crop, generator, paste. What every frame of every session goes through."""

from dataclasses import dataclass

import cv2
import numpy as np

from frame_generation_pipeline.arrays import Frame, Planes, Window
from frame_generation_pipeline.face.paste import paste
from frame_generation_pipeline.face.steady import Painted
from frame_generation_pipeline.generator.face_states import FaceStates
from frame_generation_pipeline.generator.protocol import Generator
from frame_generation_pipeline.media.images import to_planes
from frame_generation_pipeline.speaking.stages import StageTimes
from frame_generation_pipeline.spec import REFERENCE
from frame_generation_pipeline.template.loop import FORTH_AND_BACK, Loop
from frame_generation_pipeline.template.planar import PlanarFrames
from frame_generation_pipeline.template.sequence import FrameSequence


@dataclass(frozen=True)
class Painter:
    """Paints frames of one person; what it paints depends on the arguments alone, whatever thread it runs in."""

    template: FrameSequence
    generator: Generator
    states: FaceStates | None = None  # where faces are remembered
    blend: str = REFERENCE  # of `spec.BLENDS`
    loop: Loop = FORTH_AND_BACK  # in which order template frames are shown
    planar: bool = False  # give `Planes` and not BGR; frames are remembered beside the states then

    def paint(self, number: int, window: Window, start_frame: int, times: StageTimes) -> Painted:
        """Frame `number` of a session, from 0 on, for a window (16, F): template frame and crop, not yet pasted.

        start_frame: how many frames later the template is entered. Raises what decoding a template frame raises.
        """
        place = self.template.place(number, start_frame, self.loop)
        if self.planar and self.states is not None and self.states.beside is not None and len(place.indices) == 1:
            return self._paint(PlanarFrames(self.template, self.states.beside), place.index, window, times)
        made = [self._paint(self.template, index, window, times) for index in place.indices]
        return made[0] if len(made) == 1 else made[0].dissolving(made[1], place.share)

    def make(self, number: int, window: Window, start_frame: int, times: StageTimes) -> Frame:
        """The whole frame; the arguments as in `paint`."""
        return finish(self.paint(number, window, start_frame, times), times)

    def kept(self, number: int, window: Window, start_frame: int) -> Frame | None:
        """The whole frame where it is at hand without any work; the arguments as in `paint`."""
        return None

    def _paint(self, template: FrameSequence | PlanarFrames, index: int, window: Window, times: StageTimes) -> Painted:
        with times.measure("decode"):
            frame = template.read(index)
        crop = frame.box.cut(frame.image)
        with times.measure("face"):
            state = self.states.encode_face(index, crop) if self.states else self.generator.encode_face(crop)
        with times.measure("render"):
            patch = self.generator.render(state, window, crop, frame.keep, self.blend)
        return Painted(frame, patch, planar=self.planar)


def finish(painted: Painted, times: StageTimes) -> Frame | Planes:
    """The frame (H, W, 3) uint8 BGR or planar, with the crop pasted and dissolved as `painted` says."""
    with times.measure("paste"):
        image = paste(painted.frame, painted.patch)
        if painted.frame.background is not None:
            return painted.frame.background.around(image)
        if painted.into is not None:
            other = paste(painted.into.frame, painted.into.patch)
            image = np.asarray(cv2.addWeighted(image, 1 - painted.share, other, painted.share, 0), np.uint8)
        return to_planes(image) if painted.planar else image
