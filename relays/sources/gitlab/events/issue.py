"""Issues and the other work items, which GitLab sends alike."""

from relays.mattermost.message import Field, Message
from relays.sources.gitlab.events.changes import action_of, changes_of
from relays.sources.gitlab.events.common import sentence, user_of
from relays.sources.gitlab.events.details import details_of
from relays.sources.gitlab.events.subject import announcement, noun_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

_ACTIONS = ("open", "close", "reopen", "update")


def build(payload: Payload, wording: Wording) -> Message:
    """What happened to it."""
    subject = payload.at("object_attributes")
    action = action_of(payload)
    known = action if action in _ACTIONS else "other"
    words, details, also = "", list[Field](), ""
    if action == "open":
        details = details_of(payload, wording)
    elif subject.text("action") == "update":
        changes = changes_of(payload, wording)
        words, details = changes.words, changes.details
        if known == "update":
            known = "update" if words else "other"
        elif words:
            also = wording["changed.also"]
    said = sentence(
        wording[f"issue.{known}"] + also,
        user_of(payload, wording),
        changes=words,
        what=noun_of(subject, wording),
    )
    return announcement(payload, wording, said, details)
