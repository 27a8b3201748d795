"""A site's own words about GitLab: templates (mattermost.templates) in the place of the sentences of single events.

A template is called by an event and perhaps one of its actions, `push` or `merge_request.open`; the more specific one
is taken. It says the sentence of the message; title, colour, fields and the list of commits stay. It knows

    payload   what GitLab sent, all of it: {{ payload.object_attributes.title }}; what is missing is empty
    user      who did it
    project   where
    said      the sentence that it takes the place of
"""

from collections.abc import Iterator, Mapping, Sequence

from relays.mattermost.message import Message
from relays.mattermost.templates import Templates, Values, fault
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.events import KINDS
from relays.sources.gitlab.events.common import project_of, user_of
from relays.wording import Wording


class EventTemplates:
    """The templates of one language, by name. TemplateError if one is not Jinja2."""

    def __init__(self, sources: Mapping[str, str]) -> None:
        self._templates = Templates(sources)

    def apply(self, event: Event, message: Message, wording: Wording) -> Message:
        """The message in the site's words if it has any for the event; in the built-in ones if those fail."""
        name = self._name_for(event)
        if name is None or message.resay is None or message.said is None:
            return message
        return message.resay(self._templates.say(name, _values(event, wording), message.said))

    def _name_for(self, event: Event) -> str | None:
        if not self._templates:
            return None
        kind = KINDS.get(event.name)
        # What an action amounts to comes after it and says more.
        actions = [action for action in reversed(kind.actions if kind else ()) if action in event.actions]
        names = [*(f"{event.name}.{action}" for action in actions), event.name]
        return next((name for name in names if name in self._templates), None)


def template_faults(
    sources: Mapping[str, str], samples: Sequence[Event], wording: Wording
) -> Iterator[tuple[str, str]]:
    """The templates that cannot be used, by name, each with the reason and the remedy.

    Each is tried on the samples of its event and action; on all of the event if there is none.
    """
    for name, source in sources.items():
        reason = _unknown(name)
        if reason is None:
            event, _, action = name.partition(".")
            of_event = [sample for sample in samples if sample.name == event]
            tried = [each for each in of_event if action in each.actions] or of_event
            messages = ((sample, KINDS[event].build(sample.payload, wording)) for sample in tried)
            reason = fault(
                name,
                source,
                [
                    (_values(sample, wording), message.said)
                    for sample, message in messages
                    if message is not None and message.said is not None
                ],
            )
        if reason:
            yield name, reason


def _values(event: Event, wording: Wording) -> Values:
    return {
        "payload": event.payload.mapping(),
        "user": user_of(event.payload, wording),
        "project": project_of(event.payload, wording),
    }


def _unknown(name: str) -> str | None:
    event, _, action = name.partition(".")
    if event not in KINDS:
        return f"there is no event {event}; known are {', '.join(KINDS)}"
    if action and action not in KINDS[event].actions:
        return f"{event} has no action {action}; it has {', '.join(KINDS[event].actions)}"
    return None
