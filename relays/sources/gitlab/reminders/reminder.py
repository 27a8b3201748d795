"""Once a day, at its hour, GitLab is read and what is worth a reminder is put into the outbox.

A relay that was down then does it when it is back on that day, and no other day. Where several relays share a spool
each of them reads, and the first says it. A project that does not answer is asked again every few minutes for some
hours, unless somebody has to do something first; then what is known of the others is said, and the journal says of
which nothing is. A day on which there is nothing to say is dealt with all the same. But for that, GitLab is not asked.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from relays.base.trouble import Trouble
from relays.delivery.outbox import Notification, Outbox
from relays.sources.gitlab.conversations.direct_messages import DirectMessages
from relays.sources.gitlab.conversations.notices import Notice
from relays.sources.gitlab.patterns import Pattern
from relays.sources.gitlab.reader import ANSWER_SECONDS, GitLabReader
from relays.sources.gitlab.reminders import audience
from relays.sources.gitlab.reminders.days import Days
from relays.sources.gitlab.reminders.digest import Digest
from relays.sources.gitlab.reminders.reading import Horizon, read_project
from relays.sources.gitlab.reminders.schedule import Schedule
from relays.sources.gitlab.reminders.settings import Reminders
from relays.sources.gitlab.reminders.things import Thing
from relays.sources.gitlab.rest import GitLabError, PlaceApi
from relays.sources.gitlab.router import Router
from relays.storage.engine import Database, StorageError
from relays.wording import CATALOGUES

log = logging.getLogger(__name__)

# How long a morning lasts from the first time that GitLab does not answer.
MORNING_SECONDS = 3 * 3600.0
RETRY_SECONDS = 300.0
# Clocks are set, and machines sleep.
_LOOK_SECONDS = 20.0
_DAY_SECONDS = 86400.0


class _Morning:
    """What patterns find on a day and what has been read; until when the rest is asked for again, and when next.

    `errors` are those of the last time.
    """

    def __init__(self, day: date, now: float) -> None:
        self.day = day
        self.until = now + MORNING_SECONDS
        self.next = now
        self.found: dict[str, Sequence[PlaceApi]] = {}
        self.things: dict[str, list[Thing]] = {}
        self.errors: list[GitLabError] = []


class ReminderWorker(GitLabReader):
    """Says the reminders of the projects, until `stop`. `direct` is None if nobody is reminded in person."""

    def __init__(
        self,
        settings: Reminders,
        projects: Sequence[PlaceApi | Pattern],
        router: Router,
        days: Days,
        outbox: Outbox,
        direct: DirectMessages | None,
    ) -> None:
        super().__init__("reminders", _LOOK_SECONDS + 2 * ANSWER_SECONDS)
        self._settings = settings
        self._schedule = Schedule.of(settings)
        self._projects = projects
        self._router = router
        self._days = days
        self._outbox = outbox
        self._direct = direct
        self._done: date | None = None
        self._morning: _Morning | None = None
        self._troubles: dict[str, Trouble] = {}

    def read(self) -> None:
        while True:
            self.turn()
            self.pause(self._schedule.seconds_until(self._days.now(), _LOOK_SECONDS))

    def turn(self) -> None:
        """Do what is to be done now, if anything."""
        now = self._days.now()
        day = self._schedule.due(now)
        if day is None or day == self._done:
            return
        try:
            if self._days.is_done(day):
                self._done = day
                return
            morning = self._morning
            if morning is None or morning.day != day:
                morning = self._morning = _Morning(day, now)
            if now >= morning.next:
                self._go_through(morning, now)
        except StorageError:
            return  # the store has logged it already

    def _go_through(self, morning: _Morning, now: float) -> None:
        self._ask_for_missing(morning, now)
        # What is in somebody's hands is not waited for.
        if any(not error.remedy for error in morning.errors):
            # By the clock of now: a GitLab that hangs has taken its time.
            morning.next = self._days.now() + RETRY_SECONDS
            if morning.next < morning.until:
                return
        if morning.things or not morning.errors:
            self._say(morning, now)
        else:
            log.error("no reminders day=%s: GitLab could not be read", morning.day)
        self._done, self._morning = morning.day, None

    def _ask_for_missing(self, morning: _Morning, now: float) -> None:
        """Look up the patterns and read the projects that have not been, and note what goes wrong with them."""
        horizon = Horizon(
            now, now - self._settings.stale_days * _DAY_SECONDS, self._schedule.next_after(morning.day)
        )
        morning.errors.clear()
        for each in self._projects:
            for api in self._found(morning, each):
                if api.path not in morning.things:
                    with self._noting(morning, api.path):
                        morning.things[api.path] = read_project(api, horizon, self.ask)

    def _found(self, morning: _Morning, each: PlaceApi | Pattern) -> Sequence[PlaceApi]:
        """The project, or those that a pattern finds on that day; none as long as it cannot be looked up."""
        if isinstance(each, PlaceApi):
            return [each]
        if each.path not in morning.found:
            with self._noting(morning, each.path):
                morning.found[each.path] = each.projects(self.ask)
        return morning.found.get(each.path, ())

    @contextmanager
    def _noting(self, morning: _Morning, path: str) -> Iterator[None]:
        trouble = self._troubles.setdefault(
            path,
            Trouble(
                "reminders",
                where=f"project={path}",
                retry="GitLab is asked again",
                meanwhile="nobody is reminded of what is in it",
            ),
        )
        try:
            yield
        except GitLabError as error:
            trouble.report(str(error), error.remedy)
            morning.errors.append(error)
        else:
            trouble.report()

    def _say(self, morning: _Morning, now: float) -> None:
        things = [thing for each in morning.things.values() for thing in each]
        new = self._outbox.put(self._notifications(morning.day, now, things)).result()
        log.info("reminders day=%s things=%d channels=%d", morning.day, len(things), new)

    def _notifications(
        self, day: date, now: float, things: Sequence[Thing]
    ) -> Callable[[Database], Sequence[Notification]]:
        key = f"reminder:{day.isoformat()}"
        default = self._digest(self._router.language_of(self._router.routes[-1]), day, now)
        persons = audience.by_person(things) if self._direct else {}
        notices = [
            Notice("reminders", username, "", default.of_person(own)) for username, own in persons.items()
        ]
        channels = audience.by_channel(things, self._router.routes, self._settings.channels)
        notifications = [
            Notification(
                key, channel, self._digest(self._router.language_of(route), day, now).of_channel(said)
            )
            for channel, (route, said) in channels.items()
        ]

        def take(db: Database) -> Sequence[Notification]:
            if not self._days.take(db, day):
                return ()
            if self._direct:
                self._direct.put(db, key, notices)
            return notifications

        return take

    def _digest(self, language: str, day: date, now: float) -> Digest:
        return Digest(CATALOGUES[language], day, now, self._router.projects.short_name)
