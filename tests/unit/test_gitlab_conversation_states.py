"""What is known of a conversation: the same whatever order GitLab's events come in."""

import itertools
from dataclasses import replace

import pytest

from relays.sources.gitlab.conversations.contribution import Fact
from relays.sources.gitlab.conversations.root import render
from relays.sources.gitlab.conversations.state import State
from relays.sources.gitlab.event import read_event
from relays.sources.gitlab.events import find_kind
from relays.sources.gitlab.payload import Payload as Read
from relays.wording import CATALOGUES
from tests.unit.acts_world import HEAD, Payload
from tests.unit.conversation_events import (
    ALEX,
    LEO,
    OPEN,
    SHAS,
    by,
    change,
    deployment,
    issue,
    pipeline,
    relabeled,
)
from tests.unit.test_relays_messages import load
from tests.unit.test_relays_snapshots import rendered


def of_merge_request(payload: Payload) -> Payload:
    return payload | {"merge_request": load("pipeline_failed_merge_request")["merge_request"]}


# What is told late, of what was so before: the root is that of the newest, in whatever order they come.
ANY_ORDER: dict[str, list[Payload]] = {
    "a merge request": [
        OPEN,
        change("update", 1, SHAS[1], oldrev=HEAD, title="Autre titre", draft=True),
        relabeled(change("update", 2, SHAS[1], title="Autre titre")),
        change("merge", 3, SHAS[1], title="Autre titre", state="merged"),
    ],
    "one that is opened again": [OPEN, change("close", 1, HEAD, state="closed"), change("reopen", 2, HEAD)],
    "the pipelines of a merge request": [
        OPEN,
        of_merge_request(pipeline("running", 7)),
        of_merge_request(pipeline("failed", 7)),
        of_merge_request(pipeline("success", 8)),
    ],
    "votes": [
        OPEN,
        by(change("approved", 1, HEAD), *LEO),
        by(change("unapproved", 2, HEAD), *LEO),
        by(change("approved", 3, HEAD), *ALEX),
    ],
    "an issue": [
        issue("open", 0),
        issue("update", 1, title="Autre titre", due_date="2026-12-01"),
        issue("close", 2, state="closed"),
    ],
    "an environment": [deployment("running", 1), deployment("failed", 2), deployment("success", 3)],
    "a release": [load("release_create"), load("release_delete")],
}
ORDERS = [
    (name, order) for name, heard in ANY_ORDER.items() for order in itertools.permutations(range(len(heard)))
]


def root_of(*payloads: Payload) -> str:
    """The root once all of these were heard, through what is stored of it."""
    state, kind = State(), ""
    for payload in payloads:
        event, found = read_event(Read(payload)), find_kind(Read(payload))
        said = found and found.contribution(event.payload, event.project, event.actions)
        assert said
        name = replace(said, facts={"name": Fact((0.0,), said.name)}, counts={}, turn=None)
        kind, state = said.kind, State.read(state.with_(said).with_(name).written())
    return rendered("", render(kind, state, CATALOGUES["fr"], "full").payload())


@pytest.mark.parametrize(("name", "order"), ORDERS)
def test_what_comes_late_turns_nothing_back(name: str, order: tuple[int, ...]) -> None:
    heard = ANY_ORDER[name]
    assert root_of(*(heard[number] for number in order)) == root_of(*heard)


@pytest.mark.parametrize("name", ANY_ORDER)
def test_each_event_says_something(name: str) -> None:
    shown = [root_of(*ANY_ORDER[name][: count + 1]) for count in range(len(ANY_ORDER[name]))]
    assert all(before != after for before, after in itertools.pairwise(shown))


def test_what_is_told_of_no_moment_holds_as_it_comes() -> None:
    undated = change("update", 5, HEAD, title="Sans date", updated_at=None)
    undated["object_attributes"]["updated_at"] = None
    assert "Sans date" in root_of(change("update", 9, HEAD), undated)


@pytest.mark.parametrize(
    ("sha", "icon"), [(HEAD, "❌"), (SHAS[1], "🟢")], ids=["of its head", "of an older commit"]
)
def test_a_pipeline_counts_for_the_commits_that_it_ran_for(sha: str, icon: str) -> None:
    failed = State()
    for payload in (OPEN, pipeline("failed", 7, sha)):
        event = read_event(Read(payload))
        said = find_kind(event.payload).contribution(event.payload, event.project, event.actions)  # type: ignore[union-attr]
        assert said
        failed = failed.with_(said)
    assert render("merge_request", failed, CATALOGUES["fr"], "short").summary.startswith(icon)
