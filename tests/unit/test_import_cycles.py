"""No module imports itself by a detour; the layers of the relays and of the stand-ins only look downwards."""

import ast
from collections.abc import Iterator
from functools import cache
from graphlib import CycleError, TopologicalSorter
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FOLDERS = ("bench", "lab", "passerelle", "relays", "tasks", "tests")
STANDINS = ("gitlab", "mattermost", "nextcloud")
# How high each room lies. Only one stand-in has webhooks, another one occ.
ROOMS = {"state": 0, "payloads": 1, "webhooks": 2, "occ": 2, "console": 2, "api": 3, "pages": 4, "server": 5}

# The layers of the relays, each of which knows those before it; the last ones are the operators' tools.
LAYERS = (
    "base",
    "storage",
    "wording",
    "mattermost",
    "delivery",
    "service",
    "sources",
    "spool",
    "choices",
    "dead_letters",
)


@cache
def imports() -> dict[str, set[str]]:
    """What of the repository each of its modules imports, local imports and those for types included."""
    paths = [*ROOT.glob("*.py"), *(path for folder in FOLDERS for path in (ROOT / folder).rglob("*.py"))]
    modules = {name_of(path): path for path in paths}
    return {
        name: {each for each in imported(path) if each in modules and each != name}
        for name, path in modules.items()
    }


def name_of(path: Path) -> str:
    """The dotted name of a module."""
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


def imported(path: Path) -> Iterator[str]:
    """Every name that might be a module among what a file imports."""
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{path}: a relative import, which this test does not follow"
            assert node.module
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)


def cycle(graph: dict[str, set[str]]) -> list[str]:
    """One circle of a graph from its first node to the same again; empty without one."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])[::-1]
    return []


def test_no_module_imports_itself_by_a_detour() -> None:
    found = cycle(imports())
    assert not found, "an import circle: " + " -> ".join(found)


def test_a_circle_is_shown_in_the_order_of_its_imports() -> None:
    graph = {"a": {"b"}, "b": {"c"}, "c": {"d", "e"}, "d": {"b"}, "e": set[str]()}
    found = cycle(graph)
    assert set(found) == {"b", "c", "d"}
    assert found[0] == found[-1]
    assert all(imported in graph[importer] for importer, imported in pairwise(found))


def test_every_folder_is_looked_at() -> None:
    assert {name.partition(".")[0] for name in imports()} >= {*FOLDERS, "deploy", "inventory"}
    assert "lab.state" in imports()["lab.stack"]


def test_the_layers_of_the_relays_only_look_downwards() -> None:
    modules = {name: targets for name, targets in imports().items() if name.startswith("relays.")}
    assert {layer(name) for name in modules} == set(LAYERS)
    upward = [
        f"{name} -> {target}"
        for name, targets in modules.items()
        for target in targets
        if target.startswith("relays.") and LAYERS.index(layer(target)) > LAYERS.index(layer(name))
    ]
    assert upward == []


def test_the_sources_of_the_relays_know_nothing_of_each_other() -> None:
    sources = {path.name for path in (ROOT / "relays" / "sources").iterdir() if path.is_dir()} - {
        "__pycache__"
    }
    assert sources == {"gitlab", "nextcloud"}
    for source in sources:
        base = f"relays.sources.{source}"
        others = {f"relays.sources.{other}" for other in sources - {source}}
        known = {target for name, targets in imports().items() if name.startswith(base) for target in targets}
        assert not [target for target in known for other in others if target.startswith(other)]


def layer(module: str) -> str:
    """The layer of a module of the relays."""
    return module.split(".")[1]


@pytest.mark.parametrize("standin", STANDINS)
def test_the_rooms_of_a_standin_only_look_downwards(standin: str) -> None:
    base = f"lab.standins.{standin}."
    inside = {
        name.removeprefix(base): targets for name, targets in imports().items() if name.startswith(base)
    }
    assert {name.partition(".")[0] for name in inside} <= {*ROOMS, "__main__"}
    upward = [
        f"{name} -> {target.removeprefix(base)}"
        for name, targets in inside.items()
        for target in targets
        if name != "__main__" and ROOMS[room(target, base)] > ROOMS[room(base + name, base)]
    ]
    assert upward == []


def test_the_map_of_the_rooms_is_the_same_in_every_standin() -> None:
    readmes = [(ROOT / "lab" / "standins" / standin / "README.md").read_text() for standin in STANDINS]
    [shown] = {tuple(readme.split("\n\n")[1:3]) for readme in readmes}
    assert all(f"`{each}/`" in shown[1] for each in ROOMS)


def room(module: str, base: str) -> str:
    """The folder of a stand-in that a module lies in."""
    assert module.startswith(base), f"{module} is outside of {base}"
    return module.removeprefix(base).partition(".")[0]
