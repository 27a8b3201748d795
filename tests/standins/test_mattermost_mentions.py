"""Whom a post notifies: every case measured on 5.37, and what 11.6 adds."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest

from tests.standins.mattermost_replay import recording
from tests.standins.mattermost_server import Site, furnished, running

REQUESTS = {e["name"]: e["request"]["body"] for e in recording("09")["exchanges"]}
OBSERVED = [case for case in recording("09")["observations"] if "case" in case]
RECORDED_ALICE = "useralice00000000000000000"
IN_FIELD_VALUES = {"attachment field value: @all", "attachment field value: <!channel>"}
"""Cases that notify in 11.6 and did not in 5.37."""
OPEN_FENCE = "N code fence split over fields (text opens, field has mention)"


@dataclass
class People:
    """A site whose channel alice and bob are in."""

    site: Site
    ids: dict[str, str]

    def badges_after(self, payload: Any) -> dict[str, int]:
        """Mark the channel as read, send the payload, and say what each badge shows then."""
        server, channel = self.site.server, self.site.channel_id
        for id in self.ids.values():
            server.api("POST", f"/channels/members/{id}/view", {"channel_id": channel})
        assert self.site.send(payload).text == "ok"
        return {
            name: server.api("GET", f"/users/{id}/channels/{channel}/unread")["mention_count"]
            for name, id in self.ids.items()
        }


@pytest.fixture(scope="module", params=["5.37", "11.6"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def people(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[People]:
    with running(tmp_path_factory.mktemp("mattermost"), "--version", version) as server:
        site = furnished(server)
        ids = {name: server.add_user(name) for name in ("alice", "bob")}
        private = {"team_id": site.team_id, "name": "rh-alerts", "display_name": "RH", "type": "P"}
        server.api("POST", "/channels", private)
        for id in ids.values():
            server.api("POST", f"/teams/{site.team_id}/members", {"team_id": site.team_id, "user_id": id})
            server.api("POST", f"/channels/{site.channel_id}/members", {"user_id": id})
        yield People(site, ids)


@pytest.mark.parametrize("case", OBSERVED, ids=lambda case: case["case"])
def test_mention_count_is_the_measured_one(people: People, version: str, case: dict[str, Any]) -> None:
    payload = REQUESTS[case["case"]]
    if RECORDED_ALICE in str(payload):
        payload = {"text": payload["text"].replace(RECORDED_ALICE, people.ids["alice"])}
    expected = {name: case[f"{name}_mentions"] for name in people.ids}
    if version == "11.6" and case["case"] in IN_FIELD_VALUES | {OPEN_FENCE}:
        expected = {"alice": 1, "bob": 1}
    assert people.badges_after(payload) == expected


@pytest.mark.parametrize("case", OBSERVED, ids=lambda case: case["case"])
def test_message_is_stored_as_measured(people: People, version: str, case: dict[str, Any]) -> None:
    """The recorder left empty parts of attachments out; 11.6 looks for channels in attachments as well."""
    payload = REQUESTS[case["case"]]
    if RECORDED_ALICE in str(payload):
        payload = {"text": payload["text"].replace(RECORDED_ALICE, people.ids["alice"])}
    people.site.send(payload)
    post = people.site.server.posts(people.site.channel_id)[-1]
    stored = {"message": post["message"]}
    for key in ("channel_mentions", "mentionHighlightDisabled"):
        if key in post["props"]:
            stored[key] = post["props"][key]
    if "attachments" in post["props"]:
        stored["attachments"] = [
            {key: value for key, value in attachment.items() if value}
            for attachment in post["props"]["attachments"]
        ]
    expected = case["stored"]
    if version == "11.6" and case["case"] == "L ~town-square in attachment text":
        expected = expected | {"channel_mentions": {"town-square": {"display_name": "Town Square"}}}
    if "channel_mentions" in expected:
        named = {name: link | {"team_name": "taaf"} for name, link in expected["channel_mentions"].items()}
        expected = expected | {"channel_mentions": named}
    assert stored == expected


@pytest.mark.parametrize(
    ("text", "notifies"),
    [
        ("- @alice", True),
        ("> ```\n> @alice\n> ```", False),
        ("- item\n\n      @alice", False),
        ("text\n    @alice", True),
        ("~~~\n@alice\n~~~", False),
        ("```\ncode\n````\n@alice", True),
        ("````\n```\n@alice\n````", False),
        ("![@alice](https://x.invalid/i.png)", True),
        ("[text](https://x.invalid/ '@alice')", False),
        ("[https://x.invalid/@alice", True),
        ("www.x.invalid/@alice", False),
        ("@alice.", True),
        ("@alice_x", False),
        ("é@alice", False),
        ("a.@alice", True),
        ("<https://x.invalid/@alice>", False),
        ("@Alice", True),
        (":rocket:@alice", True),
        ("`a\n@alice`", False),
        ("``@alice`", True),
    ],
)
def test_markdown_around_a_mention(people: People, text: str, notifies: bool) -> None:
    """Read in the parser of 11.6: which nodes are text and how text becomes words."""
    assert people.badges_after({"text": text})["alice"] == int(notifies)


def test_own_post_does_not_notify_its_author(people: People) -> None:
    server, channel = people.site.server, people.site.channel_id
    alice = server.login("alice")
    for id in people.ids.values():
        server.api("POST", f"/channels/members/{id}/view", {"channel_id": channel})
    server.api("POST", "/posts", {"channel_id": channel, "message": "@all hello"}, token=alice)
    members = {
        name: server.api("GET", f"/channels/{channel}/members/{id}") for name, id in people.ids.items()
    }
    assert {name: member["mention_count"] for name, member in members.items()} == {"alice": 0, "bob": 1}


def test_badges_are_in_the_list_of_memberships(people: People) -> None:
    people.badges_after({"text": "@bob"})
    path = f"/users/{people.ids['bob']}/teams/{people.site.team_id}/channels/members"
    members = people.site.server.api("GET", path)
    [member] = [member for member in members if member["channel_id"] == people.site.channel_id]
    assert member["mention_count"] == 1


@pytest.mark.parametrize(
    ("text", "topics"),
    [
        ("#topic", "#topic"),
        ("`#topic`", "#topic"),
        ("(#topic), ##other!", "#topic #other"),
        ("#é2 #a-b_c.d", "#é2 #a-b_c.d"),
        ("#a #1a #-a a#b C# # #!", ""),
        ("x/#topic", ""),
        ("/#topic", "#topic"),
        ("#\u2060topic #\u200btopic", ""),
        ("#topic_", "#topic"),
    ],
)
def test_topics_are_words(people: People, text: str, topics: str) -> None:
    """Read in the model of 11.6, which is that of 5.37; code spans hide nothing, attachments are not looked at."""
    people.site.send({"text": text, "attachments": [{"text": "#elsewhere", "fallback": "x"}]})
    assert people.site.server.posts(people.site.channel_id)[-1]["hashtags"] == topics
