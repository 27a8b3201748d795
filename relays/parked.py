"""python -m relays.parked: messages that Mattermost refused for what they are, for an operator to decide on.

    list            number, time, channel, reason and beginning of each
    show NUMBER     the whole message, as it would be posted
    retry NUMBER…   send again, in its old place in the channel's line
    drop NUMBER…    give up; its delivery key stays known, so GitLab cannot bring it back

It works on the store of a relay that runs as well as on one that does not, shared or not; a running relay finds what
is to be sent within seconds.
"""

import argparse
import json
import os
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from relays.engine import Engine, StorageError, reason
from relays.schema import SchemaError
from relays.settings import StartError
from relays.spool import open_spool
from relays.tables import OUTBOX
from relays.upgrade import check

_SHOWN = 60
_RETRY = (
    "UPDATE outbox SET state = 'ready', run_at = ?, attempts = 0, finished_at = NULL"
    " WHERE id = ? AND state = 'parked'"
)
_DROP = (
    "UPDATE outbox SET state = 'done', message = '{}', summary = '', finished_at = ?"
    " WHERE id = ? AND state = 'parked'"
)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 1 if a number is not that of a parked message, 78 if there is no store."""
    parser = argparse.ArgumentParser(prog="parked", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--state", type=Path, metavar="DIR", help="default: $STATE_DIRECTORY")
    parser.add_argument("--credentials", type=Path, metavar="DIR", help="default: $CREDENTIALS_DIRECTORY")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    commands.add_parser("show").add_argument("number", type=int, nargs=1)
    for name in ("retry", "drop"):
        commands.add_parser(name).add_argument("number", type=int, nargs="+")
    given = parser.parse_args(arguments)
    try:
        with closing(open_spool(given.state, given.credentials)) as engine:
            check(engine.read, [OUTBOX], engine.dialect)
            if given.command == "list":
                _list(engine)
                return 0
            return _decide(engine, given.command, given.number)
    except StartError as error:
        print(f"parked: {error}", file=sys.stderr)
        return error.code
    except SchemaError as error:
        print(f"parked: the store cannot be used: {error}", file=sys.stderr)
        return os.EX_CONFIG
    except StorageError as error:
        print(f"parked: the store cannot be used: {error}", file=sys.stderr)
        return 1


def _list(engine: Engine) -> None:
    rows = engine.read(
        "SELECT id, created_at, channel, last_error, message FROM outbox WHERE state = 'parked' ORDER BY id"
    )
    for number, created_at, channel, why, message in rows:
        moment = datetime.fromtimestamp(created_at).strftime("%Y-%m-%d %H:%M:%S")
        print(f"{number}\t{moment}\t{channel}\t{why}\t{_beginning(json.loads(message))}")


def _beginning(message: dict[str, object]) -> str:
    boxes = message.get("attachments")
    box = boxes[0] if isinstance(boxes, list) and boxes and isinstance(boxes[0], dict) else {}
    text = str(message.get("text") or box.get("fallback") or "").replace("\u200b", "")
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _decide(engine: Engine, command: str, numbers: list[int]) -> int:
    """All of the numbers, or with an unknown one among them none."""
    known = dict(engine.read("SELECT id, message FROM outbox WHERE state = 'parked'"))
    for number in numbers:
        if number not in known:
            print(f"parked: {number} is not the number of a parked message; see: list", file=sys.stderr)
            return 1
    if command == "show":
        print(json.dumps(json.loads(known[numbers[0]]), ensure_ascii=False, indent=2))
        return 0
    change = _RETRY if command == "retry" else _DROP
    db = engine.begin()
    try:
        for number in numbers:
            db.execute(change, (engine.now(), number))
        engine.commit()
    except engine.errors as error:
        engine.roll_back(error)
        raise StorageError(reason(error)) from None
    return 0


if __name__ == "__main__":
    sys.exit(main())
