"""Deployments that have ended."""

from relays import markup
from relays.gitlab.events.common import BRANCH, COLORS, OTHER_COLOR, box, sentence, user_of
from relays.gitlab.payload import Payload
from relays.message import Field, Message
from relays.wording import Wording

_ENDED = ("success", "failed", "canceled")


def build(payload: Payload, wording: Wording) -> Message | None:
    """How a deployment to an environment ended; None while it goes on."""
    status = payload.text("status")
    if status not in _ENDED:
        return None
    return box(
        payload,
        wording,
        COLORS.get(status, OTHER_COLOR),
        lambda limit: markup.fill_label(
            wording["deployment.title"],
            title=markup.label(payload.text("environment") or wording["unknown"], limit),
        ),
        payload.text("deployable_url"),
        sentence(wording[f"deployment.{status}"], user_of(payload, wording)),
        [Field(wording["field.branch"], markup.code(payload.text("ref"), BRANCH))],
    )
