"""Issues."""

from relays.gitlab.events.common import announcement, is_worth_telling
from relays.gitlab.payload import Payload
from relays.message import Message
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message | None:
    """What happened to an issue; None for an update without news, and always for a confidential one."""
    subject = payload.at("object_attributes")
    if subject.flag("confidential") or payload.text("event_type") == "confidential_issue":
        return None
    if subject.text("action") == "update" and not is_worth_telling(payload):
        return None
    return announcement("issue", payload, wording)
