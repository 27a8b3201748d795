"""What is said of the events of a conversation below its root."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from relays.mattermost.markup import Markup
from relays.mattermost.message import Message
from relays.sources.gitlab.conversations.contribution import Contribution
from relays.sources.gitlab.conversations.identities import Identities
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.events import note as comments
from relays.sources.gitlab.people import mentions
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route
from relays.wording import CATALOGUES

# Those of which a root says at once all that there is to say.
_SHORT_LIVED = ("pipeline", "release", "environment")


@dataclass(frozen=True)
class Part:
    """An event and what it says; `turned` is what that amounts to (broken, fixed, or nothing)."""

    event: Event
    said: Contribution
    worth_a_reply: bool
    turned: str = ""


@dataclass(frozen=True)
class Replies:
    """Words them. `mentions_people`: who is assigned or asked is mentioned, for nobody is written to in person."""

    router: Router
    identities: Identities
    mentions_people: bool

    def to(self, parts: Sequence[Part], route: Route, *, has_root: bool) -> list[tuple[int, Message]]:
        """The replies to these events where a route leads, each with the place of the first event that it is about.

        That is among those that are worth one. `has_root`: the conversation has its root there already.
        """
        worth_one = [part for part in parts if self._is_worth_one(part, has_root, route)]
        if not worth_one or self.router.conversations_of(route) != "threads":
            return []
        replies = self.router.replies([self._noted(part) for part in worth_one], route)
        below = [line for part in worth_one for line in self._mentions(part, route)]
        return [(place, message.below(below) if place == 0 else message) for place, message in replies]

    def _is_worth_one(self, part: Part, has_root: bool, route: Route) -> bool:
        """Whether a reply says something that the root does not, which is news itself where it is new."""
        said_by_root = not has_root and part.said.kind in _SHORT_LIVED and bool(part.said.facts)
        return bool((part.worth_a_reply and not said_by_root) or self._mentions(part, route))

    def _mentions(self, part: Part, route: Route) -> list[Markup]:
        """Who is mentioned with it in a channel, because nobody is written to in person."""
        if not self.mentions_people:
            return []
        wording = CATALOGUES[self.router.language_of(route)]
        return list(mentions(part.event, self.router.people, wording))

    def _noted(self, part: Part) -> Event:
        """The event with what the relay knows of it noted down: whom a comment mentions, what a pipeline turned to."""
        event, payload = part.event, part.event.payload
        if event.name == "note":
            known = ((name, self.identities.known(name)) for name in comments.mentioned_in(payload))
            payload = payload.but((comments.PEOPLE,), {name: found for name, found in known if found})
        if event.name == "pipeline" and part.turned:
            payload = payload.but(("object_attributes", "ref_status_name"), part.turned)
        return replace(event, payload=payload)
