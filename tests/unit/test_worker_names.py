"""No worker takes the name of something that a thread keeps in itself, in whichever Python the host has."""

import ast
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

RELAYS = Path(__file__).parents[2] / "relays"
# Of 3.13 and 3.14; a thread whose own ones are overwritten does not start.
LATER = {"_handle", "_os_thread_handle", "_context"}


def workers() -> Iterator[tuple[str, ast.ClassDef]]:
    """Each class that is a worker by its first base, with its name."""
    for path in sorted(RELAYS.rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.ClassDef) and any(
                isinstance(base, ast.Name) and base.id.endswith("Worker") for base in node.bases
            ):
                yield f"{path.stem}.{node.name}", node


@pytest.mark.parametrize(("name", "node"), [pytest.param(*each, id=each[0]) for each in workers()])
def test_its_attributes_are_its_own(name: str, node: ast.ClassDef) -> None:
    assigned = {
        each.attr
        for each in ast.walk(node)
        if isinstance(each, ast.Attribute) and isinstance(each.ctx, ast.Store)
    }
    assert assigned & (LATER | vars(threading.Thread()).keys()) == set(), name


def test_there_are_workers() -> None:
    assert {"handover.HandoverServer", "store.Store", "untaken.Untaken"} <= {name for name, _ in workers()}
