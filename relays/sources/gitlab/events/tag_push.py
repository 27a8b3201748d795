"""Pushes of a tag."""

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events.common import (
    BRANCH,
    NAME,
    PROJECT,
    SHORT_TITLE,
    line,
    linked,
    project_of,
    unsigned,
    user_of,
)
from relays.sources.gitlab.events.ref import action_of, is_moved
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording


class TagPush(EventKind):
    """A push of a tag."""

    name = "tag_push"
    gitlab_names = ("tag_push",)
    actions = ("create", "update", "delete")
    triggers = ("tag_push_events",)
    author_at = ("user_username",)

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Who created, moved or deleted which tag, and what an annotated one says."""
        name = payload.text("ref").removeprefix("refs/tags/")
        tag = markup.given(markup.code, name, BRANCH)
        change = _change(payload)
        said = "" if change == "deleted" else unsigned(payload.text("message"))
        return line(
            wording[f"tag_push.{change}"] + wording["tag_push.message"],
            user=markup.bold(user_of(payload, wording), NAME),
            project=markup.given(markup.bold, project_of(payload, wording), PROJECT),
            tag=tag
            if change == "deleted"
            else linked(tag, f"{payload.text('project', 'web_url')}/-/tags/{name}"),
            message=markup.given(markup.plain, said, SHORT_TITLE),
        )

    def actions_of(self, payload: Payload) -> tuple[str]:
        return (action_of(payload),)


def _change(payload: Payload) -> str:
    action = action_of(payload)
    if action == "update":
        return "moved" if is_moved(payload) else "other"
    return {"create": "created", "delete": "deleted"}[action]
