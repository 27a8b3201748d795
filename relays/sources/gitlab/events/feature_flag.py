"""Feature flags."""

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.events.common import NAME, PROJECT, line, project_of, user_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message:
    """Who switched which flag on or off."""
    active = payload.mapping("object_attributes").get("active")
    state = "on" if active is True else "off" if active is False else "changed"
    return line(
        wording[f"feature_flag.{state}"],
        user=markup.bold(user_of(payload, wording), NAME),
        flag=markup.given(markup.code, payload.text("object_attributes", "name"), NAME),
        project=markup.given(markup.bold, project_of(payload, wording), PROJECT),
    )
