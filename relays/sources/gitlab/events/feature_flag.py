"""Feature flags."""

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events.common import NAME, PROJECT, line, project_of, user_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording


class FeatureFlag(EventKind):
    """A feature flag."""

    name = "feature_flag"
    gitlab_names = ("feature_flag",)
    actions = ("on", "off")
    triggers = ("feature_flag_events",)
    author_at = ("user", "username")

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Who switched which flag on or off."""
        return line(
            wording[f"feature_flag.{_state(payload) or 'changed'}"],
            user=markup.bold(user_of(payload, wording), NAME),
            flag=markup.given(markup.code, payload.text("object_attributes", "name"), NAME),
            project=markup.given(markup.bold, project_of(payload, wording), PROJECT),
        )

    def actions_of(self, payload: Payload) -> tuple[str]:
        return (_state(payload),)


def _state(payload: Payload) -> str:
    """on, off, or nothing if it is not said."""
    active = payload.mapping("object_attributes").get("active")
    return "on" if active is True else "off" if active is False else ""
