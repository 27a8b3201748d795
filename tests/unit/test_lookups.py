"""What pyinfra is spared looking up: what it makes use of is the same as without."""

import inspect
from pathlib import Path
from typing import Any

import pyinfra.api.arguments
import pyinfra.api.util
import pytest

from tasks.lookups import frame_info, spare_lookups, stack

util: Any = pyinfra.api.util
arguments: Any = pyinfra.api.arguments


@pytest.fixture
def spared(monkeypatch: pytest.MonkeyPatch) -> None:
    """A pyinfra that is spared its lookups, for the test alone."""
    for module, name in ((util, "stack"), (util, "getframeinfo"), (arguments, "get_type_hints")):
        monkeypatch.setattr(module, name, getattr(module, name))
    spare_lookups()


def test_frames_are_those_of_inspect() -> None:
    spared, whole = [
        [(each.frame, each.filename, each.function) for each in frames]
        for frames in (stack(), inspect.stack())
    ]
    assert spared == whole
    caller = inspect.stack()[1].frame
    assert frame_info(caller)[:3] == inspect.getframeinfo(caller)[:3]


@pytest.mark.usefixtures("spared")
def test_pyinfra_finds_the_caller_of_an_operation() -> None:
    def operation() -> str:
        return str(util.get_call_location())

    line = inspect.stack()[0].lineno + 1
    assert operation().endswith(f"line {line} in {Path(__file__).relative_to(Path.cwd())}")


@pytest.mark.usefixtures("spared")
def test_global_arguments_are_those_of_pyinfra() -> None:
    spared = arguments.all_global_arguments()
    assert spared == arguments.all_global_arguments()
    assert ("_sudo", bool) in spared
