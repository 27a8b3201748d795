"""How one payload becomes several posts: the cases measured on 5.37."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from typing import Any

import pytest

from lab.standins.mattermost.payloads.gojson import dumps
from tests.standins.mattermost_replay import recording
from tests.standins.mattermost_server import Site, furnished, running

EXCHANGES = {e["name"]: e for e in recording("08")["exchanges"]}
OBSERVED = {o["case"]: o for o in recording("08")["observations"] if "posts_made" in o}

_CUT = re.compile(r'"([^"]*(?:\\"[^"]*)*)…\((\d+) characters\)"')
_UNITS = ("log line 0123456789\n", '<&>"')


def _whole(body: Any) -> Any:
    """The request the recorder sent: it cut long strings and wrote down their length."""
    return json.loads(_CUT.sub(_grown, json.dumps(body, ensure_ascii=False)))


def _grown(match: re.Match[str]) -> str:
    start, length = json.loads(f'"{match[1]}"'), int(match[2])
    if start.startswith("```"):
        text = "```\n" + _UNITS[0] * ((length - 7) // len(_UNITS[0])) + "```"
    else:
        unit = _UNITS[1] if start.startswith(_UNITS[1]) else start[0]
        text = (unit * length)[:length]
    assert len(text) == length
    assert text.startswith(start)
    return json.dumps(text)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("mattermost"), "--version", "5.37") as server:
        made = furnished(server)
        server.api("PUT", "/config/patch", {"ServiceSettings": {"EnablePostUsernameOverride": True}})
        hook = {"channel_id": made.channel_id, "display_name": "gitlab-relay"}
        made.hook_id = server.api("POST", "/hooks/incoming", hook)["id"]
        yield made


@pytest.mark.parametrize("case", OBSERVED)
def test_posts_are_the_measured_ones(site: Site, case: str) -> None:
    exchange = EXCHANGES[case]
    before = {post["id"] for post in site.server.posts(site.channel_id)}
    answer = site.send(_whole(exchange["request"]["body"]))
    assert answer.status_code == OBSERVED[case]["status"]
    if not answer.ok:
        assert answer.json()["id"] == exchange["response"]["body"]["id"]
        assert answer.json()["message"] == exchange["response"]["body"]["message"]
    made = [post for post in site.server.posts(site.channel_id) if post["id"] not in before]
    assert [_described(post) for post in made] == [
        {key: value for key, value in post.items() if key != "create_at_order"}
        for post in OBSERVED[case]["posts"]
    ]


def _described(post: dict[str, Any]) -> dict[str, Any]:
    attachments = post["props"].get("attachments", [])
    return {
        "runes": len(post["message"]),
        "bytes": len(post["message"].encode()),
        "type": post["type"],
        "attachments": len(attachments),
        "attachment_text_lengths": [len(attachment["text"]) for attachment in attachments],
        "props_json_chars": len(dumps(post["props"])),
    }


def test_posts_of_one_payload_keep_their_order(site: Site) -> None:
    site.send({"text": "a" * 16_383 + "b" * 16_383 + "c"})
    assert [post["message"][0] for post in site.server.posts(site.channel_id)[-3:]] == ["a", "b", "c"]


@pytest.mark.parametrize("size", [299_000, 400_000, 1_000_000])
def test_large_bodies_are_taken(site: Site, size: int) -> None:
    before = site.server.api("GET", f"/channels/{site.channel_id}")["total_msg_count"]
    assert site.send({"text": "x" * size}).text == "ok"
    after = site.server.api("GET", f"/channels/{site.channel_id}")["total_msg_count"]
    assert after - before == -(-size // 16_383)
