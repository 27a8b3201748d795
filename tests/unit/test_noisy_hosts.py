"""What is read of a host is what a command prints, whatever else the host says: every fact, every kind of noise."""

import importlib
import inspect
import json
import socket
from collections.abc import Callable, Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from pyinfra.api import FactBase, StringCommand

import tasks
from tasks.operations.remote import HostFact, answer, framed, uploaded
from tasks.operations.resource import ResourceError
from tests.unit import noisy
from tests.unit.noisy import LOGINS, Made

ROOT = Path(tasks.__path__[0])


def facts() -> Iterator[tuple[str, type[FactBase[Any]]]]:
    """Every fact of the project, by its name."""
    for path in sorted(ROOT.rglob("[a-z]*.py")):
        module = importlib.import_module(".".join(path.relative_to(ROOT.parent).with_suffix("").parts))
        for name, value in vars(module).items():
            ours = inspect.isclass(value) and value.__module__ == module.__name__ and value is not HostFact
            if ours and issubclass(value, FactBase):
                yield name, value


FACTS = dict(facts())


@pytest.fixture
def place(tmp_path: Path) -> Path:
    """Something for each fact to find, and the programs that it asks."""
    tools = tmp_path / "tools"
    tools.mkdir()
    (tmp_path / "one file").write_text("secret\nother\n")
    (tmp_path / "a \\ b").write_text("")
    (tmp_path / "mark").write_text("0123456789ab\n")
    made = [Made("a" * 64, folder=str(tmp_path)), Made("b" * 64, "gitlab", folder="/elsewhere")]
    noisy.docker(tools, made, 'time="2025-12-01" level=warning msg="the attribute `version` is obsolete"')
    noisy.program(
        tools,
        "systemctl",
        r"printf 'MainPID=7\nActiveState=active\n\nActiveState=failed\nUnitFileState=enabled\n'",
    )
    return tmp_path


# The arguments with which each fact is asked; a fact that is not here has no test.
ASKED: dict[str, Callable[[Path], dict[str, Any]]] = {
    "ComposeContainers": lambda p: {"directory": str(p)},
    "Count": lambda p: {"path": str(p / "one file")},
    "Files": lambda p: {"paths": [str(p / "one file"), str(p / "a \\ b"), "/nowhere"]},
    "Folders": lambda p: {"container": "a" * 64, "paths": [str(p), str(p / "mark"), "/nowhere"]},
    "HomeFolder": lambda p: {},
    "InUse": lambda p: {"paths": [str(p / "one file"), "/nowhere"]},
    "Interpreter": lambda p: {},
    "Matching": lambda p: {"patterns": [f"{p}/*", "/nowhere/*"]},
    "Named": lambda p: {"prefix": "passerelle-nowhere-"},
    "OnTrial": lambda p: {"app": "passerelle-nowhere"},
    "Owner": lambda p: {"path": str(p)},
    "Present": lambda p: {"paths": [str(p), "/nowhere"]},
    "Port": lambda p: {},
    "PrimaryAddress": lambda p: {},
    "Release": lambda p: {"app": "passerelle-nowhere", "digest": "0123456789ab"},
    "Scanned": lambda p: {"mark": str(p / "mark")},
    "Spools": lambda p: {},
    "Units": lambda p: {"units": ["a.service", "a.socket"]},
    "WhoAmI": lambda p: {},
}


def asked(name: str, place: Path, login: str = "") -> Any:
    """What a fact is when the host greets so."""
    fact = FACTS[name]()
    command = fact.command(**ASKED[name](place))
    raw = command.get_raw_value() if isinstance(command, StringCommand) else command
    done = noisy.run(raw, login, place / "tools")
    assert done.returncode == 0, done.stderr
    lines = done.stdout.decode(errors="replace").splitlines()
    return fact.process(lines) if lines else fact.default()


@pytest.mark.parametrize("login", [login for login in LOGINS if login != "silent"])
@pytest.mark.parametrize("name", FACTS)
def test_a_fact_is_the_same_on_a_noisy_host(name: str, login: str, place: Path) -> None:
    assert asked(name, place, LOGINS[login]) == asked(name, place)


def test_facts_find_something_where_there_is_something(place: Path) -> None:
    """Otherwise the table above would compare nothing with nothing."""
    found = {name: asked(name, place) for name in FACTS}
    assert {name for name, value in found.items() if not value} == {"Named", "OnTrial", "Spools"}
    assert found["Scanned"] == "0123456789ab"
    assert found["Count"] == 2
    assert [digest for _, digest in found["Files"].values()] == [
        sha256(text).hexdigest() for text in (b"secret\nother\n", b"")
    ]
    assert [reported.partition("|")[0] for reported in found["Folders"].values()] == ["directory", "file"]
    assert socket.inet_aton(found["PrimaryAddress"])
    assert found["Units"]["a.service"]["ActiveState"] == "active"
    assert found["Units"]["a.socket"]["UnitFileState"] == "enabled"
    assert [json.loads(line)["service"] for line in found["ComposeContainers"][1:]] == ["nextcloud", "gitlab"]


@pytest.mark.parametrize("login", LOGINS)
@pytest.mark.parametrize("printed", ["", "\n", "a", "a\n", "a\n\n", "\na", "é — ü\n", "a\r\nb\n"])
def test_what_a_command_prints_is_read_to_the_byte(printed: str, login: str) -> None:
    octal = "".join(f"\\{byte:03o}" for byte in printed.encode())
    done = noisy.run(framed(f"printf '{octal}'; echo noise >&2; exit 3").get_raw_value(), LOGINS[login])
    assert done.returncode == 3
    assert answer(done.stdout.decode(errors="replace")) == printed


@pytest.mark.parametrize(
    "shell", ["echo This account is currently not available.", "true", "echo; echo Menu:"]
)
def test_a_login_that_runs_no_command_is_named(shell: str) -> None:
    done = noisy.run(shell)
    with pytest.raises(ResourceError, match=r"host: .*check the login shell of host\.ssh_user"):
        answer(done.stdout.decode())


@pytest.mark.parametrize("login", LOGINS)
def test_a_file_is_uploaded_whole(login: str, tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "a target"
    source.write_bytes(bytes(range(256)) * 300 + b"\0")
    command = uploaded(source, str(target))
    script = f'{LOGINS[login]}\nsh -c "$1"'
    done = noisy.fed(script, command.get_raw_value(), str(command.connector_arguments["_stdin"]))
    assert done.returncode == 0, done.stderr
    assert target.read_bytes() == source.read_bytes()


def test_an_upload_that_finds_no_room_says_so_and_leaves_nothing(tmp_path: Path) -> None:
    source, target = tmp_path / "source", tmp_path / "target"
    source.write_bytes(b"x" * 1_000_000)
    target.symlink_to("/dev/full")
    command = uploaded(source, str(target))
    done = noisy.fed('sh -c "$1"', command.get_raw_value(), str(command.connector_arguments["_stdin"]))
    assert done.returncode != 0
    assert b"No space left on device" in done.stderr
    assert not target.is_symlink()
