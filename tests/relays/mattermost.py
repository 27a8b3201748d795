"""A team in the Mattermost stand-in whose people are in every channel, and what its posts do to them."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from html import unescape
from typing import Any

from lab.standins.mattermost.pages import render
from lab.standins.mattermost.state import text_nodes
from tests.standins.mattermost_server import Site

PEOPLE = ("alice", "bob")


@dataclass
class Team:
    """The people and the channels, by name, each with its id; the hook posts into all of them."""

    site: Site
    people: dict[str, str]
    channels: dict[str, str]

    @property
    def hook_url(self) -> str:
        """The address of the webhook."""
        return f"{self.site.server.url}/hooks/{self.site.hook_id}"

    def bot(self) -> tuple[str, str]:
        """Make a bot that is in all of the channels: the settings that name it, and its token."""
        server = self.site.server
        server.api("PUT", "/config/patch", {"ServiceSettings": {"EnableBotAccountCreation": True}})
        bot = server.api("POST", "/bots", {"username": "passerelle"})["user_id"]
        token = server.api("POST", f"/users/{bot}/tokens", {"description": "relay"})["token"]
        member = {"team_id": self.site.team_id, "user_id": bot}
        server.api("POST", f"/teams/{self.site.team_id}/members", member)
        for channel in self.channels.values():
            server.api("POST", f"/channels/{channel}/members", {"user_id": bot})
        self.read_all()
        return f'[bot]\nurl = "{server.url}"\nteam = "taaf"\n', str(token)

    def badges(self) -> dict[str, int]:
        """How often each person was mentioned in all of the channels since they were last read."""
        path = f"/teams/{self.site.team_id}/channels/members"
        return {
            name: sum(
                member["mention_count"]
                for member in self.site.server.api("GET", f"/users/{id}{path}")
                if member["channel_id"] in self.channels.values()
            )
            for name, id in self.people.items()
        }

    def read_all(self) -> None:
        """Everybody looks at every channel."""
        for id in self.people.values():
            for channel in self.channels.values():
                self.site.server.api("POST", f"/channels/members/{id}/view", {"channel_id": channel})

    def posts(self, channel: str) -> Iterator[dict[str, Any]]:
        """All posts of a channel, the newest page first."""
        page = 0
        while found := self.site.server.posts(self.channels[channel], page=page):
            yield from found
            page += 1


def team(site: Site, channels: Sequence[str]) -> Team:
    """Make the people and more channels, and put everybody into each."""
    server = site.server
    made = {"dev-notifications": site.channel_id}
    for name in channels:
        wanted = {"team_id": site.team_id, "name": name, "display_name": name, "type": "O"}
        made[name] = server.api("POST", "/channels", wanted)["id"]
    people = {"admin": server.api("GET", "/users/me")["id"]}
    for name in PEOPLE:
        people[name] = server.add_user(name)
        member = {"team_id": site.team_id, "user_id": people[name]}
        server.api("POST", f"/teams/{site.team_id}/members", member)
        for id in made.values():
            server.api("POST", f"/channels/{id}/members", {"user_id": people[name]})
    whole = Team(site, people, made)
    whole.read_all()
    return whole


# Comments keep the blocks that they are written in, alone, in a review and as a bot's replies; nothing else has any.
_OF_BLOCKS = ("Commentaire", "Comment")
_REVIEW = re.compile(r"[👀👍] \*\*.+\n\n💬")


def is_review(post: dict[str, Any]) -> bool:
    """Whether a post says all that somebody said of a merge request at once."""
    return bool(_REVIEW.match(post["message"]))


def parsed(post: dict[str, Any]) -> Iterator[tuple[str, bool]]:
    """The texts of a post in which Mattermost looks for markup, and whether they may have blocks."""
    yield post["message"], is_review(post)
    for box in post["props"].get("attachments") or []:
        yield from ((box.get(part) or "", False) for part in ("pretext", "text", "footer"))
        yield from ((field["value"], field["title"] in _OF_BLOCKS) for field in box.get("fields") or [])


def acts(post: dict[str, Any], *, is_comment: bool = False) -> list[str]:
    """What in a post is more than formatted text: mentions, topics, links to channels, pictures, blocks.

    `is_comment`: it says a comment in its text, as the replies of a bot do.
    """
    found: list[str] = []
    for text, may_have_blocks in parsed(post):
        html = re.sub(r"<(code|pre)>.*?</\1>", r"<\1>", render.block(text), flags=re.DOTALL)
        found += re.findall(r'class="(?:mention|hashtag|heading|image)">[^<]*|~\w+', html)
        found += [] if may_have_blocks or is_comment else re.findall("<pre>|<blockquote>", html)
        found += [
            run for run in text_nodes.texts(text) if re.search(r"@(?:all|channel|here|alice|bob)\b", run)
        ]
    return found


def links(post: dict[str, Any]) -> list[str]:
    """The addresses that a post leads to."""
    boxes = post["props"].get("attachments") or []
    titles = [box["title_link"] for box in boxes if box.get("title_link")]
    shown = "".join(render.block(text) for text, _ in parsed(post))
    return titles + [unescape(address) for address in re.findall(r'href="([^"]*)"', shown)]
