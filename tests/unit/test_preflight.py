"""What is checked before anything is touched: every fault in one line, and what the host's own probe sees."""

import copy
import json
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from tasks.preflight.check import Needs, refusals
from tasks.site_machines import Machine
from tests.unit.noisy import program

PROBE = Path(__file__).parent.parent.parent / "tasks" / "preflight" / "probe.py"
ANY = "0.0.0.0"  # noqa: S104
SCRIPTS = "/srv/infrastructure/scripts"
NEEDS = Needs(
    "host",
    Machine(
        address="x",
        ssh_port=None,
        ssh_user="ops",
        ssh_key=None,
        known_hosts=None,
        sudo=False,
        sudo_password=None,
    ),
    "/opt/passerelle/0",
    8090,
    ("passerelle-gitlab.socket",),
    SCRIPTS,
)
PLACE = {
    "at": "/",
    "folder": True,
    "writable": True,
    "readonly": False,
    "noexec": False,
    "free": 10**10,
    "files": 10**6,
}
SOUND: dict[str, Any] = {
    "systemd": {"version": "252.39-1~deb12u2", "said": ""},
    "missing": [],
    "temporary": "",
    "places": dict.fromkeys(NEEDS.places, PLACE),
    "installed": False,
    "holder": "",
}


def reported(*path: str, to: Any) -> dict[str, Any]:
    """What a sound host says, but for one thing."""
    found = copy.deepcopy(SOUND)
    at = found
    for name in path[:-1]:
        at = at[name]
    at[path[-1]] = to
    return found


def place(path: str, **values: Any) -> dict[str, Any]:
    return reported("places", path, to={**PLACE, **values})


FAULTS: dict[str, tuple[dict[str, Any], str]] = {
    "no systemd": (
        reported("systemd", to={"version": "", "said": "System has not been booted with systemd"}),
        "no systemd runs it (System has not been booted",
    ),
    "no systemctl": (
        reported("systemd", to={"version": "", "said": ""}),
        "no systemd runs it (it says no version)",
    ),
    "systemd of Debian 10": (
        reported("systemd", "version", to="241-11"),
        "its systemd is 241; the relays need 247",
    ),
    "systemd of Fedora, too old": (
        reported("systemd", "version", to="246 (v246.15-2.fc33)"),
        "its systemd is 246",
    ),
    "programs": (reported("missing", to=["tar", "awk"]), "it lacks tar, awk; install"),
    "no temporary folder": (reported("temporary", to="No usable temporary directory found"), "make /tmp one"),
    "read-only": (
        place("/etc/passerelle", readonly=True, writable=False),
        "/etc/passerelle cannot be written: / is",
    ),
    "immutable": (place("/etc/systemd/system", writable=False), "root may not write into /; lsattr"),
    "a file in the way": (
        place("/opt/passerelle", at="/opt", folder=False),
        "/opt is no folder, so /opt/passerelle",
    ),
    "noexec": (place("/opt/passerelle", noexec=True), "nothing can be run from /, which is mounted noexec"),
    "no room for the release": (
        place("/opt/passerelle", free=3 * 10**7),
        "30 MB are free at /, 64 MB are needed",
    ),
    "no room for the state": (place("/var/lib/private", free=10**6), "1 MB are free at /, 16 MB are needed"),
    "no room for settings": (place("/etc/passerelle", free=0), "0 MB are free at /, 1 MB are needed"),
    "no inodes": (place("/opt/passerelle", files=100), "the file system of / takes no more files"),
    "scripts on a read-only disk": (
        place(SCRIPTS, readonly=True),
        f"host.infrastructure: {SCRIPTS} cannot be written",
    ),
    "port": (
        reported("holder", to="nginx (pid 7)"),
        "relays.port = 8090: the port is taken on the host by nginx (pid 7)",
    ),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_fault_is_reported_in_one_line(fault: str) -> None:
    found, words = FAULTS[fault]
    (line,) = refusals(found, NEEDS)
    assert words in line
    assert line.startswith(("host: ", "host.", "relays.port"))
    assert "\n" not in line


@pytest.mark.parametrize(
    "found",
    [
        SOUND,
        reported("systemd", "version", to="257 (257.9-2.fc42)"),
        # Nothing is to be installed.
        {**place("/opt/passerelle", free=3 * 10**7, files=100), "installed": True},
        # A file system that makes inodes as it needs them.
        place("/opt/passerelle", files=None),
        # Only what is run from must be executable.
        place("/etc/passerelle", noexec=True),
    ],
)
def test_a_sound_host_is_not_refused(found: dict[str, Any]) -> None:
    assert list(refusals(found, NEEDS)) == []


Ask = Callable[..., dict[str, Any]]


@pytest.fixture
def tools(tmp_path: Path) -> Path:
    folder = tmp_path / "tools"
    folder.mkdir()
    return folder


@pytest.fixture
def ask(tools: Path) -> Ask:
    def run(**questions: Any) -> dict[str, Any]:
        asked = {"programs": [], "places": [], "release": "/nowhere", "port": 0, "own": [], **questions}
        done = subprocess.run(
            [sys.executable, "-I", "-", json.dumps(asked)],
            input=PROBE.read_text(),
            env={**os.environ, "PATH": f"{tools}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def test_what_runs_the_host_is_reported(ask: Ask, tools: Path) -> None:
    program(tools, "systemctl", "echo '252.39-1~deb12u2'")
    assert ask()["systemd"]["version"] == "252.39-1~deb12u2"
    program(tools, "systemctl", "echo System has not been booted with systemd >&2; exit 1")
    assert ask()["systemd"] == {"version": "", "said": "System has not been booted with systemd"}
    assert ask(programs=["sh", "no-such-program"])["missing"] == ["no-such-program"]


def test_places_are_reported_with_what_exists_of_them(ask: Ask, tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    (tmp_path / "complete").touch()
    wanted = [str(tmp_path / name) for name in ("a/b/c", "file/below")]
    found = ask(places=wanted, release=str(tmp_path))
    deep, below = (found["places"][path] for path in wanted)
    assert (deep["at"], deep["folder"], deep["writable"]) == (str(tmp_path), True, True)
    assert (below["at"], below["folder"]) == (str(tmp_path / "file"), False)
    assert deep["free"] > 0
    assert found["installed"] is True
    assert not (tmp_path / "a").exists()


@contextmanager
def holding(family: socket.AddressFamily, address: str, *, listening: bool) -> Iterator[int]:
    with socket.socket(family, socket.SOCK_STREAM) as holder:
        if family == socket.AF_INET6:
            holder.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        holder.bind((address, 0))
        if listening:
            holder.listen()
        yield holder.getsockname()[1]


@pytest.mark.parametrize("listening", [True, False])
@pytest.mark.parametrize(
    ("family", "address"),
    [(socket.AF_INET, "127.0.0.1"), (socket.AF_INET, ANY), (socket.AF_INET6, "::1")],
)
def test_a_port_that_somebody_holds_is_reported_with_who_it_is(
    ask: Ask, tools: Path, family: socket.AddressFamily, address: str, listening: bool
) -> None:
    program(tools, "systemctl", "exit 1")
    with holding(family, address, listening=listening) as port:
        reported = ask(port=port)["holder"]
        assert reported.endswith(f"(pid {os.getpid()})") if listening else reported
    assert ask(port=port)["holder"] == ""


def test_our_own_socket_unit_may_hold_the_port(ask: Ask, tools: Path) -> None:
    with holding(socket.AF_INET, ANY, listening=True) as port:
        units = (
            "Id=other.socket\nActiveState=active\nListen=/run/x (Stream)\n\n"
            f"Id=ours.socket\nActiveState=%s\nListen=[::]:{port} (Stream)"
        )
        for state, own, reported in (
            ("active", ["ours.socket"], ""),
            ("active", ["another.socket"], "ours.socket"),
            ("inactive", ["ours.socket"], f"(pid {os.getpid()})"),
        ):
            program(tools, "systemctl", f"cat <<'END'\n{units % state}\nEND")
            assert ask(port=port, own=own)["holder"].endswith(reported)
            assert bool(ask(port=port, own=own)["holder"]) is bool(reported)
