"""Reactions."""

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.events.common import NAME, PROJECT, SHORT_TITLE, line, project_of, user_of
from relays.sources.gitlab.events.note import subject_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message | None:
    """Who reacted to what; None for a withdrawn reaction, and for one of which that is not known."""
    if action_of(payload) != "award":
        return None
    on_note = payload.text("object_attributes", "awardable_type") == "Note"
    subject = subject_of(payload, wording, SHORT_TITLE)
    # Without the fragment, which no link is let have.
    address = payload.text("object_attributes", "awarded_on_url").partition("#")[0]
    return line(
        wording["emoji.note" if on_note else "emoji.subject"],
        user=markup.bold(user_of(payload, wording), NAME),
        emoji=markup.given(markup.emoji, payload.text("object_attributes", "name"), NAME),
        subject=markup.link(markup.from_label(subject), address),
        project=markup.given(markup.bold, project_of(payload, wording), PROJECT),
    )


def action_of(payload: Payload) -> str:
    """award, revoke, or nothing if it is neither."""
    said = (payload.text("object_attributes", "action"), payload.text("event_type"))
    return next((action for action in ("revoke", "award") if action in said), "")
