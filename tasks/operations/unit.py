"""systemd units kept by their state, not by events: a run that died half-way is mended by the next one."""

from base64 import b64encode
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from hashlib import sha256
from itertools import zip_longest

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.remote import HostFact
from tasks.operations.resource import Commands, resource, show
from tasks.operations.trial import Trial

# Names the text and configuration that the running process was started with.
MARK = "PASSERELLE_DIGEST"
FOLDER = "/etc/systemd/system"
_ACCESS = "644 root root"
# Between the parts of an answer.
_NEXT = "--"


class Units(HostFact[dict[str, dict[str, str]]]):
    """{unit: what systemd says of it, `text` (sha256 of its file), `access`, `digest` (MARK of its main process)}.

    `access` is the "MODE OWNER GROUP" of the file.
    """

    default = dict

    def command(self, units: list[str]) -> StringCommand:
        names = [QuoteString(unit) for unit in units]
        return StringCommand(
            # Asked once for all of them: to start systemctl takes longer than all the rest.
            "{ s=$(systemctl show -p ActiveState,UnitFileState,NeedDaemonReload,MainPID",
            *names,
            "); for u in",
            *names,
            f'; do echo "unit=$u"; echo "text=$(sha256sum <"{FOLDER}/$u")";',
            f'echo "access=$(stat -c \'%a %U %G\' "{FOLDER}/$u")"; done;',
            f"echo {_NEXT}; for p in $(printf '%s\\n' \"$s\" | sed -n 's/^MainPID=//p'); do",
            f"echo \"$p=$(tr '\\0' '\\n' <\"/proc/$p/environ\" | sed -n 's/^{MARK}=//p')\"; done;",
            f"echo {_NEXT}; printf '%s\\n' \"$s\"; }} 2>/dev/null",
        )

    def process(self, output: list[str]) -> dict[str, dict[str, str]]:
        """Of each unit its file; of each main process its digest; what systemd says of each unit, in their order."""
        files, processes, states = "\n".join([*output, ""]).split(f"{_NEXT}\n")
        digests = _values(processes)
        found = {}
        for file, state in zip_longest(files.split("unit=")[1:], states.strip().split("\n\n"), fillvalue=""):
            name, _, lines = file.partition("\n")
            found[name] = unit = _values(lines) | _values(state)
            unit["text"] = unit["text"].partition(" ")[0]
            unit["digest"] = digests.get(unit.pop("MainPID", ""), "")
        return found


def _values(lines: str) -> dict[str, str]:
    return dict(line.split("=", 1) for line in lines.splitlines() if "=" in line)


def digest(*parts: str | bytes | None) -> str:
    """Names a configuration; a service whose `digest` differs from its process's is restarted."""
    return sha256(b"\0".join(p.encode() if isinstance(p, str) else p or b"" for p in parts)).hexdigest()[:12]


@resource
def service(
    name: str,
    units: Mapping[str, str],
    configuration: Callable[[], Iterable[str | None]],
    trial: Trial | None = None,
) -> Commands:
    """Have NAME.service enabled and running, with the units that start it, and exactly these unit files.

    `units` maps names to texts: NAME.service and its socket or path unit. `configuration` answers what
    else the process reads at its start (release, digests of files); another answer restarts it. What does not come
    up ends the `trial`.
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
    show(lines)
    if not lines:
        return

    steps = []
    if renewed:
        steps.append(f"{{ systemctl stop {' '.join([main, *renewed])} 2>/dev/null || true; }}")
    written = {unit: texts[unit] for unit in texts if unit in edited or unit in opened}
    steps += [f"mv -f {_staged(unit)} {FOLDER}/{unit}" for unit in written]
    if written or any(found[unit].get("NeedDaemonReload") == "yes" for unit in texts):
        steps.append("systemctl daemon-reload")
    if disabled:
        steps.append(f"systemctl enable -q {' '.join(disabled)}")
    if renewed or stale:
        steps.append(f"{{ systemctl reset-failed {' '.join(texts)} 2>/dev/null; systemctl restart {main}; }}")
    if renewed:
        steps.append(f"systemctl start {' '.join(triggers)}")
    yield _applied(written, steps, list(texts), trial)


def saying_why(units: Iterable[str]) -> str:
    """A command that prints what these units have last complained of."""
    named = " ".join(f"-u {unit}" for unit in units)
    return f"journalctl -q --no-pager -o cat -p warning -n 3 {named} >&2"


def _staged(unit: str) -> str:
    # systemd passes over files whose names begin with a dot.
    return f"{FOLDER}/.{unit}.new"


def _applied(
    written: Mapping[str, str],
    steps: Sequence[str],
    units: Iterable[str],
    trial: Trial | None = None,
) -> StringCommand:
    """One command: the units are written beside their places, then the steps are taken, or what was before is put back.

    What finds no room has touched nothing yet.
    """
    staged = " ".join(map(_staged, written))
    write = [
        f"printf %s {b64encode(text.encode()).decode()} | base64 -d | install -m 644 /dev/stdin {_staged(unit)}"
        for unit, text in written.items()
    ]
    prepared = " && ".join([*write, *([trial.remember] if trial else []), "true"])
    return StringCommand(
        f"{{ {prepared}; }} || {{ rm -f {staged}; exit 1; }}; {' && '.join(steps)} || "
        f"{{ {saying_why(units)}; rm -f {staged}; {trial.roll_back if trial else 'false'}; }}"
    )


class Named(HostFact[list[str]]):
    """The units that an administrator has installed and whose names begin with `prefix`."""

    default = list

    def command(self, prefix: str) -> StringCommand:
        return StringCommand(
            "cd", FOLDER, "&& for u in", f'{prefix}*; do test -f "$u" && echo "$u"; done || true'
        )

    def process(self, output: list[str]) -> list[str]:
        """A name a line."""
        return output


@resource
def no_other_units(prefix: str, kept: Collection[str]) -> Commands:
    """Have no units whose names begin with `prefix` but `kept`; files beside those (UNIT.d) are somebody else's."""
    others = [unit for unit in host.get_fact(Named, prefix=prefix) if unit not in kept]
    show([f"- {FOLDER}/{unit}" for unit in others])
    if others:
        yield StringCommand("systemctl disable -q --now", *_quoted(others), "2>/dev/null || true")
        yield StringCommand("rm -f", *[QuoteString(f"{FOLDER}/{unit}") for unit in others])
        yield StringCommand(
            "systemctl daemon-reload; systemctl reset-failed", *_quoted(others), "2>/dev/null || true"
        )


def _quoted(units: Iterable[str]) -> list[QuoteString]:
    return [QuoteString(unit) for unit in units]
