"""Make the face detector and the face mesh out of MediaPipe's TensorFlow Lite files (Apache-2.0).

python studio/face_models.py mediapipe-0.10.14-*.whl -o src/frame_generation_pipeline/weights

The package is not installed, its files are read out of it. Each network is checked against the original's outputs.
"""

import argparse
import tempfile
import zipfile
from pathlib import Path

import numpy as np
import onnxruntime as ort
import tensorflow as tf
import tf2onnx

OPSET = 17
TOLERANCE = 1e-4  # of the largest output: both compute in float32, in another order
MODELS = {  # ours: the package's
    "face_detector.onnx": "mediapipe/modules/face_detection/face_detection_short_range.tflite",
    "face_mesh.onnx": "mediapipe/modules/face_landmark/face_landmark.tflite",
}


def difference(original: bytes, converted: Path) -> float:
    """Largest difference of the outputs for noise as input, as a share of the largest output."""
    interpreter = tf.lite.Interpreter(model_content=original)
    interpreter.allocate_tensors()
    entrance, session = interpreter.get_input_details()[0], ort.InferenceSession(str(converted))
    noise = np.random.default_rng(0).uniform(0, 1, entrance["shape"]).astype(np.float32)
    interpreter.set_tensor(entrance["index"], noise)
    interpreter.invoke()
    expected = [interpreter.get_tensor(output["index"]) for output in interpreter.get_output_details()]
    actual = session.run(None, {session.get_inputs()[0].name: noise})
    pairs = list(zip(expected, actual, strict=True))
    return max(float(np.abs(a - b).max() / np.abs(a).max()) for a, b in pairs)


def main() -> None:
    """Read, convert, compare."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=Path)
    parser.add_argument("-o", "--output", type=Path, required=True, help="folder")
    arguments = parser.parse_args()
    with zipfile.ZipFile(arguments.wheel) as wheel, tempfile.TemporaryDirectory() as folder:
        for name, member in MODELS.items():
            tflite = wheel.extract(member, folder)
            converted = Path(folder) / name
            tf2onnx.convert.from_tflite(tflite, opset=OPSET, output_path=str(converted))
            worst = difference(Path(tflite).read_bytes(), converted)
            if worst > TOLERANCE:
                raise SystemExit(f"{name}: differs from {member} by {worst:.1e} of its largest output")
            (arguments.output / name).write_bytes(converted.read_bytes())
            print(f"{name}: within {worst:.1e} of {member}")


if __name__ == "__main__":
    main()
