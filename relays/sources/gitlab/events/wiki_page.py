"""Pages of a wiki."""

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events.common import COLORS, box, sentence, user_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording


class WikiPage(EventKind):
    """A page of a wiki."""

    name = "wiki_page"
    gitlab_names = ("wiki_page",)
    actions = ("create", "update", "delete")
    triggers = ("wiki_page_events",)
    author_at = ("user", "username")

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Who created, changed or deleted which page."""
        page = payload.at("object_attributes")
        action = page.text("action")
        known = action if action in ("create", "delete") else "update"
        return box(
            payload,
            wording,
            COLORS[known],
            lambda limit: markup.fill_label(
                wording["wiki_page.title"], title=markup.given(markup.label, page.text("title"), limit)
            ),
            # A page that is gone has no address.
            "" if known == "delete" else page.text("url"),
            sentence(wording[f"wiki_page.{known}"], user_of(payload, wording)),
            [],
        )
