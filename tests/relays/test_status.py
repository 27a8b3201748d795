"""What a relay says of itself as data, for the operators' commands and the doctor: one file, whatever the language."""

import json
import stat
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tests.relays.events import issue, send
from tests.relays.process import Relay, wait_for
from tests.relays.sink import OK, Reply, Sink

CHANNEL = "dev-notifications"


def status(relay: Relay) -> dict[str, Any]:
    """The file, which is whole whenever it is read; empty before there is one."""
    path = relay.home / "runtime" / "status.json"
    found: dict[str, Any] = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
    return found


@pytest.mark.parametrize("language", ["fr", "en"])
def test_the_same_in_every_language(gitlab_with: Callable[[str], Relay], language: str) -> None:
    gitlab = gitlab_with(f'language = "{language}"\n')
    gitlab.start()
    send(gitlab, issue(1))
    wait_for(lambda: status(gitlab).get("last_delivery") and status(gitlab)["backlog"] == 0)
    reported = status(gitlab)
    assert reported.pop("last_delivery")
    assert reported == {
        "version": 1,
        "status": "ok",
        "held": {},
        "retrying": {},
        "backlog": 0,
        "oldest_age_seconds": None,
        "parked": 0,
        "since_start": {"received": 1, "refused": 0, "delivered": 1},
        "sources": {"dead_letters": {"count": 0}},
    }


def test_a_channel_that_is_held_up_and_a_storage_that_fails(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    sink.behave = lambda payload: Reply(404, b"{}")
    send(gitlab, issue(1))
    wait_for(lambda: status(gitlab).get("status") == "degraded")
    assert status(gitlab)["held"] == {CHANNEL: "HTTP 404"}
    assert status(gitlab)["backlog"] == 1
    sink.behave = lambda payload: OK
    wait_for(lambda: status(gitlab)["status"] == "ok", 60)


def test_a_tree_is_counted_from_its_first_look_on(nextcloud: Relay, tree: Path) -> None:
    root = str(tree)
    (tree / "Contrats").rename(tree.parent / "aside")
    missing = tree.rename(tree.with_name("elsewhere"))
    nextcloud.start()
    wait_for(lambda: status(nextcloud).get("sources") == {root: {"state": "missing", "documents": None}})
    missing.rename(tree)
    (tree / "a.pdf").write_bytes(b"%PDF")
    wait_for(lambda: status(nextcloud)["sources"] == {root: {"state": "watched", "documents": 1}}, 60)


def test_operators_who_are_not_root_may_read_it(gitlab: Relay) -> None:
    gitlab.start()
    wait_for(lambda: status(gitlab))
    assert stat.S_IMODE((gitlab.home / "runtime" / "status.json").stat().st_mode) == 0o644


def test_one_that_says_the_same_is_as_new(gitlab: Relay) -> None:
    """Its age says whether the relay lives, so it goes on getting the time, and comes back if it is taken away."""
    path = gitlab.home / "runtime" / "status.json"
    gitlab.start()
    wait_for(lambda: status(gitlab))
    before, said = path.stat().st_mtime_ns, path.read_bytes()
    wait_for(lambda: path.stat().st_mtime_ns > before)
    assert path.read_bytes() == said
    path.unlink()
    wait_for(path.exists)
    assert path.read_bytes() == said


def test_without_room_for_it_the_relay_serves(gitlab: Relay, sink: Sink) -> None:
    (gitlab.home / "runtime").rmdir()
    gitlab.start()
    send(gitlab, issue(1))
    wait_for(lambda: len(sink.posts) == 1)
