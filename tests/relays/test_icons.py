"""The picture beside the messages, as a site wants it: of each post, of digests, not of what a relay says of itself."""

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.relays.events import body, issue, send
from tests.relays.process import Relay, undelivered, wait_for
from tests.relays.sink import OK, Reply, Sink, keys_of
from tests.relays.test_damaged_spool import fill

ICONS = {
    ":passerelle-0a1b-2c3d:": {"icon_emoji": ":passerelle-0a1b-2c3d:"},
    "https://git.example.org/logo.png?v=2": {"icon_url": "https://git.example.org/logo.png?v=2"},
}


def icon_of(payload: dict[str, Any]) -> dict[str, Any]:
    """What a post says of its icon."""
    return {key: value for key, value in payload.items() if key.startswith("icon_")}


@pytest.mark.parametrize(("icon", "shown"), ICONS.items())
def test_each_post_and_each_digest_has_it(
    gitlab_with: Callable[[str], Relay], sink: Sink, icon: str, shown: dict[str, str]
) -> None:
    relay = gitlab_with(f'icon = "{icon}"\ndigest_from = 2\n')
    relay.start()
    sink.behave = lambda payload: Reply(503)
    for number in range(20):
        headers = {"webhook-id": f"e-{number}"}
        assert send(relay, issue(number), headers).text == "accepted\n"
    sink.behave = lambda payload: OK
    wait_for(lambda: undelivered(relay) == 0)
    send(relay, body("push_normal.json"), {"webhook-id": "alone"})
    wait_for(lambda: sink.keys[-1:] == ["gitlab:alone"])
    assert max(len(keys_of(post.payload)) for post in sink.posts) > 1
    assert [icon_of(post.payload) for post in sink.posts] == [shown] * len(sink.posts)
    assert {post.payload["username"] for post in sink.posts} == {"GitLab Bot"}


def test_the_nextcloud_relay_has_its_own(nextcloud_at: Callable[..., Relay], tree: Path, sink: Sink) -> None:
    relay = nextcloud_at(tree)
    relay.configure(f'icon = ":passerelle-0a1b-2c3d:"\n[[trees]]\ntree = "{tree}"\n')
    relay.start()
    wait_for(lambda: "watching tree" in relay.text)
    (tree / "contrat.pdf").write_bytes(b"%PDF")
    wait_for(lambda: sink.posts)
    assert icon_of(sink.posts[0].payload) == {"icon_emoji": ":passerelle-0a1b-2c3d:"}


def test_what_waits_is_sent_with_the_icon_of_the_day(gitlab_with: Callable[[str], Relay], sink: Sink) -> None:
    """An emoji that is replaced is gone, so what was stored before must not ask for it."""
    relay = gitlab_with("digest_from = 0\n")
    relay.start()
    sink.stop()
    assert send(relay, body("issue_open.json")).text == "accepted\n"
    wait_for(lambda: "Connection refused" in relay.text)
    relay.terminate()
    relay.configure('icon = ":new:"\n[listen]\naddress = "127.0.0.1"\nport = 0\n')
    sink.start()
    relay.start()
    wait_for(lambda: sink.posts)
    assert icon_of(sink.posts[0].payload) == {"icon_emoji": ":new:"}


def test_what_a_relay_says_of_itself_keeps_its_own(gitlab_with: Callable[[str], Relay], sink: Sink) -> None:
    relay = gitlab_with('icon = ":new:"\ndigest_from = 0\n')
    fill(relay, sink, 5)
    os.truncate(relay.state / "relay.db", 0)
    sink.behave = lambda payload: OK
    relay.start()
    wait_for(lambda: any("endommagé" in post.shown for post in sink.posts))
    icons = {"endommagé" in post.shown: icon_of(post.payload) for post in sink.posts}
    assert icons == {True: {"icon_emoji": ":warning:"}, False: {"icon_emoji": ":new:"}}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("icon", ["fox", ":a b:", "ftp://x/y.png", "http://", "::"])
def test_what_is_none_is_named(gitlab_with: Callable[[str], Relay], icon: str) -> None:
    relay = gitlab_with(f'icon = "{icon}"\n')
    with pytest.raises(AssertionError, match=r"icon = .* is neither :an_emoji: nor an address"):
        relay.start()
