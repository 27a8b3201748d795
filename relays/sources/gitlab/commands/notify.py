"""`notify`: what the bot writes to who asks in person, and when; chosen for oneself alone."""

import logging
from collections.abc import Callable, Sequence
from zoneinfo import ZoneInfo

from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.mattermost.people import Person
from relays.mattermost.settings import is_person
from relays.sources.gitlab import notify_choices
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.notify_choices import (
    AS_THE_SITE,
    NotifyChoice,
    TooManyPeopleError,
    are_things,
    is_quiet,
)
from relays.sources.gitlab.wishes import THINGS
from relays.storage.engine import Database
from relays.storage.store import Store
from relays.storage.storing import stored
from relays.wording import Wording

log = logging.getLogger(__name__)

_TEXT = 64

Change = Callable[[NotifyChoice], NotifyChoice | None]


class Notify(Subcommand):
    """For everybody, where a bot writes to people in person; what is chosen is over what the site says of them.

    `timezone` is that of times of day where Mattermost does not say one of the person.
    """

    name = "notify"
    asks_mattermost = True

    def __init__(self, store: Store, timezone: str, *, in_person: bool) -> None:
        self._store = store
        self._timezone = timezone
        self._in_person = in_person

    def answer(self, asked: Asked) -> Markup:
        wording = asked.wording
        if not self._in_person:
            return Markup(wording["command.notify.off"])
        change = _change(asked.arguments)
        if asked.arguments and change is None:
            return self._usage(asked)
        person = asked.person()
        if person.is_bot or not is_person(person.name):
            return Markup(wording["command.notify.nobody"])
        if change is None:
            known = next(
                (each for each in notify_choices.listed(self._store) if each.person == person.name), None
            )
            return self._shown(known or self._unchosen(person), asked)
        try:
            chosen = stored(self._store.submit, lambda db: self._choose(db, person, change))
        except TooManyPeopleError:
            return Markup(wording["command.notify.many"])
        log.info("notify user=%s", asked.command.user_id)
        return self._shown(chosen, asked)

    def _choose(self, db: Database, person: Person, change: Change) -> NotifyChoice:
        before = notify_choices.of(db, person.name) or self._unchosen(person)
        new = change(before)
        if new is None:
            notify_choices.remove(db, person.name)
            return self._unchosen(person)
        # Who has moved has new times of day.
        new = new._replace(timezone=self._zone_of(person), chosen_at=self._store.now())
        notify_choices.put(db, new)
        return new

    def _unchosen(self, person: Person) -> NotifyChoice:
        return NotifyChoice(person.name, AS_THE_SITE, "", "on", self._zone_of(person), 0.0)

    def _zone_of(self, person: Person) -> str:
        try:
            ZoneInfo(person.timezone)
        except (KeyError, ValueError, OSError):  # this machine knows no such one
            return self._timezone
        return person.timezone

    def _shown(self, choice: NotifyChoice, asked: Asked) -> Markup:
        wording = asked.wording
        begins, _, ends = choice.quiet.partition("-")
        lines = [
            Markup(wording["command.notify.title"]),
            markup.fill(wording["command.notify.things"], what=_what(choice, wording)),
            markup.fill(
                wording["command.notify.quiet" if choice.quiet else "command.notify.always"],
                begins=markup.plain(begins, _TEXT),
                ends=markup.plain(ends, _TEXT),
                timezone=markup.plain(choice.timezone, _TEXT),
            ),
            Markup(wording[f"command.notify.weekends.{choice.weekends}"]),
            Markup(""),
            self._usage(asked),
        ]
        return Markup("\n".join(lines))

    @staticmethod
    def _usage(asked: Asked) -> Markup:
        things = Markup(", ".join(markup.code(thing, _TEXT) for thing in THINGS))
        word = markup.code(asked.command.word, _TEXT)
        return markup.fill(asked.wording["command.notify.usage"], word=word, things=things)


def _what(choice: NotifyChoice, wording: Wording) -> Markup:
    wanted = choice.wanted()
    if wanted is None:
        return Markup(wording["command.notify.site"])
    if not wanted:
        return Markup(wording["command.notify.none"])
    if set(wanted) == set(THINGS):
        return Markup(wording["command.notify.all"])
    return Markup(", ".join(wording[f"command.notify.thing.{thing}"] for thing in THINGS if thing in wanted))


def _change(words: Sequence[str]) -> Change | None:
    """What is to become of a choice; None for words that say nothing of it."""
    said = [word.lower() for word in words]
    match said:
        case ["reset"]:
            return lambda choice: None
        case ["all"]:
            return lambda choice: choice._replace(things=" ".join(THINGS))
        case ["none"]:
            return lambda choice: choice._replace(things="")
        case ["quiet", "off"]:
            return lambda choice: choice._replace(quiet="")
        case ["quiet", quiet] if is_quiet(quiet):
            return lambda choice: choice._replace(quiet=quiet)
        case ["weekends", "on" | "off" as weekends]:
            return lambda choice: choice._replace(weekends=weekends)
        case [_, *_] if are_things(said):
            return lambda choice: choice._replace(things=" ".join(each for each in THINGS if each in said))
    return None
