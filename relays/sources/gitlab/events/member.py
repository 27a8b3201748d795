"""People who join and leave projects and groups."""

from collections.abc import Mapping

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.event_kind import EventKind, gitlab_name
from relays.sources.gitlab.events.common import NAME, PROJECT, SHOWN_PROJECT, first, line
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# What is joined or left, and the action, by the names that are documented for group and system hooks.
_KNOWN: Mapping[str, tuple[str, str]] = {
    "user_add_to_group": ("group", "added"),
    "user_update_for_group": ("group", "updated"),
    "user_remove_from_group": ("group", "removed"),
    "user_access_request_to_group": ("group", "asked"),
    "user_access_request_denied_for_group": ("group", "denied"),
    "user_access_request_revoked_for_group": ("group", "revoked"),
    "user_add_to_team": ("project", "added"),
    "user_update_for_team": ("project", "updated"),
    "user_remove_from_team": ("project", "removed"),
    "user_access_request_to_project": ("project", "asked"),
    "user_access_request_revoked_for_project": ("project", "revoked"),
}


class Member(EventKind):
    """Somebody joins, leaves or asks to join."""

    name = "member"
    gitlab_names = tuple(_KNOWN)
    actions = ("added", "updated", "removed", "asked", "denied", "revoked")
    triggers = ()

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Who joined, left or asked to join what and as what."""
        of, action = _KNOWN[gitlab_name(payload)]
        projects = (payload.text(SHOWN_PROJECT), payload.text("project_name"), payload.text("project_path"))
        place = (payload.text("group_name"), *projects)
        roles = (payload.text("group_access"), payload.text("access_level"), payload.text("project_access"))
        names = (payload.text("user_name"), payload.text("name"), payload.text("user_username"))
        return line(
            wording[f"member.{of}.{action}"],
            user=markup.bold(first(names) or wording["someone"], NAME),
            place=markup.given(markup.bold, first(place), PROJECT),
            role=markup.given(markup.plain, wording.get(f"role.{first(roles)}", first(roles)), NAME),
        )

    def actions_of(self, payload: Payload) -> tuple[str]:
        return (_KNOWN[gitlab_name(payload)][1],)
