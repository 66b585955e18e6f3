import json
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from failing import RAISING
from frame_generation_pipeline.cli import app as cli
from frame_generation_pipeline.cli.printing import print_values
from frame_generation_pipeline.making.encoder import usual_audio
from frame_generation_pipeline.media.video_reader import read_image
from samples import write_template, write_wav

Call = Callable[..., tuple[int, str, str]]


@pytest.fixture
def call(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Call:
    """The command in this process: exit status, output, errors."""

    def call(*arguments: object) -> tuple[int, str, str]:
        monkeypatch.setattr(sys, "argv", ["framegen", *map(str, arguments)])
        terminated = signal.getsignal(signal.SIGTERM)
        try:
            with pytest.raises(SystemExit) as raised:
                cli.main()
        finally:
            signal.signal(signal.SIGTERM, terminated)
        return int(raised.value.code or 0), *capsys.readouterr()

    return call


def test_every_command_shows_an_example(call: Call) -> None:
    status, output, _ = call("--help")
    assert status == 0
    commands = [
        command.name or str(getattr(command.callback, "__name__", "")) for command in cli.app.registered_commands
    ]
    for command in commands:
        assert command in output
        status, text, _ = call(command, "--help")
        assert status == 0
        assert "Example:" in text
        assert f"framegen {command}" in text


def test_generate_compare_and_reference(call: Call, checkpoint: Path, features_path: Path, tmp_path: Path) -> None:
    template = write_template(tmp_path / "t")
    inputs = ("--checkpoint", checkpoint, "--template", template, "--features", features_path)
    video, frames = tmp_path / "r.mp4", tmp_path / "frames"
    status, output, errors = call("generate", *inputs, "--blend", "reference", "-o", video, "--frames-dir", frames)
    assert (status, output.strip()) == (0, str(video))
    assert "8/8 frames" in errors
    status, output, errors = call("generate", *inputs, "--frames-dir", tmp_path / "jpg", "--frame-format", "jpg", "-q")
    assert (status, output, errors) == (0, "", "")
    assert len(list((tmp_path / "jpg").glob("frame_*.jpg"))) == 8
    clip = write_wav(tmp_path / "clip.wav", 0.3).rename(tmp_path / "clip.mp4")
    status, _, errors = call("generate", *inputs, "--audio", clip, "-o", clip)
    assert (status, "is an input" in errors) == (2, True)

    status, output, _ = call("compare", frames, frames)
    assert status == 0
    assert "agree" in output
    image = read_image(frames / "frame_00004.png")
    cv2.imwrite(str(frames / "frame_00004.png"), 255 - image)
    status, _, errors = call("compare", video, frames, "--image", frames / "frame_00004.png")
    assert (status, "is an input" in errors) == (2, True)
    status, output, _ = call("compare", video, frames, "--image", tmp_path / "worst.png")
    assert status == 1
    assert "4 (worst)" in output
    assert read_image(tmp_path / "worst.png").shape[1] >= 3 * 128
    status, output, _ = call("compare", video, frames, "--json", "--min-psnr", 1, "--min-ssim", -1)
    assert status == 0
    assert json.loads(output)["passed"] is True

    status, output, _ = call("reference", *inputs, "-o", tmp_path / "reference", "--samples", 2)
    assert (status, output) == (0, f"{tmp_path / 'reference'}: frames 0, 7\n")
    status, output, _ = call("compare", tmp_path / "reference", frames, "--samples", "--image", tmp_path / "w.png")
    assert (status, "agree" in output) == (0, True)


def test_styles_and_inspect(call: Call, checkpoint: Path, features_path: Path, tmp_path: Path) -> None:
    inputs = ("-c", checkpoint, "-t", write_template(tmp_path / "t", 5), "-f", features_path)
    images = {}
    for name, options in {
        "usual": (),
        "feathered": ("--blend", "feathered", "--no-gate"),
        "reference": ("--blend", "reference"),
        "styled": ("--steady", "--loop", "crossfade", "--range", "1:5", "--silence-db", -50, "--speech-db", -42),
    }.items():
        assert call("generate", *inputs, "--frames-dir", tmp_path / name, "-q", *options)[0] == 0
        images[name] = [path.read_bytes() for path in sorted((tmp_path / name).iterdir())]
        assert len(images[name]) == 8
    assert images["usual"] == images["feathered"]
    assert all(a != b for a, b in zip(images["usual"], images["reference"], strict=True))
    assert images["usual"] != images["styled"]
    status, output, _ = call("inspect", *inputs, "-o", tmp_path / "explained", "--frame", 2)
    assert (status, len(output.splitlines())) == (0, 3)


def test_bad_input_is_one_line_and_status_2(call: Call, checkpoint: Path, features_path: Path, tmp_path: Path) -> None:
    template = write_template(tmp_path / "t")
    (tmp_path / "empty.wav").touch()
    inputs = ("generate", "-c", checkpoint, "-t", template)
    for arguments, expected in (
        ((*inputs, "-f", features_path), "no output"),
        ((*inputs, "-f", tmp_path / "nowhere.npy", "-o", tmp_path / "r.mp4"), "nowhere.npy"),
        ((*inputs, "-a", tmp_path / "empty.wav", "-o", tmp_path / "r.mp4"), "empty.wav"),
        ((*inputs, "-f", features_path, "-o", "/proc/r.mp4"), "/proc"),
        (("info", tmp_path / "nothing"), "nothing"),
        (("compare", tmp_path / "a", tmp_path / "b"), "expected a video"),
        (("benchmark", "-t", template), "nothing to measure"),
        (("benchmark", "-c", checkpoint), "needs a template"),
        (("generate", "-c", checkpoint, "-f", features_path, "-o", tmp_path / "r.mp4"), "nobody to speak"),
        (("generate", "-f", features_path, "-o", tmp_path / "r.mp4"), usual_audio().name),
        (("generate", "--avatar", tmp_path, "-t", template, "-o", tmp_path / "r.mp4"), "leave those options out"),
        (("generate", "--avatar", tmp_path / "x.avatar", "-o", tmp_path / "r.mp4"), "x.avatar"),
        (("verify", template / "landmarks"), "avatar.json"),
        ((*inputs, "-f", features_path, "-o", tmp_path / "r.mp4", "--blend", "hard"), "blend 'hard'"),
        ((*inputs, "-f", features_path, "-o", tmp_path / "r.mp4", "--loop", "circle"), "loop 'circle'"),
        ((*inputs, "-f", features_path, "-o", tmp_path / "r.mp4", "--range", "2:9"), "frames 2:9"),
        ((*inputs, "-f", features_path, "-o", tmp_path / "r.mp4", "--speech-db", -60), "the lower one"),
        (("pack", "-c", checkpoint, "-t", template, "-o", tmp_path / "x.avatar", "--precision", "int8"), "int8"),
    ):
        status, output, errors = call(*arguments)
        assert (status, output) == (2, "")
        assert errors.startswith("framegen: ")
        assert expected in errors
        assert errors.count("\n") == 1
    assert call("generate", "--no-such-option")[0] == 2
    assert not list(tmp_path.glob("*.mp4"))


def test_features_export_and_info(
    call: Call, checkpoint: Path, encoder_path: Path, features_path: Path, tmp_path: Path
) -> None:
    encoder, template = encoder_path, write_template(tmp_path / "t")
    audio = write_wav(tmp_path / "a.wav", 1.0)
    assert call("features", audio, "-e", encoder, "-o", tmp_path / "aud_ave.npy")[:2] == (
        0,
        f"{tmp_path / 'aud_ave.npy'}: 24 ave features\n",
    )
    status, output, _ = call(
        "export", "-c", checkpoint, "-o", tmp_path / "unet.onnx", "-t", template, "-f", features_path
    )
    assert status == 0
    assert "160-ave-width4, differs from PyTorch by at most" in output
    assert call("export", "-c", encoder, "-o", tmp_path / "encoder.onnx")[0] == 0
    assert call("export", "-c", checkpoint, "-o", tmp_path / "x.onnx", "-t", template)[0] == 2
    for path, kind, more in (
        (checkpoint, "generator checkpoint", "ave or hubert"),
        (encoder, "audio encoder checkpoint", "ave"),
        (tmp_path / "unet.onnx", "generator, ONNX", "160-ave"),
        (tmp_path / "encoder.onnx", "audio program, ONNX", "ave"),
        (template, "template", "48 to 50 pixels, median 49"),
        (features_path, "audio features", "8x512"),
        (audio, "audio", "16000 Hz"),
    ):
        status, output, _ = call("info", path)
        assert status == 0
        assert kind in output
        assert more in output
    status, output, _ = call("info", template, "--json")
    assert json.loads(output)["frames"] == 3


def test_features_of_built_in_encoders(call: Call, tmp_path: Path) -> None:
    audio, output = write_wav(tmp_path / "a.wav", 0.9), tmp_path / "aud_whisper.npy"
    for mode, options in ((usual_audio().name, ()), ("whisper", ("--mode", "whisper"))):
        status, out, _ = call("features", audio, "-o", output, *options)
        assert (status, out) == (0, f"{output}: 23 {mode} features\n")
    assert call("info", output)[0] == 0
    status, _, error = call("features", audio, "-o", output, "--mode", "ave")
    assert status == 2
    assert "no encoder for ave features" in error


def test_a_track_of_choice(call: Call, tmp_path: Path) -> None:
    path, output = tmp_path / "two.mkv", tmp_path / "aud.npy"
    with av.open(str(path), "w") as container:
        streams = [container.add_stream("pcm_s16le", rate=16_000, layout="mono") for _ in range(2)]
        for stream, seconds in zip(streams, (1, 2), strict=True):
            block = av.AudioFrame.from_ndarray(np.full((1, 16_000 * seconds), 9999, np.int16), "s16", "mono")
            block.sample_rate = 16_000
            container.mux(stream.encode(block))
    assert call("features", path, "--audio-track", 2, "-o", output)[:2] == (
        0,
        f"{output}: 50 {usual_audio().name} features\n",
    )
    assert call("features", path, "-o", output)[:2] == (0, f"{output}: 25 {usual_audio().name} features\n")
    status, _, errors = call("features", path, "--audio-track", 3, "-o", output)
    assert (status, errors) == (2, f"framegen: {path}: has 2 audio track(s); number 3 is none of them\n")


def test_avatar_from_packing_to_video(call: Call, checkpoint: Path, features_path: Path, tmp_path: Path) -> None:
    template, avatar = write_template(tmp_path / "t"), tmp_path / "may.avatar"
    status, output, errors = call(
        "pack",
        "-c",
        checkpoint,
        "-t",
        template,
        "-o",
        avatar,
        "--precision",
        "fp16",
        "--credit",
        "May",
        "--quality",
        80,
    )
    assert (status, "3/3 frames" in errors) == (0, True)
    assert "fp16 against fp32" in output
    status, output, _ = call("verify", avatar)
    assert (status, output.count("good:")) == (0, 4)
    status, output, _ = call("info", avatar)
    assert status == 0
    assert "160-ave-width4" in output
    status, output, _ = call(
        "generate", "--avatar", avatar, "-f", features_path, "-o", tmp_path / "r.mp4", "--cache-file", tmp_path / "c"
    )
    assert (status, output.strip()) == (0, str(tmp_path / "r.mp4"))
    content = bytearray(avatar.read_bytes())
    content[len(content) // 2] ^= 1
    avatar.write_bytes(content)
    status, output, errors = call("verify", avatar)
    assert (status, output) == (2, "")


def test_benchmark(call: Call, checkpoint: Path, features_path: Path, tmp_path: Path) -> None:
    template = write_template(tmp_path / "t")
    inputs = ("benchmark", "-c", checkpoint, "-t", template, "-f", features_path, "--runs", 1)
    status, output, _ = call(*inputs, "--json")
    assert status == 0
    results = {result["backend"]: result for result in json.loads(output)}
    assert results["torch"]["ratio"] == 1
    for result in results.values():
        assert result["fps"] > 0
        assert result["peak_memory"] > 50e6
        assert 0 < result["first_frame"] < 60
        assert {"features", "decode", "face", "render", "paste", "encode"} <= result["stages"].keys()
        assert result["look_ahead"] is result["delay"] is None  # there is no audio
    assert set(results) == {"torch", "onnx", "engine", "engine, faces kept"}
    assert call("benchmark", "-c", checkpoint, "-t", tmp_path, "-f", features_path)[0] == 2


def test_benchmark_of_live_speech(call: Call, tmp_path: Path) -> None:
    avatar = Path(__file__).parents[2] / "conformance" / "avatars" / "streaming-160"
    inputs = ("benchmark", "--avatar", avatar, "-a", write_wav(tmp_path / "a.wav", 0.6), "--runs", 1)
    status, output, _ = call(*inputs, "--json")
    assert status == 0
    for result in json.loads(output):
        assert result["look_ahead"] == [0.2, 0.2]
        median, most = result["delay"]
        assert 0.2 <= median <= most


@pytest.mark.parametrize("name", RAISING)
def test_what_a_library_raises_in_any_command_is_one_line_and_status_2(
    name: str, call: Call, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, fail = RAISING[name]
    for command in cli.app.registered_commands:
        assert command.callback
        monkeypatch.setattr(command, "name", command.callback.__name__)
        monkeypatch.setattr(command, "callback", lambda: fail())
        status, output, errors = call(command.name)
        assert (status, output) == (2, "")
        assert errors.startswith(f"framegen: the work ended: {library} failed (")
        assert errors.count("\n") == 1


def test_what_a_library_raises_is_one_line_and_status_2(
    call: Call, checkpoint: Path, features_path: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    inputs = ("-c", checkpoint, "-t", write_template(tmp_path / "t", 3), "-f", features_path)
    monkeypatch.setattr(cv2, "imwrite", lambda *_: cv2.resize(np.zeros((0, 0, 3), np.uint8), (4, 4)))
    monkeypatch.setattr(cv2, "imencode", lambda *_: cv2.resize(np.zeros((0, 0, 3), np.uint8), (4, 4)))
    status, _, errors = call("generate", *inputs, "--frames-dir", tmp_path / "frames", "-q")
    assert status == 2
    (line,) = errors.splitlines()
    assert "OpenCV failed (" in line


def test_what_files_say_of_themselves_is_escaped(capsys: pytest.CaptureFixture[str]) -> None:
    print_values({"licence": "CC0\nfingerprint  signature valid\x1b[2J", "input \x1b]0;x": "\u202e\udcff"})
    assert capsys.readouterr().out.splitlines() == [
        "licence         CC0\\nfingerprint  signature valid\\x1b[2J",
        "input \\x1b]0;x  \\u202e\\udcff",
    ]
