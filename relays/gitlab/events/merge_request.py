"""Merge requests."""

from relays import markup
from relays.gitlab.events.common import BRANCH, announcement, is_worth_telling
from relays.gitlab.payload import Payload
from relays.message import Field, Message
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message | None:
    """What happened to a merge request; None for an update without news."""
    subject = payload.at("object_attributes")
    if subject.text("action") == "update" and not is_worth_telling(payload):
        return None
    branches = [
        Field(
            wording[f"field.{end}"], markup.plain(subject.text(f"{end}_branch") or wording["unknown"], BRANCH)
        )
        for end in ("source", "target")
    ]
    return announcement("merge_request", payload, wording, branches)
