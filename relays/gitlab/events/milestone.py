"""Milestones."""

from relays import markup
from relays.gitlab.events.common import COLORS, OTHER_COLOR, Sentence, box, date, field
from relays.gitlab.payload import Payload
from relays.message import Message
from relays.wording import Wording

_ACTIONS = ("create", "close", "reopen")


def build(payload: Payload, wording: Wording) -> Message | None:
    """Which milestone was created, closed or opened anew; GitLab does not tell by whom."""
    # At the top as documented since 18.2, unlike with the other kinds.
    action = payload.text("action")
    if action not in _ACTIONS:
        return None
    milestone = payload.at("object_attributes")
    said = wording[f"milestone.{action}"]
    return box(
        payload,
        wording,
        COLORS.get(action, OTHER_COLOR),
        lambda limit: markup.fill_label(
            wording["milestone.title"], title=markup.given(markup.label, milestone.text("title"), limit)
        ),
        f"{payload.text('project', 'web_url')}/-/milestones/{milestone.text('iid')}",
        Sentence(markup.Markup(said), markup.Label(said)),
        field(wording["field.due"], date(milestone.text("due_date"), wording)),
    )
