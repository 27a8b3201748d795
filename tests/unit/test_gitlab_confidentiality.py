"""Whatever says that an event is confidential wins, and what a comment is about has to be known to be public."""

from dataclasses import replace
from typing import Any

import pytest

from relays.sources.gitlab.correlation import part_of
from relays.sources.gitlab.event import Event, read_event
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from tests.unit.acts_world import approval, branch_gone, comment, merge_push, merged, new_commits, push
from tests.unit.test_relays_messages import FILES, load

ISSUES = ["issue_open", "issue_action_missing", "work_item_task_open", "work_item_epic_open_group_ee"]
COMMENTS = ["note_issue", "note_merge_request", "note_commit", "note_snippet", "emoji_award_note"]


def event(payload: dict[str, Any], header: str = "") -> Event:
    return read_event(Payload(payload), header)


def but(name: str, **changes: Any) -> dict[str, Any]:
    """A recorded payload with other values at its top (None: without the key), or of its attributes."""
    payload = load(name)
    attributes = changes.pop("attributes", {})
    payload.update(changes)
    payload["object_attributes"] = {
        key: value for key, value in (payload["object_attributes"] | attributes).items() if value is not None
    }
    return {key: value for key, value in payload.items() if value is not None}


@pytest.mark.parametrize("name", [*ISSUES, *COMMENTS])
@pytest.mark.parametrize(
    ("changes", "header"),
    [
        ({}, "Confidential Issue Hook"),
        ({}, "Confidential Note Hook"),
        ({}, "CONFIDENTIAL Something New Hook"),
        ({"event_type": "confidential_issue"}, "Issue Hook"),
        ({"event_type": "confidential_note"}, "Note Hook"),
        ({"attributes": {"confidential": True}}, "Issue Hook"),
        ({"attributes": {"internal": True}}, "Note Hook"),
        ({"issue": {"iid": 1, "confidential": True}}, "Note Hook"),
        ({"work_item": {"iid": 1, "confidential": True}}, "Note Hook"),
        ({"epic": {"iid": 1, "confidential": True}}, "Note Hook"),
        ({"note": {"internal": True}}, "Emoji Hook"),
        ({"confidential": True}, ""),
    ],
)
def test_one_sign_is_enough_whatever_the_others_say(name: str, changes: dict[str, Any], header: str) -> None:
    assert not event(load(name)).confidential
    assert event(but(name, **changes), header).confidential


@pytest.mark.parametrize("name", FILES)
def test_no_sign_of_it_leaves_an_event_as_public_as_its_body_says(name: str) -> None:
    payload = load(name)
    assert event(payload, "System Hook").confidential == event(payload).confidential
    assert event(payload).confidential == ("confidential" in name or "internal" in name)


OPEN = ["Commit", "MergeRequest", "Snippet", "ProjectSnippet", "WikiPage::Meta"]
# On what GitLab sends nothing along of, and which may be confidential or for some members only.
HIDDEN = [
    *("Issue", "WorkItem", "Epic", "Vulnerability", "DesignManagement::Design", "AlertManagement::Alert"),
    *("Something", ""),
]
COMPANIONS = ("issue", "merge_request", "commit", "snippet")


@pytest.mark.parametrize(("noteable", "public"), [*((o, True) for o in OPEN), *((h, False) for h in HIDDEN)])
def test_a_comment_without_what_it_is_about_is_public_if_that_can_only_be(
    noteable: str, public: bool
) -> None:
    changes: dict[str, Any] = dict.fromkeys(COMPANIONS)
    comment = but("note_issue", **changes, attributes={"noteable_type": noteable})
    assert event(comment, "Note Hook").confidential is not public
    reaction = but("emoji_award_note", **changes)
    reaction["note"]["noteable_type"] = noteable
    assert event(reaction).confidential is not public
    direct = but("emoji_revoke_issue", **changes, attributes={"awardable_type": noteable})
    assert event(direct).confidential is not public


@pytest.mark.parametrize(
    ("event_type", "header", "confidential", "hidden"),
    [
        # GitLab says that it is not, in one way or another.
        ("note", "", None, False),
        (None, "Note Hook", None, False),
        (None, "", False, False),
        # It says nothing.
        (None, "", None, True),
        (None, "System Hook", None, True),
        ("note", "", "?", False),
        (None, "", "?", True),
    ],
)
def test_a_comment_on_an_issue_that_does_not_say_what_it_is(
    event_type: str | None, header: str, confidential: bool | str | None, hidden: bool
) -> None:
    payload = but("note_issue", event_type=event_type)
    payload["issue"] = {"iid": 4, "title": "Quota"} | (
        {} if confidential is None else {"confidential": confidential}
    )
    assert event(payload, header).confidential is hidden


def test_what_one_companion_says_another_cannot_take_back() -> None:
    payload = but("note_merge_request", issue={"iid": 1, "confidential": True})
    assert event(payload).confidential


def test_an_issue_that_says_nothing_is_public() -> None:
    payload = but("issue_open", event_type=None, attributes={"confidential": None})
    assert not event(payload).confidential


# An event of each act that several may have in common (relays.sources.gitlab.correlation).
OF_ACTS: dict[str, dict[str, Any]] = {
    "push": push(),
    "its merge request": new_commits(),
    "merge": merged(),
    "push of a merge": merge_push(),
    "end of a branch": branch_gone(),
    "close": load("issue_close"),
    "update to closed": load("issue_close") | {"changes": {"state_id": {"previous": 1, "current": 2}}},
    "rejection": load("deployment_rejected_ee"),
    "failure": load("deployment_failed"),
    "comment": comment(1, "Bonjour"),
    "approval": approval(),
}


@pytest.mark.parametrize("name", OF_ACTS)
def test_what_is_confidential_is_part_of_no_act_with_what_is_not(name: str) -> None:
    public, hidden = (
        acts_of(replace(event(OF_ACTS[name]), confidential=is_hidden)) for is_hidden in (False, True)
    )
    assert len(public) == len(hidden) > 0
    assert public.isdisjoint(hidden)


def acts_of(one: Event) -> set[str]:
    part = part_of(one, Mute(), [])
    follows = [part.follows.act] if part.follows else []
    return {*(lead.act for lead in part.leads), *follows, part.review, part.pushed} - {""}
