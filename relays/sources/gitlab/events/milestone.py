"""Milestones."""

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events.common import COLORS, OTHER_COLOR, Sentence, box, date, field
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording


class Milestone(EventKind):
    """A milestone, of which GitLab sends events since 18.2."""

    name = "milestone"
    gitlab_names = ("milestone",)
    # That they are sent for deleted ones as well is documented, the name of that is not.
    actions = ("create", "close", "reopen", "delete")
    triggers = ("milestone_events",)
    # As documented, unlike with the other kinds.
    action_at = ("action",)

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Which milestone was created, closed, opened anew or deleted; GitLab does not say by whom."""
        action = payload.text("action")
        milestone = payload.at("object_attributes")
        said = wording[f"milestone.{action if action in self.actions else 'other'}"]
        return box(
            payload,
            wording,
            COLORS.get(action, OTHER_COLOR),
            lambda limit: markup.fill_label(
                wording["milestone.title"], title=markup.given(markup.label, milestone.text("title"), limit)
            ),
            # A milestone that is gone has no address.
            ""
            if action == "delete"
            else f"{payload.text('project', 'web_url')}/-/milestones/{milestone.text('iid')}",
            Sentence(markup.Markup(said), markup.Label(said)),
            field(wording["field.due"], date(milestone.text("due_date"), wording)),
        )
