"""Merge requests."""

from relays import markup
from relays.gitlab.events.changes import changes_of
from relays.gitlab.events.common import BRANCH, field, sentence, user_of
from relays.gitlab.events.details import details_of
from relays.gitlab.events.subject import announcement
from relays.gitlab.payload import Payload
from relays.message import Field, Message
from relays.wording import Wording

# The community edition sends "approved" for each approval; the others are of the enterprise edition: "approval"
# while more are needed, "unapproval" for a withdrawn one that was not enough.
_SAID = {"approval": "approved", "unapproval": "unapproved"}
_ACTIONS = ("open", "close", "reopen", "update", "merge", "approved", "unapproved")


def build(payload: Payload, wording: Wording) -> Message:
    """What happened to a merge request."""
    subject = payload.at("object_attributes")
    action = subject.text("action")
    said = _SAID.get(action, action if action in _ACTIONS else "other")
    words, details = "", list[Field]()
    if action == "open":
        details = details_of(payload, wording)
    elif action == "update":
        changes = changes_of(payload, wording)
        words, details = changes.words, changes.details
        said = "update" if words else "other"
    elif said == "unapproved" and subject.flag("system"):
        said = "approvals_reset"
    branches = [
        shown
        for end in ("source", "target")
        for shown in field(
            wording[f"field.{end}"], markup.given(markup.plain, subject.text(f"{end}_branch"), BRANCH)
        )
    ]
    told = sentence(wording[f"merge_request.{said}"], user_of(payload, wording), changes=words)
    return announcement(payload, wording, told, [*branches, *details])
