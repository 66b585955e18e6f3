"""From a recording to an avatar, in one command and step by step."""

import json
import shutil
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from failing import RAISING, failing
from frame_generation_pipeline import create as create_module
from frame_generation_pipeline.avatar import Avatar
from frame_generation_pipeline.cli.app import app
from frame_generation_pipeline.create import create
from frame_generation_pipeline.errors import LibraryError, OptionError, OutputError
from frame_generation_pipeline.files.progress import Update
from frame_generation_pipeline.making.checkpoint import write_tensors
from frame_generation_pipeline.making.encoder import usual_audio
from frame_generation_pipeline.spec import AVE, FACE_160, WHISPER, GeneratorSpec
from frame_generation_pipeline.train.recipe import DEFAULT, FOLLOWING
from frame_generation_pipeline.weights import PRESENTER_GENERATOR, PRESENTER_LIGHT
from recordings import moved, portrait, write_recording
from samples import seeded_network, write_wav

FRAMES = 80


class Stopped(BaseException):
    """What no code expects."""


@pytest.fixture(scope="module")
def recording(tmp_path_factory: pytest.TempPathFactory) -> Path:
    image = portrait()
    frames = [moved(image, index) for index in range(FRAMES)]
    return write_recording(tmp_path_factory.mktemp("recording") / "may.mp4", frames)


@pytest.fixture(scope="module")
def start(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A tiny generator of the features that `prepare` computes, so that training it takes a moment."""
    path = tmp_path_factory.mktemp("start") / "tiny.safetensors"
    write_tensors(path, seeded_network(GeneratorSpec(FACE_160, usual_audio(), width=4)).state_dict())
    return path


@contextmanager
def begin(label: str, unit: str) -> Iterator[Update]:
    """A stage of `create` that nobody watches."""
    yield lambda done, total, note="": None


def stopping(before: str) -> Callable[[str, str], AbstractContextManager[Update]]:
    """Stages of `create` that are stopped where the one of this name would begin."""

    def stage(label: str, unit: str) -> AbstractContextManager[Update]:
        if label == before:
            raise Stopped
        return begin(label, unit)

    return stage


@pytest.fixture(scope="module")
def prepared(recording: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What `create` has made when the training begins."""
    folder = tmp_path_factory.mktemp("prepared")
    with pytest.raises(Stopped):
        create(recording, folder / "may.avatar", stage=stopping("Training"))
    return folder / "may.avatar.work"


def framegen(*arguments: object) -> Result:
    result = CliRunner().invoke(app, [*map(str, arguments)], catch_exceptions=False)
    assert result.exit_code == 0
    return result


@pytest.mark.parametrize("name", RAISING)
def test_what_a_library_raises_is_one_of_our_errors(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library, fail = RAISING[name]
    monkeypatch.setattr(create_module, "prepare", failing(fail))
    with pytest.raises(LibraryError, match=rf"^the avatar could not be made: {library} failed \("):
        create(tmp_path / "may.mp4", tmp_path / "may.avatar")


def test_room_is_asked_for_all_that_follows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of an hour: the package, and the faces of as many frames as are learned from."""

    def fake_prepare(*_: object, further: Callable[[int, int], int], **__: object) -> None:
        faces, package = 10_000 * 3 * 380**2, 90_000 * 250_000
        assert further(90_000, 250_000) == pytest.approx(faces + package, rel=0.01)
        assert further(100, 250_000) < 10**8
        raise OutputError("no room")

    monkeypatch.setattr(create_module, "prepare", fake_prepare)
    with pytest.raises(OutputError, match="no room"):
        create(tmp_path / "may.mp4", tmp_path / "may.avatar")


def test_create_goes_on_where_it_was_stopped(recording: Path, start: Path, prepared: Path, tmp_path: Path) -> None:
    output, work = tmp_path / "may.avatar", tmp_path / "may.avatar.work"
    shutil.copytree(prepared, work)
    with pytest.raises(Stopped):
        create(recording, output, minutes=0.02, start=start, device="cpu", stage=stopping("Evaluating"))
    assert not output.exists()
    trained = (work / "run" / "generator.safetensors").read_bytes()
    command = ("create", recording, "-o", output, "--minutes", 0.02, "--start", start, "--device", "cpu")
    shown = framegen(*command, "--credit", "NASA").stdout
    assert (work / "run" / "generator.safetensors").read_bytes() == trained
    for page in ("template/report.html", "run/train.html", "evaluation/evaluation.html"):
        assert f"see {work / page}" in shown
        assert (work / page).is_file()
    assert json.loads((work / "evaluation" / "evaluation.json").read_text())["held_out"] == [FRAMES - 50, FRAMES]
    assert len(list(Avatar.load(output).frames(write_wav(tmp_path / "speech.wav", 0.4)))) == 10


def test_begins_from_the_generator_that_comes_along(
    recording: Path, start: Path, prepared: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutil.copytree(prepared, tmp_path / "usual.avatar.work")
    begun: list[object] = []

    def train(*arguments: object, start: object, recipe: object, **options: object) -> Path:
        begun.append((start, recipe))
        raise OutputError("enough")

    monkeypatch.setattr("frame_generation_pipeline.create.train", train)
    for options in ({"network": "light"}, {}, {"scratch": True}, {"network": "full"}, {"start": start, "batch": 8}):
        output = "light.avatar" if options.get("network") == "light" else "usual.avatar"  # their features differ
        with pytest.raises(OutputError, match="enough"):
            create(recording, tmp_path / output, **options)
    assert begun == [
        (PRESENTER_LIGHT, FOLLOWING),
        (PRESENTER_GENERATOR, FOLLOWING),
        (None, DEFAULT),
        (None, DEFAULT),
        (start, DEFAULT.changed({"batch": 8})),
    ]
    with pytest.raises(OptionError, match="choose one of them"):
        create(recording, tmp_path / "may.avatar", start=start, scratch=True)


def test_the_start_says_which_features_are_computed(
    recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[object] = []

    def fake_prepare(*_: object, mode: str, **__: object) -> None:
        modes.append(mode)
        raise OutputError("enough")

    monkeypatch.setattr(create_module, "prepare", fake_prepare)
    for audio in (WHISPER, AVE):
        write_tensors(tmp_path / f"{audio.name}.pth", seeded_network(GeneratorSpec(FACE_160, audio, 2)).state_dict())
    for options in ({}, {"start": tmp_path / "whisper.pth"}, {"scratch": True}):
        with pytest.raises(OutputError, match="enough"):
            create(recording, tmp_path / "may.avatar", **options)
    assert modes == [usual_audio().name, "whisper", usual_audio().name]
    with pytest.raises(
        OptionError, match=r"ave\.pth: is for ave features, whose encoder does not come with this program"
    ):
        create(recording, tmp_path / "may.avatar", start=tmp_path / "ave.pth")


def test_step_by_step(recording: Path, start: Path, prepared: Path, tmp_path: Path) -> None:
    template, run = tmp_path / "dataset", tmp_path / "run"
    shutil.copytree(prepared / "template", template)
    assert f"{FRAMES} of {FRAMES} show a face" in framegen("prepare", recording, "-o", template).stdout
    training = ("train", template, "-o", run, "--steps", 2, "--start", start, "--temporal", 0.5, "--held-out", 0.4)
    assert framegen(*training, "--device", "cpu").stdout.strip() == str(run / "generator.safetensors")
    assert json.loads((run / "train.json").read_text())["recipe"]["temporal"] == 0.5
    framegen(*training, "--device", "cpu", "--resume", "--quiet")
    checkpoint = run / "generator.safetensors"
    figures = framegen("evaluate", checkpoint, "-t", template, "-o", tmp_path / "evaluation", "--json", "-q").stdout
    assert json.loads(figures)["figures"]["mouth_psnr"]["values"]["output"] > 1
    framegen("pack", "-c", checkpoint, "-t", template, "-o", tmp_path / "may.avatar", "--quiet")
    assert "good" in framegen("verify", tmp_path / "may.avatar").stdout


def test_an_avatar_is_one_file(recording: Path, tmp_path: Path) -> None:
    with pytest.raises(OutputError, match=r"end its name with \.avatar"):
        create(recording, tmp_path / "may")
