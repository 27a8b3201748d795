"""systemd units kept by their state, not by events: a run that died half-way is mended by the next one."""

from collections.abc import Callable, Iterable
from hashlib import sha256
from io import StringIO

from pyinfra import host
from pyinfra.api import FactBase, QuoteString, StringCommand
from pyinfra.operations import files

from tasks.operations.resource import Commands, resource, tell

# Names the text and configuration that the running process was started with.
MARK = "PASSERELLE_DIGEST"


class Unit(FactBase[dict[str, str]]):
    """What systemd says of a unit, `text` (sha256 of its file) and `digest` (MARK of its main process)."""

    default = dict

    def command(self, unit: str) -> StringCommand:
        quoted = QuoteString(unit)
        return StringCommand(
            "systemctl show -p ActiveState,UnitFileState,NeedDaemonReload,ConditionResult",
            quoted,
            "; echo text=$(sha256sum <",
            QuoteString(f"/etc/systemd/system/{unit}"),
            "2>/dev/null | cut -c1-64);",
            "echo digest=$(tr '\\0' '\\n' 2>/dev/null </proc/$(systemctl show -P MainPID",
            quoted,
            f")/environ | sed -n 's/^{MARK}=//p')",
        )

    def process(self, output: list[str]) -> dict[str, str]:
        """The lines as a dict."""
        return dict(line.split("=", 1) for line in output if "=" in line)


def digest(*parts: str | bytes | None) -> str:
    """Names a configuration; a service whose `digest` differs from its process's is restarted."""
    return sha256(b"\0".join(p.encode() if isinstance(p, str) else p or b"" for p in parts)).hexdigest()[:12]


@resource
def service(unit: str, text: str, configuration: Callable[[], Iterable[str | None]]) -> Commands:
    """Have the service enabled and running with exactly this unit file and this configuration.

    `configuration` answers whatever else the process reads at its start (release, digests of files).
    """
    wanted = digest(text, *configuration())
    text = text.replace("[Service]\n", f"[Service]\nEnvironment={MARK}={wanted}\n", 1)
    found = host.get_fact(Unit, unit=unit)
    lines = _file_lines(unit, text, found)
    stale = found.get("ActiveState") != "active" or found.get("digest") != wanted
    if found.get("ActiveState") != "active":
        lines.append(f"~ {unit}: {found.get('ActiveState', 'unknown')} -> active")
    elif stale:
        lines.append(f"~ {unit}: runs with an older configuration -> restart")
    tell(lines)
    yield from _install(unit, text, found)
    if stale:
        yield StringCommand(
            "systemctl reset-failed", QuoteString(unit), "2>/dev/null; systemctl restart", QuoteString(unit)
        )


@resource
def trigger(unit: str, text: str, starts: str) -> Commands:
    """Have a socket or path unit enabled and waiting. Another text stops it first, with what it `starts`.

    systemd applies a new text only to a unit that starts anew, and starts no socket under a running service.
    """
    found = host.get_fact(Unit, unit=unit)
    lines = _file_lines(unit, text, found)
    if found.get("ActiveState") != "active":
        lines.append(f"~ {unit}: {found.get('ActiveState', 'unknown')} -> active")
    tell(lines)
    other = found.get("text") != sha256(text.encode()).hexdigest()
    if other:  # before the file, so that a run that dies here leaves a stopped unit and no stale one
        yield StringCommand("systemctl stop", QuoteString(unit), QuoteString(starts), "2>/dev/null || true")
    yield from _install(unit, text, found)
    if other or found.get("ActiveState") != "active":
        yield StringCommand(
            "systemctl is-active -q",
            QuoteString(starts),
            "&& systemctl stop",
            QuoteString(starts),
            "; systemctl reset-failed",
            QuoteString(unit),
            "2>/dev/null; systemctl start",
            QuoteString(unit),
        )


def _file_lines(unit: str, text: str, found: dict[str, str]) -> list[str]:
    lines = []
    if not found.get("text"):
        lines.append(f"+ /etc/systemd/system/{unit}")
    elif found["text"] != sha256(text.encode()).hexdigest():
        lines.append(f"~ /etc/systemd/system/{unit}: other content")
    if found.get("UnitFileState") != "enabled":
        lines.append(f"~ {unit}: {found.get('UnitFileState') or 'not installed'} -> enabled")
    return lines


def _install(unit: str, text: str, found: dict[str, str]) -> Commands:
    if found.get("text") != sha256(text.encode()).hexdigest():
        yield from files.put._inner(
            src=StringIO(text), dest=f"/etc/systemd/system/{unit}", mode="644", create_remote_dir=False
        )
        yield "systemctl daemon-reload"
    elif found.get("NeedDaemonReload") == "yes":
        yield "systemctl daemon-reload"
    if found.get("UnitFileState") != "enabled":
        yield StringCommand("systemctl enable -q", QuoteString(unit))
