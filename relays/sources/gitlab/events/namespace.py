"""Projects and groups that come, go and move."""

from collections.abc import Mapping

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.events.common import BRANCH, first, kind_of, line
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# The name of the event, as documented for group and system hooks, and the wording.
WORDINGS: Mapping[str, str] = {
    "project_create": "project.created",
    "project_destroy": "project.deleted",
    "project_rename": "project.renamed",
    "project_transfer": "project.moved",
    "group_create": "group.created",
    "group_destroy": "group.deleted",
    "group_rename": "group.renamed",
    "subgroup_create": "group.created",
    "subgroup_destroy": "group.deleted",
}


def build(payload: Payload, wording: Wording) -> Message:
    """Which project or group was created, deleted, renamed or moved, by its full path."""
    paths = (
        payload.text("path_with_namespace"),
        payload.text("full_path"),
        payload.text("path"),
        payload.text("name"),
    )
    former = (
        payload.text("old_path_with_namespace"),
        payload.text("old_full_path"),
        payload.text("old_path"),
    )
    return line(
        wording[WORDINGS[kind_of(payload)]],
        path=markup.given(markup.code, first(paths), BRANCH),
        former=markup.given(markup.code, first(former), BRANCH),
    )
