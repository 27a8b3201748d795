"""What is kept of what became of events: in each channel what it was for, and nowhere what was not for it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from relays.sources.gitlab.channel_events import ChannelEvent, ChannelEvents
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.projects import Projects
from relays.sources.gitlab.routing import Route
from relays.storage.engine import Database
from tests.postgresql import on_both_spools
from tests.unit.acts_world import (
    MERGE,
    World,
    approval,
    branch_gone,
    comment,
    merge_push,
    merge_request,
    merged,
    push,
    world,
)
from tests.unit.test_relays_messages import load

OURS, VAULT, SECRET, FOREIGN = "taaf/projet-test-taaf", "taaf/vault", "taaf/secret", "other/thing"
ROUTES = (
    Route((), projects=(SECRET,)),
    Route(("vault",), projects=(VAULT,)),
    Route(("rh",), events=("issue",), confidential=True),
    Route(("ops",), events=("pipeline",), final=False),
    Route((), events=("milestone",)),
)
CHANNELS = ("dev", "vault", "rh", "ops")


@pytest.fixture
def relay(tmp_path: Path) -> Iterator[World]:
    projects = Projects((OURS, VAULT, SECRET))
    with world(tmp_path, None, *ROUTES, projects=projects) as made:
        made.channel_events = ChannelEvents(made.store, made.router)
        yield made


def events(relay: World, channel: str) -> list[ChannelEvent]:
    assert relay.channel_events is not None
    return list(relay.channel_events.latest(channel, 50))[::-1]


def of(project: str, name: str) -> dict[str, Any]:
    """A recorded event, of this project."""
    payload = load(name)
    place = payload["project"]
    place["path_with_namespace"] = project
    place["name"] = project.rpartition("/")[2]
    return payload


SEEN: dict[str, tuple[str, str, dict[str, str]]] = {
    "an issue": (OURS, "issue_open", {"dev": ""}),
    "a confidential issue": (OURS, "issue_confidential_open", {"rh": ""}),
    "a confidential issue of a project that is dropped": (SECRET, "issue_confidential_open", {"rh": ""}),
    "a comment on a confidential issue": (OURS, "note_issue_confidential", {}),
    "an internal comment": (OURS, "note_issue_internal", {}),
    "a confidential issue of the vault": (VAULT, "issue_confidential_open", {"rh": ""}),
    "an issue of the vault": (VAULT, "issue_open", {"vault": ""}),
    "a push of the vault": (VAULT, "push_normal", {"vault": ""}),
    "a pipeline of the vault": (VAULT, "pipeline_failed", {"vault": ""}),
    "a pipeline of the vault on its way": (VAULT, "pipeline_running", {"vault": "intermediate"}),
    "a milestone of the vault": (VAULT, "milestone_create", {"vault": ""}),
    "an issue of a project that is dropped": (SECRET, "issue_open", {}),
    "a push of a project that is dropped": (SECRET, "push_normal", {}),
    "a muted event of a project that is dropped": (SECRET, "pipeline_running", {}),
    "a milestone of a project that is dropped": (SECRET, "milestone_create", {}),
    "a pipeline": (OURS, "pipeline_failed", {"dev": "", "ops": ""}),
    "a pipeline on its way": (OURS, "pipeline_running", {"dev": "intermediate", "ops": "intermediate"}),
    "a milestone, which a route drops": (OURS, "milestone_create", {"dev": "route 5"}),
    "an issue of a foreign project": (FOREIGN, "issue_open", {}),
    "a muted event of a foreign project": (FOREIGN, "pipeline_running", {}),
    "a confidential issue of a foreign project": (FOREIGN, "issue_confidential_open", {}),
}


@pytest.mark.parametrize("name", SEEN)
def test_a_channel_sees_what_was_for_it_and_nothing_else(relay: World, name: str) -> None:
    """Of each event in each channel: seen or not, and by which rule it was left out."""
    project, sample, seen = SEEN[name]
    relay.hear(of(project, sample))
    found = {channel: [each.rule for each in events(relay, channel)] for channel in CHANNELS}
    assert found == {channel: [seen[channel]] if channel in seen else [] for channel in CHANNELS}
    for channel in seen:
        (event,) = events(relay, channel)
        assert event.project == project
        assert (event.state == "ready") is (seen[channel] == "")


def test_nothing_of_a_text_is_kept(relay: World) -> None:
    secret = "Titre-secret"
    issue = of(OURS, "issue_open")
    issue["object_attributes"] |= {"title": secret, "description": secret}
    issue["user"] |= {"name": secret, "username": secret}
    relay.hear(issue, merge_request("open", title=secret))
    rows = relay.store.read("SELECT * FROM channel_events")
    assert len(rows) == 2
    assert secret not in str(rows)


@pytest.mark.parametrize(
    ("sample", "kind", "subject"),
    [
        ("issue_open", "issue", "#"),
        ("merge_request_open", "merge_request", "!"),
        ("note_merge_request", "note", "!"),
        ("note_issue", "note", "#"),
        ("pipeline_failed", "pipeline", "#"),
        ("push_normal", "push", ""),
        ("release_create", "release", ""),
    ],
)
def test_an_event_is_called_by_its_number_or_its_branch(
    relay: World, sample: str, kind: str, subject: str
) -> None:
    relay.hear(of(OURS, sample))
    (event,) = events(relay, "dev")
    assert event.kind == kind
    assert event.subject.startswith(subject)
    assert (len(event.subject) > len(subject)) is (sample != "release_create")


def rules(relay: World, channel: str = "dev") -> list[tuple[str, str]]:
    return [(event.kind, event.rule) for event in events(relay, channel)]


def test_what_follows_a_leader_is_said_to_be_left_out_for_that(relay: World) -> None:
    relay.hear(merge_request("open"), merged(), merge_push(), branch_gone())
    assert rules(relay) == [
        ("merge_request", ""),
        ("merge_request", ""),
        ("push", "merge_pushes"),
        ("push", "merge_pushes"),
    ]


def test_the_parts_of_a_review_are_said_to_be_one(relay: World) -> None:
    relay.hear(merge_request("open"), comment(1, "a"), comment(2, "b"), approval())
    assert sorted(rules(relay)) == sorted(
        [("merge_request", ""), ("note", ""), ("note", "reviews"), ("merge_request", "reviews")]
    )


def test_an_event_that_comes_twice_is_there_once(relay: World) -> None:
    opened = of(OURS, "issue_open")
    relay.hear(opened, opened, keys=["one", "one"])
    assert rules(relay) == [("issue", "")]
    relay.hear(opened, keys=["another hook"])
    assert rules(relay) == [("issue", ""), ("issue", "echoes")]


def test_each_mute_is_named(tmp_path: Path) -> None:
    with world(tmp_path, None) as relay:
        relay.channel_events = ChannelEvents(relay.store, relay.router)
        relay.hear(load("build_failed"), load("emoji_award_merge_request"), load("note_issue_update"))
        assert [rule for _, rule in rules(relay)] == ["jobs", "reactions", "comment_edits"]


def test_what_cannot_be_announced_shows_nothing_but_that(
    relay: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(type(relay.router), "dispatch", fail)
    relay.hear(of(SECRET, "issue_open"))
    (event,) = events(relay, "dev")
    assert (event.kind, event.subject, event.project, event.rule) == ("", "", "", "failed")


@on_both_spools
def test_old_ones_are_forgotten(tmp_path: Path, spool: str | None, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("relays.sources.gitlab.channel_events._MOST", 3)
    with world(tmp_path, spool, mute=Mute(echoes=False)) as relay:
        relay.channel_events = ChannelEvents(relay.store, relay.router)
        for number in range(6):
            relay.hear(push(after=f"{number}" * 40, branch=f"b{number}"))
        assert [event.subject for event in events(relay, "dev")][-3:] == ["b3", "b4", "b5"]
        assert len(events(relay, "dev")) <= 4
        relay.now += 15 * 24 * 3600
        relay.hear(push(after=MERGE, branch="last"))
        assert [event.subject for event in events(relay, "dev")] == ["last"]


@on_both_spools
@pytest.mark.parametrize(("there", "left"), [(0, 0), (499, 0), (1_500, 0), (10_499, 499), (20_000, 10_000)])
def test_much_that_is_old_at_once_goes_within_a_budget(
    tmp_path: Path, spool: str | None, there: int, left: int
) -> None:
    """However many are noted in one transaction, none may be in the way of events for long."""
    with world(tmp_path, spool) as relay:
        noted = ChannelEvents(relay.store, relay.router)
        relay.store.submit(lambda db: _old(db, there)).result()
        relay.store.submit(noted.forget).result()
        assert relay.store.read("SELECT count(*) FROM channel_events") == [(left,)]


def _old(db: Database, number: int) -> None:
    """Have so many be there that are too old."""
    db.execute(
        "INSERT INTO channel_events (channel, delivery_key, kind, subject, project, rule, noted_at)"
        " WITH RECURSIVE n(x) AS (SELECT 1 UNION ALL SELECT x + 1 FROM n WHERE x < ?)"
        " SELECT 'dev', 'key ' || x, 'push', '', '', '', 0 FROM n WHERE ? > 0",
        (number, number),
    )


@on_both_spools
def test_one_of_another_channel_is_not_found(tmp_path: Path, spool: str | None) -> None:
    with world(tmp_path, spool, *ROUTES) as relay:
        relay.channel_events = ChannelEvents(relay.store, relay.router)
        relay.hear(of(VAULT, "issue_open"))
        (event,) = events(relay, "vault")
        assert relay.channel_events.find("vault", event.number) == event
        assert relay.channel_events.find("dev", event.number) is None
