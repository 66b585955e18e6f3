"""The studio takes only public names of the package, and its files import each other in one direction."""

import ast
from collections.abc import Iterator
from graphlib import TopologicalSorter
from pathlib import Path

import pytest

import studio

ROOT = Path(studio.__file__).parent
FILES = {
    ".".join(path.relative_to(ROOT.parent).with_suffix("").parts).removesuffix(".__init__"): path
    for path in sorted(ROOT.rglob("*.py"))
}


def imported(path: Path) -> Iterator[tuple[str, str]]:
    """(module, name) of all that a file imports, inside functions too; the name is empty for a whole module."""
    for node in ast.walk(ast.parse(path.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            yield from ((node.module or "", alias.name) for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from ((alias.name, "") for alias in node.names)


def test_imports_have_no_circle() -> None:
    graph = {
        name: {part for module, item in imported(path) for part in (module, f"{module}.{item}") if part in FILES}
        for name, path in FILES.items()
    }
    order = list(TopologicalSorter(graph).static_order())  # raises CycleError where there is a circle
    assert set(order) == set(FILES)
    assert order.index("studio.presenter.face") < order.index("studio.presenter.lips")
    assert order.index("studio.presenter.lips") < order.index("studio.presenter.mesh")


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_only_public_names_are_taken(path: Path) -> None:
    for module, name in imported(path):
        if module.split(".")[0] in ("frame_generation_pipeline", "studio"):
            assert not any(part.startswith("_") for part in (*module.split("."), name)), f"{module}: {name}"


@pytest.mark.parametrize("path", FILES.values(), ids=FILES)
def test_the_search_path_is_left_alone(path: Path) -> None:
    assert "sys.path" not in path.read_text("utf-8")
