"""Pushes of a tag."""

from relays import markup
from relays.gitlab.events.common import BRANCH, ICON, NAME, PROJECT, USERNAME, project_of, user_of
from relays.gitlab.events.push import is_nothing
from relays.gitlab.payload import Payload
from relays.message import Message
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message:
    """Who created or deleted which tag."""
    text = markup.fill(
        wording["tag.deleted" if is_nothing(payload.text("after")) else "tag.created"],
        user=markup.bold(user_of(payload, wording), NAME),
        project=markup.bold(project_of(payload, wording), PROJECT),
        tag=markup.code(payload.text("ref").removeprefix("refs/tags/"), BRANCH),
    )
    return Message(username=USERNAME, icon_emoji=ICON, text=text)
