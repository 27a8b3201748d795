"""Pipelines that have ended."""

from relays import markup
from relays.gitlab.events.common import BRANCH, COLORS, NAME, NUMBER, OTHER_COLOR, Sentence, box
from relays.gitlab.payload import Payload
from relays.message import Field, Message
from relays.wording import Wording

# GitLab sends four to six events for each pipeline; the others are on the way to one of these.
_ENDED = ("success", "failed", "canceled")
# Newer GitLab compares with the pipeline before, on the same branch.
_COMPARED = {"fixed": "fixed", "still_failing": "still_failing"}
_MOST_JOBS = 5


def build(payload: Payload, wording: Wording) -> Message | None:
    """How a pipeline ended; None while it goes on, and for one that belongs to another pipeline."""
    pipeline = payload.at("object_attributes")
    status = pipeline.text("status")
    if status not in _ENDED or payload.mapping("source_pipeline"):
        return None
    outcome = wording[f"pipeline.{_COMPARED.get(pipeline.text('ref_status_name'), status)}"]
    number = markup.label(pipeline.text("id"), NUMBER)
    fields = [Field(wording["field.branch"], markup.code(pipeline.text("ref"), BRANCH))]
    if seconds := pipeline.number("duration"):
        fields.append(Field(wording["field.duration"], markup.plain(_duration(seconds), NUMBER)))
    if jobs := _failed_jobs(payload):
        fields.append(Field(wording["field.failed_jobs"], markup.plain(", ".join(jobs), BRANCH), short=False))
    return box(
        payload,
        wording,
        COLORS.get(status, OTHER_COLOR),
        lambda limit: markup.fill_label(wording["pipeline.title"], number=number),
        pipeline.text("url"),
        Sentence(markup.Markup(outcome), markup.Label(outcome)),
        fields,
    )


def _failed_jobs(payload: Payload) -> list[str]:
    failed = [
        job.text("name")
        for job in payload.elements("builds")
        if job.text("status") == "failed" and not job.flag("allow_failure")
    ]
    return [name[:NAME] for name in failed[:_MOST_JOBS]]


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes} min {rest:02d} s" if minutes else f"{rest} s"
