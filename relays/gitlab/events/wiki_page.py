"""Pages of a wiki."""

from relays import markup
from relays.gitlab.events.common import COLORS, OTHER_COLOR, box, sentence, user_of
from relays.gitlab.payload import Payload
from relays.message import Message
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message:
    """Who created, changed or deleted which page."""
    page = payload.at("object_attributes")
    action = page.text("action")
    done = wording[f"action.{action if action in ('create', 'delete') else 'update'}"]
    return box(
        payload,
        wording,
        COLORS.get(action, OTHER_COLOR),
        lambda limit: markup.fill_label(
            wording["wiki.title"], title=markup.label(page.text("title") or wording["unknown"], limit)
        ),
        page.text("url"),
        sentence(wording["wiki.text"], user_of(payload, wording), done),
        [],
    )
