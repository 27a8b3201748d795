"""What the router goes by: the subscriptions as they were last read, and whether each may have an event.

Who could read a project is found out beforehand (relays.sources.gitlab.subscriptions.access), for events come faster
than GitLab answers. What an event itself says counts at once: of a project that has become less visible since,
nothing is announced until that has been found out anew. Where GitLab cannot be asked, the site's own routes say which
projects a channel may hear of.
"""

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence

from relays.sources.gitlab.event import Event
from relays.sources.gitlab.routing import Route, shows
from relays.sources.gitlab.subscriptions import tables
from relays.sources.gitlab.subscriptions.conditions import FOR_MEMBERS, ConditionError
from relays.sources.gitlab.subscriptions.subscription import Place, Subscription
from relays.sources.gitlab.subscriptions.tables import Access
from relays.storage.engine import Readable

# What was found out counts so long where it cannot be found out anew.
_VALID_SECONDS = 24 * 3600.0
# How often an event of a project of which nothing is known has it asked for.
_ASKED_SECONDS = 60.0


class Subscribed:
    """The subscriptions of a store, of a site with these routes; `asks_gitlab` if it has a token to do that with."""

    def __init__(
        self, store: Readable, now: Callable[[], float], routes: Sequence[Route], *, asks_gitlab: bool
    ) -> None:
        self._store = store
        self._now = now
        self._routes = routes
        self._asks_gitlab = asks_gitlab
        self._all: Sequence[Subscription] = ()
        self._places: Mapping[str, Place] = {}
        self._access: Mapping[tuple[str, str], Access] = {}
        self._asked: dict[str, float] = {}
        self._doubted: dict[str, float] = {}
        self.doubt = threading.Event()
        """Set when an event says that what was found out may not be so any more."""

    def refresh(self) -> None:
        """Read what is stored. StorageError."""
        found = tables.listed(self._store)
        subscribing = {each.channel_id for each in found}
        known = tables.places(self._store) if found else {}
        places = {each: place for each, place in known.items() if each in subscribing}
        if any(not (place.name or place.state) for place in places.values()):
            self.doubt.set()  # somebody has imported it
        self._places = self._named(places) if places else {}
        self._access = tables.access(self._store) if found and self._asks_gitlab else {}
        self._all = list(filter(_is_known, found))

    def _named(self, places: Mapping[str, Place]) -> Mapping[str, Place]:
        """The channels by the names that the site's settings have for them; one that bears another's name has none."""
        known = tables.names(self._store)
        called = {channel_id: name for name, channel_id in known.items()}
        return {
            each: place._replace(name=called.get(each, "" if place.name in known else place.name))
            for each, place in places.items()
        }

    def site_name(self, channel_id: str) -> str:
        """What the site's settings call a channel that has subscribed; nothing if they mean another one by its name."""
        place = self._places.get(channel_id)
        return place.name if place else ""

    def routes(self, event: Event, routed: Mapping[str, Route]) -> dict[str, Route]:
        """The channels beside those that the site leads an event to, each with the route that says how."""
        found: dict[str, Route] = {}
        for each, place in self._heard(event):
            channel = self._fallback(event) if place.state else place.key
            if channel and channel not in routed and place.name not in routed:
                found.setdefault(channel, each.route)
        return found

    def target(self, channel: str, event: Event) -> str:
        """What the subscription is to by which a channel gets an event; empty if it gets it by none."""
        return next((each.target for each, place in self._heard(event) if place.key == channel), "")

    def leads(self, channel: str, event: Event) -> bool:
        """Whether a channel may still hear of what an event is about."""
        project = event.project.lower()
        return any(
            place.key == channel and not place.state and self._may_hear(place, event, project)
            for each, place in self._with_places()
            if each.matches_project(project)
        )

    def name_of(self, channel: str) -> str:
        """What the channel is called that the outbox knows by its number."""
        named = (each.name for each in self._places.values() if each.key == channel)
        return next(named, "") or channel

    def is_in(self, name: str) -> bool:
        """Whether a channel of this name has subscribed to anything."""
        return bool(name) and any(each.name == name for each in self._places.values())

    def _heard(self, event: Event) -> Iterator[tuple[Subscription, Place]]:
        """The subscriptions that an event is for, and that it may be announced by, in their channels or instead."""
        if event.confidential:
            return
        project = event.project.lower()
        for each, place in self._with_places():
            # Of a channel that hears nothing any more it does not matter who is in it.
            if each.matches(event) and (place.state or self._may_hear(place, event, project)):
                yield each, place

    def _with_places(self) -> Iterator[tuple[Subscription, Place]]:
        for each in self._all:
            if place := self._places.get(each.channel_id):
                yield each, place

    def _may_hear(self, place: Place, event: Event, project: str) -> bool:
        if not self._asks_gitlab:
            return shows(self._routes, place.name, project)
        known = self._access.get((place.channel_id, project))
        level = event.payload.mapping("project").get("visibility_level")
        now = self._now()
        if known is None:
            self._ask_about(project, now)
            return False
        if isinstance(level, int) and level < known.level:
            self._doubted[project] = now
            self.doubt.set()
        if known.checked_at <= self._doubted.get(project, 0.0):
            return False
        if known.refusal or now - known.checked_at > _VALID_SECONDS:
            return False
        return not (known.is_open and event.name in FOR_MEMBERS)

    def _ask_about(self, project: str, now: float) -> None:
        """Have it found out who may read a project, now and then, for GitLab may not say."""
        if now - self._asked.get(project, 0.0) > _ASKED_SECONDS:
            self._asked[project] = now
            self.doubt.set()

    def _fallback(self, event: Event) -> str:
        """Where what a channel cannot hear any more is said: in that of the webhook, if the site's routes let it."""
        channel = next(iter(self._routes[-1].channels), "")
        return channel if shows(self._routes, channel, event.project) else ""


def _is_known(subscription: Subscription) -> bool:
    """Whether this release knows its conditions, all of which have to be met."""
    try:
        return bool(subscription.route)
    except ConditionError:
        return False
