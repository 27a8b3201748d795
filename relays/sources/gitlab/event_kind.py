"""What a kind of GitLab's events is: one class in a module of its own, in relays.sources.gitlab.events.

A kind is known by its `object_kind`, or where there is none by its `event_name` (as GitLab documents it), never by
the header, which is the same for all system hooks.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterable
from dataclasses import replace
from typing import ClassVar

from relays.mattermost.message import Message, Sentence
from relays.sources.gitlab.confidentiality import is_marked
from relays.sources.gitlab.conversations.contribution import Contribution
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

Path = tuple[str, ...]


class EventKind(ABC):
    """A kind of event. What it says is in both catalogues of relays.wording, under keys that begin with its name.

    name                   as sites call it, in routes and wordings; the name of its module
    gitlab_names           what GitLab calls it, in `object_kind` or `event_name`
    actions                that a route can name; what an action amounts to comes after it
    triggers               the switches of a project's hook that bring it; () if only system and group hooks do
    confidential_triggers  those that bring the confidential ones, where they have switches of their own
    action_at              where the action stands
    author_at              where the user name of whoever did it stands, () if it does not say
    branch_at              where the branch stands, () if it has none; with a true `tag` beside it it is a tag
    labels_at              what may hold `labels`, () if nothing does
    maybe_confidential     whether some are for members only
    muted_by               the setting of sources.gitlab.mute that leaves all of it out, unless the site unsets it
    """

    name: ClassVar[str]
    gitlab_names: ClassVar[tuple[str, ...]]
    actions: ClassVar[tuple[str, ...]]
    triggers: ClassVar[tuple[str, ...]]
    confidential_triggers: ClassVar[tuple[str, ...]] = ()
    action_at: ClassVar[Path] = ("object_attributes", "action")
    author_at: ClassVar[Path] = ()
    branch_at: ClassVar[Path] = ()
    labels_at: ClassVar[tuple[Path, ...]] = ()
    maybe_confidential: ClassVar[bool] = False
    muted_by: ClassVar[str] = ""

    @abstractmethod
    def build(self, payload: Payload, wording: Wording) -> Message | None:
        """The message about an event; None if it is not worth one."""

    def actions_of(self, payload: Payload) -> Iterable[str]:
        """The action of an event and what it amounts to; empty ones are none."""
        return (payload.text(*self.action_at),)

    def author_of(self, payload: Payload) -> str:
        """The user name of whoever did it; empty if that is not known."""
        return payload.text(*self.author_at) if self.author_at else ""

    def branch_of(self, payload: Payload) -> str:
        """The branch of an event, of a merge request the target branch; empty without one."""
        if not self.branch_at or payload.flag(*self.branch_at[:-1], "tag"):
            return ""
        return payload.text(*self.branch_at).removeprefix("refs/heads/")

    def labels_of(self, payload: Payload) -> Iterable[str]:
        """The labels of what an event is about."""
        return [label.text("title") for path in self.labels_at for label in payload.elements(*path, "labels")]

    def is_confidential(self, payload: Payload, header: str) -> bool:
        """Whether an event is not for everybody; `header` is the event that its header names."""
        return is_marked(payload, header)

    def noises(self, payload: Payload, actions: frozenset[str]) -> Iterable[str]:
        """The settings of relays.sources.gitlab.mute each of which leaves an event with these actions out."""
        return (self.muted_by,) if self.muted_by else ()

    def contribution(self, payload: Payload, project: str, actions: frozenset[str]) -> Contribution | None:
        """What an event in this project says of a conversation; None if it belongs to none and is a post of its own."""
        return None

    def reply(self, payload: Payload, wording: Wording) -> Message | None:
        """The message about an event as a reply, where the conversation already says what it is about."""
        message = self.build(payload, wording)
        return message and as_reply(message)


def as_reply(message: Message) -> Message:
    """A message without its box: what it says happened."""
    if message.said is None or message.attachment is None:
        return message

    def say(said: Sentence) -> Message:
        return replace(message, text=said.text, summary=said.text, attachment=None, said=said, resay=say)

    return say(message.said)


def gitlab_name(payload: Payload) -> str:
    """What GitLab calls the kind of an event, empty if it says none."""
    return payload.text("object_kind") or payload.text("event_name")
