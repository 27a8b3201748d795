"""Jobs, which GitLab calls builds."""

from collections.abc import Iterator

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.conversations import facts
from relays.sources.gitlab.conversations.contribution import Contribution, Turn
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events.common import BRANCH, NAME, PROJECT, line, linked, project_of, state_of
from relays.sources.gitlab.noise import ENDS, PROGRESS, of_progress
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

_WORDED = ("success", "failed", "canceled", "manual")


class Job(EventKind):
    """A job, which GitLab calls a build."""

    name = "job"
    gitlab_names = ("build",)
    actions = (*ENDS, "manual", *PROGRESS)
    triggers = ("job_events",)
    action_at = ("build_status",)
    author_at = ("user", "username")
    branch_at = ("ref",)
    muted_by = "jobs"

    def build(self, payload: Payload, wording: Wording) -> Message:
        """How a job ended, or what it has come to."""
        status = payload.text("build_status")
        outcome = status if status in _WORDED else "other"
        if status == "failed" and payload.flag("build_allow_failure"):
            outcome = "allowed"
        address = f"{payload.text('project', 'web_url')}/-/jobs/{payload.text('build_id')}"
        return line(
            wording[f"job.{outcome}"],
            job=linked(markup.given(markup.code, payload.text("build_name"), NAME), address),
            project=markup.given(markup.bold, project_of(payload, wording), PROJECT),
            status=markup.given(markup.plain, state_of(status, wording), NAME),
            ref=markup.given(markup.code, payload.text("ref"), BRANCH),
        )

    def noises(self, payload: Payload, actions: frozenset[str]) -> Iterator[str]:
        yield from super().noises(payload, actions)
        yield from of_progress(payload, actions)

    def contribution(self, payload: Payload, project: str, actions: frozenset[str]) -> Contribution | None:
        status, number = payload.text("build_status"), payload.number("build_id")
        if payload.flag("tag") or not payload.text("ref"):
            return None
        ended = status in (facts.SOUND, facts.BROKEN) and not payload.flag("build_allow_failure")
        turn = Turn(f"job {payload.text('build_name')[:NAME]}", (float(number),), status) if ended else None
        branch = payload.text("ref")
        return Contribution("pipeline", project, branch, turn=turn, branch=branch, sha=payload.text("sha"))
