"""Tokens that are about to expire."""

from collections.abc import Mapping

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.event_kind import EventKind, gitlab_name
from relays.sources.gitlab.events.common import NAME, PROJECT, date, line, linked, project_of
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# Where the settings of a project list them.
_PAGES: Mapping[str, str] = {"access_token": "access_tokens", "deploy_token": "repository"}


class Token(EventKind):
    """A token that is about to expire; of deploy tokens GitLab warns since 18.10."""

    name = "token"
    gitlab_names = ("access_token", "deploy_token")
    actions = ("expiring",)
    triggers = ("resource_access_token_events", "resource_deploy_token_events")

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Which token of a project or a group expires when, or that something else became of it."""
        kind = gitlab_name(payload)
        token = payload.at("object_attributes")
        address = f"{payload.text('project', 'web_url')}/-/settings/{_PAGES[kind]}"
        day = date(token.text("expires_at"), wording)
        when = markup.fill(wording["token.on" if day else "token.soon"], date=day)
        return line(
            wording[f"token.{kind}.{_action(payload) or 'other'}"],
            token=linked(markup.given(markup.code, token.text("name"), NAME), address),
            project=markup.given(markup.bold, project_of(payload, wording), PROJECT),
            when=when,
        )

    def actions_of(self, payload: Payload) -> tuple[str]:
        return (_action(payload),)


def _action(payload: Payload) -> str:
    """expiring, or nothing if it is something else."""
    # As documented there is nothing else yet; the payloads of a group may lack the name.
    name = payload.text("event_name")
    return "expiring" if not name or name.startswith("expiring_") else ""
