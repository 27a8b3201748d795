"""python -m relays.parked: messages that Mattermost refused for what they are, for an operator to decide on.

    list            number, time, channel, reason and beginning of each
    show NUMBER     the whole message, as it would be posted
    retry NUMBER…   send again, in its old place in the channel's line
    drop NUMBER…    give up; its delivery key stays known, so GitLab cannot bring it back

It works on the store of a relay that runs as well as on one that does not; a running relay finds what is to be sent
within seconds.
"""

import argparse
import json
import sqlite3
import sys
import time
from collections.abc import Sequence
from datetime import datetime
from pathlib import Path

from relays.settings import StartError, state_directory

_SHOWN = 60


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 1 if a number is not that of a parked message, 78 if there is no store."""
    parser = argparse.ArgumentParser(prog="parked", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--state", type=Path, metavar="DIR", help="default: $STATE_DIRECTORY")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    commands.add_parser("show").add_argument("number", type=int, nargs=1)
    for name in ("retry", "drop"):
        commands.add_parser(name).add_argument("number", type=int, nargs="+")
    given = parser.parse_args(arguments)
    try:
        db = _open(state_directory(given.state) / "relay.db")
        if given.command == "list":
            _list(db)
            return 0
        return _decide(db, given.command, given.number)
    except StartError as error:
        print(f"parked: {error}", file=sys.stderr)
        return error.code
    except sqlite3.Error as error:
        print(f"parked: the store cannot be used: {error}", file=sys.stderr)
        return 1


def _open(path: Path) -> sqlite3.Connection:
    if not path.is_file():
        raise StartError(f"there is no {path}: start the relay once, or name its state directory")
    return sqlite3.connect(path, isolation_level=None, timeout=10)


def _list(db: sqlite3.Connection) -> None:
    rows = db.execute(
        "SELECT id, created_at, channel, last_error, message FROM outbox WHERE state = 'parked' ORDER BY id"
    )
    for number, created_at, channel, reason, message in rows:
        moment = datetime.fromtimestamp(created_at).strftime("%Y-%m-%d %H:%M:%S")
        print(f"{number}\t{moment}\t{channel}\t{reason}\t{_beginning(json.loads(message))}")


def _beginning(message: dict[str, object]) -> str:
    boxes = message.get("attachments")
    box = boxes[0] if isinstance(boxes, list) and boxes and isinstance(boxes[0], dict) else {}
    text = str(message.get("text") or box.get("fallback") or "").replace("\u200b", "")
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _decide(db: sqlite3.Connection, command: str, numbers: list[int]) -> int:
    """All of the numbers, or with an unknown one among them none."""
    db.execute("BEGIN IMMEDIATE")
    for number in numbers:
        row = db.execute("SELECT message FROM outbox WHERE id = ? AND state = 'parked'", (number,)).fetchone()
        if row is None:
            db.execute("ROLLBACK")
            print(f"parked: {number} is not the number of a parked message; see: list", file=sys.stderr)
            return 1
        if command == "show":
            print(json.dumps(json.loads(row[0]), ensure_ascii=False, indent=2))
        elif command == "retry":
            db.execute(
                "UPDATE outbox SET state = 'ready', run_at = ?, attempts = 0, finished_at = NULL WHERE id = ?",
                (time.time(), number),
            )
        else:
            db.execute(
                "UPDATE outbox SET state = 'done', message = '{}', summary = '', finished_at = ? WHERE id = ?",
                (time.time(), number),
            )
    db.execute("COMMIT")
    return 0


if __name__ == "__main__":
    sys.exit(main())
