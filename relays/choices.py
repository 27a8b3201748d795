"""python -m relays.choices: what people have chosen in the chat, kept in the store of the GitLab relay.

    list        a line each: what is silent in which channel, until when, and who has chosen it
    export      all of it as TOML
    import      what standard input holds of it, in the place of choices of the same channel and target

It works on the store of a relay that runs as well as on one that does not, shared or not.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

from pydantic import AfterValidator, BeforeValidator

from relays.base.schema import Section
from relays.base.settings import StartError
from relays.base.settings_file import read_settings
from relays.mattermost.settings import ChannelName, MattermostName
from relays.sources.gitlab import silences
from relays.sources.gitlab.silences import LONGEST_SECONDS, Silence, TooManyError, is_target
from relays.sources.gitlab.tables import GITLAB
from relays.spool import open_spool
from relays.storage.engine import Engine, StorageError, first_line
from relays.storage.migrations import check
from relays.storage.schema import SchemaError


def _target(value: str) -> str:
    if value and not is_target(value):
        raise ValueError("is neither a project by its full path nor something in one, such as taaf/site!12")
    return value


def _moment_of(value: object) -> datetime:
    try:
        moment = datetime.fromisoformat(str(value))
    except ValueError:
        moment = None
    if moment is None or moment.tzinfo is None:
        raise ValueError("is not a moment with its time zone, such as 2026-11-28T12:00:00Z")
    return moment


Moment = Annotated[datetime, BeforeValidator(_moment_of)]


class SilenceChoice(Section):
    """A silence as it is exported."""

    channel: ChannelName
    target: Annotated[str, AfterValidator(_target)] = ""
    until: Moment
    chosen_by: MattermostName
    chosen_at: Moment


class Choices(Section):
    """All of them."""

    silences: tuple[SilenceChoice, ...] = ()


def main(arguments: Sequence[str] | None = None) -> int:
    """Run one command; 1 if the store cannot be used, 78 if there is none or what is imported is wrong."""
    parser = argparse.ArgumentParser(prog="choices", description=__doc__, allow_abbrev=False)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--state", type=Path, metavar="DIR", help="default: $STATE_DIRECTORY")
    parser.add_argument("--credentials", type=Path, metavar="DIR", help="default: $CREDENTIALS_DIRECTORY")
    parser.add_argument("command", choices=("list", "export", "import"))
    given = parser.parse_args(arguments)
    try:
        with closing(open_spool(given.state, given.credentials)) as engine:
            check(engine.read, [GITLAB], engine.dialect)
            if given.command == "import":
                _import(engine, read_settings(Path("/dev/stdin"), Choices))
            else:
                found = silences.listed(engine, engine.now())
                for line in map(_line, found) if given.command == "list" else _exported(found):
                    print(line)
    except StartError as error:
        print(f"choices: {error}", file=sys.stderr)
        return error.code
    except (SchemaError, StorageError) as error:
        print(f"choices: the store cannot be used: {error}", file=sys.stderr)
        return 1
    return os.EX_OK


def _line(silence: Silence) -> str:
    return (
        f"silence of {silence.target or 'everything'} in {silence.channel} until {_moment(silence.until)}, "
        f"chosen by {silence.chosen_by}"
    )


def _exported(found: Sequence[Silence]) -> Iterator[str]:
    yield "# What people have chosen in the chat; times are of UTC."
    for silence in found:
        yield "\n[[silences]]"
        for name in ("channel", "target", "chosen_by"):
            yield f"{name} = {json.dumps(getattr(silence, name), ensure_ascii=True)}"
        for name in ("until", "chosen_at"):
            yield f"{name} = {_moment(getattr(silence, name))}"


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _import(engine: Engine, choices: Choices) -> None:
    now = engine.now()
    db = engine.begin()
    try:
        for each in choices.silences:
            until = min(each.until.timestamp(), now + LONGEST_SECONDS)
            if until > now:
                chosen_at = each.chosen_at.timestamp()
                silences.put(db, Silence(each.channel, each.target, until, each.chosen_by, chosen_at))
        engine.commit()
    except TooManyError as error:
        engine.roll_back(error)
        raise StartError(f"a channel would have more than {silences.MOST} silences: take some out") from None
    except engine.errors as error:
        engine.roll_back(error)
        raise StorageError(first_line(error)) from None


if __name__ == "__main__":
    sys.exit(main())
