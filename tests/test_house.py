"""The rules of docs/architecture.md that keep the rooms apart."""

import ast
from collections.abc import Iterator
from pathlib import Path
from token import NAME as NAME_TOKEN
from tokenize import tokenize

import pytest

import frame_generation_pipeline
from frame_generation_pipeline.extras import EXTRAS

NAME = frame_generation_pipeline.__name__
SOURCE = Path(frame_generation_pipeline.__file__).parent
ROOT = Path(__file__).parent.parent
ROOMS = (  # from the ground up; each imports only those before it
    *("spec", "arrays", "errors", "extras", "weights", "files", "runtime", "media", "voice", "audio", "template"),
    *("face", "generator", "package", "speaking", "avatar", "say", "making", "tracking", "report", "prepare", "train"),
    *("evaluate", "create", "distill", "pipeline", "jobs", "server", "cli"),
)
LONGEST = 300  # lines of a file
MOST_PARAMETERS = 16
ANY_NAMES = ("attributes", "format_options", "given", "values")  # ONNX's, FFmpeg's, Typer's, an event's
FROM_JSON = ("given", "message", "settings", "source", "state", "summary", "values")  # and from states of trainings
PRIVATE_NOUNS = {
    *("Place", "Painted", "Made", "Stretch", "Scene", "Truth", "Told", "Heard"),
    *("heard", "hears", "made", "painted", "tells", "told"),
}
FOLDERS = ("src", "tests", "benchmarks", "conformance", "fuzz", "studio")
THEIR_CALLS = {("pipeline.py", "generate_video")}  # whose keywords are SyncTalk_2D's
MAY_TAKE_IT = {  # by extra
    "train": ("making", "prepare", "train", "evaluate", "report"),
    "ray": ("jobs",),
    "say": (),
    "serve": ("server",),
    "coreml": ("making",),
}


def room_of(path: Path) -> str:
    return path.relative_to(SOURCE).parts[0].removesuffix(".py")


def imports(path: Path, *, top: bool = False) -> Iterator[str]:
    """Every module that a file imports; top: only those that importing the file imports."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in tree.body if top else ast.walk(tree):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0  # ruff sees to it
            yield node.module or ""
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


FILES = [pytest.param(path, id=str(path.relative_to(SOURCE))) for path in sorted(SOURCE.rglob("*.py"))]


@pytest.mark.parametrize("path", FILES)
def test_a_room_imports_only_rooms_above_it(path: Path) -> None:
    room = room_of(path)
    if room in ("__init__", "__main__"):
        return
    for module in imports(path):
        if module.startswith(f"{NAME}."):
            other = module.split(".")[1]
            assert ROOMS.index(other) <= ROOMS.index(room), f"{room} imports {module}"


@pytest.mark.parametrize("path", FILES)
@pytest.mark.parametrize("extra", EXTRAS)
def test_only_rooms_that_need_an_extra_take_it_at_their_top(path: Path, extra: str) -> None:
    if room_of(path) not in MAY_TAKE_IT[extra]:
        assert not {module.split(".")[0] for module in imports(path, top=True)} & set(EXTRAS[extra])


def test_every_room_is_in_the_order() -> None:
    rooms = {room_of(path) for path in SOURCE.rglob("*.py")} - {"__init__", "__main__"}
    assert rooms == set(ROOMS)


@pytest.mark.parametrize("folder", FOLDERS)
def test_a_file_fits_into_a_head(folder: str) -> None:
    for path in (ROOT / folder).rglob("*.py"):
        assert len(path.read_text("utf-8").splitlines()) <= LONGEST, path


def test_signatures_stay_short() -> None:
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and (path.name, node.name) not in THEIR_CALLS:
                parameters = [*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs]
                names = [argument.arg for argument in parameters if argument.arg not in ("self", "cls")]
                assert len(names) <= MOST_PARAMETERS, f"{path}:{node.lineno}: {node.name} takes {len(names)}"


def test_options_are_values() -> None:
    """No signature takes options that it does not name, nor a dictionary of anything but what JSON or a state holds."""
    for path in SOURCE.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text("utf-8"))):
            if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
                where = f"{path}:{node.lineno}: {node.name}"
                assert node.args.kwarg is None or node.args.kwarg.arg in ANY_NAMES, f"{where} takes any options"
                for argument in (*node.args.posonlyargs, *node.args.args, *node.args.kwonlyargs):
                    anything = argument.annotation and "dict[str, Any]" in ast.unparse(argument.annotation)
                    assert not anything or argument.arg in FROM_JSON, f"{where} takes anything as {argument.arg}"


def test_names_are_the_fields_words() -> None:
    """No name is a private noun for what has a name in the field; docs/architecture.md has the words."""
    for path in (path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py")):
        with path.open("rb") as file:
            names = {token.string for token in tokenize(file.readline) if token.type == NAME_TOKEN}
        assert not names & PRIVATE_NOUNS, f"{path}: {', '.join(sorted(names & PRIVATE_NOUNS))}"


def test_array_types_are_of_one_dialect() -> None:
    """The type of an array is written in one way, which has a place for the type of its elements."""
    for folder in FOLDERS:
        for path in (ROOT / folder).rglob("*.py"):
            for node in ast.walk(ast.parse(path.read_text("utf-8"))):
                annotation = getattr(node, "annotation", None) or getattr(node, "returns", None)
                assert annotation is None or "np.ndarray" not in ast.unparse(annotation), f"{path}:{annotation.lineno}"
                imported = isinstance(node, ast.ImportFrom) and node.module == "numpy.typing"
                assert not imported, f"{path}: import numpy.typing as npt"
