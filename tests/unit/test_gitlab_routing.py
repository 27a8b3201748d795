"""Which events go where: routes, what no route can take, what is muted, what is confidential."""

from dataclasses import fields
from typing import Any

import pytest

from relays.sources.gitlab.event import Event, read_event
from relays.sources.gitlab.events import KINDS, find_kind
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route, faults, targets
from tests.unit.test_relays_messages import FILES, load

DEFAULT = Route(("dev",))
LOUD = Mute(*[False] * len(fields(Mute)))


def event(name: str, **changes: Any) -> Event:
    """A recorded payload as an event, its attributes perhaps changed."""
    payload = load(name)
    payload["object_attributes"] = {**payload.get("object_attributes", {}), **changes}
    return read_event(Payload(payload))


def channels(name: str, *routes: Route, mute: Mute = LOUD, **changes: Any) -> list[str]:
    """Where an event goes."""
    return list(Router([*routes, DEFAULT], mute).dispatch(event(name, **changes))[1])


@pytest.mark.parametrize("name", FILES)
def test_an_event_says_nothing_that_a_route_could_not_name(name: str) -> None:
    announced = event(name)
    if find_kind(announced.payload):
        assert announced.actions <= set(KINDS[announced.name].actions)
        assert announced.project or announced.name == "account", "nothing to route by"


def test_every_event_that_can_be_named_is_built_from_some_payload() -> None:
    assert {event(name).name for name in FILES} >= set(KINDS)


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("push_normal", Route(("ops",), projects=("taaf/*",))),
        ("push_normal", Route(("ops",), projects=("TAAF/Projet-?est-taaf",))),
        ("push_normal", Route(("ops",), branches=("ma*",))),
        ("tag_push_lightweight", Route(("ops",), events=("tag_push",), actions=("create",))),
        ("merge_request_open", Route(("ops",), actions=("open",), branches=("main",))),
        ("merge_request_approval_partial_ee", Route(("ops",), actions=("approved",))),
        ("merge_request_update_draft_to_ready", Route(("ops",), actions=("ready",))),
        ("issue_update_labels", Route(("ops",), labels=("B?g",))),
        ("work_item_task_open", Route(("ops",), events=("issue",))),
        ("note_merge_request", Route(("ops",), events=("note",), branches=("main",))),
        ("pipeline_failed", Route(("ops",), events=("pipeline",), actions=("failed", "fixed"))),
        ("build_failed", Route(("ops",), events=("job",))),
        ("system_project_create", Route(("ops",), events=("project",))),
        ("access_token_expiring_project", Route(("ops",), events=("token",))),
        ("merge_request_open", Route(("ops",), authors=("CMorel", "somebody"))),
        ("push_normal", Route(("ops",), authors=("admin.*",))),
        ("push_normal", Route(("ops",), not_authors=("lperrin",), not_branches=("dev*",))),
        ("issue_open", Route(("ops",), not_labels=("urgent",), not_branches=("*",))),
        ("release_create", Route(("ops",), not_authors=("*",))),
    ],
)
def test_a_route_takes_what_it_names(name: str, route: Route) -> None:
    assert channels(name, route) == ["ops"]


@pytest.mark.parametrize(
    ("name", "route"),
    [
        ("push_normal", Route(("ops",), projects=("taaf",))),
        ("push_normal", Route(("ops",), branches=("main?",))),
        ("tag_push_lightweight", Route(("ops",), branches=("*",))),
        ("merge_request_open", Route(("ops",), actions=("merge",))),
        ("merge_request_open", Route(("ops",), branches=("feature/*",))),
        ("issue_open", Route(("ops",), labels=("urgent",))),
        ("push_normal", Route(("ops",), confidential=True)),
        ("push_normal", Route(("ops",), authors=("lperrin",))),
        ("release_create", Route(("ops",), authors=("*",))),
        ("push_normal", Route(("ops",), not_authors=("ADMIN*",))),
        ("merge_request_open", Route(("ops",), not_branches=("m?in",))),
        ("issue_update_labels", Route(("ops",), labels=("bug",), not_labels=("other", "Back*", "bug"))),
    ],
)
def test_a_route_leaves_the_rest_to_the_default(name: str, route: Route) -> None:
    assert channels(name, route) == ["dev"]


def test_the_first_route_decides_unless_it_is_not_final() -> None:
    first, second = Route(("a", "b")), Route(("b", "c"), detail="short")
    assert channels("push_normal", first, second) == ["a", "b"]
    goes_on = Route(("a", "b"), final=False)
    found = targets([goes_on, second, DEFAULT], event("push_normal"))
    assert list(found) == ["a", "b", "c"]
    assert found["b"] is goes_on, "a channel gets an event once, as the first route to it says"


def test_a_route_without_channels_drops() -> None:
    router = Router([Route((), events=("push",)), DEFAULT], LOUD)
    assert router.dispatch(event("push_normal")) == ("dropped", {})


@pytest.mark.parametrize(
    "name",
    [
        "issue_confidential_open",
        "note_issue_confidential",
        "note_issue_internal",
        "work_item_confidential_open",
    ],
)
def test_the_confidential_needs_a_route_of_its_own(name: str) -> None:
    assert channels(name, Route(("ops",), events=("issue", "note"))) == []
    assert channels(name, Route(("secret",), confidential=True)) == ["secret"]


@pytest.mark.parametrize(("holder", "mark"), [("note", "internal"), ("issue", "confidential")])
def test_a_reaction_to_the_confidential_is_confidential(holder: str, mark: str) -> None:
    payload = load("emoji_award_note")
    assert not read_event(Payload(payload)).confidential
    payload[holder][mark] = True
    assert read_event(Payload(payload)).confidential


@pytest.mark.parametrize(
    ("setting", "name", "changes"),
    [
        ("bots", "note_issue_bot", {}),
        ("child_pipelines", "pipeline_success_child", {}),
        ("comment_edits", "note_issue_update", {}),
        ("empty_updates", "merge_request_update_empty_changes", {}),
        ("intermediate", "pipeline_running", {}),
        ("intermediate", "deployment_running", {}),
        ("jobs", "build_failed", {}),
        ("reactions", "emoji_award_note", {}),
    ],
)
def test_each_noise_is_muted_by_its_setting_alone(setting: str, name: str, changes: dict[str, Any]) -> None:
    if name == "note_issue_bot":
        payload = load("note_issue")
        payload["user"]["username"] = "project_12_bot_3f"
        announced = read_event(Payload(payload))
    else:
        announced = event(name, **changes)
    assert Mute().reason(announced) == setting
    assert Mute(**{setting: False}).reason(announced) == ""


@pytest.mark.parametrize(
    ("route", "words"),
    [
        (Route(("ops",), events=("psh",)), "there is no psh"),
        (Route(("ops",), events=("push",), actions=("merge",)), "none of its events has merge"),
        (Route(("ops",), actions=("opened",)), "none of its events has opened"),
        (Route(("ops",), events=("release",), branches=("main",)), "branches"),
        (Route(("ops",), events=("push",), labels=("bug",)), "labels"),
        (Route(("ops",), events=("push",), confidential=True), "confidential"),
        (Route(("ops",), events=("job",)), "mute.jobs = false"),
        (Route(("ops",), events=("release", "milestone"), authors=("lperrin",)), "authors"),
        (Route(("ops",), events=("release",), not_authors=("lperrin",)), "not_authors"),
        (Route(("ops",), events=("issue",), not_branches=("main",)), "not_branches"),
        (Route(("ops",), events=("push",), not_labels=("bug",)), "not_labels"),
        (
            Route(("ops",), branches=("release/1", "main"), not_branches=("ma*", "release/*")),
            "leaves nothing",
        ),
        (Route(("ops",), labels=("bug",), not_labels=("B?G",)), "leaves nothing of labels"),
        (Route(("ops",), authors=("lperrin",), not_authors=("lperrin",)), "leaves nothing of authors"),
        (Route(("ops",), events=("note",), authors=("project_*_bot*",)), "mute.bots = false"),
        (Route(("ops",), events=("note", "release"), authors=("group_12_bot_3f",)), "mute.bots = false"),
        (Route(("ops",), events=("issue",), actions=("update",), authors=("project_*_bot",)), "mute.bots"),
        (Route(("ops",), projects=("taaf/site",), events=("push",)), "route 2 above it"),
        (Route(("ops",), projects=("taaf/site",), events=("push",), not_authors=("a",)), "route 2 above it"),
    ],
)
def test_a_route_that_can_never_match_is_named(route: Route, words: str) -> None:
    earlier = [
        Route(("a",), events=("pipeline",)),
        Route(("b",), projects=("taaf/*",), events=("push", "note")),
    ]
    assert list(faults(earlier, Mute())) == []
    ((place, reason),) = faults([*earlier, route], Mute())
    assert place == 2
    assert words in reason


@pytest.mark.parametrize(
    ("earlier", "later"),
    [
        (Route(("a",), projects=("taaf/*",), final=False), Route(("b",), projects=("taaf/site",))),
        (Route(("a",), projects=("taaf/?",)), Route(("b",), projects=("taaf/*",))),
        (Route(("a",), projects=("taaf/s*e",)), Route(("b",), projects=("taaf/s*",))),
        (Route(("a",), events=("push",)), Route(("b",))),
        (Route(("a",), events=("push",), branches=("main",)), Route(("b",), events=("push",))),
        (Route(("a",)), Route(("b",), confidential=True)),
        (Route(("a",), events=("push",)), Route(("b",), events=("push", "note"))),
        (Route(("a",), not_authors=("bot",)), Route(("b",))),
        (Route(("a",), not_labels=("bug*",)), Route(("b",), not_labels=("bug",))),
        (Route(("a",), authors=("lperrin",)), Route(("b",), not_authors=("lperrin",))),
        (Route(("a",), events=("push",)), Route(("b",), authors=("project_*_bot*",))),
        (Route(("a",), branches=("x",)), Route(("b",), branches=("main", "dev"), not_branches=("dev",))),
    ],
)
def test_a_route_that_may_match_is_not_refused(earlier: Route, later: Route) -> None:
    assert list(faults([earlier, later], Mute())) == []
