"""Merge requests, issues and comments: their states, and the events they make."""

from pathlib import Path
from typing import Any

from tests.standins.gitlab_site import EXTERNAL_URL, Project, Receiver, cloned, receiving
from tests.waiting import wait_until


def _opened(project: Project, branch: str = "feature/quota", **parameters: Any) -> dict[str, Any]:
    project.commit(branch, {f"{branch}.txt": "un\n"}, "Calcule le quota", start_branch="main")
    made: dict[str, Any] = project.done(
        "POST",
        "/merge_requests",
        **{"source_branch": branch, "target_branch": "main", "title": "Corrige le quota", **parameters},
    )
    return made


def test_a_merge_request_from_opening_to_merging(project: Project, receiver: Receiver) -> None:
    project.hook(receiver.url, "merge_requests_events")
    opened = _opened(project, description="Corrige #14.")
    assert (opened["iid"], opened["state"], opened["detailed_merge_status"]) == (1, "opened", "mergeable")
    (delivery,) = receiver.expect("merge_request:open")
    attributes = delivery.payload["object_attributes"]
    assert (attributes["title"], attributes["description"]) == ("Corrige le quota", "Corrige #14.")
    assert (attributes["source_branch"], attributes["target_branch"]) == ("feature/quota", "main")
    assert attributes["url"] == f"{EXTERNAL_URL}/{project.full_path}/-/merge_requests/1"
    assert attributes["last_commit"]["title"] == "Calcule le quota"
    assert delivery.payload["user"]["email"] == "[REDACTED]"

    project.hook(receiver.url, "push_events")
    merged = project.done("PUT", "/merge_requests/1/merge", should_remove_source_branch=True)
    assert merged["state"] == "merged"
    assert project.branch("main")["commit"]["id"] == merged["merge_commit_sha"]
    assert project.branch("main")["commit"]["title"] == "Merge branch 'feature/quota' into 'main'"
    assert project.call("GET", "/repository/branches/feature%2Fquota").status_code == 404
    _, merge, *pushes = receiver.expect("merge_request:open", "merge_request:merge", "push", "push")
    assert merge.payload["object_attributes"]["state"] == "merged"
    assert merge.payload["object_attributes"]["merge_commit_sha"] == merged["merge_commit_sha"]
    to_main = next(push.payload for push in pushes if push.payload["ref"] == "refs/heads/main")
    assert [commit["title"] for commit in to_main["commits"]] == ["Calcule le quota", merged_title(merged)]


def merged_title(merge_request: dict[str, Any]) -> str:
    return f"Merge branch '{merge_request['source_branch']}' into '{merge_request['target_branch']}'"


def test_a_conflict_is_refused(project: Project) -> None:
    project.commit("a", {"same.txt": "un\n"}, start_branch="main")
    project.commit("b", {"same.txt": "deux\n"}, start_branch="main")
    for branch in "ab":
        project.done("POST", "/merge_requests", source_branch=branch, target_branch="main", title=branch)
    head = project.done("PUT", "/merge_requests/1/merge")["merge_commit_sha"]
    assert project.done("GET", "/merge_requests/2")["detailed_merge_status"] == "conflict"
    answer = project.call("PUT", "/merge_requests/2/merge")
    assert (answer.status_code, answer.json()) == (422, {"message": "Branch cannot be merged"})
    assert project.branch("main")["commit"]["id"] == head


def test_what_cannot_be_merged(project: Project) -> None:
    merge_request = _opened(project, title="Draft: Corrige le quota")
    assert (merge_request["draft"], merge_request["detailed_merge_status"]) == (True, "draft_status")
    assert project.call("PUT", "/merge_requests/1/merge").status_code == 405
    project.done("PUT", "/merge_requests/1", title="Corrige le quota")
    answer = project.call("PUT", "/merge_requests/1/merge", json={"sha": "0" * 40})
    assert answer.status_code == 409
    project.done("PUT", "/merge_requests/1", state_event="close")
    assert project.call("PUT", "/merge_requests/1/merge").status_code == 405


def test_one_open_merge_request_for_each_pair_of_branches(project: Project) -> None:
    _opened(project)
    parameters = {"source_branch": "feature/quota", "target_branch": "main", "title": "Encore"}
    answer = project.call("POST", "/merge_requests", json=parameters)
    assert answer.status_code == 409
    assert answer.json()["message"][0].endswith("already exists for this source branch: !1")
    absent = project.call("POST", "/merge_requests", json=parameters | {"source_branch": "absent"})
    assert absent.status_code == 400


def test_closing_and_reopening(project: Project, receiver: Receiver) -> None:
    _opened(project)
    project.hook(receiver.url, "merge_requests_events")
    assert project.done("PUT", "/merge_requests/1", state_event="close")["state"] == "closed"
    assert project.done("PUT", "/merge_requests/1", state_event="reopen")["state"] == "opened"
    close, _ = receiver.expect("merge_request:close", "merge_request:reopen")
    assert close.payload["changes"]["state_id"] == {"previous": 1, "current": 2}


def test_an_update_says_what_changed_and_none_says_nothing(project: Project, receiver: Receiver) -> None:
    _opened(project)
    hook = project.hook(receiver.url, "merge_requests_events")
    project.done("PUT", "/merge_requests/1", title="Corrige le quota")
    project.done("PUT", "/merge_requests/1", add_labels="bug,urgent")
    (delivery,) = receiver.expect("merge_request:update")
    labels = delivery.payload["changes"]["labels"]
    assert (labels["previous"], [label["title"] for label in labels["current"]]) == ([], ["bug", "urgent"])
    wait_until("delivery logged", lambda: len(project.events(hook)) == 1, 10, 0.02)


def test_a_push_to_the_source_branch_updates(project: Project, receiver: Receiver) -> None:
    before = _opened(project)["sha"]
    project.hook(receiver.url, "merge_requests_events")
    after = project.commit("feature/quota", {"suite.txt": "deux\n"})["id"]
    (delivery,) = receiver.expect("merge_request:update")
    attributes = delivery.payload["object_attributes"]
    assert (attributes["oldrev"], attributes["last_commit"]["id"]) == (before, after)


def test_a_merge_that_is_pushed_counts(project: Project, receiver: Receiver, tmp_path: Path) -> None:
    _opened(project)
    project.hook(receiver.url, "merge_requests_events")
    clone = cloned(project.clone_url, tmp_path / "clone")
    clone.git("merge", "--quiet", "--no-ff", "--message", "Fusion à la main", "origin/feature/quota")
    clone.git("push", "--quiet", "origin", "main")
    receiver.expect("merge_request:merge")
    assert project.done("GET", "/merge_requests/1")["state"] == "merged"


def test_a_source_branch_that_goes_closes(project: Project, receiver: Receiver) -> None:
    _opened(project)
    project.hook(receiver.url, "merge_requests_events")
    assert project.call("DELETE", "/repository/branches/feature%2Fquota").status_code == 204
    receiver.expect("merge_request:close")


def test_an_issue_from_opening_to_reopening(project: Project, receiver: Receiver) -> None:
    project.hook(receiver.url, "issues_events")
    issue = project.done("POST", "/issues", title="Le quota est faux", description="Étapes", labels="bug")
    assert (issue["iid"], issue["state"], issue["labels"]) == (1, "opened", ["bug"])
    assert issue["web_url"] == f"{EXTERNAL_URL}/{project.full_path}/-/issues/1"
    assert project.done("PUT", "/issues/1", title="Le quota affiché est faux")["title"].endswith("est faux")
    assert project.done("PUT", "/issues/1", state_event="close")["closed_at"] is not None
    assert project.done("PUT", "/issues/1", state_event="reopen")["closed_at"] is None
    kinds = ("issue:open", "issue:update", "issue:close", "issue:reopen")
    opened, updated, closed, _ = receiver.expect(*kinds)
    assert opened.headers["X-Gitlab-Event"] == "Issue Hook"
    assert opened.payload["labels"][0]["title"] == "bug"
    assert updated.payload["changes"]["title"]["previous"] == "Le quota est faux"
    assert closed.payload["object_attributes"]["state"] == "closed"
    assert [found["iid"] for found in project.done("GET", "/issues?state=closed")] == []


def test_confidential_issues_have_hooks_of_their_own(project: Project, receiver: Receiver) -> None:
    with receiving() as private:
        project.hook(receiver.url, "issues_events", "note_events")
        project.hook(private.url, "confidential_issues_events", "confidential_note_events")
        project.done("POST", "/issues", title="Secret", confidential=True)
        project.done("POST", "/issues/1/notes", body="Chut")
        project.done("POST", "/issues", title="Public")
        project.done("POST", "/issues/2/notes", body="Note interne", internal=True)
        secret, *_ = private.expect("issue:open", "note:create", "note:create")
        assert secret.headers["X-Gitlab-Event"] == "Confidential Issue Hook"
        assert secret.payload["event_type"] == "confidential_issue"
        (public,) = receiver.expect("issue:open")
        assert public.payload["object_attributes"]["title"] == "Public"


def test_comments(project: Project, receiver: Receiver) -> None:
    _opened(project)
    project.done("POST", "/issues", title="Ticket")
    project.hook(receiver.url, "note_events")
    note = project.done("POST", "/issues/1/notes", body="Je prends.")
    project.done("POST", "/merge_requests/1/notes", body="À revoir")
    deliveries = receiver.expect("note:create", "note:create")
    by_type = {delivery.payload["object_attributes"]["noteable_type"]: delivery for delivery in deliveries}
    on_issue = by_type["Issue"].payload
    assert (on_issue["object_attributes"]["note"], on_issue["issue"]["iid"]) == ("Je prends.", 1)
    assert on_issue["object_attributes"]["url"].endswith(f"/-/issues/1#note_{note['id']}")
    assert by_type["MergeRequest"].payload["merge_request"]["title"] == "Corrige le quota"
    assert by_type["MergeRequest"].headers["X-Gitlab-Event"] == "Note Hook"
    assert [found["body"] for found in project.done("GET", "/issues/1/notes")] == ["Je prends."]
    assert project.done("GET", "/issues/1")["user_notes_count"] == 1
