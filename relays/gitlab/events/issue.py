"""Issues and the other work items, which GitLab sends alike."""

from relays.gitlab.events.changes import changes_of
from relays.gitlab.events.common import is_bot, sentence, user_of
from relays.gitlab.events.subject import announcement, type_of
from relays.gitlab.payload import Payload
from relays.message import Field, Message
from relays.wording import Wording

_ACTIONS = ("open", "close", "reopen", "update")


def build(payload: Payload, wording: Wording) -> Message | None:
    """What happened to it; None for an update without news or by a bot, and always for a confidential one."""
    subject = payload.at("object_attributes")
    if subject.flag("confidential") or payload.text("event_type").startswith("confidential_"):
        return None
    action = subject.text("action")
    words, details = "", list[Field]()
    if action == "update":
        changes = changes_of(payload, wording)
        if changes is None or is_bot(payload):
            return None
        words, details = changes.words, changes.details
    said = sentence(
        wording[f"issue.{action if action in _ACTIONS else 'other'}"],
        user_of(payload, wording),
        changes=words,
        what=wording[f"a.{type_of(subject) or 'work_item'}"],
    )
    return announcement(payload, wording, said, details)
