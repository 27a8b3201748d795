"""Issues and the other work items, which GitLab sends alike."""

from relays.gitlab.events.common import announcement, is_worth_telling
from relays.gitlab.payload import Payload
from relays.message import Message
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message | None:
    """What happened to it; None for an update without news, and always for a confidential one."""
    subject = payload.at("object_attributes")
    if subject.flag("confidential") or payload.text("event_type").startswith("confidential_"):
        return None
    if subject.text("action") == "update" and not is_worth_telling(payload):
        return None
    return announcement(
        "work_item" if payload.text("object_kind") == "work_item" else "issue", payload, wording
    )
