"""Finds out anew, at intervals and when an event raises doubt, where what has been subscribed to may be announced.

People come into channels, projects become private, channels are renamed and archived. Where GitLab or Mattermost does
not answer, what was found out before stays; relays.sources.gitlab.subscriptions.view says how long it counts.

A channel in which nothing more is announced by a subscription hears so once, in the transaction in which that is noted.
That it is announced again shows by itself.
"""

import logging
import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress

from relays.base.trouble import Trouble
from relays.delivery.outbox import Notification, Outbox
from relays.mattermost.channels import Channel, Channels
from relays.mattermost.people import NoAnswerError
from relays.sources.gitlab.people import UserNames
from relays.sources.gitlab.reader import GitLabReader
from relays.sources.gitlab.rest import GitLabError, Server
from relays.sources.gitlab.subscriptions import tables
from relays.sources.gitlab.subscriptions.access import Readers
from relays.sources.gitlab.subscriptions.notices import Notices, refusals_of
from relays.sources.gitlab.subscriptions.subscription import (
    ARCHIVED,
    GONE,
    WITHOUT_BOT,
    Place,
    Subscription,
)
from relays.sources.gitlab.subscriptions.tables import Access
from relays.storage.engine import Database, StorageError
from relays.storage.store import Store

log = logging.getLogger(__name__)

INTERVAL_SECONDS = 300.0
# Events of a project that cannot be found out about raise doubt each time.
_LEAST_SECONDS = 5.0
_TICK_SECONDS = 0.5
_TIMEOUT_SECONDS = 300.0


def seen(channels: Channels, channel_id: str, known: Place | None = None) -> tuple[Place, Channel | None]:
    """A channel as it is now, and as it was `known` where the bot does not see it any more. NoAnswerError."""
    found = channels.find(channel_id)
    if found is None:
        return Place(channel_id, known.name if known else "", GONE), None
    if found.is_archived:
        return Place(channel_id, found.name, ARCHIVED), found
    state = "" if channels.has_bot(channel_id) else WITHOUT_BOT
    return Place(channel_id, found.name, state), found


class SubscriptionWatch(GitLabReader):
    """Keeps what is stored of access and channels true, until `stop`; without a `server` that of channels alone."""

    def __init__(
        self,
        store: Store,
        channels: Channels,
        server: Server | None,
        people: UserNames,
        doubt: threading.Event,
        outbox: Outbox,
        notices: Notices,
        interval: float = INTERVAL_SECONDS,
    ) -> None:
        super().__init__("subscriptions", _TIMEOUT_SECONDS)
        self._store = store
        self._channels = channels
        self._server = server
        self._people = people
        self._doubt = doubt
        self._outbox = outbox
        self._notices = notices
        self._interval = interval
        self._trouble = Trouble(
            "subscriptions", retry="again in a while", meanwhile="what was found out before counts for a day"
        )

    def read(self) -> None:
        while True:
            self._doubt.clear()
            with suppress(StorageError):  # the store says so itself
                self.turn()
            self.pause(min(_LEAST_SECONDS, self._interval))
            waited = _LEAST_SECONDS
            while waited < self._interval and not self._doubt.is_set():
                self.pause(_TICK_SECONDS)
                waited += _TICK_SECONDS

    def turn(self) -> None:
        """Look at all channels and projects once. StorageError."""
        known = tables.places(self._store)
        of_channel: dict[str, list[Subscription]] = {}
        for each in tables.listed(self._store):
            of_channel.setdefault(each.channel_id, []).append(each)
        trouble = GitLabError("")
        readers = Readers(self._server, self._people, self.ask) if self._server else None
        for channel_id, subscriptions in of_channel.items():
            self.go_on()
            begun = self._store.now()
            try:
                place, channel = seen(self._channels, channel_id, known.get(channel_id))
                found = (
                    list(self._found(readers, place, channel, subscriptions, begun))
                    if readers and channel and not place.state
                    else []
                )
            except NoAnswerError:
                trouble = GitLabError("Mattermost does not answer")
                continue
            except GitLabError as error:
                trouble = error
                continue
            former = known[channel_id].state if channel_id in known else ""
            if place.state != former:
                log.warning(
                    "subscribed channel=%s name=%s state=%s", channel_id, place.name, place.state or "well"
                )
            self._keep(place, subscriptions, found, begun, is_back=bool(former) and not place.state)
        self._trouble.report(str(trouble), trouble.remedy)

    def _found(
        self,
        readers: Readers,
        place: Place,
        channel: Channel,
        subscriptions: Sequence[Subscription],
        begun: float,
    ) -> Iterator[Access]:
        names = self._channels.members(place.channel_id)
        for target in dict.fromkeys(each.target for each in subscriptions):
            for project in readers.projects(target):
                finding = readers.judge(project, channel, names)
                yield from finding.noted(place.channel_id, begun)

    def _keep(
        self,
        place: Place,
        subscriptions: Sequence[Subscription],
        found: Sequence[Access],
        begun: float,
        *,
        is_back: bool,
    ) -> None:
        """Note it, and say in the channel what is not announced there any more; where it `is_back`, what is not now."""

        def work(db: Database) -> Sequence[Notification]:
            before = tables.refusals(db, place.channel_id)
            tables.keep_place(db, place, begun)
            if tables.has_others(db, place.channel_id, [each.number for each in subscriptions]):
                # Begun since they were listed: what was found out for these is not among this.
                tables.keep_access(db, found)
                self._doubt.set()
            else:
                tables.replace_access(db, place.channel_id, found, begun)
            after = tables.refusals(db, place.channel_id)
            lost = [
                each
                for each in subscriptions
                if (is_back or _is_announced(each, before)) and not _is_announced(each, after)
            ]
            return self._notices.suspended(place, lost, after) if self._server else ()

        self._outbox.put(work).result()


def _is_announced(subscription: Subscription, refusals: Mapping[str, str]) -> bool:
    return not all(refusals_of(subscription, refusals))
