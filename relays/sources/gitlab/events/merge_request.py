"""Merge requests."""

from collections.abc import Iterator

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.conversations import facts
from relays.sources.gitlab.conversations.contribution import Contribution
from relays.sources.gitlab.event_kind import EventKind, as_reply
from relays.sources.gitlab.events.changes import CHANGES, action_of, actions_of
from relays.sources.gitlab.events.common import BRANCH, field, sentence, user_of
from relays.sources.gitlab.events.subject import act_of, announcement, reply_saying
from relays.sources.gitlab.noise import of_update
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# The community edition sends "approved" for each approval; the others are of the enterprise edition: "approval"
# while more are needed, "unapproval" for a withdrawn one that was not enough.
_SAME = {"approval": "approved", "unapproval": "unapproved"}
_REMOVING = ("force_remove_source_branch", "should_remove_source_branch")
# The rest changes the root alone.
_REPLIED = ("close", "reopen", "merge", "approved", "unapproved", "ready", "review")
_ACTIONS = ("open", "close", "reopen", "update", "merge", "approved", "unapproved")


class MergeRequest(EventKind):
    """A merge request."""

    name = "merge_request"
    gitlab_names = ("merge_request",)
    actions = ("update", "open", "close", "reopen", "merge", "approved", "unapproved", *CHANGES)
    triggers = ("merge_requests_events",)
    author_at = ("user", "username")
    branch_at = ("object_attributes", "target_branch")
    labels_at = ((), ("object_attributes",))

    def build(self, payload: Payload, wording: Wording) -> Message:
        """What happened to a merge request."""
        subject = payload.at("object_attributes")
        action = action_of(payload)
        said = _SAME.get(action, action if action in _ACTIONS else "other")
        if said == "unapproved" and subject.flag("system"):
            said = "approvals_reset"
        act = act_of(payload, wording, said)
        branches = {
            end: markup.given(markup.plain, subject.text(f"{end}_branch"), BRANCH)
            for end in ("source", "target")
        }
        if action == "merge" and removes_source(payload):
            branches["source"] = markup.fill(wording["merge_request.source"], branch=branches["source"])
        ends = [shown for end, branch in branches.items() for shown in field(wording[f"field.{end}"], branch)]
        heading = sentence(
            wording[f"merge_request.{act.said}"] + act.also, user_of(payload, wording), changes=act.words
        )
        return announcement(payload, wording, heading, [*ends, *act.details])

    def actions_of(self, payload: Payload) -> tuple[str, ...]:
        return tuple(_SAME.get(action, action) for action in actions_of(payload))

    def noises(self, payload: Payload, actions: frozenset[str]) -> Iterator[str]:
        return of_update(payload, actions)

    def contribution(self, payload: Payload, project: str, actions: frozenset[str]) -> Contribution | None:
        number = payload.text("object_attributes", "iid")
        if not number:
            return None
        found, replies = dict(facts.of_subject(payload)), not actions.isdisjoint(_REPLIED)
        return Contribution("merge_request", project, number, found, replies=replies)

    def reply(self, payload: Payload, wording: Wording) -> Message | None:
        action = action_of(payload)
        said = _SAME.get(action, action)
        if said == "unapproved" and payload.flag("object_attributes", "system"):
            said = "approvals_reset"
        if "ready" in self.actions_of(payload):
            said = "ready"
        return reply_saying(f"reply.{said}", as_reply(self.build(payload, wording)), payload, wording)


def removes_source(payload: Payload) -> bool:
    """Whether GitLab is to remove the source branch with the merge."""
    parameters = payload.mapping("object_attributes", "merge_params")
    return any(parameters.get(flag) in (True, 1, "1", "true") for flag in _REMOVING)
