"""Pages of a wiki."""

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.events.common import COLORS, box, sentence, user_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message:
    """Who created, changed or deleted which page."""
    page = payload.at("object_attributes")
    action = page.text("action")
    known = action if action in ("create", "delete") else "update"
    return box(
        payload,
        wording,
        COLORS[known],
        lambda limit: markup.fill_label(
            wording["wiki.title"], title=markup.given(markup.label, page.text("title"), limit)
        ),
        # A page that is gone has no address.
        "" if known == "delete" else page.text("url"),
        sentence(wording[f"wiki.{known}"], user_of(payload, wording)),
        [],
    )
