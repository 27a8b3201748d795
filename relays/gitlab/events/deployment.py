"""Deployments."""

from relays import markup
from relays.gitlab.events.common import (
    COLORS,
    NAME,
    OTHER_COLOR,
    box,
    commit_line,
    ref_field,
    sentence,
    state_of,
    state_sentence,
    user_of,
)
from relays.gitlab.payload import Payload
from relays.message import Field, Message
from relays.wording import Wording

# It has ended, or GitLab has stopped it ("blocked") until somebody approves of it or starts it by hand.
_TOLD = ("success", "failed", "canceled", "blocked")
# As the enterprise edition sends them since 19: somebody has decided, which may not be the last word.
_DECIDED = ("approved", "rejected")
_COLORS = {
    **COLORS,
    "blocked": COLORS["update"],
    "approved": COLORS["success"],
    "rejected": COLORS["failed"],
}
_COMMENT = 160


def build(payload: Payload, wording: Wording) -> Message:
    """How a deployment to an environment ended, what it waits for, who decided on it, or what it has come to."""
    status = payload.text("status")
    if status in _DECIDED:
        said = sentence(wording[f"deployment.{status}"], _approver(payload, wording))
    elif status not in _TOLD:
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
            title=markup.label(payload.text("environment") or wording["unknown"], limit),
        ),
        payload.text("deployable_url") or payload.text("environment_external_url"),
        said,
        [ref_field(payload, wording), *_commit(payload, wording), *_decision(payload, wording)],
    )


def _approver(payload: Payload, wording: Wording) -> str:
    approver = payload.at("approver")
    return approver.text("name") or approver.text("username") or wording["someone"]


def _decision(payload: Payload, wording: Wording) -> list[Field]:
    """What was said of a decision, and whose deployment it is about."""
    if payload.text("status") not in _DECIDED:
        return []
    comment = payload.text("approval", "comment")
    shown = [Field(wording["field.comment"], markup.plain(comment, _COMMENT), short=False)] if comment else []
    if payload.mapping("user"):
        shown.append(Field(wording["field.user"], markup.plain(user_of(payload, wording), NAME)))
    return shown


def _commit(payload: Payload, wording: Wording) -> list[Field]:
    sha = payload.text("short_sha")
    if not sha:
        return []
    shown = commit_line(sha, payload.text("commit_url"), payload.text("commit_title"))
    return [Field(wording["field.commit"], shown, short=False)]
