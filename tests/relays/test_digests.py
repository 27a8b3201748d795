"""A backlog becomes a few posts instead of a flood; what is no backlog does not."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.postgresql import also_on_postgresql
from tests.relays.process import Relay, health, stored, undelivered, wait_for
from tests.relays.sink import OK, Post, Reply, Sink, keys_of
from tests.relays.test_delivery import send_all


def is_digest(post: Post) -> bool:
    return "passerelle_keys" in post.payload["props"]


def all_delivered(relay: Relay) -> Callable[[], bool]:
    return lambda: undelivered(relay) == 0


def gather(relay: Relay, sink: Sink, count: int, **start: Any) -> list[str]:
    """Have the relay take events while Mattermost is away; their keys."""
    sink.stop()
    relay.start(**start)
    expected = send_all(relay, range(count))
    wait_for(lambda: "Connection refused" in relay.text)
    return expected


def test_the_backlog_of_an_outage_is_folded(gitlab: Relay, sink: Sink) -> None:
    expected = gather(gitlab, sink, 210)
    sink.start()
    wait_for(all_delivered(gitlab))
    assert sink.keys == expected
    # Fewer than twenty are left in the end.
    assert [len(keys_of(post.payload)) for post in sink.posts] == [50] * 4 + [1] * 10
    first = sink.posts[0].payload
    heading, _, *lines = first["text"].split("\n")
    assert heading.startswith("📚 **50 notifications** en attente, de ")
    assert len(lines) == 50
    for number, line in enumerate(lines):
        assert f"Issue #{number} : Issue {number}]" in line.replace("\u200b", "")
    assert (first["username"], first["icon_emoji"]) == ("GitLab Bot", ":fox_face:")
    assert gitlab.text.count("delivered key=") == 210


@pytest.mark.parametrize("count", [10, 19])
def test_a_few_messages_are_not_folded_even_after_an_outage(gitlab: Relay, sink: Sink, count: int) -> None:
    expected = gather(gitlab, sink, count)
    sink.start()
    wait_for(all_delivered(gitlab))
    assert [post.key for post in sink.posts] == expected


def test_normal_traffic_is_not_folded(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    expected = send_all(gitlab, range(60))
    wait_for(all_delivered(gitlab))
    assert [post.key for post in sink.posts] == expected


def test_without_digests_each_message_goes_out_as_it_is(gitlab: Relay, sink: Sink) -> None:
    def switch_off(home: Path) -> None:
        file = home / "settings.toml"
        file.write_text("digest_from = 0\n" + file.read_text())

    expected = gather(gitlab, sink, 40, prepare=switch_off)
    sink.start()
    wait_for(all_delivered(gitlab))
    assert [post.key for post in sink.posts] == expected


def test_a_flood_is_folded_though_nothing_fails(one_by_one: Relay, tree: Path, sink: Sink) -> None:
    """A folder of documents that was uploaded while the relay did not run, faster than Mattermost takes them."""
    one_by_one.start()
    wait_for(lambda: "watching tree" in one_by_one.text)
    one_by_one.terminate()
    for number in range(130):
        (tree / "Contrats" / f"document-{number:03d}.pdf").write_bytes(b"contract")
    sink.hang()
    one_by_one.start()
    wait_for(lambda: len(stored(one_by_one)) == 130)
    sink.go_on()
    wait_for(lambda: len(sink.keys) == 130)
    assert sink.keys == stored(one_by_one)
    assert len(sink.posts) <= 4
    text = "\n".join(post.shown for post in sink.posts)
    assert all(text.count(f"document-{number:03d}.pdf") == 1 for number in range(130))


@also_on_postgresql
def test_a_kill_doubles_one_post_and_loses_none(gitlab: Relay, sink: Sink) -> None:
    """Killed between Mattermost's answer and its record, at a digest and at a single message."""
    expected = gather(gitlab, sink, 210)
    kill_at = [1, 3, 7]

    def behave(payload: dict[str, Any]) -> Reply:
        if kill_at and len(sink.posts) + 1 == kill_at[0]:
            kill_at.pop(0)
            gitlab.kill()
        return OK

    sink.behave = behave
    sink.start()
    for left in (2, 1, 0):
        wait_for(lambda left=left: len(kill_at) == left)  # type: ignore[misc]
        gitlab.wait()
        gitlab.start()
    wait_for(all_delivered(gitlab))
    assert list(dict.fromkeys(sink.keys)) == expected
    seen: set[str] = set()
    doubled = 0
    for post in sink.posts:
        keys = keys_of(post.payload)
        doubled += bool(seen.intersection(keys))
        seen.update(keys)
    assert doubled == 3
    assert any(map(is_digest, sink.posts))


@also_on_postgresql
@pytest.mark.parametrize("status", [400, 413])
def test_a_digest_that_is_refused_falls_apart_and_only_the_message_at_fault_is_parked(
    gitlab: Relay, sink: Sink, status: int
) -> None:
    bad = "gitlab:e-60"
    sink.behave = lambda payload: Reply(status, b"{}") if bad in keys_of(payload) else OK
    expected = gather(gitlab, sink, 150)
    sink.start()
    wait_for(all_delivered(gitlab))
    assert sink.keys == [key for key in expected if key != bad]
    assert [len(keys_of(post.payload)) for post in sink.posts] == [50] + [1] * 49 + [50]
    assert f"parked key={bad}" in gitlab.text
    assert health(gitlab)[1]["parked"] == 1


def test_a_digest_is_repeated_while_mattermost_fails(gitlab: Relay, sink: Sink) -> None:
    replies = [OK, Reply(503), Reply(429, b"limit exceeded\n", {"Retry-After": "0"}), OK]
    sink.behave = lambda payload: replies.pop() if replies else OK
    expected = gather(gitlab, sink, 100)
    sink.start()
    wait_for(all_delivered(gitlab))
    assert sink.keys == expected
    assert len(sink.posts) == 2
