"""Who is mentioned: the person newly assigned or asked, and nobody else."""

from typing import Any

import pytest
from pydantic import TypeAdapter, ValidationError

from relays.mattermost.settings import MattermostName
from relays.sources.gitlab.event import read_event
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.people import mentions
from relays.wording import CATALOGUES
from tests.unit.test_relays_messages import load

PEOPLE = {"lperrin": "leo", "cmorel": "camille", "other": "else"}
LEO, CAMILLE, STRANGER = ({"username": name, "name": name} for name in ("lperrin", "cmorel", "x"))


def announced(name: str, actor: str = "admin", **changes: Any) -> list[str]:
    """The lines of mentions under a recorded payload that has changed."""
    payload = load(name) | {"user": {"username": actor}} | changes
    return list(mentions(read_event(Payload(payload)), PEOPLE, CATALOGUES["en"]))


def test_at_the_opening_all_are_announced() -> None:
    lines = announced("merge_request_open", assignees=[LEO, STRANGER], reviewers=[CAMILLE, LEO])
    assert lines == ["📌 Assigned: @leo", "👀 Review requested from @camille, @leo"]


def test_of_an_update_only_the_new_ones() -> None:
    changes = {"assignees": {"previous": [LEO], "current": [LEO, CAMILLE]}}
    assert announced("issue_update_assignee", assignees=[LEO, CAMILLE], changes=changes) == [
        "📌 Assigned: @camille"
    ]
    assert announced("issue_update_assignee", assignees=[LEO], changes={"title": {"previous": "a"}}) == []


def test_who_is_asked_again_is_mentioned_again() -> None:
    states = [[{**LEO, "id": 1, "re_requested": False}], [{**LEO, "id": 1, "re_requested": True}]]
    assert announced("merge_request_update_rerequest_review", changes={"reviewers": states}) == [
        "👀 Review requested from @leo"
    ]


@pytest.mark.parametrize("actor", ["lperrin", "LPerrin"])
def test_who_did_it_is_not_announced(actor: str) -> None:
    assert announced("merge_request_open", actor=actor, assignees=[LEO], reviewers=[LEO]) == []


@pytest.mark.parametrize(("said", "named"), [("LPerrin", "lperrin"), ("lperrin", "LPerrin")])
def test_however_a_name_is_written(said: str, named: str) -> None:
    changes = {"user": {"username": "admin"}, "assignees": [{"username": named}], "reviewers": []}
    payload = load("merge_request_open") | changes
    lines = mentions(read_event(Payload(payload)), {said: "leo"}, CATALOGUES["en"])
    assert [*lines] == ["📌 Assigned: @leo"]


def test_other_events_and_other_people_mention_nobody() -> None:
    assert announced("note_merge_request", assignees=[LEO], reviewers=[LEO]) == []
    assert announced("merge_request_open", assignees=[STRANGER], reviewers=[]) == []
    assert announced("merge_request_merge", assignees=[LEO]) == []


@pytest.mark.parametrize("name", ["all", "channel", "here", "Léo", "leo,all", "@leo", "leo all", "", "leo\n"])
def test_what_is_no_name_of_one_person_is_refused(name: str) -> None:
    person = TypeAdapter[str](MattermostName)
    with pytest.raises(ValidationError, match="is not the name of one user of Mattermost"):
        person.validate_python(name)
    assert person.validate_python("leo.perrin-2_x") == "leo.perrin-2_x"
