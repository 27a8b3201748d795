"""Projects and groups: what the messages about those that come, go and move have in common."""

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.events.common import BRANCH, first, line
from relays.sources.gitlab.payload import Payload


def announcement(payload: Payload, said: str) -> Message:
    """What became of it, by its full path and the former one."""
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
        said,
        path=markup.given(markup.code, first(paths), BRANCH),
        former=markup.given(markup.code, first(former), BRANCH),
    )
