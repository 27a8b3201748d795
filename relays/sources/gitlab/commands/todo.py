"""`todo`: what waits in GitLab for who has asked: reviews, what is assigned to them, their pipelines that failed."""

import logging
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import datetime
from zoneinfo import ZoneInfo

from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.sources.gitlab.accounts import Account, find_account
from relays.sources.gitlab.commands.reasons import reason_of
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.patterns import Pattern
from relays.sources.gitlab.reader import Ask, within
from relays.sources.gitlab.reminders.digest import Digest
from relays.sources.gitlab.reminders.own import read_own
from relays.sources.gitlab.reminders.things import Thing
from relays.sources.gitlab.rest import GitLabError, PlaceApi, Server
from relays.sources.gitlab.router import Router
from relays.wording import Wording, counted

log = logging.getLogger(__name__)

# The watchdog leaves the thread several times as long.
_READ_SECONDS = 45.0
_AT_ONCE = 4


@dataclass(frozen=True)
class ReadProjects:
    """The projects and patterns of a site that GitLab is read of, and the time zone that days are of."""

    listed: Sequence[PlaceApi | Pattern]
    zone: ZoneInfo

    @property
    def server(self) -> Server | None:
        """The GitLab that they are in; None if none is read."""
        return next((each.server for each in self.listed), None)


class Todo(Subcommand):
    """For who has asked alone, and nothing of what they may not read in GitLab by then, whatever the token may."""

    name = "todo"
    asks_gitlab = True

    def __init__(self, projects: ReadProjects, router: Router, now: Callable[[], float]) -> None:
        self._projects = projects
        self._router = router
        self._now = now

    def answer(self, asked: Asked) -> Markup:
        wording, server = asked.wording, self._projects.server
        if server is None:
            return Markup(wording["command.todo.no_token"])
        person, ask = asked.person(), within(_READ_SECONDS)
        if person.is_bot:
            return Markup(wording["command.todo.nobody"])
        try:
            account = find_account(server, self._router.people, person.name, person.email, ask)
        except GitLabError as error:
            return markup.fill(wording["command.replay.gitlab"], reason=reason_of(error))
        if account is None:
            return Markup(wording["command.todo.nobody"])
        things, unread = self._read(account, ask)
        lines = [self._shown(things, wording)] if things or not unread else []
        if unread:
            lines.append(markup.fill(counted(wording, "command.todo.unread", unread), count=unread))
        return Markup("\n\n".join(lines))

    def _shown(self, things: Sequence[Thing], wording: Wording) -> Markup:
        if not things:
            return Markup(wording["command.todo.none"])
        now = self._now()
        day = datetime.fromtimestamp(now, self._projects.zone).date()
        return Digest(wording, day, now, self._router.projects.short_name).of_own(things)

    def _read(self, account: Account, ask: Ask) -> tuple[list[Thing], int]:
        """What waits for somebody, and how many projects or patterns could not be read."""
        unread = 0

        def read(each: PlaceApi) -> list[Thing] | None:
            try:
                return read_own(each, account, ask)
            except GitLabError as error:
                log.info("todo not read project=%s reason=%s", each.path, error)
                return None

        found: dict[str, PlaceApi] = {}
        for each in self._projects.listed:
            try:
                found |= {api.path: api for api in _members(each, ask)}
            except GitLabError as error:
                log.info("todo not read pattern=%s reason=%s", each.path, error)
                unread += 1
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            things = list(pool.map(read, found.values()))
        unread += things.count(None)
        return [thing for own in things for thing in own or []], unread


def _members(each: PlaceApi | Pattern, ask: Ask) -> Iterator[PlaceApi]:
    yield from [each] if isinstance(each, PlaceApi) else each.projects(ask)
