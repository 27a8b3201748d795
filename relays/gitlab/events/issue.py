"""Issues and the other work items, which GitLab sends alike."""

from relays.gitlab.events.changes import changes_of
from relays.gitlab.events.common import sentence, user_of
from relays.gitlab.events.details import details_of
from relays.gitlab.events.subject import announcement, type_of
from relays.gitlab.payload import Payload
from relays.message import Field, Message
from relays.wording import Wording

_ACTIONS = ("open", "close", "reopen", "update")


def build(payload: Payload, wording: Wording) -> Message:
    """What happened to it."""
    subject = payload.at("object_attributes")
    action = subject.text("action")
    known = action if action in _ACTIONS else "other"
    words, details = "", list[Field]()
    if action == "open":
        details = details_of(payload, wording)
    elif action == "update":
        changes = changes_of(payload, wording)
        words, details = changes.words, changes.details
        known = "update" if words else "other"
    said = sentence(
        wording[f"issue.{known}"],
        user_of(payload, wording),
        changes=words,
        what=wording[f"a.{type_of(subject) or 'work_item'}"],
    )
    return announcement(payload, wording, said, details)
