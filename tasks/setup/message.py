"""The first message: GitLab is asked to send its relay a test event, which has to arrive in a channel of Mattermost."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from tasks.context import HOOK_NAME, gitlab_api, mattermost_api
from tasks.operations.api import Api, ApiError
from tasks.operations.gitlab import project_at
from tasks.operations.mattermost import find_channel
from tasks.site import Site

_SECONDS = 30
# For a test event that was announced by an earlier run, which the relay knows again.
_SECONDS_AGAIN = 10


@dataclass(frozen=True)
class Arrived:
    """The address of a message, and whether this run has brought it."""

    address: str
    is_new: bool


def send_first(site: Site) -> Arrived | None:
    """The message that a test event of GitLab has brought; where it is one that was announced before, the newest.

    None if nothing has come. Raises ResourceError if the applications do not answer.
    """
    chat, forge = mattermost_api(site), gitlab_api(site, site.gitlab.token)
    channels = list(_channels(site, chat))
    before = [post for channel in channels for post in _posts(chat, channel)]
    at = project_at(site.gitlab.project)
    hook = next(hook for hook in forge.pages(f"{at}/hooks") if hook.get("name") == HOOK_NAME)
    try:
        forge.call("POST", f"{at}/hooks/{hook['id']}/test/push_events")
    except ApiError as error:
        if error.status not in (422, 429):  # a project without a commit; tested too often
            raise
        return None
    deadline = time.monotonic() + (_SECONDS_AGAIN if before else _SECONDS)
    while time.monotonic() < deadline:
        for channel in channels:
            for post in _posts(chat, channel):
                if post not in before:
                    return Arrived(_address(site, post), is_new=True)
        time.sleep(0.3)
    return Arrived(_address(site, before[0]), is_new=False) if before else None


def _address(site: Site, post: str) -> str:
    return f"{site.mattermost.url}/{site.mattermost.team}/pl/{post}"


def channel_address(site: Site) -> str:
    """Where the messages of GitLab are to be read."""
    return f"{site.mattermost.url}/{site.mattermost.team}/channels/{site.mattermost.gitlab_webhook.channel}"


def _channels(site: Site, chat: Api) -> Iterator[str]:
    """The numbers of the channels in which an event of GitLab may be announced."""
    names = [
        site.mattermost.gitlab_webhook.channel,
        *(name for route in site.gitlab.routes for name in route.channels),
    ]
    for name in dict.fromkeys(names):
        found = find_channel(chat, site.mattermost.team, name)
        if found is not None:
            yield str(found["id"])


def _posts(chat: Api, channel: str) -> list[str]:
    """The numbers of the newest posts of a channel that are messages, not notes of the system's."""
    answer: dict[str, Any] = chat.call("GET", f"/api/v4/channels/{channel}/posts?per_page=30")
    posts = answer["posts"]
    return [number for number in answer["order"] if not posts[number].get("type", "").startswith("system_")]
