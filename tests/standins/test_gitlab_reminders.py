"""What reminders read of GitLab: reviewers, approvals, due dates, milestones, pipelines, page by page."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.standins.gitlab_site import READ_TOKEN, Project


def opened(project: Project, branch: str, **parameters: Any) -> dict[str, Any]:
    project.commit(branch, {f"{branch}.txt": "un\n"}, start_branch="main")
    made: dict[str, Any] = project.done(
        "POST", "/merge_requests", source_branch=branch, target_branch="main", title=branch, **parameters
    )
    return made


def day(ahead: int) -> str:
    return (datetime.now(UTC).date() + timedelta(ahead)).isoformat()


def test_reviewers_and_approvals(project: Project) -> None:
    me = project.site.done("GET", "/user")["id"]
    opened(project, "a", reviewer_ids=[me])
    (asked,) = project.done("GET", "/merge_requests/1/reviewers")
    assert (asked["user"]["username"], asked["user"]["state"], asked["state"]) == (
        *("root", "active"),
        "unreviewed",
    )
    assert datetime.fromisoformat(asked["created_at"]) <= datetime.now(UTC)
    before = project.done("GET", "/merge_requests/1/approvals")
    assert (before["approved"], before["approved_by"]) == (False, [])
    project.done("POST", "/merge_requests/1/approve")
    assert project.call("POST", "/merge_requests/1/approve").status_code == 401
    after = project.done("GET", "/merge_requests/1/approvals")
    assert (after["approved"], after["user_has_approved"]) == (True, True)
    assert [each["user"]["username"] for each in after["approved_by"]] == ["root"]
    (asked_still,) = project.done("GET", "/merge_requests/1/reviewers")
    assert asked_still == asked | {"state": "approved"}
    project.done("PUT", "/merge_requests/1", reviewer_ids=[])
    assert project.done("GET", "/merge_requests/1/reviewers") == []


def test_issues_by_the_day_on_which_they_are_due(project: Project) -> None:
    for title, ahead in (("late", -3), ("today", 0), ("tomorrow", 1), ("far", 400), ("never", None)):
        due = {} if ahead is None else {"due_date": day(ahead)}
        project.done("POST", "/issues", title=title, **due)

    def listed(**query: str) -> list[str]:
        answer = project.call("GET", "/issues", params=query)
        assert answer.ok, answer.text
        return [issue["title"] for issue in answer.json()]

    earliest = {"order_by": "due_date", "sort": "asc"}
    assert listed(due_date="any", **earliest) == ["late", "today", "tomorrow", "far"]
    assert listed(**earliest) == ["late", "today", "tomorrow", "far", "never"]
    assert listed(due_date="overdue") == ["late"]
    assert listed(due_date="tomorrow") == ["tomorrow"]
    assert listed(due_date="0") == ["never"]
    project.done("PUT", "/issues/1", due_date="")
    assert listed(due_date="overdue") == []
    assert project.done("GET", "/issues/2")["due_date"] == day(0)


def test_milestones(project: Project) -> None:
    project.done("POST", "/milestones", title="v2", due_date=day(5))
    made = project.done("POST", "/milestones", title="v1", due_date=day(-1))
    assert made["web_url"].endswith(f"/{project.full_path}/-/milestones/2")
    answer = project.call("GET", "/milestones", params={"state": "active", "include_ancestors": "true"})
    assert [(each["title"], each["expired"]) for each in answer.json()] == [("v1", True), ("v2", False)]
    assert project.call("POST", "/milestones", json={"title": "v1"}).status_code == 400


def test_pipelines_by_reported_statuses(project: Project) -> None:
    first = project.branch("main")["commit"]["id"]
    project.done("POST", f"/statuses/{first}", state="success", ref="main")
    second = project.commit("main", {"b.txt": "b"})["id"]
    project.done("POST", f"/statuses/{second}", state="running", ref="main")
    query = {"ref": "main", "scope": "finished", "order_by": "id", "sort": "desc"}

    def ended() -> list[tuple[str, str]]:
        return [
            (each["sha"], each["status"]) for each in project.call("GET", "/pipelines", params=query).json()
        ]

    assert ended() == [(first, "success")]
    project.done("POST", f"/statuses/{second}", state="failed", ref="main")
    assert ended() == [(second, "failed"), (first, "success")]
    unknown = project.call("POST", f"/statuses/{'0' * 40}", json={"state": "failed", "ref": "main"})
    assert unknown.status_code == 404


def test_a_pipeline_runs_again(project: Project) -> None:
    """By a token that may write; nothing comes of it where nothing has failed."""
    head = project.branch("main")["commit"]["id"]
    reported = project.done("POST", f"/statuses/{head}", state="failed", ref="main")
    path = f"/pipelines/{reported['pipeline_id']}"
    assert (project.done("GET", path)["status"], project.done("GET", path)["ref"]) == ("failed", "main")
    refused = project.call("POST", f"{path}/retry", headers={"PRIVATE-TOKEN": READ_TOKEN})
    assert refused.status_code == 403
    for _ in range(2):
        answer = project.call("POST", f"{path}/retry")
        assert (answer.status_code, answer.json()["status"]) == (201, "running")
    project.done("POST", f"/statuses/{head}", state="success", ref="main")
    assert project.call("POST", f"{path}/retry").json()["status"] == "success"
    assert project.call("POST", "/pipelines/9999/retry").status_code == 404
    assert project.call("GET", "/pipelines/9999").status_code == 404


def test_a_reviewer_more_than_one_is_left_out(project: Project) -> None:
    """As the free edition does, in the order in which they are given."""
    me = project.site.done("GET", "/user")["id"]
    opened(project, "a")
    changed = project.done("PUT", "/merge_requests/1", reviewer_ids=[me, 99])
    assert [each["id"] for each in changed["reviewers"]] == [me]


@pytest.mark.parametrize("path", ["/issues", "/merge_requests", "/milestones", "/pipelines"])
def test_lists_come_in_pages(project: Project, path: str) -> None:
    for number in range(3):
        if path == "/merge_requests":
            opened(project, f"b{number}")
        elif path == "/pipelines":
            commit = project.commit("main", {f"{number}.txt": ""})["id"]
            project.done("POST", f"/statuses/{commit}", state="failed", ref="main")
        else:
            project.done("POST", path, title=f"t{number}")
    pages = [
        project.call(
            "GET", path, params={"per_page": 2, "page": number}, headers={"PRIVATE-TOKEN": READ_TOKEN}
        )
        for number in (1, 2, 3)
    ]
    assert [len(page.json()) for page in pages] == [2, 1, 0]
    assert pages[0].headers["x-next-page"] == "2"


@pytest.mark.parametrize(
    "path",
    [
        "",
        "/issues",
        "/merge_requests",
        "/merge_requests/1/reviewers",
        "/merge_requests/1/approvals",
        "/milestones",
    ],
)
def test_nobody_reads_with_a_wrong_token_or_writes_with_that_of_a_reader(project: Project, path: str) -> None:
    wrong = project.call("GET", path, headers={"PRIVATE-TOKEN": "glpat-of-nobody"})
    assert (wrong.status_code, wrong.json()) == (401, {"message": "401 Unauthorized"})
    if path in ("/issues", "/milestones"):
        reader = project.call("POST", path, json={"title": "x"}, headers={"PRIVATE-TOKEN": READ_TOKEN})
        assert (reader.status_code, reader.json()["error"]) == (403, "insufficient_scope")


def test_what_is_somebodys(project: Project) -> None:
    """Who bears a name, their role in a project, and the lists by author, assignee and reviewer."""
    site, me = project.site, project.site.done("GET", "/user")
    (found,) = site.done("GET", "/users?username=Root")
    assert (found["id"], found["state"], found["public_email"]) == (me["id"], "active", "")
    assert site.done("GET", "/users?username=roo") == []
    assert site.done("GET", "/users?search=somebody@example.org") == []
    assert project.done("GET", f"/members/all/{me['id']}")["access_level"] == 40
    assert project.call("GET", "/members/all/999").status_code == 404
    opened(project, "a", reviewer_ids=[me["id"]])
    opened(project, "b", assignee_ids=[me["id"]])
    project.done("POST", "/issues", title="mine", assignee_ids=[me["id"]])
    project.done("POST", "/issues", title="nobody's")

    def listed(path: str) -> list[str]:
        return sorted(each["title"] for each in project.done("GET", path))

    assert listed(f"/merge_requests?author_id={me['id']}") == ["a", "b"]
    assert listed(f"/merge_requests?reviewer_id={me['id']}") == ["a"]
    assert listed(f"/merge_requests?assignee_id={me['id']}") == ["b"]
    assert listed("/merge_requests?reviewer_id=999") == []
    assert listed(f"/issues?assignee_id={me['id']}") == ["mine"]


def test_a_merge_request_shows_its_newest_pipeline(project: Project) -> None:
    made = opened(project, "a")
    assert project.done("GET", "/merge_requests/1")["head_pipeline"] is None
    project.done("POST", f"/statuses/{made['sha']}", state="failed", ref="a")
    shown = project.done("GET", "/merge_requests/1")["head_pipeline"]
    assert (shown["status"], shown["ref"]) == ("failed", "a")
    assert shown["web_url"].endswith(f"/-/pipelines/{shown['id']}")
