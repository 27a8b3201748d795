"""What GitLab gets to hear: stored first, answered at once, refused for good reasons only."""

import json
import time
from collections.abc import Callable
from pathlib import Path

import requests

from tests.postgresql import also_on_postgresql
from tests.relays.events import PAYLOADS, body, issue, send
from tests.relays.process import TOKEN, Relay, health, stored, undelivered, wait_for
from tests.relays.sink import Sink


@also_on_postgresql
def test_an_event_becomes_a_message(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    answer = send(gitlab, body("push_normal.json"), {"Idempotency-Key": "e-1"})
    assert (answer.status_code, answer.text) == (200, "accepted\n")
    wait_for(lambda: sink.posts)
    (post,) = sink.posts
    first, *commits = post.payload.pop("text").split("\n")
    assert first == "📦 **Admin TAAF** a poussé 2 commit(s) sur **projet-test-taaf** (branche `main`)"
    assert len(commits) == 2
    assert post.payload == {
        "username": "GitLab Bot",
        "icon_emoji": ":fox_face:",
        "props": {"passerelle_key": "gitlab:e-1"},
    }


def test_the_answer_comes_after_the_storage_and_does_not_wait_for_mattermost(
    gitlab: Relay, sink: Sink
) -> None:
    sink.hang()
    gitlab.start()
    for number in range(3):
        assert send(gitlab, issue(number), {"webhook-id": f"e-{number}"}).status_code == 200
        assert stored(gitlab) == [f"gitlab:e-{n}" for n in range(number + 1)]
    wait_for(lambda: sink.attempts == 1)
    wait_for(lambda: health(gitlab)[1]["backlog"] == 3)
    assert sink.posts == []
    status, figures = health(gitlab)
    assert (status, figures["status"], figures["pending"]) == (200, "ok", 0)
    sink.go_on()
    wait_for(lambda: len(sink.posts) == 3)
    wait_for(lambda: undelivered(gitlab) == 0)
    assert health(gitlab)[1]["last_delivery"]


@also_on_postgresql
def test_a_delivery_that_comes_again_is_answered_but_not_announced_again(
    gitlab_with: Callable[[str], Relay], sink: Sink
) -> None:
    # Deliveries are distinguished by their keys, whatever is in them.
    gitlab = gitlab_with("[mute]\nechoes = false\n")
    gitlab.start()
    for header in ("webhook-id", "Idempotency-Key"):
        for _ in range(2):
            assert send(gitlab, issue(1), {header: f"by {header}"}).text == "accepted\n"
    for uuid in ("a", "a", "b"):
        assert send(gitlab, issue(1), {"X-Gitlab-Event-UUID": uuid}).text == "accepted\n"
    assert send(gitlab, issue(2), {"X-Gitlab-Event-UUID": "a"}).text == "accepted\n"
    wait_for(lambda: len(sink.posts) == 5)
    gitlab.terminate()
    gitlab.start()
    assert send(gitlab, issue(1), {"webhook-id": "by webhook-id"}).text == "accepted\n"
    wait_for(lambda: undelivered(gitlab) == 0)
    assert gitlab.text.count("duplicate key=") == 4
    assert len(stored(gitlab)) == len(sink.posts) == 5


def test_events_that_mean_nothing_here_are_fine(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    for name in (
        "system_repository_update.json",
        "pipeline_running.json",
        "merge_request_update_empty_changes.json",
        "issue_confidential_open.json",
    ):
        answer = send(gitlab, body(name))
        assert (answer.status_code, answer.text) == (200, "accepted\n"), name
    for content in (b"[]", b"null", b'{"object_kind": ["push"]}', b"not JSON", b"[" * 100_000):
        assert send(gitlab, content).text == "accepted\n"
    assert send(gitlab, issue(1)).text == "accepted\n"
    wait_for(lambda: sink.posts)
    assert len(sink.posts) == 1
    counts = {"unsupported": 4, "filtered": 3, "unreadable": 2, "accepted": 1}
    wait_for(lambda: health(gitlab)[1]["events"] == counts)
    assert gitlab.text.count("ignored key=") == 9
    assert gitlab.text.count("reason=json") == 2


def test_refusals(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    url = f"http://127.0.0.1:{gitlab.port}/webhook/gitlab"
    for token in ("", "wrong", TOKEN + "x", TOKEN[:-1], "é"):
        assert send(gitlab, issue(1), {"X-Gitlab-Token": token.encode("latin-1")}).status_code == 401
    assert requests.post(url, data=issue(1), timeout=10).status_code == 401
    assert send(gitlab, b"\xff\xfe{").status_code == 400
    assert send(gitlab, b"{\0}").status_code == 400
    assert requests.head(url, timeout=10).status_code == 405
    assert requests.get(url, timeout=10).status_code == 405
    assert requests.post(url + "/other", timeout=10).status_code == 404
    assert stored(gitlab) == []
    assert sink.attempts == 0


def test_a_body_that_is_too_large(sink: Sink, tmp_path: Path) -> None:
    settings = 'max_body_bytes = 4096\n[listen]\naddress = "127.0.0.1"\nport = 0\n'
    relay = Relay("gitlab", tmp_path, sink.url, settings)
    relay.start()
    try:
        payload = json.loads(issue(1))
        payload["padding"] = "x" * (4096 - len(json.dumps({**payload, "padding": ""})))
        exact = json.dumps(payload).encode()
        assert len(exact) == 4096
        assert send(relay, exact).status_code == 200
        assert send(relay, exact + b" ").status_code == 413
        # Without a length the size only shows on the way, and a large one must not be kept in memory.
        assert send(relay, (b" " * 65536 for _ in range(400))).status_code == 413
        assert send(relay, b"x" * 30_000_000).status_code == 413
        assert len(stored(relay)) == 1
    finally:
        relay.close()


def test_a_full_disk_is_reported_to_gitlab_and_survived(gitlab: Relay, sink: Sink) -> None:
    sink.hang()
    gitlab.start()
    gitlab.limit_file_size(100_000)
    answers: list[int] = []
    while not answers or answers[-1] == 200:
        answers.append(send(gitlab, issue(len(answers)), {"webhook-id": f"e-{len(answers)}"}).status_code)
        assert len(answers) < 500
    assert answers[-1] == 503
    assert health(gitlab)[0] == 503
    gitlab.limit_file_size(-1)
    wait_for(lambda: send(gitlab, issue(1000), {"webhook-id": "after"}).status_code == 200)
    assert health(gitlab)[0] == 200
    sink.go_on()
    expected = [f"gitlab:e-{number}" for number in range(len(answers) - 1)] + ["gitlab:after"]
    wait_for(lambda: len(sink.keys) >= len(expected))
    assert sink.keys == expected


@also_on_postgresql
def test_whatever_payload_comes_with_whatever_text_is_stored(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    started = time.monotonic()
    for path in sorted(PAYLOADS.glob("[a-z]*.json")):
        assert send(gitlab, path.read_bytes(), {"webhook-id": path.stem}).status_code == 200, path.name
    wait_for(lambda: len(sink.keys) == len(stored(gitlab)))
    assert sink.keys == stored(gitlab)
    assert all(post.at > started for post in sink.posts)
