"""Networks that come with the package; README.md beside them says where each is from."""

from pathlib import Path

FOLDER = Path(__file__).parent
FACE_DETECTOR = FOLDER / "face_detector.onnx"
FACE_MESH = FOLDER / "face_mesh.onnx"
WHISPER_PROGRAM = FOLDER / "whisper.onnx"
PERCEPTUAL = FOLDER / "vgg16_edges.safetensors"
