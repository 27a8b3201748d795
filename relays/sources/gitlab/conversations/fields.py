"""What the box of a root shows of a state: each function makes a row, the rows of a topic, or a mark of the line."""

from collections.abc import Iterable, Iterator
from datetime import UTC, datetime

from relays.mattermost import markup
from relays.mattermost.message import Field
from relays.sources.gitlab.conversations.state import State
from relays.sources.gitlab.events.common import (
    BRANCH,
    NAME,
    NUMBER,
    PROJECT,
    SHORT_TITLE,
    date,
    field,
    first,
    number,
    state_of,
)
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

MOST_NAMES = 10
_PIPELINE_ICONS = {"success": "✅", "failed": "❌", "canceled": "⏹️", "manual": "⏸️"}
ON_THE_WAY = "▶️"
VOTE_ICONS = {"approved": "👍", "changes": "✋"}


def project(state: State, wording: Wording) -> list[Field]:
    """The project that it is of."""
    shown = state.of("project").text("shown")
    return field(wording["field.project"], markup.given(markup.plain, shown, PROJECT))


def status(state: State, wording: Wording) -> Iterator[Field]:
    """Where, and how it stands: open, a draft, or by whom and when it ended."""
    yield from project(state, wording)
    subject, ended = state.of("subject"), state.of("ended")
    stands = subject.text("state")
    shown = markup.given(markup.plain, state_of(stands, wording), NAME)
    if stands == "opened" and subject.flag("draft"):
        shown = markup.Markup(wording["root.draft"])
    if stands in ("closed", "merged") and ended.text("how") in ("close", "merge"):
        day = datetime.fromtimestamp(_number(ended, "at"), UTC).strftime(wording["date_format"])
        when = markup.plain(day, NUMBER) if _number(ended, "at") else None
        shown = markup.fill(wording["root.ended"], status=shown, user=name_of(ended), date=when)
    yield from field(wording["field.status"], shown)


def people(state: State, wording: Wording, votes: dict[str, str]) -> Iterator[Field]:
    """Who has to do with it, and what else is planned."""
    subject = state.of("subject")
    yield from field(wording["field.author"], name_of(state.of("author")))
    yield from field(wording["field.assignees"], _names(state.of("assignees").elements(), {}))
    reviewers = state.of("reviewers").elements()
    known = {user.text("username") for user in reviewers}
    others = [
        Payload(fact.value) for name, fact in state.each("vote") if votes.get(name) and name not in known
    ]
    yield from field(wording["field.reviewers"], _names([*reviewers, *others], votes))
    labels = [label.text() for label in state.of("labels").elements()]
    yield from field(wording["field.labels"], markup.given(markup.plain, ", ".join(labels), 3 * NAME))
    milestone = markup.given(markup.plain, subject.text("milestone"), SHORT_TITLE)
    has_one = markup.Markup(wording["yes"]) if subject.flag("has_milestone") else None
    yield from field(wording["field.milestone"], milestone or has_one)
    yield from field(wording["field.due"], date(subject.text("due_date"), wording))
    severity = wording.get(f"severity.{subject.text('severity').lower()}")
    yield from field(wording["field.severity"], markup.Markup(severity) if severity else None)


def votes_of(state: State) -> dict[str, str]:
    """What reviewers have said, by their user names, since a change last annulled it."""
    reset = state.facts.get("reset")
    return {
        name: Payload(fact.value).text("vote")
        for name, fact in state.each("vote")
        if Payload(fact.value).text("vote") and not (reset and fact.order <= reset.order)
    }


def _names(users: Iterable[Payload], votes: dict[str, str]) -> markup.Markup | None:
    shown = []
    for user in list(users)[:MOST_NAMES]:
        name = name_of(user)
        if name:
            vote = VOTE_ICONS.get(votes.get(user.text("username"), ""), "")
            shown.append(f"{name} {vote}".rstrip())
    return markup.Markup(", ".join(shown)) if shown else None


def name_of(user: Payload) -> markup.Markup | None:
    """The name of somebody, who may be nobody."""
    return markup.given(markup.plain, first((user.text("name"), user.text("username"))), NAME)


def icon_of_pipeline(pipeline: Payload) -> str:
    """How a pipeline stands."""
    return _PIPELINE_ICONS.get(pipeline.text("status"), ON_THE_WAY)


def line_of_pipeline(pipeline: Payload, wording: Wording) -> markup.Markup:
    """A pipeline in a line, with its jobs that have failed."""
    shown = markup.Markup(f"#{number(pipeline.text('id')) or '?'}")
    return markup.fill(
        wording["root.ran"],
        icon=markup.Markup(icon_of_pipeline(pipeline)),
        pipeline=markup.link(shown, pipeline.text("url")),
        jobs=failed_jobs(pipeline),
    )


def failed_jobs(pipeline: Payload) -> markup.Markup | None:
    """Their names, if the pipeline has failed."""
    jobs = [job.text() for job in pipeline.elements("jobs")]
    return (
        markup.given(markup.plain, ", ".join(jobs), BRANCH) if pipeline.text("status") == "failed" else None
    )


def comment_mark(state: State) -> list[str]:
    """How many comments there are, if there are some."""
    comments = state.counts.get("comments", 0)
    return [f"💬 {comments}"] if comments else []


def activity(state: State, wording: Wording) -> list[Field]:
    """How much has happened, as far as the relay has heard of it."""
    counted = [
        wording[f"root.{name}.{'one' if count == 1 else 'many'}"].format(count=count)
        for name in ("commits", "comments")
        if (count := state.counts.get(name, 0))
    ]
    return field(wording["field.activity"], markup.Markup(", ".join(counted)) if counted else None)


def _number(value: Payload, key: str) -> float:
    found = value.mapping().get(key)
    return float(found) if isinstance(found, int | float) else 0.0
