"""Run a generator that was exported as one ONNX graph, between the plain programs; PyTorch is not needed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.audio.features import network_window
from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.generator.protocol import FaceState, NetworkGenerator
from frame_generation_pipeline.runtime.onnx_session import open_session
from frame_generation_pipeline.spec import AUDIO_SPECS, BLENDS, FACE_SPECS, REFERENCE, GeneratorSpec

PROGRAMS = Path(__file__).parent / "plain"  # written by `making.plain_programs`: input_328.onnx and so on


class OnnxGenerator(NetworkGenerator):
    """A generator in an ONNX file with inputs (n, 6, size, size) and (n, *window_shape) of any names.

    The programs of `making.plain_programs` resize and mask the crop and write it back. Hosts in other languages run the
    same programs, so all hosts give the same bits on one machine.
    """

    def __init__(
        self,
        model: str | Path | bytes,
        *,
        mode: str | None = None,
        providers: Sequence[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Open the file and recognise the generator by the shapes of its inputs.

        Raises MissingFileError; ModelError if it is no generator or not one for `mode`; OptionError.
        """
        name = "the model" if isinstance(model, bytes) else str(model)
        self.session = open_session(model, providers=providers, threads=threads)
        shapes = {node.name: tuple(node.shape[1:]) for node in self.session.get_inputs()}
        faces = {(6, face.size, face.size): face for face in FACE_SPECS.values()}
        audios = {audio.window_shape: audio for audio in AUDIO_SPECS.values()}
        images = [key for key, shape in shapes.items() if shape in faces]
        windows = [key for key, shape in shapes.items() if shape in audios]
        if len(shapes) != 2 or len(images) != 1 or len(windows) != 1:
            raise ModelError(f"{name}: no generator; expected an image and an audio input, found {shapes}")
        self.image, self.audio = images[0], windows[0]
        super().__init__(GeneratorSpec(faces[shapes[self.image]], audios[shapes[self.audio]]))
        if mode not in (None, self.spec.audio.name):
            raise ModelError(f"{name}: this generator is for {self.spec.audio.name} features, not {mode}")
        self._input, self._patch = (  # with one thread, which leaves the cores to the network
            open_session(PROGRAMS / f"{step}_{self.spec.face.name}.onnx", threads=1) for step in ("input", "patch")
        )

    def encode_face(self, crop: npt.NDArray[np.uint8]) -> FaceState:
        """See `Generator.encode_face`; `resized` of the state is planar."""
        resized, image = self._input.run(["resized", "image"], {"crop": crop})
        return FaceState(resized, image)

    def render(
        self,
        state: FaceState,
        window: npt.NDArray[np.float32],
        crop: npt.NDArray[np.uint8],
        keep: npt.NDArray[np.bool_] | None = None,
        blend: str = REFERENCE,
    ) -> npt.NDArray[np.uint8]:
        """See `Generator.render`."""
        arguments: dict[str, npt.NDArray[np.generic]] = {
            "face": self.run(state.encoded, network_window(window, self.spec.audio)),
            "resized": state.resized,
            "crop": crop,
            "blend": np.array(BLENDS.index(blend), np.uint8),
            "keep": np.zeros(crop.shape[:2], np.uint8) if keep is None else keep.astype(np.uint8),
        }
        return self._patch.run(["patch"], arguments)[0]

    def encode_image(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See `NetworkGenerator.encode_image`; returns the input itself, because one graph cannot be split."""
        return image

    def run(self, encoded: npt.NDArray[np.float32], audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See `NetworkGenerator.run`."""
        outputs = self.session.run(None, {self.image: encoded, self.audio: audio})
        size = self.spec.face.size
        if [value.shape for value in outputs] != [(1, 3, size, size)] or outputs[0].dtype.kind != "f":
            kinds = ", ".join(f"{value.dtype} {value.shape}" for value in outputs)
            raise ModelError(f"the generator's ONNX model gave {kinds}, expected float32 (1, 3, {size}, {size})")
        return np.asarray(outputs[0], np.float32)
