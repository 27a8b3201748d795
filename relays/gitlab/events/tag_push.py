"""Pushes of a tag."""

from relays import markup
from relays.gitlab.events.common import (
    BRANCH,
    NAME,
    PROJECT,
    SHORT_TITLE,
    is_nothing,
    line,
    linked,
    project_of,
    unsigned,
    user_of,
)
from relays.gitlab.payload import Payload
from relays.message import Message
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message:
    """Who created or deleted which tag, and what an annotated one says."""
    name = payload.text("ref").removeprefix("refs/tags/")
    tag = markup.given(markup.code, name, BRANCH)
    deleted = is_nothing(payload.text("after"))
    message = markup.given(markup.plain, unsigned(payload.text("message")), SHORT_TITLE)
    kind = "deleted" if deleted else "annotated" if message else "created"
    return line(
        wording[f"tag.{kind}"],
        user=markup.bold(user_of(payload, wording), NAME),
        project=markup.given(markup.bold, project_of(payload, wording), PROJECT),
        tag=tag if deleted else linked(tag, f"{payload.text('project', 'web_url')}/-/tags/{name}"),
        message=message,
    )
