"""Deployments."""

from relays import markup
from relays.gitlab.events.common import (
    COLORS,
    OTHER_COLOR,
    box,
    commit_line,
    field,
    ref_field,
    sentence,
    state_of,
    state_sentence,
    user_of,
)
from relays.gitlab.payload import Payload
from relays.message import Message
from relays.wording import Wording

_ENDED = ("success", "failed", "canceled")


def build(payload: Payload, wording: Wording) -> Message:
    """How a deployment to an environment ended, or what it has come to."""
    status = payload.text("status")
    if status not in _ENDED:
        said = state_sentence(wording["deployment.other"], state_of(status, wording))
    elif payload.mapping("user"):
        said = sentence(wording[f"deployment.{status}"], user_of(payload, wording))
    else:  # a user deleted since, or a tool from outside
        said = state_sentence(wording[f"deployment.{status}.alone"], status)
    return box(
        payload,
        wording,
        COLORS.get(status, OTHER_COLOR),
        lambda limit: markup.fill_label(
            wording["deployment.title"],
            title=markup.given(markup.label, payload.text("environment"), limit),
        ),
        payload.text("deployable_url") or payload.text("environment_external_url"),
        said,
        [*ref_field(payload, wording), *field(wording["field.commit"], _commit(payload), short=False)],
    )


def _commit(payload: Payload) -> markup.Markup | None:
    return commit_line(payload.text("short_sha"), payload.text("commit_url"), payload.text("commit_title"))
