"""What is packed is what was there, to the byte the same each time, and speaks like the checkpoint."""

import json
import subprocess
import sys
import zipfile
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import numpy.typing as npt
import onnx
import pytest

from frame_generation_pipeline.audio.gate import silence_window
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.making.checkpoint import write_tensors
from frame_generation_pipeline.making.half import SMALLEST, halve
from frame_generation_pipeline.making.label import Label
from frame_generation_pipeline.making.pack import PackReport, pack_avatar
from frame_generation_pipeline.making.torch_backend import TorchGenerator
from frame_generation_pipeline.media.audio_reader import decode_audio
from frame_generation_pipeline.package.load import open_package
from frame_generation_pipeline.package.verify import describe_package, verify_package
from frame_generation_pipeline.pipeline import FrameGenerationPipeline
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.speaking.engine import Engine
from frame_generation_pipeline.speaking.style import Style
from frame_generation_pipeline.spec import STREAMING, WHISPER
from frame_generation_pipeline.template.template import Template
from frame_generation_pipeline.weights import AUDIO_PROGRAMS
from samples import TINY, draw, seeded_network, write_template, write_wav
from streaming_program import build_streaming_program


def contents(path: Path) -> dict[str, bytes]:
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in path.rglob("*") if file.is_file()}


def test_files_of_the_template_are_taken_as_they_are(packed: PackReport, recording: Path) -> None:
    files = contents(packed.path)
    assert set(files) == {"avatar.json", *packed.manifest.paths()}
    for index in range(4):
        assert files[f"frames/{index:05d}.jpg"] == (recording / "full_body_img" / f"{index}.jpg").read_bytes()
        assert files[f"parsing/{index:05d}.png"] == (recording / "parsing" / f"{index}.png").read_bytes()
    landmarks = np.frombuffer(files["landmarks.bin"], "<i2").reshape(4, 110, 2)
    assert landmarks[2, 31].tolist() == [82, 40]
    preview = cv2.imdecode(np.frombuffer(files["preview.jpg"], np.uint8), cv2.IMREAD_COLOR)
    assert preview is not None
    assert preview.shape == (96, 128, 3)


def test_manifest(packed: PackReport) -> None:
    manifest = json.loads((packed.path / "avatar.json").read_bytes())
    assert open_package(packed.path).manifest == packed.manifest
    assert manifest["format"] == "framegen-avatar"
    assert manifest["name"] == "may"
    assert manifest["credits"] == ["May"]
    assert manifest["fps"] == 25
    assert manifest["generator"] == {"face": "160", "audio": {"name": "ave", "feature_size": 512}, "width": TINY.width}
    assert manifest["frame"] == {"width": 128, "height": 96, "count": 4, "format": "jpg"}
    assert manifest["boxes"][1] == [31, 21, 49]
    assert manifest["parsing"] is True
    assert set(manifest["programs"]) == {"audio", "face", "render"}


def test_mouth_at_rest(packed: PackReport, tmp_path: Path, checkpoint: Path) -> None:
    assert (packed.manifest.rest, packed.describe()["mouth at rest"]) == (True, "digital silence's")
    avatar = Avatar.load(packed.path)
    assert avatar.encoder is not None
    np.testing.assert_array_equal(avatar.rest, silence_window(avatar.encoder))
    template = write_template(tmp_path / "template", 40, size=(256, 192))
    for path in (template / "landmarks").iterdir():
        points = np.loadtxt(path)
        points[[66, 78, 54, 16]] = (40, 50), (70, 50), (50, 40), (50, 90)  # eyes, nose and chin; the lips are closed
        np.savetxt(path, points)
    features = draw("features", (40, 512))
    np.save(template / "aud_ave.npy", features)
    report = pack_avatar(tmp_path / "may", checkpoint=checkpoint, template=template, blend="reference")
    assert report.rest == "the recording's"
    avatar = Avatar.load(report.path)
    np.testing.assert_array_equal(avatar.rest, features[12:28])
    assert avatar.blend == "reference"
    assert Avatar.load(report.path, style=Style(blend="feathered")).blend == "feathered"
    plain = pack_avatar(tmp_path / "plain", checkpoint=checkpoint, template=write_template(tmp_path / "short"))
    assert (plain.manifest.rest, plain.rest, Avatar.load(plain.path).rest) == (False, "none", None)


def test_same_input_same_bytes(tmp_path: Path, checkpoint: Path, recording: Path) -> None:
    one, other = tmp_path / "one.avatar", tmp_path / "other.avatar"
    for output in (one, other):
        pack_avatar(output, checkpoint=checkpoint, template=recording, label=Label("may"), precision="fp16")
    assert one.read_bytes() == other.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.avatar", "other.avatar"]
    with zipfile.ZipFile(one) as archive:
        entries = archive.infolist()
    assert [entry.filename for entry in entries] == sorted(entry.filename for entry in entries)
    assert {(entry.date_time, entry.compress_type) for entry in entries} == {((1980, 1, 1, 0, 0, 0), 0)}


@pytest.mark.parametrize("precision", ["fp32", "fp16"])
def test_whisper_generators_get_the_built_in_audio_program(tmp_path: Path, recording: Path, precision: str) -> None:
    checkpoint, output = tmp_path / "5.pth", tmp_path / "may.avatar"
    write_tensors(checkpoint, seeded_network(replace(TINY, audio=WHISPER)).state_dict())
    report = pack_avatar(output, checkpoint=checkpoint, template=recording, parsing=False, precision=precision)
    assert report.manifest.programs == ("audio", "face", "render")
    assert open_package(output).read("programs/audio.onnx") == AUDIO_PROGRAMS["whisper"].read_bytes()
    assert verify_package(output)
    assert describe_package(output)["audio features"] == "whisper"
    avatar = Avatar.load(output)
    speech = write_wav(tmp_path / "a.wav", 1.0)
    frames = list(avatar.frames(speech))
    assert len(frames) == 25
    pipeline = FrameGenerationPipeline(checkpoint, device="cpu", style=Style(blend="feathered"))
    assert pipeline.mode == "whisper"
    for frame, expected in zip(frames, pipeline.frames(recording, audio_path=speech), strict=True):
        assert np.abs(frame.astype(int) - expected).max() <= (2 if precision == "fp32" else 16)
    session, samples = avatar.live(), np.concatenate(list(decode_audio(speech)))
    session.push(samples[:9000])
    session.push(samples[9000:])
    session.finish()
    np.testing.assert_array_equal(list(session.frames()), frames)


def test_frames_of_a_streaming_avatar_come_with_the_last_of_their_samples(tmp_path: Path, recording: Path) -> None:
    checkpoint, encoder, output = tmp_path / "5.pth", tmp_path / "audio.onnx", tmp_path / "may.avatar"
    write_tensors(checkpoint, seeded_network(replace(TINY, audio=STREAMING)).state_dict())
    encoder.write_bytes(build_streaming_program())
    pack_avatar(output, checkpoint=checkpoint, template=recording, encoder=encoder)
    assert verify_package(output)
    avatar = Avatar.load(output, engine=Engine(0))
    speech = write_wav(tmp_path / "a.wav", 1.0)
    expected, samples = list(avatar.frames(speech)), np.concatenate(list(decode_audio(speech)))
    assert len(expected) == 25
    session, pushed = avatar.live(), 0
    for frame in range(4):
        needed = 640 * frame + 3200
        session.push(samples[pushed : needed - 1])
        assert list(session.ready()) == []
        session.push(samples[needed - 1 : needed])
        (shown,) = session.ready()
        np.testing.assert_array_equal(shown, expected[frame])
        pushed = needed
    session.push(samples[pushed:])
    session.finish()
    np.testing.assert_array_equal(list(session.frames()), expected[4:])


@pytest.mark.parametrize(("precision", "archive"), [("fp32", False), ("fp16", True)])
def test_speaks_like_the_checkpoint(
    tmp_path: Path, checkpoint: Path, recording: Path, precision: str, archive: bool
) -> None:
    output = tmp_path / ("may.avatar" if archive else "may")
    report = pack_avatar(output, checkpoint=checkpoint, template=recording, precision=precision)
    avatar, reference = Avatar.load(output, runtime=Runtime(threads=1)), TorchGenerator.load(checkpoint)
    template = Template.open(recording, parsing=True)
    window = draw("window", (16, 512))
    assert len(avatar.template) == 4
    assert avatar.encoder is None
    assert avatar.template.index(3) == template.index(3)
    for index in range(4):
        ours, theirs = avatar.template.read(index), template.read(index)
        assert np.array_equal(ours.image, theirs.image)
        assert ours.box == theirs.box
        crop = theirs.box.cut(theirs.image)
        patch = avatar.generator.render(avatar.generator.encode_face(crop), window, crop, ours.keep)
        expected = reference.render(reference.encode_face(crop), window, crop, theirs.keep)
        assert np.abs(patch.astype(int) - expected).max() <= 3
    assert report.programs.agreement.psnr >= 50
    described = report.describe()
    assert ("fp16 against fp32" in described) == (precision == "fp16")


def test_audio_program(packed: PackReport, tmp_path: Path, checkpoint: Path, recording: Path) -> None:
    avatar = Avatar.load(packed.path)
    assert avatar.encoder is not None
    features = avatar.encoder.features(draw("samples", (16_000,)) * np.float32(0.1), 0, 100)
    assert features.shape == (22, 512)
    exported = packed.path / "programs" / "audio.onnx"
    report = pack_avatar(
        tmp_path / "may", checkpoint=checkpoint, template=recording, encoder=exported, precision="fp16"
    )
    assert report.programs.half_features is not None
    assert 0 < report.programs.half_features < 0.1 * float(np.abs(features).max())
    assert "features, fp16 against fp32" in report.describe()
    halved = report.manifest.files["programs/audio.onnx"].size
    assert halved < 0.6 * exported.stat().st_size


def test_half_weights_only_where_they_fit() -> None:
    def constant(name: str, values: npt.NDArray[np.floating]) -> onnx.TensorProto:
        return onnx.numpy_helper.from_array(values.astype(np.float32), name)

    large, shape = np.full((SMALLEST, 1, 1, 1), 1e6), (SMALLEST, 1, 1, 1)
    initialisers = [constant("weight", np.ones(shape)), constant("large", large), constant("small", large[:8])]
    graph = onnx.helper.make_graph([], "g", [], [], initialisers)
    halved = onnx.load_model_from_string(halve(onnx.helper.make_model(graph).SerializeToString()))
    types = {tensor.name: tensor.data_type for tensor in halved.graph.initializer}
    assert types == {"weight.half": onnx.TensorProto.FLOAT16, "large": 1, "small": 1}
    assert [node.output[0] for node in halved.graph.node] == ["weight"]


@pytest.mark.parametrize("frame_format", ["jpg", "png"])
def test_frames_encoded_anew(tmp_path: Path, checkpoint: Path, frame_format: str) -> None:
    template = write_template(tmp_path / "template", 2, size=(700, 300))
    frame = template / "full_body_img" / "0.jpg"
    image = cv2.imread(str(frame))
    assert image is not None
    frame.write_bytes(cv2.imencode(".png", image)[1].tobytes())
    report = pack_avatar(
        tmp_path / "may", checkpoint=checkpoint, template=template, frame_format=frame_format, quality=60
    )
    ours, theirs = Avatar.load(report.path).template.read(1).image, Template.open(template).read(1).image
    assert np.array_equal(ours, theirs) == (frame_format == "png")
    assert np.abs(ours.astype(int) - theirs).mean() < 3
    preview = cv2.imread(str(report.path / "preview.jpg"))
    assert preview is not None
    assert preview.shape == (219, 512, 3)


def test_progress(tmp_path: Path, checkpoint: Path, template_dir: Path) -> None:
    calls: list[tuple[int, int]] = []
    report = pack_avatar(
        tmp_path / "may", checkpoint=checkpoint, template=template_dir, progress=lambda *done: calls.append(done)
    )
    assert calls == [(1, 3), (2, 3), (3, 3)]
    assert not report.manifest.parsing


def test_verify_and_describe(packed: PackReport) -> None:
    frames: list[tuple[int, int]] = []
    lines = verify_package(packed.path, progress=lambda *done: frames.append(done))
    assert any("4 frames of 128x96 pixels, each with its parsing image" in line for line in lines)
    assert any("audio, face, render" in line for line in lines)
    assert frames[-1] == (4, 4)
    described = describe_package(packed.path)
    assert described["kind"] == "avatar"
    assert described["generator"] == TINY.name
    assert described["licence"] == "CC0-1.0"
    assert described["face boxes"] == "48 to 51 pixels, median 50"


def test_neither_torch_nor_onnx_takes_part(packed: PackReport) -> None:
    code = (
        "import sys; from frame_generation_pipeline.avatar import Avatar;"
        "from frame_generation_pipeline.package.verify import verify_package;"
        "Avatar.load(sys.argv[1]); verify_package(sys.argv[1]);"
        "assert not {'torch', 'onnx'} & set(sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code, str(packed.path)], check=True)


def test_an_encoder_is_packed_as_protobuf_writes_it(
    packed: PackReport, checkpoint: Path, recording: Path, tmp_path: Path
) -> None:
    """One with an unknown field, which other readers might know, is packed without it."""
    program = (packed.path / "programs" / "audio.onnx").read_bytes()
    (tmp_path / "more.onnx").write_bytes(program + b"\x9a\x06\x01x")
    pack_avatar(tmp_path / "may", checkpoint=checkpoint, template=recording, encoder=tmp_path / "more.onnx")
    assert (tmp_path / "may" / "programs" / "audio.onnx").read_bytes() == program
