"""Comments."""

from relays import markup
from relays.gitlab.events.common import COLORS, box, sentence, subject_title, user_of
from relays.gitlab.payload import Payload
from relays.message import Field, Message
from relays.wording import Wording

_COMMENT = 400
_REVISION = 8


def build(payload: Payload, wording: Wording) -> Message | None:
    """Who commented on what; None for an edit, and always for what only members may read."""
    note = payload.at("object_attributes")
    if note.text("action") == "update" or note.flag("system") or _is_private(payload):
        return None
    return box(
        payload,
        wording,
        COLORS["update"],
        lambda limit: _title(payload, wording, limit),
        note.text("url"),
        sentence(wording["note.text"], user_of(payload, wording)),
        [Field(wording["field.comment"], markup.plain(note.text("note"), _COMMENT), short=False)],
    )


def _is_private(payload: Payload) -> bool:
    return (
        payload.text("event_type") == "confidential_note"
        or payload.flag("object_attributes", "internal")
        or payload.flag("object_attributes", "confidential")
        or payload.flag("issue", "confidential")
    )


def _title(payload: Payload, wording: Wording, limit: int) -> markup.Label:
    for kind in ("merge_request", "issue"):
        if payload.mapping(kind):
            return subject_title(kind, payload.at(kind), wording, limit)
    for kind in ("commit", "snippet"):
        if payload.mapping(kind):
            name = payload.text(kind, "id")[:_REVISION] if kind == "commit" else wording["snippet"]
            return markup.fill_label(
                wording["note.title"],
                name=markup.label(name, limit),
                title=markup.label(payload.text(kind, "title"), limit),
            )
    return markup.Label(wording["field.comment"])  # on something that GitLab does not send along
