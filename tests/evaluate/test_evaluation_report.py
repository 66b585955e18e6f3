import json
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from failing import RAISING, failing
from frame_generation_pipeline.cli.app import app
from frame_generation_pipeline.errors import FeatureError, LibraryError, MissingFileError, OptionError, OutputError
from frame_generation_pipeline.evaluate import report
from frame_generation_pipeline.evaluate.definitions import DEFINITIONS
from frame_generation_pipeline.evaluate.report import evaluate_files
from frame_generation_pipeline.making.pack import pack_avatar


@pytest.fixture(scope="module")
def written(checkpoint: Path, recording: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str]:
    """What the command line writes and prints for a checkpoint."""
    output = tmp_path_factory.mktemp("evaluation")
    arguments = [str(checkpoint), "-t", str(recording), "-o", str(output), "--frames", "50:56", "--device", "cpu", "-q"]
    result = CliRunner().invoke(app, ["evaluate", *arguments, "--json"], catch_exceptions=False)
    assert result.exit_code == 0
    return output, result.stdout


@pytest.mark.parametrize("name", RAISING)
def test_what_a_library_raises_is_one_of_our_errors(
    name: str, checkpoint: Path, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    library, fail = RAISING[name]
    monkeypatch.setattr(report, "evaluate", failing(fail))
    with pytest.raises(LibraryError, match=rf"^the generator could not be measured: {library} failed \("):
        evaluate_files(checkpoint, recording, tmp_path, device="cpu")


def test_json(written: tuple[Path, str], checkpoint: Path, recording: Path) -> None:
    output, printed = written
    document = json.loads((output / "evaluation.json").read_text())
    assert json.loads(printed) == document
    assert list(document["figures"]) == list(DEFINITIONS)
    assert document["generator"] == checkpoint.name
    assert document["template"] == recording.name
    assert document["frames"] == "50:56, as asked for"
    assert document["generator_sha256"] != document["features_sha256"]
    assert document["figures"]["face_psnr"]["values"]["output"] > 1
    assert document["figures"]["lag"]["values"]["output"] is None
    assert all(level < 0 for level in document["loudness"])


def test_page(written: tuple[Path, str]) -> None:
    page = (written[0] / "evaluation.html").read_text()
    for text in (
        "Reconstruction",
        "In use",
        "Without a value",
        "Definitions",
        "frame s as it is",
        "<svg",
        "20 are needed",
    ):
        assert text in page
    assert all(definition.title.replace("'", "&#39;") in page for definition in DEFINITIONS.values())
    assert page.count("data:image/jpeg") == 6
    assert ">nan<" not in page
    assert {path.name for path in written[0].iterdir()} == {"evaluation.json", "evaluation.html"}


def test_package_and_table(checkpoint: Path, recording: Path, tmp_path: Path) -> None:
    """A package has no strips and no reconstruction, and the page says why."""
    pack_avatar(tmp_path / "a.avatar", checkpoint=checkpoint, template=recording, mode="ave")
    arguments = [
        "evaluate",
        str(tmp_path / "a.avatar"),
        "-t",
        str(recording),
        "-o",
        str(tmp_path / "e"),
        "--held-out",
        "0.2",
    ]
    result = CliRunner().invoke(app, arguments, catch_exceptions=False)
    assert result.exit_code == 0
    assert "unchanged" in result.stdout
    assert "evaluation.html" in result.stdout.replace("\n", "")
    page = (tmp_path / "e" / "evaluation.html").read_text()
    assert "reconstruction needs a checkpoint" in page
    assert "data:image/jpeg" not in page


def test_errors_come_first(checkpoint: Path, recording: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    output = tmp_path / "out"
    with pytest.raises(MissingFileError, match="nowhere"):
        evaluate_files(checkpoint, tmp_path / "nowhere", output)
    with pytest.raises(MissingFileError, match=r"other\.npy"):
        evaluate_files(checkpoint, recording, output, features_path=tmp_path / "other.npy", mode="ave")
    with pytest.raises(OptionError, match="0:80"):
        evaluate_files(checkpoint, recording, output, frames="70:90", mode="ave")
    (tmp_path / "aud.npy").write_bytes((recording / "aud_ave.npy").read_bytes()[:100])
    with pytest.raises(FeatureError, match="extract the features again"):
        evaluate_files(checkpoint, recording, output, features_path=tmp_path / "aud.npy", mode="ave")
    (tmp_path / "taken").write_text("a file")
    with pytest.raises(OutputError, match="taken"):
        evaluate_files(checkpoint, recording, tmp_path / "taken", mode="ave")
    assert not list(output.glob("*"))
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    for name in [name for name in sys.modules if name.endswith((".evaluate.page", ".report.page"))]:
        monkeypatch.delitem(sys.modules, name)
    with pytest.raises(OptionError, match=r"evaluation\.html: the page needs matplotlib"):
        evaluate_files(checkpoint, recording, output)
