"""From an event to its messages: whether it is told, in which channels, and how in each of them."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from relays.gitlab.event import Event, project_of
from relays.gitlab.events import BUILDERS
from relays.gitlab.events.common import kind_of
from relays.gitlab.mute import Mute
from relays.gitlab.people import People, mentions
from relays.gitlab.reword import Rewording
from relays.gitlab.routing import Route, targets
from relays.message import Message
from relays.wording import CATALOGUES


@dataclass(frozen=True)
class Dispatcher:
    """What a site wants told. The last of the routes is the default one; `rewordings` are by language.

    `projects` are the full paths, in lower case, of those whose events are told; without any, all are.
    """

    routes: Sequence[Route]
    mute: Mute
    people: People = field(default_factory=dict)
    rewordings: Mapping[str, Rewording] = field(default_factory=dict)
    projects: frozenset[str] = frozenset()

    def dispatch(self, event: Event) -> tuple[str, dict[str, Message]]:
        """The messages by channel, and in a word why there are none.

        The word is foreign, unsupported, muted, confidential or dropped.
        """
        # Such as of a hook that was left behind; what names no project came by a hook that somebody made for it.
        project = project_of(event.payload)
        if self.projects and project and project.lower() not in self.projects:
            return "foreign", {}
        if kind_of(event.payload) not in BUILDERS:
            return "unsupported", {}
        if self.mute.reason(event):
            return "muted", {}
        found = targets(self.routes, event)
        if not found:
            return "confidential" if event.confidential else "dropped", {}
        told = {channel: self._tell(event, route) for channel, route in found.items()}
        messages = {channel: message for channel, message in told.items() if message}
        return "" if messages else "muted", messages

    def _tell(self, event: Event, route: Route) -> Message | None:
        wording = CATALOGUES[route.language]
        message = BUILDERS[kind_of(event.payload)](event.payload, wording)
        if message is None:
            return None
        if route.language in self.rewordings:
            message = self.rewordings[route.language].apply(event, message, wording)
        if route.detail == "short":
            message = message.short()
        return message.below(list(mentions(event, self.people, wording)))
