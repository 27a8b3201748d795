"""What is worth a reminder, from what GitLab's API says of a project: a table over its states."""

import json
from collections.abc import Callable, Iterator, Mapping
from datetime import date
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from relays.sources.gitlab.reminders.reading import Horizon, read_project
from relays.sources.gitlab.reminders.things import GitLabUser, Thing
from relays.sources.gitlab.rest import GitLabError, PlaceApi, Server
from relays.sources.gitlab.timestamps import moment
from tests.relays.gitlab_site import Front
from tests.relays.sink import Reply

NOW = moment("2026-11-27T07:30:00Z")
HORIZON = Horizon(NOW, NOW - 14 * 86400, date(2026, 11, 30))
PAGES = "https://git.taaf.internal/taaf/web/-"
PROJECT = {"default_branch": "main", "archived": False}

Json = Mapping[str, Any]


def user(name: str, state: str = "active") -> dict[str, Any]:
    return {"username": name, "name": name.title(), "state": state}


def merge_request(iid: int = 1, **said: Any) -> dict[str, Any]:
    known = {
        "iid": iid,
        "title": f"Titre {iid}",
        "web_url": f"{PAGES}/merge_requests/{iid}",
        "draft": False,
        "author": user("lea"),
        "assignees": [],
        "reviewers": [user("marc")],
        "labels": ["quota"],
        "target_branch": "main",
        "created_at": "2026-11-20T07:30:00.000Z",
        "updated_at": "2026-11-26T07:30:00.000Z",
    }
    return known | said


def reviewer(name: str, state: str = "unreviewed", at: str = "2026-11-24T07:30:00.000Z") -> dict[str, Any]:
    return {"user": user(name), "state": state, "created_at": at}


def approved(*names: str, said: bool = True) -> dict[str, Any]:
    return {"approved": said, "approved_by": [{"user": user(name)} for name in names]}


@pytest.fixture
def front() -> Iterator[Front]:
    front = Front("http://127.0.0.1:9")
    yield front
    front.close()


Read = Callable[[Json], list[Thing]]


@pytest.fixture
def read(front: Front) -> Read:
    """Reads a project of which GitLab answers this, by path; of anything else there is nothing."""

    def make(answers: Json) -> list[Thing]:
        def behave(asked: str) -> Reply:
            address = urlsplit(asked)
            query = parse_qs(address.query)
            path = address.path.removeprefix("/api/v4/projects/taaf%2Fweb").lstrip("/")
            answer = answers.get(path, PROJECT if not path else approved() if "approvals" in path else [])
            if isinstance(answer, Reply):
                return answer
            if isinstance(answer, list) and "per_page" in query:
                size, page = int(query["per_page"][0]), int(query.get("page", ["1"])[0])
                answer = answer[(page - 1) * size : page * size]
            return Reply(200, json.dumps(answer).encode())

        front.behave = behave
        api = PlaceApi(Server(front.url, "glpat-x"), "taaf/web")
        return read_project(api, HORIZON, lambda question: question())

    return make


def waits(*names: str, since: str = "2026-11-24T07:30:00Z") -> Thing:
    """The merge request, which waits for these."""
    return Thing(
        *("review", "merge_request", "taaf/web", 1, "Titre 1", f"{PAGES}/merge_requests/1"),
        since=moment(since),
        people=tuple(GitLabUser(name, name.title()) for name in names),
        branch="main",
        labels=frozenset({"quota"}),
    )


@pytest.mark.parametrize(
    ("said", "reviewers", "approvals", "expected"),
    [
        ({}, [reviewer("marc")], approved(), waits("marc")),
        ({}, [reviewer("marc", "review_started")], approved(), waits("marc")),
        ({}, [reviewer("marc", "unapproved")], approved(), waits("marc")),
        # Who has reviewed waits for the author.
        ({}, [reviewer("marc", "reviewed")], approved(), None),
        ({}, [reviewer("marc", "requested_changes")], approved(), None),
        ({}, [reviewer("marc", "approved")], approved("marc"), None),
        # Somebody else has approved it.
        ({}, [reviewer("marc")], approved("zoe"), None),
        # Paid editions: nobody has to approve it, or another one has to as well.
        ({}, [reviewer("marc")], approved(said=True), waits("marc")),
        ({}, [reviewer("marc")], approved("zoe", said=False), waits("marc")),
        ({"draft": True}, [reviewer("marc")], approved(), None),
        ({"reviewers": []}, [], approved(), None),
        # Nobody waits for themselves, for whoever is gone, or for a machine.
        ({"reviewers": [user("lea")]}, [reviewer("lea")], approved(), None),
        ({"reviewers": [user("marc", "blocked")]}, [reviewer("marc")], approved(), None),
        ({"reviewers": [user("project_7_bot_x")]}, [reviewer("project_7_bot_x")], approved(), None),
        (
            {"reviewers": [user("marc"), user("zoe"), user("lea")]},
            [
                reviewer("marc", "reviewed", "2026-11-21T07:30:00Z"),
                reviewer("zoe", at="2026-11-25T07:30:00Z"),
                reviewer("lea"),
            ],
            approved(),
            waits("zoe", since="2026-11-25T07:30:00Z"),
        ),
        (
            {"reviewers": [user("marc"), user("zoe")]},
            [reviewer("marc", at="2026-11-26T07:30:00Z"), reviewer("zoe", at="2026-11-25T07:30:00Z")],
            approved(),
            waits("marc", "zoe", since="2026-11-25T07:30:00Z"),
        ),
        # It is not said since when they have been asked.
        (
            {},
            [{"user": user("marc"), "state": "unreviewed"}],
            approved(),
            waits("marc", since="2026-11-20T07:30:00Z"),
        ),
    ],
)
def test_merge_requests_that_wait_for_a_review(
    read: Read, said: Json, reviewers: list[Json], approvals: Json, expected: Thing | None
) -> None:
    found = read(
        {
            "merge_requests": [merge_request(**said)],
            "merge_requests/1/reviewers": reviewers,
            "merge_requests/1/approvals": approvals,
        }
    )
    assert found == ([expected] if expected else [])


@pytest.mark.parametrize(
    ("said", "stale"),
    [
        ({"updated_at": "2026-11-13T07:29:59Z"}, ["lea"]),
        ({"updated_at": "2026-11-13T07:30:00Z"}, None),
        ({"updated_at": "2026-10-01T00:00:00Z", "draft": True}, ["lea"]),
        ({"updated_at": "2026-10-01T00:00:00Z", "assignees": [user("zoe"), user("lea")]}, ["lea", "zoe"]),
        ({"updated_at": "2026-10-01T00:00:00Z", "author": user("lea", "blocked")}, []),
        ({"updated_at": None}, None),
    ],
)
def test_stale_merge_requests(read: Read, said: Json, stale: list[str] | None) -> None:
    found = read({"merge_requests": [merge_request(**{"reviewers": [], **said})]})
    assert [(each.group, [person.username for person in each.people]) for each in found] == (
        [] if stale is None else [("stale", stale)]
    )


def test_what_waits_for_a_review_is_said_once_however_long_it_has_waited(read: Read) -> None:
    found = read(
        {
            "merge_requests": [merge_request(updated_at="2026-01-01T00:00:00Z")],
            "merge_requests/1/reviewers": [reviewer("marc")],
        }
    )
    assert [each.group for each in found] == ["review"]


def pipelines(*ended: str) -> list[Json]:
    """Newest first, each an hour older than the one before."""
    return [
        {
            "id": 90 - n,
            "status": status,
            "web_url": f"{PAGES}/pipelines/{90 - n}",
            "updated_at": f"2026-11-27T{6 - n:02}:30:00Z",
        }
        for n, status in enumerate(ended)
    ]


@pytest.mark.parametrize(
    ("ended", "since"),
    [
        (("failed",), "2026-11-27T06:30:00Z"),
        (("failed", "failed", "success", "failed"), "2026-11-27T05:30:00Z"),
        (("canceled", "skipped", "failed", "canceled", "failed", "success"), "2026-11-27T02:30:00Z"),
        (("success", "failed"), None),
        (("canceled", "success", "failed"), None),
        (("canceled",), None),
        ((), None),
    ],
)
def test_a_broken_default_branch(read: Read, ended: tuple[str, ...], since: str | None) -> None:
    listed = pipelines(*ended)
    found = read({"pipelines": listed})
    last = next((each for each in listed if each["status"] == "failed"), None)
    assert [(each.group, each.number, each.url, each.since, each.branch, each.people) for each in found] == (
        [("branch", last["id"], last["web_url"], moment(since), "main", ())] if since and last else []
    )


@pytest.mark.parametrize(
    ("due", "is_found"),
    [
        ("2025-01-01", True),
        ("2026-11-27", True),
        ("2026-11-30", True),  # by the day of the next reminders
        ("2026-12-01", False),
        (None, False),
        ("soon", False),
    ],
)
@pytest.mark.parametrize("kind", ["issues", "milestones"])
def test_what_falls_due(read: Read, kind: str, due: str | None, is_found: bool) -> None:
    thing = {
        "iid": 5,
        "title": "Bilan",
        "web_url": f"{PAGES}/{kind}/5",
        "due_date": due,
        "confidential": False,
        "assignees": [user("marc"), user("zoe", "blocked")],
    }
    found = read({kind: [thing]})
    assert [(each.group, each.number, each.due and each.due.isoformat()) for each in found] == (
        [("due", 5, due)] if is_found else []
    )
    expected = (GitLabUser("marc", "Marc"),) if kind == "issues" else ()
    assert all(each.people == expected and not each.confidential for each in found)


@pytest.mark.parametrize(("said", "confidential"), [(True, True), (False, False), (None, True), ("no", True)])
def test_an_issue_that_is_not_known_to_be_for_everybody_is_confidential(
    read: Read, said: object, confidential: bool
) -> None:
    issue = {"iid": 5, "title": "x", "web_url": "", "due_date": "2026-11-27", "confidential": said}
    assert [each.confidential for each in read({"issues": [issue]})] == [confidential]


def test_every_page_is_read_and_of_issues_only_those_that_may_be_due(read: Read, front: Front) -> None:
    many = [merge_request(n, updated_at="2026-01-01T00:00:00Z", reviewers=[]) for n in range(1, 251)]
    issues = [
        {"iid": n, "title": "x", "web_url": "x", "due_date": "2026-11-27" if n <= 120 else "2027-01-01"}
        for n in range(1, 600)
    ]
    found = read({"merge_requests": many, "issues": issues})
    assert [sum(each.kind == kind for each in found) for kind in ("merge_request", "issue")] == [250, 120]
    pages = [parse_qs(urlsplit(path).query).get("page") for path in front.asked if "/issues?" in path]
    assert pages == [["1"], ["2"]]


@pytest.mark.parametrize(
    ("project", "asked"),
    [
        ({"archived": True}, set()),
        ({"marked_for_deletion_on": "2026-11-20"}, set()),
        ({"marked_for_deletion_at": "2026-11-20"}, set()),
        ({"default_branch": None}, {"merge_requests", "issues", "milestones"}),
        ({"builds_access_level": "disabled"}, {"merge_requests", "issues", "milestones"}),
        ({"issues_access_level": "disabled"}, {"merge_requests", "pipelines", "milestones"}),
        ({"merge_requests_access_level": "disabled"}, {"pipelines", "issues", "milestones"}),
        (
            {"merge_requests_access_level": "disabled", "issues_access_level": "disabled"},
            {"pipelines"},
        ),
        ({"issues_access_level": "private"}, {"merge_requests", "pipelines", "issues", "milestones"}),
    ],
)
def test_only_what_a_project_uses_is_asked_for(
    read: Read, front: Front, project: Json, asked: set[str]
) -> None:
    assert read({"": {**PROJECT, **project}}) == []
    assert {urlsplit(path).path.rpartition("taaf%2Fweb")[2].lstrip("/") for path in front.asked} == asked | {
        ""
    }
    assert len(front.asked) == len(asked) + 1


def test_a_merge_request_nobody_was_asked_to_review_costs_no_question_of_its_own(
    read: Read, front: Front
) -> None:
    read({"merge_requests": [merge_request(1, reviewers=[]), merge_request(2, draft=True)]})
    assert not [path for path in front.asked if "reviewers" in path or "approvals" in path]


@pytest.mark.parametrize(
    ("path", "answer", "reason", "remedy"),
    [
        ("", Reply(401), "HTTP 401", "the token is wrong, revoked or out of date"),
        ("", Reply(403), "HTTP 403", "the token may not read projects"),
        ("", Reply(404), "HTTP 404", "there is no project taaf/web that the token may see"),
        ("", Reply(200, b"[]"), "the answer is not GitLab's", "correct gitlab.url"),
        ("", Reply(302, headers={"Location": "/x"}), "HTTP 302", "it leads elsewhere"),
        ("", Reply(503), "HTTP 503", ""),
        ("merge_requests", Reply(403), "HTTP 403", "the token may not read merge requests"),
        ("merge_requests", Reply(429), "HTTP 429", ""),
        ("merge_requests", Reply(200, b"{}"), "the answer is not GitLab's", "correct gitlab.url"),
        ("issues", Reply(200, b"<html>"), "the answer is not GitLab's", "correct gitlab.url"),
        ("pipelines", Reply(500), "HTTP 500", ""),
    ],
)
def test_what_cannot_be_read_is_an_error_with_its_remedy(
    read: Read, path: str, answer: Reply, reason: str, remedy: str
) -> None:
    with pytest.raises(GitLabError) as caught:
        read({path: answer})
    assert str(caught.value) == reason
    assert caught.value.remedy.startswith(remedy)
    assert bool(caught.value.remedy) == bool(remedy)


def test_odd_answers_are_read_as_far_as_they_go(read: Read) -> None:
    odd = [{}, {"iid": "x", "title": 3, "reviewers": "all", "author": None, "labels": [7, None]}]
    assert read({"merge_requests": odd, "issues": odd, "milestones": odd, "pipelines": odd}) == []
