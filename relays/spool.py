"""python -m relays.spool: the tables in the spool of a relay, and their way back for an earlier release.

    broken                  PART=VERSION of what a start of this release makes of no use to the one that left it so
    revert PART=VERSION…    turn the tables back for a release that knows these versions; the relay is stopped

What waits, is parked or known stays so. The deploy asks what will be broken before a new release goes on trial, which
is mostly nothing, and has it turned back where the trial ends in the release before.
"""

import argparse
import os
import sys
from collections.abc import Mapping, Sequence
from contextlib import closing
from pathlib import Path

from relays.base.instance_lock import StateDirectory
from relays.base.settings import StartError, read_spool, state_directory
from relays.delivery.tables import OUTBOX
from relays.sources.gitlab.tables import GITLAB
from relays.sources.nextcloud.tables import NEXTCLOUD
from relays.storage.engine import Engine, StorageError, first_line
from relays.storage.introspection import shape_of
from relays.storage.migrations import revert
from relays.storage.schema import SchemaError, find
from relays.storage.sqlite import SQLite

PARTS = (OUTBOX, GITLAB, NEXTCLOUD)


def open_spool(state: Path | None, credentials: Path | None) -> Engine:
    """The spool of a relay, as it is: what its state directory and its credentials lead to. StartError."""
    folder = credentials or os.environ.get("CREDENTIALS_DIRECTORY")
    if folder and (spool := read_spool(Path(folder))).address:
        from relays.storage.postgresql import PostgreSQL  # only here (storage.opening)

        return PostgreSQL(spool.address)
    path = state_directory(state) / "relay.db"
    if not path.is_file():
        raise StartError(f"there is no {path}: start the relay once, or name its state directory")
    return SQLite(path)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 1 if the spool cannot be used so, 78 if it or what is asked is not known."""
    parser = argparse.ArgumentParser(prog="spool", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--state", type=Path, metavar="DIR", help="default: $STATE_DIRECTORY")
    parser.add_argument("--credentials", type=Path, metavar="DIR", help="default: $CREDENTIALS_DIRECTORY")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("broken")
    commands.add_parser("revert").add_argument("versions", nargs="+", metavar="PART=VERSION")
    given = parser.parse_args(arguments)
    try:
        if given.command == "broken":
            with closing(open_spool(given.state, given.credentials)) as engine:
                found = find(engine.read, shape_of(engine.read, engine.dialect).columns, PARTS)
            for tables in PARTS:
                here = found.get(tables.part)
                if here and tables.breaks(here.version):
                    print(f"{tables.part}={here.version}")
        else:
            versions: dict[str, int] = {}
            # Of a part that is named twice, the older version is the one that everybody knows.
            for part, version in map(_version, given.versions):
                versions[part] = min(version, versions.get(part, version))
            with (
                closing(StateDirectory(state_directory(given.state))),
                closing(open_spool(given.state, given.credentials)) as engine,
            ):
                _revert(engine, versions)
    except StartError as error:
        print(f"spool: {error}", file=sys.stderr)
        return error.code
    except (SchemaError, StorageError) as error:
        print(f"spool: the tables cannot be looked at or turned back: {error}", file=sys.stderr)
        return 1
    return os.EX_OK


def _version(given: str) -> tuple[str, int]:
    part, _, version = given.partition("=")
    if part not in {tables.part for tables in PARTS} or not version.isdecimal():
        raise StartError(f"{given} is not PART=VERSION: write gitlab=5, for example")
    return part, int(version)


def _revert(engine: Engine, versions: Mapping[str, int]) -> None:
    db = engine.begin()
    try:
        done = revert(db, PARTS, versions, engine.dialect)
        engine.commit()
    except SchemaError as error:
        engine.roll_back(error)
        raise
    except engine.errors as error:
        engine.roll_back(error)
        raise StorageError(first_line(error)) from None
    for line in done:
        print(line)


if __name__ == "__main__":
    sys.exit(main())
