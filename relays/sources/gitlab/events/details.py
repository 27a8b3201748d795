"""What a new issue, work item or merge request has from the start: people, labels, milestone and the like."""

from relays.mattermost import markup
from relays.mattermost.message import Field
from relays.sources.gitlab.events.changes import listed
from relays.sources.gitlab.events.common import NUMBER, SHORT_TITLE, date, field, first, number
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording


def details_of(payload: Payload, wording: Wording) -> list[Field]:
    """The fields for what it has; none for what it has not."""
    subject = payload.at("object_attributes")
    values = {
        "assignees": listed(payload.elements("assignees")),
        "reviewers": listed(payload.elements("reviewers")),
        "labels": listed(payload.elements("labels") or subject.elements("labels")),
        "milestone": _milestone(payload, wording),
        "draft": _yes(wording) if subject.flag("draft") or subject.flag("work_in_progress") else None,
        "due": date(subject.text("due_date"), wording),
        "weight": markup.given(markup.plain, subject.text("weight"), NUMBER),
        "severity": _severity(subject, wording),
    }
    return [shown for name, value in values.items() for shown in field(wording[f"field.{name}"], value)]


def _milestone(payload: Payload, wording: Wording) -> markup.Markup | None:
    """Its title, which only a site's own payload template says, or that it has one."""
    subject = payload.at("object_attributes")
    title = first((subject.text("milestone", "title"), payload.text("milestone", "title")))
    given = markup.given(markup.plain, title, SHORT_TITLE)
    return given or (_yes(wording) if number(subject.text("milestone_id")) else None)


def _severity(subject: Payload, wording: Wording) -> markup.Markup | None:
    """How grave an incident is, if somebody has judged it."""
    known = wording.get(f"severity.{subject.text('severity').lower()}")
    return None if known is None else markup.Markup(known)


def _yes(wording: Wording) -> markup.Markup:
    return markup.Markup(wording["yes"])
