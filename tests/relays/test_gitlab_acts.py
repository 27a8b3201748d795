"""The real relay: acts announced once over kills, and by relays that share a spool, while nothing else waits."""

import json
import random
import re
import socket
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
import requests

from tests.postgresql import also_on_postgresql
from tests.relays.events import issue, send
from tests.relays.process import TOKEN, Relay, health, undelivered, wait_for
from tests.relays.sink import Sink
from tests.unit.acts_world import (
    BASE,
    Payload,
    approval,
    branch_gone,
    comment,
    merge_push,
    merge_request,
    merged,
    new_commits,
    push,
)


def announce(relay: Relay, *payloads: Payload) -> None:
    for payload in payloads:
        assert send(relay, json.dumps(payload).encode()).text == "accepted\n"


def looked_into(relay: Relay, count: int) -> None:
    """Wait until so many events were announced, left out or held back."""
    wait_for(
        lambda: sum(relay.text.count(f"{word} key=") for word in ("accepted", "ignored", "held")) >= count
    )


@also_on_postgresql
def test_what_is_held_back_outlives_a_kill_and_meets_what_it_waits_for(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    announce(gitlab, merge_request("open"), new_commits())
    looked_into(gitlab, 2)
    wait_for(lambda: len(sink.posts) == 1)
    assert "held key=" in gitlab.text
    gitlab.kill()
    gitlab.start()
    announce(gitlab, push())
    wait_for(lambda: undelivered(gitlab) == 0)
    announced = {post.key: post.shown for post in sink.posts}
    assert len(announced) == 2, "the opening and the push"
    assert "🔀 Merge request" in sink.posts[-1].shown
    assert "push_updates" in gitlab.text


@also_on_postgresql
def test_what_is_waited_for_in_vain_loses_nothing(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    announce(gitlab, merge_request("open"), new_commits(), merge_push(), push(BASE, "e" * 40, "old"))
    looked_into(gitlab, 4)
    gitlab.kill()
    gitlab.start()
    wait_for(lambda: len({post.key for post in sink.posts}) == 4 and undelivered(gitlab) == 0)


@also_on_postgresql
def test_a_review_outlives_a_kill(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    announce(gitlab, comment(1, "premier", line=1))
    looked_into(gitlab, 1)
    gitlab.kill()
    gitlab.start()
    announce(gitlab, approval(), comment(2, "second"))
    wait_for(lambda: sink.posts and undelivered(gitlab) == 0)
    shown = "\n".join(post.shown for post in sink.posts)
    assert "premier" in shown
    assert "second" in shown


def test_nobody_waits_behind_what_is_held_back(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    announce(gitlab, comment(1, "une remarque"))
    looked_into(gitlab, 1)
    for number in range(5):
        assert send(gitlab, issue(number)).text == "accepted\n"
    wait_for(lambda: len(sink.posts) == 6)
    assert "une remarque" in sink.posts[-1].shown


def merge(number: int) -> list[Payload]:
    """The events of the merge of a merge request of its own, and the opening before."""
    head, commit, branch = f"{number:040x}", f"{number + 1000:040x}", f"feature/{number}"
    attributes = {
        "iid": number,
        "title": f"Demande {number}.",
        "source_branch": branch,
        "last_commit": {"id": head},
    }
    opened, done = merge_request("open", **attributes), merged(**attributes, merge_commit_sha=commit)
    title = f"Merge branch '{branch}' into 'main'"
    return [opened, done, merge_push(title, after=commit), branch_gone(head, branch)]


@pytest.mark.parametrize("spool", ["postgresql"], indirect=True)
def test_relays_that_share_a_spool_announce_each_act_once(sink: Sink, tmp_path: Path, spool: str) -> None:
    """Its events come to either of them, at the same time and in any order, while one after the other is killed."""
    relays = []
    for number in range(2):
        (tmp_path / f"host{number}").mkdir()
        relays.append(Relay("gitlab", tmp_path / f"host{number}", sink.url, "digest_from = 0\n", spool))
    with socket.create_server(("127.0.0.1", 0), backlog=1024) as listener:

        def deliver(payload: Payload, key: str) -> None:
            url = f"http://127.0.0.1:{listener.getsockname()[1]}/webhook/gitlab"
            headers = {"X-Gitlab-Token": TOKEN, "webhook-id": key, "Connection": "close"}

            def is_taken() -> bool:
                try:
                    return requests.post(url, json.dumps(payload), headers=headers, timeout=20).ok
                except requests.RequestException:
                    return False

            wait_for(is_taken)

        for relay in relays:
            relay.start(listener=listener)
        acts = [merge(number) for number in range(1, 21)]
        for number, (opened, *_) in enumerate(acts):
            deliver(opened, f"open-{number}")
        wait_for(lambda: len({post.key for post in sink.posts}) == len(acts))
        events = [
            (payload, f"{number}-{place}")
            for number, act in enumerate(acts)
            for place, payload in enumerate(act[1:])
        ]
        random.Random(7).shuffle(events)
        with ThreadPoolExecutor(4) as threads:
            done = [threads.submit(deliver, *event) for event in events]
            for relay in relays * 2:
                wait_for(lambda: any(each.done() for each in done))
                relay.kill()
                relay.start(listener=listener)
            for each in done:
                each.result()
        wait_for(lambda: all(undelivered(relay) == 0 for relay in relays), 60)
        for relay in relays:
            relay.close()
    shown = "\n".join(post.shown for post in sink.posts)
    merges = {int(number) for number in re.findall(r"Demande (\d+)\..*a fusionné", shown)}
    assert merges == set(range(1, 21))
    keys = {post.key for post in sink.posts}
    # A kill at the very moment of a post doubles that one; nothing else is announced twice.
    assert len(keys) == 2 * len(acts), sorted(keys)
    assert not any("a supprimé" in post.shown or "a poussé" in post.shown for post in sink.posts)


def test_an_act_is_counted_as_what_was_left_out(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    announce(gitlab, merge_request("open"), merged(), merge_push(), branch_gone())
    wait_for(lambda: health(gitlab)[1]["events"] == {"accepted": 2, "filtered": 2})
    wait_for(lambda: len(sink.posts) == 2)
    assert gitlab.text.count("reason=merge_pushes") == 2
