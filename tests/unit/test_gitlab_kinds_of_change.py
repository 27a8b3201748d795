"""What happened, in words: every case by its own, and what GitLab does not list by none that would be wrong."""

import json
import re
from pathlib import Path
from typing import Any

import pytest

from relays.sources.gitlab.event import read_event
from relays.sources.gitlab.events import KINDS
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.wording import CATALOGUES
from tests.unit.test_relays_messages import dispatch, load

CASES = Path(__file__).parents[1] / "fixtures" / "gitlab-cases"
NOTHING, OLD, NEW = "0" * 40, "a" * 40, "b" * 40


def case(name: str) -> dict[str, Any]:
    """A payload that somebody has met."""
    payload: dict[str, Any] = json.loads((CASES / f"{name}.json").read_text(encoding="utf-8"))
    return payload


def said(payload: object, language: str = "fr") -> str:
    """The sentence of a message."""
    _, message = dispatch(payload, language, everything=True)
    assert message is not None
    assert message.said is not None
    return str(message.said.text)


def actions(payload: object) -> set[str]:
    return set(read_event(Payload(payload)).actions)


BRANCHES = [
    # before, after, commits, action, French, English
    (NOTHING, NEW, 0, "create", "a créé la branche", "created the branch"),
    (NOTHING, NEW, 2, "create", "(nouvelle branche `main`)", "(new branch `main`)"),
    (OLD, NEW, 2, "update", "a poussé 2 commit(s)", "pushed 2 commit(s)"),
    (OLD, NEW, 0, "update", "a déplacé la branche", "moved the branch"),
    (OLD, OLD, 0, "update", "a poussé la branche", "pushed the branch"),
    (OLD, NOTHING, 0, "delete", "a supprimé la branche", "deleted the branch"),
    (NOTHING, NOTHING, 0, "delete", "a supprimé la branche", "deleted the branch"),
    ("0" * 64, "b" * 64, 0, "create", "a créé la branche", "created the branch"),
    ("", NEW, 0, "update", "a poussé la branche", "pushed the branch"),
    ("", NEW, 1, "update", "a poussé 1 commit(s)", "pushed 1 commit(s)"),
    (OLD, "", 0, "update", "a poussé la branche", "pushed the branch"),
]


@pytest.mark.parametrize(("before", "after", "commits", "action", "french", "english"), BRANCHES)
def test_a_push_says_what_it_did_to_the_branch(
    before: str, after: str, commits: int, action: str, french: str, english: str
) -> None:
    payload = load("push_normal") | {"before": before, "after": after, "total_commits_count": commits}
    payload["commits"] = payload["commits"][:commits]
    assert actions(payload) == {action}
    assert french in said(payload)
    assert english in said(payload, "en")


def test_a_new_branch_says_its_commits_as_well() -> None:
    _, message = dispatch(case("10-new-branch-with-commits"))
    assert message is not None
    first, second = str(message.text).split("\n")
    assert first == "📦 **Alex** a poussé 1 commit(s) sur **web** (nouvelle branche `new`)"
    assert second == "- `bbbbbbbb` Fix — Alex"


TAGS = [
    (NOTHING, NEW, "create", "a créé le tag", "created the tag"),
    (OLD, NEW, "update", "a déplacé le tag", "moved the tag"),
    (OLD, OLD, "update", "a poussé le tag", "pushed the tag"),
    (OLD, NOTHING, "delete", "a supprimé le tag", "deleted the tag"),
    ("", NEW, "update", "a poussé le tag", "pushed the tag"),
    (OLD, "", "update", "a poussé le tag", "pushed the tag"),
    ("", "", "update", "a poussé le tag", "pushed the tag"),
]


@pytest.mark.parametrize("message", ["", "Version 1.2.0"])
@pytest.mark.parametrize(("before", "after", "action", "french", "english"), TAGS)
def test_a_tag_is_created_moved_or_deleted(
    before: str, after: str, action: str, french: str, english: str, message: str
) -> None:
    payload = load("tag_push_annotated") | {"before": before, "after": after, "message": message}
    assert actions(payload) == {action}
    assert french in said(payload)
    assert english in said(payload, "en")
    assert ("Version" in said(payload)) == (bool(message) and action != "delete")


def test_the_tag_that_somebody_moved() -> None:
    assert said(case("02-tag-moved")).startswith("🏷️ **Alex** a déplacé le tag")


# An action that GitLab does not list, of every event that has one: where it stands, and what would be wrong to say.
UNLISTED = [
    ("merge_request_open", ("object_attributes", "action"), "ouvert"),
    ("issue_open", ("object_attributes", "action"), "ouvert"),
    ("work_item_task_open", ("object_attributes", "action"), "ouvert"),
    ("note_issue", ("object_attributes", "action"), "commenté"),
    ("release_create", ("action",), "publiée"),
    ("milestone_create", ("action",), "créé"),
    ("wiki_page_create", ("object_attributes", "action"), "créé"),
    ("feature_flag_on", ("object_attributes", "active"), "activé"),
    ("access_token_expiring_project", ("event_name",), "expire"),
    ("deploy_token_expiring_project", ("event_name",), "expire"),
    ("vulnerability_ee", ("object_attributes", "state"), "confirmée"),
]


@pytest.mark.parametrize("odd", ["archived", "CREATE", "x"])
@pytest.mark.parametrize(("name", "path", "wrong"), UNLISTED)
def test_an_action_that_is_not_listed_is_not_taken_for_a_listed_one(
    name: str, path: tuple[str, ...], wrong: str, odd: str
) -> None:
    payload = load(name)
    listed = said(payload)
    parent = payload
    for key in path[:-1]:
        parent = parent[key]
    parent[path[-1]] = odd
    assert wrong in listed
    assert said(payload) != listed
    assert wrong not in said(payload)
    assert actions(payload).isdisjoint(set(KINDS[read_event(Payload(payload)).name].actions) - {"update"})


def test_a_reaction_that_is_neither_given_nor_taken_back_is_not_announced() -> None:
    payload = load("emoji_award_note")
    payload.update(event_type="moved")
    payload["object_attributes"]["action"] = "moved"
    assert dispatch(payload, everything=True)[1] is None


def test_a_milestone_that_was_deleted_leads_nowhere() -> None:
    _, message = dispatch(load("milestone_delete"))
    assert message is not None
    assert message.attachment is not None
    assert message.attachment.text == "🎯 Un jalon a été supprimé"
    assert message.attachment.title_link == ""


# GitLab's own types of work items (its code of 18.5 and 19.x), as payloads name them.
TYPES = {
    "Issue": ("Issue", "une issue", "Issue", "an issue"),
    "Incident": ("Incident", "un incident", "Incident", "an incident"),
    "Test Case": ("Cas de test", "un cas de test", "Test Case", "a test case"),
    "Requirement": ("Exigence", "une exigence", "Requirement", "a requirement"),
    "Task": ("Tâche", "une tâche", "Task", "a task"),
    "Objective": ("Objectif", "un objectif", "Objective", "an objective"),
    "Key Result": ("Résultat clé", "un résultat clé", "Key Result", "a key result"),
    "Epic": ("Epic", "un epic", "Epic", "an epic"),
    "Ticket": ("Ticket", "un ticket", "Ticket", "a ticket"),
    # One that a site has made.
    "Spike": ("Spike", "un élément de travail « Spike »", "Spike", "a work item “Spike”"),
}
STATES = {1: ("reopen", "a rouvert", "reopened"), 2: ("close", "a fermé", "closed")}


@pytest.mark.parametrize("state", STATES)
@pytest.mark.parametrize("kind", ["issue", "work_item"])
@pytest.mark.parametrize("named", TYPES)
def test_any_work_item_may_change_its_state_by_an_update(named: str, kind: str, state: int) -> None:
    payload = case("11-requirement-archived") | {"object_kind": kind}
    payload["object_attributes"]["type"] = named
    payload["changes"]["state_id"] = {"previous": 3 - state, "current": state}
    action, *words = STATES[state]
    assert dispatch(payload)[0] == "", "announced by default"
    assert actions(payload) == {"update", action}
    shown, spoken = TYPES[named][::2], TYPES[named][1::2]
    for language, verb, title, what in zip(CATALOGUES, words, shown, spoken, strict=True):
        _, message = dispatch(payload, language)
        assert message is not None
        assert message.attachment is not None
        assert re.fullmatch(f"{title} #12 ?: Must hold", message.attachment.title)
        assert message.attachment.text == f"**Alex** {verb} {what}"
        assert message.attachment.color == {"close": "#ff0000", "reopen": "#808080"}[action]


def test_what_changed_beside_the_state_is_announced_as_well() -> None:
    payload = case("11-requirement-archived")
    payload["changes"]["description"] = {"previous": "a", "current": "b"}
    assert said(payload) == "**Alex** a fermé une exigence (modifications : description)"


@pytest.mark.parametrize(
    ("previous", "current", "expected"),
    [(1, 3, {"update", "merge"}), (4, 3, {"update", "merge"}), (1, 4, {"update"}), (3, 3, {"update"})],
)
def test_a_merge_request_may_change_its_state_by_an_update_too(
    previous: int, current: int, expected: set[str]
) -> None:
    payload = load("merge_request_update_empty_changes")
    payload["changes"] = {"state_id": {"previous": previous, "current": current}}
    assert actions(payload) == expected
    assert ("a fusionné" in said(payload)) == ("merge" in expected)


def test_a_bot_that_closes_by_an_update_is_heard_as_one_that_closes() -> None:
    payload = case("11-requirement-archived")
    payload["user"]["username"] = "project_12_bot_3f"
    assert Mute().reason(read_event(Payload(payload))) == ""


@pytest.mark.parametrize(
    ("resolved", "words"), [(True, "discussions résolues"), (False, "discussions à résoudre")]
)
def test_a_merge_request_that_its_threads_block_or_free_is_announced(resolved: bool, words: str) -> None:
    payload = load("merge_request_update_empty_changes")
    payload["changes"] = {"blocking_discussions_resolved": {"previous": not resolved, "current": resolved}}
    assert dispatch(payload)[0] == ""
    assert words in said(payload)
