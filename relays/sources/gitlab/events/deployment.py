"""Deployments."""

from collections.abc import Iterator

from relays.mattermost import markup
from relays.mattermost.message import Field, Message
from relays.sources.gitlab.conversations import facts
from relays.sources.gitlab.conversations.contribution import Contribution, Turn
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events.common import (
    COLORS,
    NAME,
    OTHER_COLOR,
    box,
    commit_line,
    field,
    first,
    ref_field,
    sentence,
    state_of,
    state_sentence,
    user_of,
)
from relays.sources.gitlab.noise import ENDS, of_progress
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# It has ended, or GitLab has stopped it ("blocked") until somebody approves of it or starts it by hand.
_WORDED = ("success", "failed", "canceled", "blocked")
# As the enterprise edition sends them since 19: somebody has decided, which may not be the last word.
_DECIDED = ("approved", "rejected")
_COLORS = {
    **COLORS,
    "blocked": COLORS["update"],
    "approved": COLORS["success"],
    "rejected": COLORS["failed"],
}
_COMMENT = 160


class Deployment(EventKind):
    """A deployment to an environment."""

    name = "deployment"
    gitlab_names = ("deployment",)
    actions = (*ENDS, "blocked", "approved", "rejected", "created", "running", "skipped")
    triggers = ("deployment_events",)
    action_at = ("status",)
    author_at = ("user", "username")
    branch_at = ("ref",)

    def build(self, payload: Payload, wording: Wording) -> Message:
        """How a deployment to an environment ended, what it waits for, who decided on it, or what it has come to."""
        status = payload.text("status")
        if status in _DECIDED:
            said = sentence(wording[f"deployment.{status}"], _approver(payload, wording))
        elif status not in _WORDED:
            said = state_sentence(wording["deployment.other"], state_of(status, wording))
        elif payload.mapping("user"):
            said = sentence(wording[f"deployment.{status}"], user_of(payload, wording))
        else:  # a user deleted since, or a tool from outside
            said = state_sentence(wording[f"deployment.{status}.alone"], status)
        return box(
            payload,
            wording,
            _COLORS.get(status, OTHER_COLOR),
            lambda limit: markup.fill_label(
                wording["deployment.title"],
                title=markup.given(markup.label, payload.text("environment"), limit),
            ),
            payload.text("deployable_url") or payload.text("environment_external_url"),
            said,
            [
                *ref_field(payload, wording),
                *field(wording["field.commit"], _commit(payload), short=False),
                *_decision(payload, wording),
            ],
        )

    def noises(self, payload: Payload, actions: frozenset[str]) -> Iterator[str]:
        return of_progress(payload, actions)

    def contribution(self, payload: Payload, project: str, actions: frozenset[str]) -> Contribution | None:
        name, status = payload.text("environment"), payload.text("status")
        if not name:
            return None
        found = facts.of_deployment(payload)
        ended = status in (facts.SOUND, facts.BROKEN)
        return Contribution(
            "environment",
            project,
            name,
            {} if status in _DECIDED else dict((found,)),
            replies=status not in ("created", "running", "skipped"),
            insists=status in _DECIDED,
            turn=Turn(found[0], found[1].order, status) if ended else None,
            branch="" if payload.flag("tag") else payload.text("ref"),
        )


def _commit(payload: Payload) -> markup.Markup | None:
    return commit_line(payload.text("short_sha"), payload.text("commit_url"), payload.text("commit_title"))


def _approver(payload: Payload, wording: Wording) -> str:
    approver = payload.at("approver")
    return first((approver.text("name"), approver.text("username"))) or wording["someone"]


def _decision(payload: Payload, wording: Wording) -> list[Field]:
    """What was said of a decision, and whose deployment it is about."""
    if payload.text("status") not in _DECIDED:
        return []
    comment = markup.given(markup.plain, payload.text("approval", "comment"), _COMMENT)
    whose = markup.plain(user_of(payload, wording), NAME) if payload.mapping("user") else None
    return [*field(wording["field.comment"], comment, short=False), *field(wording["field.user"], whose)]
