"""What a channel does not want to hear of for a while: left out there, of that alone, and noted as such."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relays.sources.gitlab import silences
from relays.sources.gitlab.channel_events import ChannelEvents
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.silences import MOST, Silence, Silences, TooManyError, is_target
from tests.postgresql import on_both_spools
from tests.unit.acts_world import (
    BASE,
    HEAD,
    World,
    branch_gone,
    comment,
    merge_push,
    merge_request,
    merged,
    new_commits,
    push,
    world,
)
from tests.unit.test_gitlab_channel_events import OURS, VAULT, of

ROUTES = (Route(("ops",), final=False), Route(("vault",), projects=(VAULT,)))


@pytest.fixture
def relay(tmp_path: Path, spool: str | None) -> Iterator[World]:
    with world(tmp_path, spool, *ROUTES) as made:
        made.channel_events = ChannelEvents(made.store, made.router)
        made.silences = Silences(made.store)
        yield made


def silence(relay: World, channel: str, target: str = "", seconds: float = 7200.0) -> None:
    new = Silence(channel, target, relay.now + seconds, "alice", relay.now)
    relay.store.submit(lambda db: silences.put(db, new)).result()


def rules(relay: World, channel: str) -> list[str]:
    assert relay.channel_events is not None
    return [each.rule for each in relay.channel_events.latest(channel, 50)][::-1]


TARGETS = [
    ("", "issue_open", True),
    ("", "push_normal", True),
    (OURS, "issue_open", True),
    (OURS.upper(), "issue_open", True),
    (f"{OURS}#1", "issue_open", False),
    (f"{OURS}#", "issue_open", False),
    (VAULT, "issue_open", False),
    (OURS[:-1], "issue_open", False),
    (f"{OURS}!8", "merge_request_open", True),
    (f"{OURS}!8", "note_merge_request", True),
    (f"{OURS}!80", "merge_request_open", False),
    (f"{OURS}#8", "merge_request_open", False),
    # A pipeline's number is none of an issue, and a branch may be called like anything.
    (f"{OURS}#8", "pipeline_failed", False),
    (f"{OURS}main", "push_normal", False),
    (f"{OURS}!8", "push_normal", False),
]


@pytest.mark.parametrize(("target", "sample", "silent"), TARGETS)
def test_a_silence_is_of_what_it_names(relay: World, target: str, sample: str, silent: bool) -> None:
    event = of(OURS, sample)
    if "merge_request" in sample:
        event.get("merge_request", event["object_attributes"])["iid"] = 8
    if sample == "issue_open":
        event["object_attributes"]["iid"] = 7
    if sample == "pipeline_failed":
        event["object_attributes"]["id"] = 8
        event["merge_request"] = None
    if sample == "push_normal":
        event["ref"] = "refs/heads/" + (target.removeprefix(OURS) or "main")
    silence(relay, "dev", target)
    relay.hear(event)
    assert rules(relay, "dev") == ["silence" if silent else ""]
    assert rules(relay, "ops") == [""], "another channel hears of it"
    assert (len(relay.announced("dev")), len(relay.announced("ops"))) == (int(not silent), 1)


def broken(**attributes: Any) -> dict[str, Any]:
    """A pipeline that has failed on the branch of the merge request !8, which GitLab does not name with it."""
    payload = of(OURS, "pipeline_failed")
    payload["merge_request"] = None
    payload["object_attributes"] |= {"ref": "feature/quota", "sha": HEAD} | attributes
    return payload


# What the thread of !8 shows, and what is beside it, by whether it is left out with it.
THREAD: dict[str, tuple[dict[str, Any], bool]] = {
    "a push to its branch": (push(), True),
    "a pipeline of its branch": (broken(), True),
    "a pipeline of its branch, of another commit": (broken(sha="d" * 40), True),
    "a comment": (comment(1, "a"), True),
    "a push to another branch": (push(branch="feature/other"), False),
    "a push to its target": (push(after="d" * 40, branch="main"), False),
    "a pipeline of another branch": (broken(ref="feature/other", sha="d" * 40), False),
    "a comment on another one": (comment(1, "a", iid=9), False),
    "an issue": (of(OURS, "issue_open"), False),
}


@pytest.mark.parametrize("name", THREAD)
@pytest.mark.parametrize("target", [f"{OURS}!8", OURS])
def test_a_merge_request_is_silent_with_all_of_its_thread(relay: World, name: str, target: str) -> None:
    payload, belongs = THREAD[name]
    relay.hear(merge_request("open", iid=8))
    silence(relay, "dev", target)
    relay.hear(payload)
    assert rules(relay, "dev")[1:] == ["silence" if belongs or target == OURS else ""]
    assert rules(relay, "ops")[1:] == [""]


def test_what_comes_from_a_fork_is_silent_with_the_merge_request(relay: World) -> None:
    """Its branch is in another project than the thread."""
    opened = merge_request("open", iid=8, source_project_id=99)
    opened["object_attributes"]["source"] = {"path_with_namespace": VAULT}
    relay.hear(opened)
    silence(relay, "vault", f"{OURS}!8")
    pushed = push()
    pushed["project"]["path_with_namespace"] = VAULT
    relay.hear(pushed)
    assert rules(relay, "vault") == ["silence"]


@on_both_spools
def test_a_silence_ends_by_itself(relay: World) -> None:
    silence(relay, "dev", seconds=3600)
    relay.hear(of(OURS, "issue_open"))
    relay.now += 3601
    relay.hear(of(OURS, "release_create"))
    assert rules(relay, "dev") == ["silence", ""]
    assert relay.store.read("SELECT count(*) FROM silences") == [(0,)]


@on_both_spools
def test_a_silence_is_replaced_ended_and_bounded(relay: World) -> None:
    silence(relay, "dev", VAULT, 60)
    silence(relay, "dev", VAULT, 7200)
    (only,) = silences.listed(relay.store, relay.now)
    assert (only.until, only.chosen_by) == (relay.now + 7200, "alice")
    for number in range(MOST - 1):
        silence(relay, "dev", f"{OURS}!{number}")
    with pytest.raises(TooManyError):
        silence(relay, "dev", OURS)
    silence(relay, "ops", OURS)
    silence(relay, "dev", f"{OURS}!0".upper())
    assert len(silences.listed(relay.store, relay.now)) == MOST + 1, "case does not matter in a path"
    ended = [relay.store.submit(lambda db: silences.end(db, "dev", VAULT)).result() for _ in range(2)]
    assert ended == [True, False]
    assert relay.store.submit(lambda db: silences.end(db, "dev", f"{OURS}!1".upper())).result()
    relay.now += 7201
    silence(relay, "dev", OURS)  # what is over does not count


# What comes of the merge of !8, besides what its thread shows.
MERGES = {
    "with a merge commit": (merged(), merge_push()),
    "in words of the project's own": (merged(), merge_push("Livraison", "En production")),
    "by fast-forward": (merged(merge_commit_sha=None), push(BASE, HEAD, "main")),
    "squashed": (
        merged(merge_commit_sha=None, squash_commit_sha="e" * 40),
        push(BASE, "e" * 40, "main"),
    ),
    "the end of its branch": (merged(), branch_gone()),
}


@on_both_spools
@pytest.mark.parametrize("name", MERGES)
@pytest.mark.parametrize("target", ["", OURS, f"{OURS}!8"])
@pytest.mark.parametrize("seconds", [60, 7200], ids=["over meanwhile", "not over"])
def test_a_merge_is_silent_with_the_push_that_it_makes(
    relay: World, name: str, target: str, seconds: float
) -> None:
    """They are one act; also where the silence is over by then, or is of the merge request alone."""
    merge, brought = MERGES[name]
    relay.hear(merge_request("open"))
    silence(relay, "dev", target, seconds)
    relay.hear(merge)
    relay.now += 61
    relay.hear(brought)
    first, _, last = rules(relay, "dev")
    assert (first, last) == ("", "silence" if seconds > 61 and target != f"{OURS}!8" else last)
    assert last in ("silence", "merge_pushes")
    assert len(relay.announced("dev")) == 1, "that it was opened"
    assert rules(relay, "ops") == ["", "", "merge_pushes"]


def test_a_push_that_was_silent_covers_no_other_merge_request(relay: World) -> None:
    """Its branch is that of two, one of which is silent; the other one hears of its new commits."""
    other = {"iid": 9, "target_branch": "prod"}
    relay.hear(merge_request("open"), merge_request("open", **other))
    silence(relay, "dev", f"{OURS}!8")
    relay.hear(push(), new_commits(**other))
    said = len(relay.announced("dev"))
    assert said == 3, rules(relay, "dev")


def test_a_review_is_silent_as_a_whole(relay: World) -> None:
    silence(relay, "dev", f"{OURS}!8")
    relay.hear(merge_request("open", iid=8), comment(1, "a", iid=8), comment(2, "b", iid=8))
    assert set(rules(relay, "dev")) == {"silence"}
    assert relay.announced("dev") == []


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("taaf/site", True),
        ("taaf/sub/site", True),
        ("taaf/site!12", True),
        ("taaf/site#7", True),
        ("taaf/my.site_2+x", True),
        ("taaf", False),
        ("!12", False),
        ("taaf/site!", False),
        ("taaf/site!x", False),
        ("taaf//site", False),
        ("/taaf/site", False),
        ("taaf/site\n", False),
        ("taaf/sîte", False),
        ("@all/x", False),
        ("a/" + "b" * 300, False),
    ],
)
def test_a_target_is_a_project_or_something_in_it(text: str, named: bool) -> None:
    assert is_target(text) is named
