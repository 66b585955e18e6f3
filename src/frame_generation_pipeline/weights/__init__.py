"""Networks that come with the package, and speech; README.md beside them says where each is from."""

from pathlib import Path

FOLDER = Path(__file__).parent
FACE_DETECTOR = FOLDER / "face_detector.onnx"
FACE_MESH = FOLDER / "face_mesh.onnx"
PRESENTER = FOLDER / "presenter"  # an avatar package: who speaks where no other avatar is named
PRESENTER_GENERATOR = FOLDER / "presenter_mobile.safetensors"  # its generator, which others are trained from
PRESENTER_LIGHT = FOLDER / "presenter.safetensors"  # an earlier presenter's generator, for trainings of light ones
STARTS = {"light": PRESENTER_LIGHT, "mobile": PRESENTER_GENERATOR}  # by the network that trainings begin with
PRESENTER_OPENING = FOLDER / "presenter_opening.npy"  # what tells how far her lips open from audio features alone
AUDIO_PROGRAMS = {  # by the type of their features
    "streaming": PRESENTER / "programs" / "audio.onnx",
    "whisper": FOLDER / "whisper.onnx",
}
SPEECH = FOLDER / "hello.ogg"  # 14 s, a synthetic voice: what `make demo` has the presenter say
PERCEPTUAL = FOLDER / "vgg16_edges.safetensors"
