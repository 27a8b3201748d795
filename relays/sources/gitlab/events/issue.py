"""Issues and the other work items, which GitLab sends alike."""

from collections.abc import Iterator

from relays.mattermost.message import Message
from relays.sources.gitlab.conversations import facts
from relays.sources.gitlab.conversations.contribution import Contribution
from relays.sources.gitlab.event_kind import EventKind, as_reply
from relays.sources.gitlab.events.changes import CHANGES, action_of, actions_of
from relays.sources.gitlab.events.common import sentence, user_of
from relays.sources.gitlab.events.subject import act_of, announcement, noun_of, reply_saying
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
        action = action_of(payload)
        act = act_of(payload, wording, action if action in _ACTIONS else "other")
        said = sentence(
            wording[f"issue.{act.said}"] + act.also,
            user_of(payload, wording),
            changes=act.words,
            what=noun_of(payload.at("object_attributes"), wording),
        )
        return announcement(payload, wording, said, act.details)

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
        message = as_reply(self.build(payload, wording))
        return reply_saying(f"reply.{action_of(payload)}", message, payload, wording)
