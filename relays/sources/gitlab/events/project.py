"""Projects that come, go and move."""

from collections.abc import Mapping

from relays.mattermost.message import Message
from relays.sources.gitlab.event_kind import EventKind, gitlab_name
from relays.sources.gitlab.events.namespace import announcement
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# The actions by the names that are documented for group and system hooks.
_KNOWN: Mapping[str, str] = {
    "project_create": "created",
    "project_destroy": "deleted",
    "project_rename": "renamed",
    "project_transfer": "moved",
}


class Project(EventKind):
    """A project comes, goes, moves or changes its name."""

    name = "project"
    gitlab_names = tuple(_KNOWN)
    actions = ("created", "deleted", "renamed", "moved")
    triggers = ()

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Which project was created, deleted, renamed or moved, by its full path."""
        return announcement(payload, wording[f"project.{_KNOWN[gitlab_name(payload)]}"])

    def actions_of(self, payload: Payload) -> tuple[str]:
        return (_KNOWN[gitlab_name(payload)],)
