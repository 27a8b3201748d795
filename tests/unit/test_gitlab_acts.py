"""One act of somebody's is announced once, whatever the order of its events; nothing is left out that only one says."""

import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.routing import Route
from tests.postgresql import on_both_spools
from tests.unit.acts_world import (
    BASE,
    HEAD,
    MERGE,
    NOTHING,
    Payload,
    World,
    branch_gone,
    merge_push,
    merge_request,
    merged,
    new_commits,
    push,
    world,
)
from tests.unit.test_gitlab_kinds_of_change import case
from tests.unit.test_relays_messages import FILES, dispatch, load

Make = Callable[..., World]


@pytest.fixture
def make(tmp_path: Path, spool: str | None) -> Iterator[Make]:
    """Makes a relay with these routes and settings."""
    worlds: list[Any] = []

    def start(*routes: Route, **more: Any) -> World:
        worlds.append(world(tmp_path, spool, *routes, **more))
        return worlds[-1].__enter__()  # type: ignore[no-any-return]

    yield start
    for each in worlds:
        each.__exit__(None, None, None)


OPEN = merge_request("open")
UPDATE_TO_CLOSED = merge_request("update", state="closed")
UPDATE_TO_CLOSED["changes"] = {"state_id": {"previous": 1, "current": 2}}


def deployment(status: str, number: int = 61) -> Payload:
    return load("deployment_rejected_ee") | {"status": status, "deployment_id": number}


# What was heard before, the events of the act, and what its one message says.
ACTS: dict[str, tuple[list[Payload], list[Payload], list[str]]] = {
    "a push to the branch of a merge request": (
        [OPEN],
        [push(), new_commits()],
        ["a poussé 1 commit(s)", "Fix", "Merge request [!8 Corrige le calcul du quota]"],
    ),
    "a push to the branch of a merge request of which nothing was heard": (
        [],
        [push(), new_commits()],
        ["a poussé 1 commit(s)", "Fix", "Merge request [!8 Corrige le calcul du quota]"],
    ),
    "a push without new commits": ([OPEN], [push(commits=()), new_commits()], ["a déplacé la branche", "!8"]),
    "a merge": (
        [OPEN],
        [merged(), merge_push(), branch_gone()],
        ["a fusionné une merge request", "feature/quota (à supprimer)"],
    ),
    "a merge in the project's own words": (
        [OPEN],
        [merged(merge_commit_sha=HEAD), merge_push("Quota", "x", after=HEAD), branch_gone()],
        ["a fusionné une merge request"],
    ),
    "a merge by fast-forward": (
        [OPEN],
        [merged(merge_commit_sha=None), push(BASE, HEAD, "main"), branch_gone()],
        ["a fusionné une merge request"],
    ),
    "a merge with its commits squashed": (
        [OPEN],
        [merged(merge_commit_sha=None, squash_commit_sha=MERGE), merge_push(), branch_gone()],
        ["a fusionné une merge request"],
    ),
    "a merge whose branch stays": (
        [OPEN],
        [merged(merge_params={}), merge_push()],
        ["a fusionné une merge request", '"Source"'],
    ),
}
# Those whose followers are not waited for: announced once if the leader comes first, as GitLab sends them.
IN_ORDER: dict[str, tuple[list[Payload], list[Payload], list[str]]] = {
    "a state that an update says once more": (
        [],
        [merge_request("close", state="closed"), UPDATE_TO_CLOSED],
        ["a fermé une merge request"],
    ),
    "a deployment that is rejected": (
        [],
        [deployment("rejected"), deployment("failed")],
        ["a refusé le déploiement", "Pas un vendredi"],
    ),
    "a merge of which nothing was heard": (
        [],
        [merge_push(), merged(), branch_gone()],
        ["a fusionné une merge request"],
    ),
}
ORDERS = [
    *(
        (name, order)
        for name, (_, events, _) in ACTS.items()
        for order in itertools.permutations(range(len(events)))
    ),
    *((name, tuple(range(len(events)))) for name, (_, events, _) in IN_ORDER.items()),
]


@pytest.mark.sampled(2)
@on_both_spools
@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_an_act_is_announced_once_in_whatever_order_it_comes(
    make: Make, name: str, order: tuple[int, ...]
) -> None:
    before, events, words = {**ACTS, **IN_ORDER}[name]
    relay = make()
    relay.hear(*before)
    known = len(relay.announced())
    relay.hear(*(events[number] for number in order))
    (message,) = relay.announced()[known:]
    for text in words:
        assert text in message


@pytest.mark.parametrize(
    ("setting", "name"),
    [
        ("push_updates", "a push to the branch of a merge request"),
        ("merge_pushes", "a merge"),
        ("echoes", "a state that an update says once more"),
        ("echoes", "a deployment that is rejected"),
    ],
)
def test_a_site_can_have_each_event_announced(make: Make, setting: str, name: str) -> None:
    before, events, _ = {**ACTS, **IN_ORDER}[name]
    relay = make(mute=Mute(**{setting: False}))
    relay.hear(*before)
    known = len(relay.announced())
    relay.hear(*events)
    assert len(relay.announced()) - known == len(events)
    assert not any("🔀" in text for text in relay.announced())


# Events that look like parts of one act and are not, or of which each says something that no other one does.
APART: dict[str, list[Payload]] = {
    "another commit": [OPEN, push(after="d" * 40), new_commits()],
    "an update with more in it": [
        *(OPEN, push()),
        new_commits() | {"changes": {"description": {"previous": "a", "current": "b"}}},
    ],
    "a push to the target branch beside the merge": [OPEN, merged(), push(BASE, "d" * 40, "main")],
    "a branch that somebody deletes after the merge": [OPEN, merged(merge_params={}), branch_gone()],
    "a branch that goes with other commits": [OPEN, merged(), branch_gone(before="d" * 40)],
    "a branch of another name": [OPEN, merged(), branch_gone(branch="other")],
    "a merge into another branch": [OPEN, merged(), merge_push(branch="release/1.2")],
    "a branch deleted while its merge request is open": [OPEN, branch_gone()],
    "a merge by hand": [merge_push("Merge branch 'feature/quota'", "")],
    "a merge whose event never comes": [OPEN, merge_push()],
    "new commits whose push never comes": [OPEN, new_commits()],
    "a fork": [OPEN, new_commits(source={"path_with_namespace": "alex/fork"})],
    "closed, opened, closed": [
        *(merge_request("close"), merge_request("reopen"), UPDATE_TO_CLOSED),
    ],
    "closed with more in it": [
        merge_request("close"),
        UPDATE_TO_CLOSED
        | {"changes": UPDATE_TO_CLOSED["changes"] | {"description": {"previous": "a", "current": "b"}}},
    ],
    "another deployment": [deployment("rejected"), deployment("failed", 62)],
    "a deployment that fails": [deployment("failed")],
    "a tag of the same commit": [OPEN, push(), load("tag_push_lightweight") | {"after": HEAD}],
    "a new branch of the merged commit": [merged(), push(NOTHING, MERGE, "release/1.2", ())],
}


@pytest.mark.parametrize("name", APART)
def test_what_is_no_part_of_an_act_is_announced_by_itself(make: Make, name: str) -> None:
    relay = make()
    relay.hear(*APART[name])
    assert len(relay.announced()) == len(APART[name])


MERGES = Route(("merges",), events=("merge_request",))
PUSHES = Route(("pushes",), events=("push",))
NONE = Route((), events=("merge_request",))
# The routes, the events after the opening, and how many messages about them each channel gets.
CHANNELS: list[tuple[list[Route], list[Payload], dict[str, int]]] = [
    ([MERGES], [push(), new_commits()], {"dev": 1, "merges": 1}),
    ([MERGES], [new_commits(), push()], {"dev": 1, "merges": 1}),
    ([MERGES], [merged(), merge_push(), branch_gone()], {"dev": 2, "merges": 1}),
    ([PUSHES, MERGES], [branch_gone(), merge_push(), merged()], {"dev": 0, "merges": 1, "pushes": 2}),
    ([NONE], [push(), new_commits()], {"dev": 1}),
    ([NONE], [merged(), merge_push(), branch_gone()], {"dev": 2}),
    ([Route((), events=("push",))], [push(), new_commits()], {"dev": 1}),
    # A channel gets both, another one only what follows.
    (
        [Route(("all",), final=False), Route(("merges",), events=("merge_request",), final=False)],
        [push(), new_commits()],
        {"dev": 1, "all": 1, "merges": 1},
    ),
    (
        [Route(("pushes",), events=("push",), final=False)],
        [merged(), merge_push(), branch_gone()],
        {"dev": 1, "pushes": 2},
    ),
    # Told in one line, which says it too.
    ([Route(("dev",), detail="short")], [push(), new_commits()], {"dev": 1}),
]


@pytest.mark.parametrize(("routes", "events", "counts"), CHANNELS)
def test_a_follower_is_left_out_only_where_its_leader_is_announced(
    make: Make, routes: list[Route], events: list[Payload], counts: dict[str, int]
) -> None:
    relay = make(*routes)
    relay.hear(OPEN)
    before = {channel: len(relay.announced(channel)) for channel in counts}
    relay.hear(*events)
    assert {channel: len(relay.announced(channel)) - before[channel] for channel in counts} == counts


def test_a_push_in_one_line_names_its_merge_request(make: Make) -> None:
    relay = make(Route(("dev",), detail="short"))
    relay.hear(OPEN, push())
    assert "Merge request [!8 Corrige le calcul du quota]" in relay.announced()[-1]
    assert "Fix" not in relay.announced()[-1]


def test_a_site_s_own_words_for_a_push_still_name_its_merge_request(make: Make) -> None:
    from relays.sources.gitlab.templates import EventTemplates

    relay = make(rewordings={"fr": EventTemplates({"push": "poussé"})})
    relay.hear(OPEN, push(), new_commits())
    assert len(relay.announced()) == 2
    assert "poussé" in relay.announced()[-1]
    assert "!8" in relay.announced()[-1]


def test_a_merge_request_that_is_over_is_not_named_any_more(make: Make) -> None:
    relay = make()
    relay.hear(OPEN, merged(merge_params={}, state="merged"), push(HEAD, "d" * 40))
    assert "!8" not in relay.announced()[-1]
    # GitLab keeps no order: an older event of it does not bring it back.
    relay.hear(merge_request("update", updated_at="2020-01-01 00:00:00 UTC"), push("d" * 40, "e" * 40))
    assert "!8" not in relay.announced()[-1]
    relay.hear(merge_request("reopen", updated_at="2036-01-01 00:00:00 UTC"), push("e" * 40, "f" * 40))
    assert "!8" in relay.announced()[-1]


# What is held back before it can be announced has its own tests.
TOLD = [name for name in FILES if not dispatch(load(name))[0]]


@pytest.mark.parametrize("name", TOLD)
def test_an_event_that_comes_by_two_hooks_is_announced_once(make: Make, name: str) -> None:
    relay = make()
    relay.hear(load(name))
    once = relay.announced()
    relay.hear(load(name))
    assert once
    assert relay.announced() == once


def test_a_site_can_have_what_comes_by_two_hooks_announced_twice(make: Make) -> None:
    relay = make(mute=Mute(echoes=False))
    relay.hear(load("issue_open"), load("issue_open"))
    assert len(relay.announced()) == 2


def flag(active: bool) -> Payload:
    payload = load("feature_flag_on")
    payload["object_attributes"]["active"] = active
    return payload


@pytest.mark.parametrize(
    "events",
    [
        [flag(True), flag(False), flag(True)],
        [push("a" * 40, "b" * 40), push("b" * 40, "a" * 40), push("a" * 40, "b" * 40)],
    ],
)
def test_who_does_the_same_again_is_heard_again(make: Make, events: list[Payload]) -> None:
    relay = make()
    relay.hear(*events)
    assert len(relay.announced()) == 3


def test_the_same_event_is_an_echo_for_a_minute(make: Make, monkeypatch: pytest.MonkeyPatch) -> None:
    relay = make()
    relay.hear(load("issue_open"))
    relay.store.submit(
        lambda db: db.execute("UPDATE announced SET announced_at = announced_at - 61")
    ).result()
    relay.hear(load("issue_open"))
    assert len(relay.announced()) == 2


def test_a_delivery_that_comes_twice_while_it_is_held_back_is_announced_once(make: Make) -> None:
    relay = make()
    relay.hear(OPEN)
    relay.hear(new_commits(), new_commits(), keys=("same", "same"))
    assert len(relay.announced()) == 2
    assert relay.counters["duplicate"] == 1
    relay.hear(new_commits(), keys=("same",))
    assert len(relay.announced()) == 2


def test_the_push_that_was_met(make: Make) -> None:
    relay = make()
    relay.hear(case("08-push-to-a-merge-request.1"), case("08-push-to-a-merge-request.2"))
    (message,) = relay.announced()
    assert "Fix" in message
    assert "!8 Quota" in message


def test_only_the_first_push_to_a_branch_waits_for_a_merge_request(
    make: Make, caplog: pytest.LogCaptureFixture
) -> None:
    """And none to the default branch, or that makes a branch: nothing can be open there that was not heard of."""
    caplog.set_level(logging.INFO)
    relay = make()
    relay.hear(push(branch="main"), push(NOTHING, HEAD, "young"), push(HEAD, MERGE, "young"))
    relay.hear(branch_gone(MERGE, "young"))
    assert "held" not in caplog.text
    relay.hear(push())
    assert caplog.text.count("held key=") == 1
    relay.hear(push(HEAD, MERGE), push(MERGE, BASE))
    assert caplog.text.count("held key=") == 1
    assert len(relay.announced()) == 7


def test_what_is_remembered_is_forgotten_in_time(make: Make) -> None:
    relay = make()
    relay.hear(OPEN, push(), new_commits())
    for change in (
        "UPDATE announced SET announced_at = announced_at - 3601",
        "UPDATE merge_requests SET seen_at = seen_at - 181 * 24 * 3600",
        "INSERT INTO held VALUES ('gone', 'review x', 0, 0)",
    ):
        relay.store.submit(lambda db, change=change: db.execute(change)).result()  # type: ignore[misc]
    other = merge_request("open", iid=9, source_branch="other")
    relay.hear(other)
    assert relay.store.read("SELECT iid FROM merge_requests") == [(9,)]
    assert relay.store.read("SELECT count(*) FROM announced WHERE act LIKE 'push %'") == [(0,)]
    assert relay.store.read("SELECT count(*) FROM held") == [(0,)]
