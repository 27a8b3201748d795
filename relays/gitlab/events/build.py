"""Jobs that have ended, which GitLab calls builds."""

from relays import markup
from relays.gitlab.events.common import BRANCH, NAME, PROJECT, line, project_of
from relays.gitlab.payload import Payload
from relays.message import Message
from relays.wording import Wording

_ENDED = ("success", "failed", "canceled")


def build(payload: Payload, wording: Wording) -> Message | None:
    """How a job ended; None while it goes on."""
    status = payload.text("build_status")
    if status not in _ENDED:
        return None
    outcome = "allowed" if status == "failed" and payload.flag("build_allow_failure") else status
    address = f"{payload.text('project', 'web_url')}/-/jobs/{payload.text('build_id')}"
    return line(
        wording[f"job.{outcome}"],
        job=markup.link(markup.code(payload.text("build_name"), NAME), address),
        project=markup.bold(project_of(payload, wording), PROJECT),
        ref=markup.code(payload.text("ref"), BRANCH),
    )
