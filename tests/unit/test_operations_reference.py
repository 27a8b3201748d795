"""docs/operations.md names every operation and fact with its arguments, and its example is a deploy."""

import importlib
import inspect
import re
from collections.abc import Iterator
from pathlib import Path

import pytest
from pyinfra.api import FactBase

import tasks.operations
from tests.example import example

REFERENCE = (Path(__file__).parents[2] / "docs/operations.md").read_text(encoding="utf-8")
MODULES = [
    importlib.import_module(f"tasks.operations.{path.stem}")
    for path in sorted(Path(next(iter(tasks.operations.__path__))).glob("*.py"))
]


def operations() -> Iterator[tuple[str, inspect.Signature]]:
    """MODULE.NAME and the signature of every operation."""
    for module in MODULES:
        for name, value in vars(module).items():
            if hasattr(value, "is_idempotent") and inspect.getmodule(value._inner) is module:
                yield f"{module.__name__.rpartition('.')[2]}.{name}", inspect.signature(value._inner)


def facts() -> Iterator[tuple[str, list[str]]]:
    """MODULE.NAME and the arguments of every fact."""
    for module in MODULES:
        for name, value in vars(module).items():
            ours = inspect.isclass(value) and value.__module__ == module.__name__
            if ours and issubclass(value, FactBase) and hasattr(value, "command"):
                yield (
                    f"{module.__name__.rpartition('.')[2]}.{name}",
                    list(inspect.signature(value.command).parameters)[1:],
                )


def section(name: str) -> str:
    """What the reference says of an operation."""
    assert f"\n### {name}\n" in REFERENCE, f"docs/operations.md does not describe {name}"
    return re.split(r"^##", REFERENCE.partition(f"\n### {name}\n")[2], flags=re.MULTILINE)[0]


def written(name: str, signature: inspect.Signature) -> str:
    """How the reference writes it: in one line, or with a line for each argument."""
    bare = [re.sub(r"\b(?:\w+\.)+(?=[A-Z])", "", str(each)) for each in signature.parameters.values()]
    line = f"{name}({', '.join(bare)})"
    return line if len(line) <= 110 else "\n".join([f"{name}(", *(f"    {each}," for each in bare), ")"])


@pytest.mark.parametrize(("name", "signature"), list(operations()))
def test_operation_is_described_with_its_signature_and_each_argument(
    name: str, signature: inspect.Signature
) -> None:
    reported = section(name)
    assert f"```python\n{written(name, signature)}\n```" in reported
    assert re.findall(r"^- `(\w+)`: \S", reported, re.MULTILINE) == list(signature.parameters)
    assert re.search(r"^Dry run:\n\n```\n[+~-] ", reported, re.MULTILINE)


def test_nothing_hears_that_is_not_there() -> None:
    reported = re.findall(r"^### (.*)$", REFERENCE, re.MULTILINE)
    assert sorted(reported) == sorted(name for name, _ in operations())
    rows = re.findall(r"^\| `([\w.]+)` \|", REFERENCE, re.MULTILINE)
    assert sorted(rows) == sorted(name for name, _ in facts())


@pytest.mark.parametrize(("name", "arguments"), list(facts()))
def test_fact_is_described_with_its_arguments(name: str, arguments: list[str]) -> None:
    listed = ", ".join(f"`{argument}`" for argument in arguments)
    assert f"\n| `{name}` | {listed} | " in REFERENCE


def test_example_uses_operations_alone() -> None:
    """What it does on a host is shown in the lab."""
    imports = re.findall(r"^(?:from|import) (\S+)", example(), re.MULTILINE)
    assert {name for name in imports if name.startswith("tasks")} == {
        "tasks.operations",
        "tasks.operations.api",
        "tasks.operations.compose",
        "tasks.operations.tunnel",
    }
    assert "host.data" not in example()
    compile(example(), "deploy.py", "exec")
