"""systemd units kept by their state, not by events: a run that died half-way is mended by the next one."""

from collections.abc import Callable, Iterable, Mapping
from hashlib import sha256

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.remote import HostFact
from tasks.operations.resource import Commands, resource, tell
from tasks.operations.text_file import write

# Names the text and configuration that the running process was started with.
MARK = "PASSERELLE_DIGEST"
FOLDER = "/etc/systemd/system"
_ACCESS = "644 root root"


class Units(HostFact[dict[str, dict[str, str]]]):
    """{unit: what systemd says of it, `text` (sha256 of its file), `access`, `digest` (MARK of its main process)}.

    `access` is the "MODE OWNER GROUP" of the file.
    """

    default = dict

    def command(self, units: list[str]) -> StringCommand:
        return StringCommand(
            "for u in",
            *[QuoteString(unit) for unit in units],
            '; do echo "unit=$u"; systemctl show -p ActiveState,UnitFileState,NeedDaemonReload "$u";',
            'echo "text=$(sha256sum 2>/dev/null <"/etc/systemd/system/$u" | cut -c1-64)";',
            'echo "access=$(stat -c \'%a %U %G\' "/etc/systemd/system/$u")";',
            "echo digest=$(tr '\\0' '\\n' 2>/dev/null <\"/proc/$(systemctl show -P MainPID \"$u\")/environ\"",
            f"| sed -n 's/^{MARK}=//p'); done 2>/dev/null",
        )

    def process(self, output: list[str]) -> dict[str, dict[str, str]]:
        """The lines, a new unit at each `unit=`."""
        found: dict[str, dict[str, str]] = {}
        for key, _, value in (line.partition("=") for line in output):
            if key == "unit":
                found[value] = unit = {}
            else:
                unit[key] = value
        return found


def digest(*parts: str | bytes | None) -> str:
    """Names a configuration; a service whose `digest` differs from its process's is restarted."""
    return sha256(b"\0".join(p.encode() if isinstance(p, str) else p or b"" for p in parts)).hexdigest()[:12]


@resource
def service(
    name: str,
    units: Mapping[str, str],
    configuration: Callable[[], Iterable[str | None]],
    roll_back: str = "false",
) -> Commands:
    """Have NAME.service enabled and running, with the units that start it, and exactly these unit files.

    `units` maps names to texts: NAME.service and its socket or path unit. `configuration` answers what
    else the process reads at its start (release, digests of files); another answer restarts it. `roll_back`
    is a shell command, which must fail, for a service that does not come up.
    """
    main = f"{name}.service"
    wanted = digest(units[main], *configuration())
    texts = dict(units)
    texts[main] = units[main].replace("[Service]\n", f"[Service]\nEnvironment={MARK}={wanted}\n", 1)
    found = host.get_fact(Units, units=list(texts))
    edited = [
        unit for unit, text in texts.items() if found[unit]["text"] != sha256(text.encode()).hexdigest()
    ]
    opened = [unit for unit in texts if found[unit]["text"] and found[unit]["access"] != _ACCESS]
    disabled = [unit for unit in texts if found[unit].get("UnitFileState") != "enabled"]
    inactive = [unit for unit in texts if found[unit].get("ActiveState") != "active"]
    stale = main in inactive or found[main]["digest"] != wanted
    triggers = [unit for unit in texts if unit != main]
    # systemd applies a new text only to a unit that starts anew, and starts no socket under its running service.
    renewed = [unit for unit in triggers if unit in edited or unit in inactive]

    lines = [f"~ {FOLDER}/{u}: other content" if found[u]["text"] else f"+ {FOLDER}/{u}" for u in edited]
    lines += [f"~ {FOLDER}/{u}: {found[u]['access']} -> {_ACCESS}" for u in opened]
    lines += [f"~ {u}: {found[u].get('UnitFileState') or 'not installed'} -> enabled" for u in disabled]
    lines += [f"~ {u}: {found[u].get('ActiveState')} -> active" for u in inactive]
    if stale and main not in inactive:
        lines.append(f"~ {main}: runs with an older configuration -> runs with this one")
    tell(lines)

    if renewed:  # before the files, so that a run that dies here leaves stopped units and no stale ones
        yield StringCommand("systemctl stop", *_quoted([main, *renewed]), "2>/dev/null || true")
    for unit in [*edited, *[unit for unit in opened if unit not in edited]]:
        yield write(f"{FOLDER}/{unit}", "cat", "644", "root", "root", texts[unit])
    if edited or opened or any(found[unit].get("NeedDaemonReload") == "yes" for unit in texts):
        yield "systemctl daemon-reload"
    if disabled:
        yield StringCommand("systemctl enable -q", *_quoted(disabled))
    if renewed or stale:
        restart = f"systemctl restart {main} || {{ {roll_back}; }}"
        yield StringCommand("systemctl reset-failed", *_quoted(texts), "2>/dev/null;", restart)
    if renewed:
        yield StringCommand("systemctl start", *_quoted(triggers))


@resource
def no_unit(name: str) -> Commands:
    """Have no unit of this name."""
    if host.get_fact(Units, units=[name])[name]["text"]:
        tell([f"- {FOLDER}/{name}"])
        yield StringCommand("systemctl disable -q --now", QuoteString(name))
        yield StringCommand("rm -f", QuoteString(f"{FOLDER}/{name}"))
        yield "systemctl daemon-reload"


def _quoted(units: Iterable[str]) -> list[QuoteString]:
    return [QuoteString(unit) for unit in units]
