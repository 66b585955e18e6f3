"""The two steps of every backend: encode the face of a template frame, then render it for a window of features."""

from abc import ABC, abstractmethod
from dataclasses import dataclass
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.audio.features import network_window
from frame_generation_pipeline.errors import OptionError, check_choice
from frame_generation_pipeline.face.blend import write_back
from frame_generation_pipeline.face.crop import network_input, resize_crop
from frame_generation_pipeline.spec import BLENDS, FEATHERED, REFERENCE, GeneratorSpec


class Generator(Protocol):
    """Paints the face that says a window of features. The results depend on the arguments alone."""

    @property
    def spec(self) -> GeneratorSpec:
        """The geometry of its faces and the type of its audio features."""

    @property
    def concurrency(self) -> int:
        """The best number of threads that call it at once."""

    @property
    def blends(self) -> tuple[str, ...]:
        """The blends that it has, of `spec.BLENDS`."""

    def encode_face(self, crop: npt.NDArray[np.uint8]) -> Any:
        """Do the work that depends on the template frame alone; returns the face state, for `render` of this backend.

        crop: (h, w, 3) uint8 BGR.
        """

    def render(
        self,
        state: Any,
        window: npt.NDArray[np.float32],
        crop: npt.NDArray[np.uint8],
        keep: npt.NDArray[np.bool_] | None = None,
        blend: str = REFERENCE,
    ) -> npt.NDArray[np.uint8]:
        """Render the patch (h, w, 3) uint8 BGR: the crop with the face that says `window`.

        state: the face state of `crop`. window: (16, F) float32, see `audio.features.feature_window`.
        keep: (h, w), true where the crop keeps its own pixels. blend: one of `blends`.
        """


@dataclass(frozen=True)
class FaceState:
    """The face state of `NetworkGenerator`: the resized crop, whose rim is used again, and the encoded image."""

    resized: npt.NDArray[np.uint8]  # (crop_size, crop_size, 3) BGR
    encoded: Any


class NetworkGenerator(ABC):
    """Computes as the reference does around a network: OpenCV resizes, and the network sees (1, 6, size, size)."""

    concurrency = 1  # the network's own threads take all cores
    blends = BLENDS

    def __init__(self, spec: GeneratorSpec) -> None:
        self.spec = spec

    @abstractmethod
    def encode_image(self, image: npt.NDArray[np.float32]) -> Any:
        """Encode the network's input (1, 6, size, size) float32 in [0, 1] as `run` needs it."""

    @abstractmethod
    def run(self, encoded: Any, audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """Render the face (1, 3, size, size) float32 in [0, 1] from `encode_image`'s result and (1, *window_shape)."""

    def encode_face(self, crop: npt.NDArray[np.uint8]) -> FaceState:
        """See `Generator.encode_face`."""
        resized = resize_crop(crop, self.spec.face)
        return FaceState(resized, self.encode_image(network_input(resized, self.spec.face)))

    def render(
        self,
        state: FaceState,
        window: npt.NDArray[np.float32],
        crop: npt.NDArray[np.uint8],
        keep: npt.NDArray[np.bool_] | None = None,
        blend: str = REFERENCE,
    ) -> npt.NDArray[np.uint8]:
        """See `Generator.render`."""
        output = self.run(state.encoded, network_window(window, self.spec.audio))
        patch = write_back(crop, state.resized, output, self.spec.face, blend)
        if keep is not None:
            patch[keep] = crop[keep]
        return patch


def choose_blend(generator: Generator, blend: str | None = None) -> str:
    """Return `blend`, by default the best one that the generator has. Raises OptionError if it lacks `blend`."""
    if blend is None:
        return FEATHERED if FEATHERED in generator.blends else REFERENCE
    check_choice("blend", blend, BLENDS)
    if blend not in generator.blends:
        raise OptionError(f"this avatar was packed without the blend {blend!r}; pack it again")
    return blend
