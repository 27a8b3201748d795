"""python -m relays.choices: what people have chosen in the chat, kept in the store of the GitLab relay.

    list        a line each: what is silent in which channel until when, what channels have subscribed to, and what
                people want to hear of in person
    export      all of it as TOML
    import      what standard input holds of it, in the place of choices of the same channel and target, or person

Of what is imported a channel hears nothing until it has been found out who could read it.

It works on the store of a relay that runs as well as on one that does not, shared or not.
"""

import argparse
import json
import os
import sys
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import fields
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from relays.base.schema import Section
from relays.base.settings import StartError
from relays.base.settings_file import read_settings
from relays.mattermost.settings import ChannelName, MattermostName
from relays.sources.gitlab import notify_choices, silences
from relays.sources.gitlab.commands.subscribe import condition_fault
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.notify_choices import AS_THE_SITE, NotifyChoice, is_quiet
from relays.sources.gitlab.projects import Projects
from relays.sources.gitlab.reminders.settings import Zone
from relays.sources.gitlab.silences import LONGEST_SECONDS, Silence, TooManyError, is_target
from relays.sources.gitlab.subscriptions import conditions, tables
from relays.sources.gitlab.subscriptions.conditions import ConditionError
from relays.sources.gitlab.subscriptions.subscription import Place, Subscription, target_of
from relays.sources.gitlab.tables import GITLAB
from relays.sources.gitlab.wishes import Thing
from relays.spool import open_spool
from relays.storage.engine import Engine, StorageError, first_line
from relays.storage.migrations import check
from relays.storage.schema import SchemaError
from relays.wording import CATALOGUES


def _target(value: str) -> str:
    if value and not is_target(value):
        raise ValueError("is neither a project by its full path nor something in one, such as taaf/site!12")
    return value


def _quiet(value: str) -> str:
    if value and not is_quiet(value):
        raise ValueError("is no time between two times of day, such as 19:00-08:00")
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


class NotifySection(Section):
    """What a person wants to hear of in person, as it is exported; without `things` it is what the site says."""

    person: MattermostName
    things: tuple[Thing, ...] | None = None
    quiet: Annotated[str, AfterValidator(_quiet)] = ""
    weekends: bool = True
    timezone: Zone
    chosen_at: Moment

    @property
    def choice(self) -> NotifyChoice:
        """As the store has it."""
        things = AS_THE_SITE if self.things is None else " ".join(self.things)
        weekends = "on" if self.weekends else "off"
        chosen_at = self.chosen_at.timestamp()
        return NotifyChoice(self.person, things, self.quiet, weekends, self.timezone, chosen_at)


def _wanted(value: str) -> str:
    if value != target_of(value, Projects()):
        raise ValueError(
            "is neither a project by its full path nor a group, such as taaf/site, taaf/* or taaf/**"
        )
    return value


def _conditions(value: str) -> str:
    try:
        said = conditions.read(value)
        conditions.check(said, Mute(**dict.fromkeys((each.name for each in fields(Mute)), False)))
    except ConditionError as error:
        raise ValueError(f"cannot be met: {condition_fault(error, CATALOGUES['en'])}") from None
    return conditions.written(said)


class SubscriptionChoice(Section):
    """A subscription as it is exported; `channel` is what the channel was called."""

    channel_id: Annotated[str, Field(pattern=r"^[a-z0-9]{26}$")]
    channel: ChannelName | Literal[""] = ""
    target: Annotated[str, AfterValidator(_wanted)]
    conditions: Annotated[str, AfterValidator(_conditions)] = ""
    chosen_by: MattermostName
    chosen_at: Moment


class Choices(Section):
    """All of them."""

    silences: tuple[SilenceChoice, ...] = ()
    notify: tuple[NotifySection, ...] = ()
    subscriptions: tuple[SubscriptionChoice, ...] = ()


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
                for line in _listed(engine) if given.command == "list" else _exported(engine):
                    print(line)
    except StartError as error:
        print(f"choices: {error}", file=sys.stderr)
        return error.code
    except (SchemaError, StorageError) as error:
        print(f"choices: the store cannot be used: {error}", file=sys.stderr)
        return 1
    return os.EX_OK


def _listed(engine: Engine) -> Iterator[str]:
    for silence in silences.listed(engine, engine.now()):
        yield (
            f"silence of {silence.target or 'everything'} in {silence.channel} until {_moment(silence.until)}, "
            f"chosen by {silence.chosen_by}"
        )
    for each, place in _subscriptions(engine):
        said = f" ({each.conditions})" if each.conditions else ""
        state = f"; channel {place.state}" if place.state else ""
        yield (
            f"subscription of {place.name or place.channel_id} to {each.target}{said}, "
            f"chosen by {each.chosen_by}{state}"
        )
    for wish in notify_choices.listed(engine):
        wanted = wish.wanted()
        things = "as the site says" if wanted is None else ", ".join(wanted) or "nothing"
        quiet = f", not {wish.quiet} ({wish.timezone})" if wish.quiet else ""
        yield f"in person to {wish.person}: {things}{quiet}{', not on weekends' * (wish.weekends == 'off')}"


def _subscriptions(engine: Engine) -> Iterator[tuple[Subscription, Place]]:
    places = tables.places(engine)
    for each in tables.listed(engine):
        yield each, places.get(each.channel_id, Place(each.channel_id, ""))


def _exported(engine: Engine) -> Iterator[str]:
    yield "# What people have chosen in the chat; times are of UTC."
    for each, place in _subscriptions(engine):
        yield "\n[[subscriptions]]"
        said = {"channel_id": each.channel_id, "channel": place.name, "target": each.target}
        said |= {"conditions": each.conditions, "chosen_by": each.chosen_by}
        for name, value in said.items():
            yield f"{name} = {_text(value)}"
        yield f"chosen_at = {_moment(each.chosen_at)}"
    for silence in silences.listed(engine, engine.now()):
        yield "\n[[silences]]"
        for name in ("channel", "target", "chosen_by"):
            yield f"{name} = {_text(getattr(silence, name))}"
        for name in ("until", "chosen_at"):
            yield f"{name} = {_moment(getattr(silence, name))}"
    for wish in notify_choices.listed(engine):
        wanted = wish.wanted()
        yield "\n[[notify]]"
        yield f"person = {_text(wish.person)}"
        if wanted is not None:
            yield f"things = [{', '.join(map(_text, wanted))}]"
        if wish.quiet:
            yield f"quiet = {_text(wish.quiet)}"
        if wish.weekends == "off":
            yield "weekends = false"
        yield f"timezone = {_text(wish.timezone)}"
        yield f"chosen_at = {_moment(wish.chosen_at)}"


def _text(value: str) -> str:
    return json.dumps(value, ensure_ascii=True)


def _moment(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def _import(engine: Engine, choices: Choices) -> None:
    now, known = engine.now(), tables.places(engine)
    db = engine.begin()
    try:
        for each in choices.silences:
            until = min(each.until.timestamp(), now + LONGEST_SECONDS)
            if until > now:
                chosen_at = each.chosen_at.timestamp()
                silences.put(db, Silence(each.channel, each.target, until, each.chosen_by, chosen_at))
        for wish in choices.notify:
            notify_choices.put(db, wish.choice)
        for new in choices.subscriptions:
            chosen = (new.chosen_by, new.chosen_at.timestamp())
            wanted = Subscription(0, new.channel_id, new.target, new.conditions, *chosen)
            # What it is called by now the relay finds out, for the settings may mean another one by that name.
            tables.put(db, wanted, known.get(new.channel_id, Place(new.channel_id, "")))
        engine.commit()
    except notify_choices.TooManyPeopleError as error:
        engine.roll_back(error)
        raise StartError(f"more than {notify_choices.MOST} people would have chosen: take some out") from None
    except tables.TooManyError as error:
        engine.roll_back(error)
        raise StartError(
            f"a channel would have more than {tables.MOST} subscriptions, or more than {tables.MOST_CHANNELS} channels "
            "some: take some out"
        ) from None
    except TooManyError as error:
        engine.roll_back(error)
        raise StartError(f"a channel would have more than {silences.MOST} silences: take some out") from None
    except engine.errors as error:
        engine.roll_back(error)
        raise StorageError(first_line(error)) from None


if __name__ == "__main__":
    sys.exit(main())
