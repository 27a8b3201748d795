"""A state as the first post of its conversation: a line that can be read at a glance, and a box with what is known.

The icon at the beginning says how things stand; what changes all the time is in the box, for Mattermost may forbid to
edit the text of a post that is old, and not its box (measured on 5.37, read in 11.6).
"""

from collections.abc import Callable, Collection, Iterable, Iterator
from datetime import UTC, datetime

from relays.mattermost import markup
from relays.mattermost.message import Attachment, Button, Field, Message
from relays.sources.gitlab.conversations.actions import actions_on, pipeline_of_head
from relays.sources.gitlab.conversations.state import State
from relays.sources.gitlab.events.common import (
    BRANCH,
    COLORS,
    ICON,
    NAME,
    NUMBER,
    OTHER_COLOR,
    PROJECT,
    SHORT_TITLE,
    TITLE,
    USERNAME,
    commit_line,
    date,
    field,
    first,
    linked,
    number,
    state_of,
)
from relays.sources.gitlab.events.pipeline import duration
from relays.sources.gitlab.events.subject import title_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

_MOST_NAMES = 10
_PIPELINE_ICONS = {"success": "✅", "failed": "❌", "canceled": "⏹️", "manual": "⏸️"}
_DEPLOYMENT_ICONS = {"success": "🚀", "failed": "❌", "canceled": "⏹️", "blocked": "⏸️"}
_ON_THE_WAY = "▶️"
_STATE_COLORS = {"opened": COLORS["open"], "merged": COLORS["merge"], "closed": COLORS["close"]}
_VOTE_ICONS = {"approved": "👍", "changes": "✋"}

Rows = Iterable[Field]


def render(
    kind: str, state: State, wording: Wording, detail: str, about: str = "", actions: Collection[str] = ()
) -> Message:
    """The root of a conversation of this kind; in one line if the detail is `short`.

    `about` is what its channel calls the conversation, and `actions` are those that the site has buttons for.
    """
    if state.of("withdrawn").flag() and not state.of("confidential").flag():
        hidden = Payload({**{key: state.of("subject").text(key) for key in ("iid", "type")}})
        shown = markup.from_label(title_of("issue", hidden, wording))
        text = markup.fill(wording["root.withdrawn"], title=linked(shown, state.of("subject").text("url")))
        return Message(USERNAME, ICON, summary=text, text=text)
    icon, title, url, color, marks, rows = _SHOWN[kind](state, wording)
    project = state.of("project").text("shown")
    where = markup.given(markup.plain, project, PROJECT)
    text = markup.fill(
        wording["root.line"],
        icon=markup.Markup(icon),
        title=linked(markup.from_label(title(TITLE)), url),
        project=where,
        marks=markup.Markup(" ".join(marks)) if marks else None,
    )
    fallback = markup.fill_label(
        wording["root.line"],
        icon=markup.Label(icon),
        title=title(SHORT_TITLE),
        project=markup.given(markup.label, project, NAME),
        marks=None,
    )
    buttons = [
        Button(action, markup.Label(wording[f"button.{action}"]), about)
        for action in actions_on(kind, state)
        if action in actions
    ]
    box = Attachment(color, markup.Label(""), markup.Markup(""), fallback, list(rows), buttons=buttons)
    return Message(USERNAME, ICON, summary=text, text=text, attachment=None if detail == "short" else box)


_Shown = tuple[str, Callable[[int], markup.Label], str, str, list[str], Rows]


def _of_merge_request(state: State, wording: Wording) -> _Shown:
    subject, status = state.of("subject"), state.of("subject").text("state")
    votes = _votes(state)
    approved, against = ([name for name, vote in votes.items() if vote == each] for each in _VOTE_ICONS)
    pipeline = pipeline_of_head(state)
    ran = pipeline and _icon_of_pipeline(pipeline)
    if status in ("merged", "closed"):
        icon = {"merged": "🟣", "closed": "⛔"}[status]
    elif subject.flag("draft"):
        icon = "📝"
    else:
        icon = "❌" if ran == "❌" else "✋" if against else "👍" if approved else "🟢"
    marks = [
        *([ran] if ran and ran != icon else []),
        *(f"{sign} {len(names)}" for sign, names in (("👍", approved), ("✋", against)) if names),
    ]

    def rows() -> Iterator[Field]:
        yield from _status(state, wording)
        for end in ("source", "target"):
            branch = markup.given(markup.plain, subject.text(f"{end}_branch"), BRANCH)
            yield from field(wording[f"field.{end}"], branch)
        yield from _people(state, wording, votes)
        if pipeline:
            yield from field(wording["field.pipeline"], _line_of_pipeline(pipeline, wording))
        deployed = [
            f"{_DEPLOYMENT_ICONS.get(Payload(fact.value).text('status'), _ON_THE_WAY)} {name}"
            for name, fact in state.each("deployment")
        ]
        shown = markup.given(markup.plain, ", ".join(deployed[:_MOST_NAMES]), 3 * NAME)
        yield from field(wording["field.deployments"], shown)
        yield from _activity(state, wording)

    color = (
        OTHER_COLOR
        if status == "opened" and subject.flag("draft")
        else _STATE_COLORS.get(status, OTHER_COLOR)
    )
    return (
        icon,
        lambda limit: title_of("merge_request", subject, wording, limit),
        subject.text("url"),
        color,
        [*marks, *_comments(state)],
        rows(),
    )


def _of_issue(state: State, wording: Wording) -> _Shown:
    subject, status = state.of("subject"), state.of("subject").text("state")

    def rows() -> Iterator[Field]:
        yield from _status(state, wording)
        yield from _people(state, wording, {})
        yield from _activity(state, wording)

    return (
        "☑️" if status == "closed" else "🚨" if subject.text("type").lower() == "incident" else "🟢",
        lambda limit: title_of("issue", subject, wording, limit),
        subject.text("url"),
        _STATE_COLORS.get(status, OTHER_COLOR),
        _comments(state),
        rows(),
    )


def _of_pipeline(state: State, wording: Wording) -> _Shown:
    pipeline = state.of("pipeline")
    branch = markup.given(markup.label, pipeline.text("ref") or state.of("name").text(), BRANCH)

    def rows() -> Iterator[Field]:
        yield from _project(state, wording)
        yield from field(wording["field.branch"], markup.from_label(branch) if branch else None)
        commit = pipeline.at("commit")
        shown = commit_line(commit.text("id"), commit.text("url"), commit.text("title"))
        yield from field(wording["field.commit"], shown, short=False)
        yield from field(wording["field.user"], _name(pipeline.at("user")))
        if seconds := pipeline.number("duration"):
            yield Field(wording["field.duration"], markup.plain(duration(seconds), NUMBER))
        yield from field(wording["field.failed_jobs"], _jobs(pipeline))

    return (
        _icon_of_pipeline(pipeline),
        lambda limit: markup.fill_label(
            wording["root.pipeline"], number=number(pipeline.text("id")), branch=branch
        ),
        pipeline.text("url"),
        COLORS.get(pipeline.text("status"), OTHER_COLOR),
        [],
        rows(),
    )


def _of_release(state: State, wording: Wording) -> _Shown:
    release = state.of("release")
    is_gone = release.text("action") == "delete"

    def rows() -> Iterator[Field]:
        yield from _project(state, wording)
        yield from field(wording["field.tag"], markup.given(markup.code, release.text("tag"), BRANCH))
        yield from field(wording["field.date"], date(release.text("created_at"), wording))

    return (
        "🗑️" if is_gone else "🎁",
        lambda limit: markup.fill_label(
            wording["release.title"],
            title=markup.given(markup.label, first((release.text("name"), release.text("tag"))), limit),
        ),
        "" if is_gone else release.text("url"),
        COLORS["delete" if is_gone else "create"],
        [],
        rows(),
    )


def _of_environment(state: State, wording: Wording) -> _Shown:
    name = state.of("name").text()
    deployment = state.of(f"deployment {name}")
    status = deployment.text("status")

    def rows() -> Iterator[Field]:
        yield from _project(state, wording)
        yield from field(wording["field.ref"], markup.given(markup.code, deployment.text("ref"), BRANCH))
        shown = commit_line(
            deployment.text("short_sha"), deployment.text("commit_url"), deployment.text("commit_title")
        )
        yield from field(wording["field.commit"], shown, short=False)
        yield from field(wording["field.user"], _name(deployment.at("user")))

    return (
        _DEPLOYMENT_ICONS.get(status, _ON_THE_WAY),
        lambda limit: markup.fill_label(
            wording["root.environment"], name=markup.given(markup.label, name, limit)
        ),
        deployment.text("environment_external_url") or deployment.text("deployable_url"),
        COLORS.get(status, OTHER_COLOR),
        [],
        rows(),
    )


_SHOWN: dict[str, Callable[[State, Wording], _Shown]] = {
    "merge_request": _of_merge_request,
    "issue": _of_issue,
    "pipeline": _of_pipeline,
    "release": _of_release,
    "environment": _of_environment,
}


def _project(state: State, wording: Wording) -> list[Field]:
    project = state.of("project").text("shown")
    return field(wording["field.project"], markup.given(markup.plain, project, PROJECT))


def _status(state: State, wording: Wording) -> Iterator[Field]:
    """Where, and how it stands: open, a draft, or by whom and when it ended."""
    yield from _project(state, wording)
    subject, ended = state.of("subject"), state.of("ended")
    status = subject.text("state")
    shown = markup.given(markup.plain, state_of(status, wording), NAME)
    if status == "opened" and subject.flag("draft"):
        shown = markup.Markup(wording["root.draft"])
    if status in ("closed", "merged") and ended.text("how") in ("close", "merge"):
        day = datetime.fromtimestamp(_number(ended, "at"), UTC).strftime(wording["date_format"])
        when = markup.plain(day, NUMBER) if _number(ended, "at") else None
        shown = markup.fill(wording["root.ended"], status=shown, user=_name(ended), date=when)
    yield from field(wording["field.status"], shown)


def _people(state: State, wording: Wording, votes: dict[str, str]) -> Iterator[Field]:
    """Who has to do with it, and what else is planned."""
    subject = state.of("subject")
    yield from field(wording["field.author"], _name(state.of("author")))
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


def _votes(state: State) -> dict[str, str]:
    """What reviewers have said, by their user names, since a change last annulled it."""
    reset = state.facts.get("reset")
    return {
        name: Payload(fact.value).text("vote")
        for name, fact in state.each("vote")
        if Payload(fact.value).text("vote") and not (reset and fact.order <= reset.order)
    }


def _names(users: Iterable[Payload], votes: dict[str, str]) -> markup.Markup | None:
    shown = []
    for user in list(users)[:_MOST_NAMES]:
        name = _name(user)
        if name:
            vote = _VOTE_ICONS.get(votes.get(user.text("username"), ""), "")
            shown.append(f"{name} {vote}".rstrip())
    return markup.Markup(", ".join(shown)) if shown else None


def _name(user: Payload) -> markup.Markup | None:
    return markup.given(markup.plain, first((user.text("name"), user.text("username"))), NAME)


def _icon_of_pipeline(pipeline: Payload) -> str:
    return _PIPELINE_ICONS.get(pipeline.text("status"), _ON_THE_WAY)


def _line_of_pipeline(pipeline: Payload, wording: Wording) -> markup.Markup:
    shown = markup.Markup(f"#{number(pipeline.text('id')) or '?'}")
    return markup.fill(
        wording["root.ran"],
        icon=markup.Markup(_icon_of_pipeline(pipeline)),
        pipeline=markup.link(shown, pipeline.text("url")),
        jobs=_jobs(pipeline),
    )


def _jobs(pipeline: Payload) -> markup.Markup | None:
    jobs = [job.text() for job in pipeline.elements("jobs")]
    return (
        markup.given(markup.plain, ", ".join(jobs), BRANCH) if pipeline.text("status") == "failed" else None
    )


def _comments(state: State) -> list[str]:
    comments = state.counts.get("comments", 0)
    return [f"💬 {comments}"] if comments else []


def _activity(state: State, wording: Wording) -> list[Field]:
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
