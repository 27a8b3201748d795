"""Releases."""

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.conversations import facts
from relays.sources.gitlab.conversations.contribution import Contribution
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events.common import BRANCH, COLORS, OTHER_COLOR, Sentence, box, field, first
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording


class Release(EventKind):
    """A release."""

    name = "release"
    gitlab_names = ("release",)
    actions = ("create", "update", "delete")
    triggers = ("releases_events",)
    action_at = ("action",)

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Which release was published, changed or deleted; GitLab does not say by whom."""
        action = payload.text("action")
        said = wording[f"release.{action if action in ('create', 'delete') else 'update'}"]
        return box(
            payload,
            wording,
            COLORS.get(action, OTHER_COLOR),
            lambda limit: markup.fill_label(
                wording["release.title"],
                title=markup.given(markup.label, first((payload.text("name"), payload.text("tag"))), limit),
            ),
            # A release that is gone has no address.
            "" if action == "delete" else payload.text("url"),
            Sentence(markup.Markup(said), markup.Label(said)),
            field(wording["field.tag"], markup.given(markup.code, payload.text("tag"), BRANCH)),
        )

    def contribution(self, payload: Payload, project: str, actions: frozenset[str]) -> Contribution | None:
        tag = payload.text("tag")
        found = dict((facts.of_release(payload),))
        return Contribution("release", project, tag, found, replies="delete" in actions) if tag else None
