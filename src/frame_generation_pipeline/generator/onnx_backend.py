"""A generator exported as one ONNX graph, run by ONNX Runtime; torch is not needed."""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import numpy.typing as npt

from frame_generation_pipeline.errors import ModelError
from frame_generation_pipeline.generator.protocol import NetworkGenerator
from frame_generation_pipeline.runtime.onnx_session import open_session
from frame_generation_pipeline.spec import AUDIO_SPECS, FACE_SPECS, GeneratorSpec


class OnnxGenerator(NetworkGenerator):
    """An ONNX file with inputs (n, 6, size, size) and (n, *window_shape), whatever their names, as exports have."""

    def __init__(
        self,
        model: str | Path | bytes,
        *,
        mode: str | None = None,
        providers: Sequence[str] | None = None,
        threads: int | None = None,
    ) -> None:
        """Open the file and recognise the generator from its inputs' shapes.

        Raises MissingFileError, ModelError when it is no generator or contradicts `mode`, OptionError.
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

    def encode_image(self, image: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See `NetworkGenerator.encode_image`; one graph cannot be split, so it is the input itself."""
        return image

    def run(self, encoded: npt.NDArray[np.float32], audio: npt.NDArray[np.float32]) -> npt.NDArray[np.float32]:
        """See `NetworkGenerator.run`."""
        found = self.session.run(None, {self.image: encoded, self.audio: audio})
        size = self.spec.face.size
        if [value.shape for value in found] != [(1, 3, size, size)] or found[0].dtype.kind != "f":
            kinds = ", ".join(f"{value.dtype} {value.shape}" for value in found)
            raise ModelError(f"the generator's ONNX model gave {kinds}, expected float32 (1, 3, {size}, {size})")
        return np.asarray(found[0], np.float32)
