"""python -m relays.dead_letters: the dead letters of a relay, for an operator to decide on.

Messages that Mattermost refused for what they are, and events of GitLab that could not be announced (numbers like e1).

    list            number, time, channel, reason and beginning of each
    show NUMBER     the whole message, as it would be posted; of an event, what GitLab sent
    retry NUMBER…   send again, in its old place in the channel's line; process an event again
    drop NUMBER…    give up; its delivery key stays known, so GitLab cannot bring it back

It works on the store of a relay that runs as well as on one that does not, shared or not; a running relay finds what
is to be sent within seconds.
"""

import argparse
import json
import os
import re
import sys
from collections.abc import Sequence
from contextlib import closing
from datetime import datetime
from pathlib import Path

from relays.base.settings import StartError
from relays.delivery import parked
from relays.delivery.tables import OUTBOX
from relays.mattermost.bot import id_in
from relays.sources.gitlab import dead_letters
from relays.sources.gitlab.dead_letters import DeadLetter
from relays.sources.gitlab.subscriptions.tables import name_of
from relays.spool import open_spool
from relays.storage.engine import Engine, StorageError, first_line
from relays.storage.introspection import shape_of
from relays.storage.migrations import check
from relays.storage.schema import SchemaError

_SHOWN = 60
# Before the number of an event.
_EVENT = "e"


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 1 if a number is not that of a parked message, 78 if there is no store."""
    parser = argparse.ArgumentParser(prog="parked", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--state", type=Path, metavar="DIR", help="default: $STATE_DIRECTORY")
    parser.add_argument("--credentials", type=Path, metavar="DIR", help="default: $CREDENTIALS_DIRECTORY")
    commands = parser.add_subparsers(dest="command", required=True)
    commands.add_parser("list")
    commands.add_parser("show").add_argument("number", type=_number, nargs=1)
    for name in ("retry", "drop"):
        commands.add_parser(name).add_argument("number", type=_number, nargs="+")
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
    for message in parked.listed(engine):
        moment = datetime.fromtimestamp(message.created_at).strftime("%Y-%m-%d %H:%M:%S")
        beginning = _beginning(parked.message_of(engine, message.id))
        print(f"{message.id}\t{moment}\t{_channel(engine, message.channel)}\t{message.reason}\t{beginning}")
    for each in _events(engine):
        moment = datetime.fromtimestamp(each.died_at).strftime("%Y-%m-%d %H:%M:%S")
        beginning = "".join(character if character.isprintable() else " " for character in each.beginning)
        print(f"{_EVENT}{each.id}\t{moment}\t-\t{each.reason}\t{each.characters} characters: {beginning}")


def _beginning(message: dict[str, object]) -> str:
    boxes = message.get("attachments")
    box = boxes[0] if isinstance(boxes, list) and boxes and isinstance(boxes[0], dict) else {}
    text = str(message.get("text") or box.get("fallback") or "").replace("\u200b", "")
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def _number(text: str) -> str:
    if not re.fullmatch(rf"{_EVENT}?[0-9]{{1,18}}", text):
        raise argparse.ArgumentTypeError(f"{text} is no number; see: list")
    return text


def _decide(engine: Engine, command: str, numbers: list[str]) -> int:
    """All of the numbers, or with an unknown one among them none."""
    known = {str(each.id) for each in parked.listed(engine)}
    known |= {f"{_EVENT}{each.id}" for each in _events(engine)}
    for number in numbers:
        if number not in known:
            print(
                f"parked: {number} is not the number of a parked message or event; see: list", file=sys.stderr
            )
            return 1
    messages = [int(number) for number in numbers if not number.startswith(_EVENT)]
    events = [int(number.removeprefix(_EVENT)) for number in numbers if number.startswith(_EVENT)]
    if command == "show":
        print(_shown(engine, messages[0]) if messages else dead_letters.body_of(engine, events[0]))
        return 0
    db = engine.begin()
    try:
        (parked.retry if command == "retry" else parked.drop)(db, messages, engine.now())
        (dead_letters.retry if command == "retry" else dead_letters.drop)(db, events)
        engine.commit()
    except engine.errors as error:
        engine.roll_back(error)
        raise StorageError(first_line(error)) from None
    return 0


def _shown(engine: Engine, number: int) -> str:
    return json.dumps(parked.message_of(engine, number), ensure_ascii=False, indent=2)


def _channel(engine: Engine, channel: str) -> str:
    """What people call a channel, which has to be found out only in the spool of a relay that takes subscriptions."""
    known = id_in(channel) and "subscribed_channels" in shape_of(engine.read, engine.dialect).columns
    return name_of(engine, channel) if known else channel


def _events(engine: Engine) -> list[DeadLetter]:
    """Those of GitLab, none in the spool of another relay."""
    is_gitlab = "dead_letter" in shape_of(engine.read, engine.dialect).columns
    return dead_letters.listed(engine) if is_gitlab else []


if __name__ == "__main__":
    sys.exit(main())
