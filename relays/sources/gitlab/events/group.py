"""Groups that come and go."""

from collections.abc import Mapping

from relays.mattermost.message import Message
from relays.sources.gitlab.event_kind import EventKind, gitlab_name
from relays.sources.gitlab.events.namespace import announcement
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# The actions by the names that are documented for group and system hooks.
_KNOWN: Mapping[str, str] = {
    "group_create": "created",
    "group_destroy": "deleted",
    "group_rename": "renamed",
    "subgroup_create": "created",
    "subgroup_destroy": "deleted",
}


class Group(EventKind):
    """A group comes, goes or changes its name."""

    name = "group"
    gitlab_names = tuple(_KNOWN)
    actions = ("created", "deleted", "renamed")
    triggers = ()

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Which group was created, deleted or renamed, by its full path."""
        return announcement(payload, wording[f"group.{_KNOWN[gitlab_name(payload)]}"])

    def actions_of(self, payload: Payload) -> tuple[str]:
        return (_KNOWN[gitlab_name(payload)],)
