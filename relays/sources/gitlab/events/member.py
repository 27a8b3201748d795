"""People who join and leave projects and groups, and their accounts."""

from collections.abc import Mapping

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.events.common import NAME, PROJECT, SHOWN_PROJECT, first, kind_of, line
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# The name of the event, as documented for group and system hooks, and the wording.
WORDINGS: Mapping[str, str] = {
    "user_add_to_group": "member.group.added",
    "user_update_for_group": "member.group.updated",
    "user_remove_from_group": "member.group.removed",
    "user_access_request_to_group": "member.group.asked",
    "user_access_request_denied_for_group": "member.group.denied",
    "user_access_request_revoked_for_group": "member.group.revoked",
    "user_add_to_team": "member.project.added",
    "user_update_for_team": "member.project.updated",
    "user_remove_from_team": "member.project.removed",
    "user_access_request_to_project": "member.project.asked",
    "user_access_request_revoked_for_project": "member.project.revoked",
    "user_create": "account.created",
    "user_destroy": "account.deleted",
    "user_rename": "account.renamed",
}


def build(payload: Payload, wording: Wording) -> Message:
    """Who joined, left or asked to join what and as what, or whose account came, went or changed its name."""
    projects = (payload.text(SHOWN_PROJECT), payload.text("project_name"), payload.text("project_path"))
    place = (payload.text("group_name"), *projects)
    roles = (payload.text("group_access"), payload.text("access_level"), payload.text("project_access"))
    names = (payload.text("user_name"), payload.text("name"), payload.text("user_username"))
    accounts = (payload.text("username"), payload.text("user_username"))
    return line(
        wording[WORDINGS[kind_of(payload)]],
        user=markup.bold(first(names) or wording["someone"], NAME),
        place=markup.given(markup.bold, first(place), PROJECT),
        role=markup.given(markup.plain, wording.get(f"role.{first(roles)}", first(roles)), NAME),
        account=markup.given(markup.code, first(accounts), NAME),
        former=markup.given(markup.code, payload.text("old_username"), NAME),
    )
