"""A state as the first post of its conversation: a line that can be read at a glance, and a box with what is known.

The icon at the beginning says how things stand; what changes all the time is in the box, for Mattermost may forbid to
edit the text of a post that is old, and not its box (measured on 5.37, read in 11.6).
"""

from collections.abc import Callable, Collection, Iterable, Iterator

from relays.mattermost import markup
from relays.mattermost.message import Attachment, Button, Field, Message
from relays.sources.gitlab.conversations import fields
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
)
from relays.sources.gitlab.events.pipeline import duration
from relays.sources.gitlab.events.subject import title_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

_DEPLOYMENT_ICONS = {"success": "🚀", "failed": "❌", "canceled": "⏹️", "blocked": "⏸️"}
_STATE_COLORS = {"opened": COLORS["open"], "merged": COLORS["merge"], "closed": COLORS["close"]}

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
    votes = fields.votes_of(state)
    approved, against = ([name for name, vote in votes.items() if vote == each] for each in fields.VOTE_ICONS)
    pipeline = pipeline_of_head(state)
    ran = pipeline and fields.icon_of_pipeline(pipeline)
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
        yield from fields.status(state, wording)
        for end in ("source", "target"):
            branch = markup.given(markup.plain, subject.text(f"{end}_branch"), BRANCH)
            yield from field(wording[f"field.{end}"], branch)
        yield from fields.people(state, wording, votes)
        if pipeline:
            yield from field(wording["field.pipeline"], fields.line_of_pipeline(pipeline, wording))
        deployed = [
            f"{_DEPLOYMENT_ICONS.get(Payload(fact.value).text('status'), fields.ON_THE_WAY)} {name}"
            for name, fact in state.each("deployment")
        ]
        shown = markup.given(markup.plain, ", ".join(deployed[: fields.MOST_NAMES]), 3 * NAME)
        yield from field(wording["field.deployments"], shown)
        yield from fields.activity(state, wording)

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
        [*marks, *fields.comment_mark(state)],
        rows(),
    )


def _of_issue(state: State, wording: Wording) -> _Shown:
    subject, status = state.of("subject"), state.of("subject").text("state")

    def rows() -> Iterator[Field]:
        yield from fields.status(state, wording)
        yield from fields.people(state, wording, {})
        yield from fields.activity(state, wording)

    return (
        "☑️" if status == "closed" else "🚨" if subject.text("type").lower() == "incident" else "🟢",
        lambda limit: title_of("issue", subject, wording, limit),
        subject.text("url"),
        _STATE_COLORS.get(status, OTHER_COLOR),
        fields.comment_mark(state),
        rows(),
    )


def _of_pipeline(state: State, wording: Wording) -> _Shown:
    pipeline = state.of("pipeline")
    branch = markup.given(markup.label, pipeline.text("ref") or state.of("name").text(), BRANCH)

    def rows() -> Iterator[Field]:
        yield from fields.project(state, wording)
        yield from field(wording["field.branch"], markup.from_label(branch) if branch else None)
        commit = pipeline.at("commit")
        shown = commit_line(commit.text("id"), commit.text("url"), commit.text("title"))
        yield from field(wording["field.commit"], shown, short=False)
        yield from field(wording["field.user"], fields.name_of(pipeline.at("user")))
        if seconds := pipeline.number("duration"):
            yield Field(wording["field.duration"], markup.plain(duration(seconds), NUMBER))
        yield from field(wording["field.failed_jobs"], fields.failed_jobs(pipeline))

    return (
        fields.icon_of_pipeline(pipeline),
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
        yield from fields.project(state, wording)
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
        yield from fields.project(state, wording)
        yield from field(wording["field.ref"], markup.given(markup.code, deployment.text("ref"), BRANCH))
        shown = commit_line(
            deployment.text("short_sha"), deployment.text("commit_url"), deployment.text("commit_title")
        )
        yield from field(wording["field.commit"], shown, short=False)
        yield from field(wording["field.user"], fields.name_of(deployment.at("user")))

    return (
        _DEPLOYMENT_ICONS.get(status, fields.ON_THE_WAY),
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
