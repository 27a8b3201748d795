"""Issues and the other work items, which GitLab sends alike."""

from collections.abc import Iterator

from relays.mattermost.message import Field, Message
from relays.sources.gitlab.conversations import facts
from relays.sources.gitlab.conversations.contribution import Contribution
from relays.sources.gitlab.event_kind import EventKind, as_reply
from relays.sources.gitlab.events.changes import CHANGES, action_of, actions_of, changes_of
from relays.sources.gitlab.events.common import sentence, user_of
from relays.sources.gitlab.events.details import details_of
from relays.sources.gitlab.events.subject import announcement, noun_of
from relays.sources.gitlab.noise import of_update
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

_ACTIONS = ("open", "close", "reopen", "update")


class Issue(EventKind):
    """An issue or another work item, which GitLab sends alike."""

    name = "issue"
    # An incident comes as an issue or as a work item.
    gitlab_names = ("issue", "work_item")
    actions = ("update", "open", "close", "reopen", *CHANGES)
    triggers = ("issues_events",)
    confidential_triggers = ("confidential_issues_events",)
    author_at = ("user", "username")
    labels_at = ((), ("object_attributes",))
    maybe_confidential = True

    def build(self, payload: Payload, wording: Wording) -> Message:
        """What happened to it."""
        subject = payload.at("object_attributes")
        action = action_of(payload)
        known = action if action in _ACTIONS else "other"
        words, details, also = "", list[Field](), ""
        if action == "open":
            details = details_of(payload, wording)
        elif subject.text("action") == "update":
            changes = changes_of(payload, wording)
            words, details = changes.words, changes.details
            if known == "update":
                known = "update" if words else "other"
            elif words:
                also = wording["changed.also"]
        said = sentence(
            wording[f"issue.{known}"] + also,
            user_of(payload, wording),
            changes=words,
            what=noun_of(subject, wording),
        )
        return announcement(payload, wording, said, details)

    def actions_of(self, payload: Payload) -> tuple[str, ...]:
        return actions_of(payload)

    def noises(self, payload: Payload, actions: frozenset[str]) -> Iterator[str]:
        return of_update(payload, actions)

    def contribution(self, payload: Payload, project: str, actions: frozenset[str]) -> Contribution | None:
        number = payload.text("object_attributes", "iid")
        if not number:
            return None
        found, replies = dict(facts.of_subject(payload)), not actions.isdisjoint(("close", "reopen"))
        return Contribution("issue", project, number, found, replies=replies)

    def reply(self, payload: Payload, wording: Wording) -> Message | None:
        message, key = as_reply(self.build(payload, wording)), f"reply.{action_of(payload)}"
        if key in wording and message.resay:
            return message.resay(sentence(wording[key], user_of(payload, wording)))
        return message
