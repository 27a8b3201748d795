"""What another release of the relays means for the tables of their spools, and the way back of these."""

import json
from typing import Any

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from relays.delivery.tables import OUTBOX
from relays.sources.gitlab.tables import GITLAB
from relays.sources.nextcloud.tables import NEXTCLOUD
from relays.storage.introspection import POSTGRESQL, SQLITE
from relays.storage.schema import SAID, VERSIONS, PartVersion, Tables, find
from tasks.context import SPOOL
from tasks.operations.python_app import Switch
from tasks.operations.remote import HostFact

PARTS: dict[str, tuple[Tables, ...]] = {"gitlab": (OUTBOX, GITLAB), "nextcloud": (OUTBOX, NEXTCLOUD)}

# With what the release in use is installed with, for it may be one that cannot say by itself.
_LOOK = f"""
import json, os, pathlib, sqlite3
credentials, state = os.environ.get("CREDENTIALS_DIRECTORY"), pathlib.Path(os.environ["STATE_DIRECTORY"])
address = (pathlib.Path(credentials) / "spool").read_text().split()[0] if credentials else "file"
if address != "file":
    import psycopg
    db = psycopg.connect(address, connect_timeout=5)
    db.execute("SET search_path = passerelle")
else:
    db = sqlite3.connect((state / "relay.db").as_uri() + "?mode=ro", uri=True, timeout=5)
columns = db.execute({SQLITE.columns!r} if address == "file" else {POSTGRESQL.columns!r}).fetchall()
said = db.execute({SAID!r}).fetchall() if any(table == {VERSIONS!r} for table, *_ in columns) else []
print(json.dumps([columns, said, bool(credentials)]))
"""


class Spools(HostFact[dict[str, Any]]):
    """{relay: [columns, versions, whether other hosts may share it]} of the spools of this host's relays."""

    default = dict

    def command(self) -> str:
        """As the relay's own user, as scripts/parked.sh does."""
        looks = [f"echo {relay}; {_as_relay(relay, _LOOK_COMMAND)}" for relay in PARTS]
        return "; ".join(f"{{ {look}; }} 2>/dev/null" for look in looks) + "; true"

    def process(self, output: list[str]) -> dict[str, Any]:
        """The lines, each after the name of its relay."""
        relay, found = "", {}
        for line in output:
            if line in PARTS:
                relay = line
            elif line.startswith("["):
                found[relay] = json.loads(line)
        return found


def _as_relay(relay: str, command: str) -> str:
    """A shell command that does nothing if the relay was never there."""
    name = f"passerelle-{relay}"
    store = "PrivateNetwork=yes"
    if relay == "gitlab":
        store = f"$(test -e {SPOOL} && echo LoadCredential=spool:{SPOOL} || echo {store})"
    return (
        f"test ! -d /var/lib/private/{name} || systemd-run --quiet --pipe --wait --collect -p DynamicUser=yes "
        f"-p User={name} -p StateDirectory={name} -p UMask=0077 -p ProtectSystem=strict -p ProtectHome=yes "
        f'-p NoNewPrivileges=yes -p "{store}" {command}'
    )


def _stopped(relay: str, command: str) -> str:
    """A shell command that has a release look after the spool of a relay that is stopped, with what would start it."""
    of_release = f"$release/bin/python -I -m relays.spool {command}"
    return f"{{ systemctl stop 'passerelle-{relay}.*'; {_as_relay(relay, of_release)}; }}"


_LOOK_COMMAND = str(StringCommand("/opt/passerelle/current/bin/python -I -c", QuoteString(_LOOK)))

REMEMBER = "; ".join(
    _as_relay(relay, f"$release/bin/python -I -m relays.spool broken >> broken-{relay} || true")
    for relay in PARTS
)
"""Notes which tables the release that goes on trial makes of no use to the one before; mostly none."""

UNDO = "; ".join(
    f"if test -s broken-{relay}; then {_stopped(relay, f'revert $(cat broken-{relay})')} >&2; fi"
    for relay in PARTS
)
"""Turns these tables back, with all that has come into them meanwhile."""


def look() -> Switch:
    """What the switch to this release means for the spools on this host."""
    return judge(host.get_fact(Spools))


def judge(spools: dict[str, Any]) -> Switch:
    """The same of what the fact says."""
    lines: list[str] = []
    commands: list[str] = []
    for relay, (rows, said, is_shared) in spools.items():
        columns: dict[str, dict[str, bool]] = {}
        for table, column, is_required in rows:
            columns.setdefault(table, {})[column] = is_required
        found = find(lambda query, said=said: said, columns, PARTS[relay])  # type: ignore[misc]
        newer: list[str] = []
        for tables in PARTS[relay]:
            here = found.get(tables.part, PartVersion(tables.version))
            what = f"~ spool of the {relay} relay: {tables.part} tables {here.version} -> {tables.version}"
            if tables.breaks(here.version):
                lines.append(f"{what}, of no use to the release before; a switch-back turns them back")
            if not tables.can_use(here):
                newer.append(f"{tables.part}={tables.version}")
                lines.append(f"{what}, turned back by the release before")
        if lines and is_shared:
            lines.append("  relays of other hosts that share the spool have to be stopped before")
        if newer:
            commands.append(_stopped(relay, f"revert {' '.join(newer)}"))
    return Switch(tuple(lines), " && ".join(commands))
