"""Reactions."""

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.confidentiality import is_about_the_open
from relays.sources.gitlab.conversations.contribution import Contribution
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events.common import NAME, PROJECT, SHORT_TITLE, line, project_of, user_of
from relays.sources.gitlab.events.note import LABELS_AT, of_companion, subject_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording


class Emoji(EventKind):
    """A reaction."""

    name = "emoji"
    gitlab_names = ("emoji",)
    actions = ("award", "revoke")
    triggers = ("emoji_events",)
    author_at = ("user", "username")
    branch_at = ("merge_request", "target_branch")
    labels_at = LABELS_AT
    maybe_confidential = True
    muted_by = "reactions"

    def build(self, payload: Payload, wording: Wording) -> Message | None:
        """Who reacted to what; None for a withdrawn reaction, and for one of which that is not known."""
        if _action(payload) != "award":
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

    def actions_of(self, payload: Payload) -> tuple[str]:
        return (_action(payload),)

    def is_confidential(self, payload: Payload, header: str) -> bool:
        return super().is_confidential(payload, header) or not is_about_the_open(payload, header)

    def contribution(self, payload: Payload, project: str, actions: frozenset[str]) -> Contribution | None:
        return of_companion(payload, project, {})


def _action(payload: Payload) -> str:
    """award, revoke, or nothing if it is neither."""
    said = (payload.text("object_attributes", "action"), payload.text("event_type"))
    return next((action for action in ("revoke", "award") if action in said), "")
