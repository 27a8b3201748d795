"""Jobs, which GitLab calls builds."""

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.events.common import BRANCH, NAME, PROJECT, line, linked, project_of, state_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

_TOLD = ("success", "failed", "canceled", "manual")


def build(payload: Payload, wording: Wording) -> Message:
    """How a job ended, or what it has come to."""
    status = payload.text("build_status")
    outcome = status if status in _TOLD else "other"
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
