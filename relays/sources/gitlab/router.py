"""From an event to its messages: whether it is announced, in which channels, and how in each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from relays.mattermost.message import Message
from relays.sources.gitlab import merge_requests, review
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.events import find_kind
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.people import UserNames, mentions
from relays.sources.gitlab.projects import Projects
from relays.sources.gitlab.routing import Conversations, Route, dropped, targets
from relays.sources.gitlab.subscriptions.view import Subscribed
from relays.sources.gitlab.templates import EventTemplates
from relays.wording import CATALOGUES, DEFAULT_LANGUAGE, Language


@dataclass(frozen=True)
class Router:
    """What a site wants announced. The last of the routes is the default one; `rewordings` are by language.

    `projects` are those whose events are announced; without any, all are. `subscribed` is what people have chosen.
    """

    routes: Sequence[Route]
    mute: Mute
    people: UserNames = field(default_factory=dict)
    rewordings: Mapping[str, EventTemplates] = field(default_factory=dict)
    projects: Projects = field(default_factory=Projects)
    subscribed: Subscribed | None = None

    def dispatch(self, event: Event) -> tuple[str, dict[str, Message]]:
        """The messages by channel, and in a word why there are none.

        The word is foreign, unsupported, muted, confidential or dropped.
        """
        reason, found = self.routes_of(event)
        named = self.projects.named(event)
        built = {channel: self._message(named, route) for channel, route in found.items()}
        messages = {channel: message for channel, message in built.items() if message}
        return reason or ("" if messages else "muted"), messages

    def dispatch_review(self, events: Sequence[Event]) -> list[tuple[int, str, Message]]:
        """The messages of a review as a whole: the place of the first event that each is about, and its channel."""
        by_channel: dict[str, list[tuple[int, Event, Route]]] = {}
        for place, event in enumerate(events):
            for channel, route in self.routes_of(event)[1].items():
                by_channel.setdefault(channel, []).append((place, self.projects.named(event), route))
        messages: list[tuple[int, str, Message]] = []
        for channel, parts in by_channel.items():
            numbers, said, routes = zip(*parts, strict=True)
            made: list[tuple[int, Message | None]]
            if len(parts) == 1:
                made = [(0, self._message(said[0], routes[0]))]
            else:
                made = list(review.build(said, CATALOGUES[self.language_of(routes[0])]))
                if self.is_short(routes[0]):
                    made = [(0, message.short()) for _, message in made[:1] if message]
            messages += [(numbers[number], channel, message) for number, message in made if message]
        return messages

    def language_of(self, route: Route) -> Language:
        """What the messages of a route are written in; what it leaves open is as the default one has it."""
        return route.language or self.routes[-1].language or DEFAULT_LANGUAGE

    def conversations_of(self, route: Route) -> Conversations:
        """How the events of a route converse, which is as single posts unless the site says otherwise."""
        return route.conversations or self.routes[-1].conversations or "single"

    def is_short(self, route: Route) -> bool:
        """Whether the messages of a route are of one line."""
        return (route.detail or self.routes[-1].detail) == "short"

    def routes_of(self, event: Event) -> tuple[str, dict[str, Route]]:
        """The channels that an event goes to, each with its route, or why there are none."""
        if self.projects.is_foreign(event):
            return "foreign", {}
        if find_kind(event.payload) is None:
            return "unsupported", {}
        if self.mute.reason(event):
            return "muted", {}
        found = targets(self.routes, event)
        found |= self.subscribed.routes(event, found) if self.subscribed else {}
        return "" if found else "confidential" if event.confidential else "dropped", found

    def drops(self, event: Event) -> bool:
        """Whether the site's own routes lead an event nowhere."""
        return not targets(self.routes, event)

    def audience(self, event: Event) -> dict[str, str]:
        """The channels that get an event, or would if nothing left it out, each with what leaves it out.

        That is the name of a setting of `mute`, `route N`, or nothing. There are none for what is confidential and goes
        nowhere, for what is foreign and for what is of no kind that is known.
        """
        if self.projects.is_foreign(event) or find_kind(event.payload) is None:
            return {}
        muted = self.mute.reason(event)
        found = targets(self.routes, event)
        place, channels = (0, []) if found else dropped(self.routes, event)
        seen = dict.fromkeys(found, muted) | dict.fromkeys(channels, muted or f"route {place + 1}")
        for channel in self.subscribed.routes(event, found) if self.subscribed else ():
            # What a route keeps out of the channel of a subscription is in it all the same.
            seen.pop(self.channel_name(channel), None)
            seen[channel] = muted
        return seen

    def replies(self, events: Sequence[Event], route: Route) -> list[tuple[int, Message]]:
        """What events of one conversation come to as replies, several as a review: each with its place, as above."""
        named = [self.projects.named(event) for event in events]
        if len(named) == 1:
            message = self._worded(named[0], route, as_reply=True)
            return [(0, message)] if message else []
        made = list(review.build(named, CATALOGUES[self.language_of(route)], reply=True))
        return [(0, made[0][1].short())] if self.is_short(route) else made

    def channel_name(self, channel: str) -> str:
        """The name of a channel that may be meant by its number."""
        return self.subscribed.name_of(channel) if self.subscribed else channel

    def leads_into(self, channel: str) -> bool:
        """Whether a route leads to a channel."""
        return any(channel in route.channels for route in self.routes)

    def is_heard_in(self, channel: str) -> bool:
        """Whether a route or a subscription leads to a channel of this name."""
        return self.leads_into(channel) or (self.subscribed is not None and self.subscribed.is_in(channel))

    def language_in(self, channel: str) -> Language:
        """What is spoken in a channel, by the first route that leads there."""
        routes = (route for route in self.routes if channel in route.channels)
        return self.language_of(next(routes, self.routes[-1]))

    def leads_to(self, channel: str, event: Event) -> bool:
        """Whether a conversation that an event belongs to still goes on in a channel.

        A route of conversations leads there, for what is confidential or what is not, or a subscription to its project.
        """
        if self.subscribed and not event.confidential and self.subscribed.leads(channel, event):
            return self.conversations_of(self.routes[-1]) != "single"
        return any(
            channel in route.channels
            and route.confidential == event.confidential
            and self.conversations_of(route) != "single"
            for route in self.routes
        )

    def _worded(self, event: Event, route: Route, *, as_reply: bool = False) -> Message | None:
        wording, kind = CATALOGUES[self.language_of(route)], find_kind(event.payload)
        if kind is None:
            return None
        message = (kind.reply if as_reply else kind.build)(event.payload, wording)
        if message is None:
            return None
        language = self.language_of(route)
        if language in self.rewordings:
            message = self.rewordings[language].apply(event, message, wording)
        return message.short() if self.is_short(route) else message

    def _message(self, event: Event, route: Route) -> Message | None:
        wording = CATALOGUES[self.language_of(route)]
        message = self._worded(event, route)
        if message is None:
            return None
        below = [*merge_requests.lines(event, wording), *mentions(event, self.people, wording)]
        return message.below(below)
