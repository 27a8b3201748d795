"""Deployments that have ended."""

from relays import markup
from relays.gitlab.events.common import COLORS, OTHER_COLOR, box, commit_line, ref_field, sentence, user_of
from relays.gitlab.payload import Payload
from relays.message import Field, Message
from relays.wording import Wording

_ENDED = ("success", "failed", "canceled")


def build(payload: Payload, wording: Wording) -> Message | None:
    """How a deployment to an environment ended; None while it goes on."""
    status = payload.text("status")
    if status not in _ENDED:
        return None
    # Deleted since, or a tool from outside.
    known = status if payload.mapping("user") else f"{status}.alone"
    return box(
        payload,
        wording,
        COLORS.get(status, OTHER_COLOR),
        lambda limit: markup.fill_label(
            wording["deployment.title"],
            title=markup.label(payload.text("environment") or wording["unknown"], limit),
        ),
        payload.text("deployable_url") or payload.text("environment_external_url"),
        sentence(wording[f"deployment.{known}"], user_of(payload, wording)),
        [ref_field(payload, wording), *_commit(payload, wording)],
    )


def _commit(payload: Payload, wording: Wording) -> list[Field]:
    sha = payload.text("short_sha")
    if not sha:
        return []
    shown = commit_line(sha, payload.text("commit_url"), payload.text("commit_title"))
    return [Field(wording["field.commit"], shown, short=False)]
