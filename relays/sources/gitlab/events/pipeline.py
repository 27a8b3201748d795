"""Pipelines."""

from collections.abc import Iterator

from relays.mattermost import markup
from relays.mattermost.message import Field, Message
from relays.sources.gitlab.conversations import facts
from relays.sources.gitlab.conversations.contribution import Contribution, Turn
from relays.sources.gitlab.event_kind import EventKind, as_reply
from relays.sources.gitlab.events.common import (
    BRANCH,
    COLORS,
    NAME,
    NUMBER,
    OTHER_COLOR,
    SHORT_TITLE,
    box,
    commit_line,
    field,
    linked,
    number,
    ref_field,
    state_of,
    state_sentence,
    title_of_commit,
    user_of,
)
from relays.sources.gitlab.noise import ENDS, PROGRESS, of_progress
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# It has ended, or it waits for somebody who starts a job ("manual").
_WORDED = ("success", "failed", "canceled", "manual")
# GitLab 19 compares with the pipeline before, on the same branch.
_COMPARED = {"success": ("fixed",), "failed": ("broken", "still_failing")}
_COLORS = {**COLORS, "manual": COLORS["update"]}


class Pipeline(EventKind):
    """A pipeline."""

    name = "pipeline"
    gitlab_names = ("pipeline",)
    actions = (*ENDS, "fixed", "broken", "still_failing", "manual", *PROGRESS)
    triggers = ("pipeline_events",)
    action_at = ("object_attributes", "status")
    author_at = ("user", "username")
    branch_at = ("object_attributes", "ref")

    def build(self, payload: Payload, wording: Wording) -> Message:
        """How a pipeline ended, or what it has come to."""
        pipeline = payload.at("object_attributes")
        status = pipeline.text("status")
        fields = [*ref_field(pipeline, wording), *_origin(payload, wording)]
        if seconds := pipeline.number("duration"):
            fields.append(Field(wording["field.duration"], markup.plain(duration(seconds), NUMBER)))
        for state in ("failed", "manual"):
            if state in ("failed", status):
                jobs = markup.given(markup.plain, ", ".join(facts.jobs_of_pipeline(payload, state)), BRANCH)
                fields += field(wording[f"field.{state}_jobs"], jobs)
        return box(
            payload,
            wording,
            _COLORS.get(status, OTHER_COLOR),
            lambda limit: markup.fill_label(wording["pipeline.title"], number=number(pipeline.text("id"))),
            pipeline.text("url"),
            state_sentence(wording[f"pipeline.{_outcome(pipeline)}"], state_of(status, wording)),
            fields,
        )

    def actions_of(self, payload: Payload) -> tuple[str, ...]:
        return (*super().actions_of(payload), payload.text("object_attributes", "ref_status_name"))

    def noises(self, payload: Payload, actions: frozenset[str]) -> Iterator[str]:
        if payload.mapping("source_pipeline"):
            yield "child_pipelines"
        yield from of_progress(payload, actions)

    def contribution(self, payload: Payload, project: str, actions: frozenset[str]) -> Contribution | None:
        pipeline = payload.at("object_attributes")
        # A child is a part of another pipeline, which fails with it; a tag has no branch to be sound or broken.
        if payload.mapping("source_pipeline") or pipeline.flag("tag") or not pipeline.number("id"):
            return None
        status, number = pipeline.text("status"), payload.text("merge_request", "iid")
        ended = status in (facts.SOUND, facts.BROKEN)
        return Contribution(
            "merge_request" if number else "pipeline",
            project,
            number or pipeline.text("ref"),
            dict(facts.of_pipeline(payload)),
            turn=Turn("pipeline", facts.order_of_pipeline(pipeline), status) if ended else None,
            branch="" if number else pipeline.text("ref"),
            sha=pipeline.text("sha"),
            number=pipeline.number("id"),
        )

    def reply(self, payload: Payload, wording: Wording) -> Message | None:
        pipeline = payload.at("object_attributes")
        shown = markup.fill_label(wording["pipeline.title"], number=number(pipeline.text("id")))
        below = markup.fill(
            wording["reply.pipeline"],
            pipeline=linked(markup.from_label(shown), pipeline.text("url")),
            jobs=markup.given(markup.plain, ", ".join(facts.jobs_of_pipeline(payload, "failed")), BRANCH),
        )
        return as_reply(self.build(payload, wording)).below([below])


def _outcome(pipeline: Payload) -> str:
    status, compared = pipeline.text("status"), pipeline.text("ref_status_name")
    if compared in _COMPARED.get(status, ()):
        return compared
    if status not in _WORDED:
        return "other"
    return "warnings" if pipeline.text("detailed_status") == "passed with warnings" else status


def _origin(payload: Payload, wording: Wording) -> Iterator[Field]:
    """What it ran for: the merge request or else the commit, and who started it."""
    commit = payload.at("commit")
    if payload.mapping("merge_request"):
        subject = payload.at("merge_request")
        iid = number(subject.text("iid"))
        title = markup.given(markup.plain, f"{f'!{iid}' if iid else ''} {subject.text('title')}", SHORT_TITLE)
        yield from field(wording["field.merge_request"], linked(title, subject.text("url")), short=False)
    else:
        shown = commit_line(commit.text("id"), commit.text("url"), title_of_commit(commit))
        yield from field(wording["field.commit"], shown, short=False)
    if payload.mapping("user"):
        yield Field(wording["field.user"], markup.plain(user_of(payload, wording), NAME))


def duration(seconds: int) -> str:
    """A span of time in minutes and seconds."""
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
