"""What would make a deploy fail half-way on a host, found before anything is touched; in every dry run as well."""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pyinfra.api import QuoteString, StringCommand

from tasks.operations.python_app import INTERPRETER, supported
from tasks.operations.remote import last_line, run_quietly
from tasks.operations.resource import ResourceError
from tasks.operations.unit import FOLDER
from tasks.site_machines import Machine

_PROBE = Path(__file__).with_name("probe.py")

# The first one that hands credentials to services (LoadCredential).
OLDEST_SYSTEMD = 247
PROGRAMS = ("awk", "base64", "find", "grep", "mktemp", "sed", "sha256sum", "systemctl", "tar", "xargs")
_MEGABYTE = 1_000_000
# A release takes 25 MB, and half as much again while it is installed.
_RELEASE, _STORE, _TEXT = 64 * _MEGABYTE, 16 * _MEGABYTE, _MEGABYTE
# A release has 2000 files.
_RELEASE_FILES, _TEXT_FILES = 3000, 20


@dataclass(frozen=True)
class Needs:
    """What a deploy needs of a machine: the folder of its release, the port, the folder of the operators' commands.

    `section` is that of the settings which describes the machine, `own` the socket units that may hold the port.
    """

    section: str
    machine: Machine
    release: str
    port: int
    own: tuple[str, ...]
    scripts: str | None = None

    @property
    def places(self) -> dict[str, int]:
        """Where files are to be written, and the bytes that are needed there."""
        return {
            "/opt/passerelle": _RELEASE,
            "/etc/passerelle": _TEXT,
            FOLDER: _TEXT,
            "/var/lib/passerelle": _TEXT,
            "/var/lib/private": _STORE,
            **({self.scripts: _TEXT} if self.scripts else {}),
        }


def check_host(needs: Needs) -> None:
    """ResourceError, naming the setting and the remedy, for the first thing that a deploy would fail for."""
    seen = ask_host(needs)
    supported(seen["python"])
    for refusal in refusals(seen, needs):
        raise ResourceError(refusal)


def ask_host(needs: Needs) -> dict[str, Any]:
    """What tasks.preflight.probe says of a host; ResourceError if its python3 is none of today."""
    asked = {
        "programs": PROGRAMS,
        "places": list(needs.places),
        "release": needs.release,
        "port": needs.port,
        "own": needs.own,
    }
    text = _PROBE.read_text(encoding="utf-8")
    # To the end of the input even without a python3, or the reason would be lost in a broken connection.
    command = StringCommand("python3 -IS -", QuoteString(json.dumps(asked)), "|| { cat >/dev/null; false; }")
    ok, output = run_quietly(command, stdin=text)
    if not ok:
        supported(interpreter(needs))
        raise ResourceError(f"host: it cannot be looked at: {output.strip()[-300:]}")
    seen: dict[str, Any] = json.loads(output)
    return seen


def interpreter(needs: Needs) -> str:
    """What the host says of its python3, nothing without one; ResourceError if it runs no command."""
    ok, output = run_quietly(StringCommand(INTERPRETER))
    if not ok:
        raise ResourceError(
            f"{needs.section}.ssh_user: it runs no command: {last_line(output)}; check its login shell"
        )
    return output.strip()


def refusals(seen: Mapping[str, Any], needs: Needs) -> Iterator[str]:
    """A line for each thing that a deploy would fail for, of what the probe has said; the cause first."""
    version = systemd_version(seen)
    if version is None:
        yield (
            f"host: no systemd runs it ({seen['systemd']['said'] or 'it says no version'}); the relays are services "
            "of systemd: take a host that has it, such as Debian 12 or Ubuntu 24.04"
        )
    elif version < OLDEST_SYSTEMD:
        yield (
            f"host: its systemd is {version}; the relays need {OLDEST_SYSTEMD} or newer: upgrade to Debian 12, "
            "Ubuntu 24.04 or newer"
        )
    if seen["missing"]:
        yield f"host: it lacks {', '.join(seen['missing'])}; install what has them (Debian: apt install gawk tar)"
    if seen["temporary"]:
        yield f"host: there is no folder for temporary files ({seen['temporary']}); make /tmp one that can be written"
    for path, needed in needs.places.items():
        at = seen["places"][path]
        what = "host.infrastructure" if path == needs.scripts else "host"
        fault = _fault(path, at, _TEXT if needed == _RELEASE and seen["installed"] else needed)
        if fault:
            yield f"{what}: {fault}"
    if seen["holder"]:
        yield (
            f"relays.port = {needs.port}: the port is taken on the host by {seen['holder']}; stop that, or set "
            "relays.port to one that is free"
        )


def systemd_version(seen: Mapping[str, Any]) -> int | None:
    """The release of the systemd that runs the host, None if none does."""
    found = re.match(r"\d+", seen["systemd"]["version"])
    return int(found[0]) if found else None


def _fault(path: str, at: Mapping[str, Any], needed: int) -> str:
    """Why so many bytes cannot be written to `path`, and the remedy; empty if they can."""
    where = at["at"]
    if not at["folder"]:
        return f"{where} is no folder, so {path} cannot be made; move it away"
    if at["readonly"]:
        return f"{path} cannot be written: {where} is on a read-only file system; mount -o remount,rw makes it writable"
    if not at["writable"]:
        return (
            f"root may not write into {where}; lsattr -d {where}, or the export of a network disk, says why"
        )
    if at["noexec"] and path.startswith("/opt/"):
        return f"nothing can be run from {where}, which is mounted noexec; mount -o remount,exec mends that"
    if at["free"] < needed:
        return (
            f"{_megabytes(at['free'])} are free at {where}, {_megabytes(needed)} are needed for {path}; make room "
            "(docker system df, journalctl --vacuum-size=200M)"
        )
    if at["files"] is not None and at["files"] < (_RELEASE_FILES if needed == _RELEASE else _TEXT_FILES):
        return f"the file system of {where} takes no more files (df -i {where}); remove some"
    return ""


def _megabytes(count: int) -> str:
    return f"{count / _MEGABYTE:.0f} MB"
