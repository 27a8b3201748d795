"""Releases."""

from relays import markup
from relays.gitlab.events.common import BRANCH, COLORS, OTHER_COLOR, Sentence, box
from relays.gitlab.payload import Payload
from relays.message import Field, Message
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message:
    """Which release was published, changed or deleted; GitLab does not tell by whom."""
    action = payload.text("action")
    said = wording[f"release.{action if action in ('create', 'delete') else 'update'}"]
    return box(
        payload,
        wording,
        COLORS.get(action, OTHER_COLOR),
        lambda limit: markup.fill_label(
            wording["release.title"], title=markup.label(payload.text("name") or payload.text("tag"), limit)
        ),
        # A release that is gone has no address.
        "" if action == "delete" else payload.text("url"),
        Sentence(markup.Markup(said), markup.Label(said)),
        [Field(wording["field.tag"], markup.code(payload.text("tag"), BRANCH))],
    )
