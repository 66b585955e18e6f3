"""An option that has no effect where it is given is refused, in one line."""

import inspect
from collections.abc import Callable
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from frame_generation_pipeline.cli.app import COMMANDS, app
from frame_generation_pipeline.cli.options import EncodingOptions, Person, RuntimeOptions, StyleOptions, grouped
from frame_generation_pipeline.errors import OptionError
from frame_generation_pipeline.making.source import Source
from frame_generation_pipeline.runtime.settings import Runtime
from frame_generation_pipeline.speaking.style import Style

NOWHERE = Path("nowhere")
TORCH = Person(template=NOWHERE, checkpoint=NOWHERE)
ONNX = Person(template=NOWHERE, model=NOWHERE)


def load(person: Person, source: Source = Source(), runtime: Runtime = Runtime()) -> Callable[[], object]:
    return lambda: person.load(source, runtime, Style())


@pytest.mark.parametrize(
    ("call", "message"),
    [
        (load(Person(avatar=NOWHERE, template=NOWHERE)), "an avatar has its own template"),
        (load(Person(checkpoint=NOWHERE)), "needs the --template"),
        *(
            (load(Person(avatar=NOWHERE), source), "are for checkpoints, not for avatars")
            for source in (Source("ave"), Source(device="cpu"), Source(backend="onnx"), Source(parsing=True))
        ),
        (load(TORCH, runtime=Runtime(cache_size=1)), "faces are remembered of avatars alone"),
        (load(TORCH, runtime=Runtime(cache_file=NOWHERE)), "faces are remembered of avatars alone"),
        (load(TORCH, runtime=Runtime(threads=1)), "add --backend onnx"),
        (load(TORCH, Source(backend="onnx", device="cpu")), "--device is for PyTorch"),
        (load(ONNX, Source(device="cpu")), "--device is for PyTorch"),
        (load(ONNX, Source(backend="onnx")), "--backend is for checkpoints"),
        (StyleOptions(gate=False, silence_db=-50).value, "leave one out"),
        (StyleOptions(blend="reference", speech_db=-40).value, "knows no gate"),
        (lambda: EncodingOptions(crf=20).value(video=False, images=True), "are for videos"),
        (lambda: EncodingOptions(preset="medium").value(video=False, images=True), "are for videos"),
        (lambda: EncodingOptions(frame_format="jpg").value(video=True, images=False), "is for --frames-dir"),
    ],
)
def test_what_has_no_effect_is_refused(call: Callable[[], object], message: str) -> None:
    with pytest.raises(OptionError, match=message):
        call()


def test_groups_are_options_of_their_own() -> None:
    seen: list[object] = []

    def command(runtime: RuntimeOptions, name: str = "she") -> None:
        """What it does."""
        seen.append((runtime.value(), name))

    small = typer.Typer()
    small.command()(grouped(command))
    done = CliRunner().invoke(small, ["--cache-size", "3", "--provider", "A", "--provider", "B", "--name", "he"])
    assert done.exit_code == 0, done.output
    assert seen == [(Runtime(("A", "B"), cache_size=3 * 2**20), "he")]
    assert "What it does" in CliRunner().invoke(small, ["--help"]).output


def test_every_command_that_hears_files_takes_a_track() -> None:
    with_audio = {"generate", "create", "prepare", "features", "inspect", "benchmark"}
    for command in app.registered_commands:
        assert command.callback is not None
        taken = "audio_track" in inspect.signature(command.callback).parameters
        assert taken == (command.callback.__name__ in with_audio)


def test_every_command_is_there() -> None:
    names = [command.callback.__name__ for command in app.registered_commands if command.callback]
    assert names[:3] == ["generate", "say", "create"]
    assert len(names) == len(set(names)) == len(COMMANDS)


@pytest.mark.parametrize("value", ["inf", "nan"])
@pytest.mark.parametrize("option", ["--fps", "--end"])
def test_numbers_are_finite(option: str, value: str) -> None:
    ended = CliRunner().invoke(app, ["generate", "-f", "f.npy", "-o", "x.mp4", option, value])
    assert isinstance(ended.exception, OptionError)
    assert f"is {value}; give a finite number" in str(ended.exception)
