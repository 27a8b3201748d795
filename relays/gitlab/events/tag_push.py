"""Pushes of a tag."""

from relays import markup
from relays.gitlab.events.common import (
    BRANCH,
    NAME,
    PROJECT,
    SHORT_TITLE,
    is_nothing,
    line,
    project_of,
    user_of,
)
from relays.gitlab.payload import Payload
from relays.message import Message
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message:
    """Who created or deleted which tag, and what an annotated one says."""
    name = payload.text("ref").removeprefix("refs/tags/")
    tag = markup.code(name, BRANCH)
    deleted = is_nothing(payload.text("after"))
    said = payload.text("message").strip()
    kind = "deleted" if deleted else "annotated" if said else "created"
    return line(
        wording[f"tag.{kind}"],
        user=markup.bold(user_of(payload, wording), NAME),
        project=markup.bold(project_of(payload, wording), PROJECT),
        tag=tag if deleted else markup.link(tag, f"{payload.text('project', 'web_url')}/-/tags/{name}"),
        message=markup.plain(said, SHORT_TITLE),
    )
