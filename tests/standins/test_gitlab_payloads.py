"""What the stand-in sends has the keys of what GitLab sends, all of them and no other."""

import json
from pathlib import Path
from typing import Any

from tests.standins.gitlab_site import Project, Receiver, cloned

FIXTURES = Path(__file__).parents[2] / "tasks" / "samples" / "gitlab"
EVERYTHING = ("push_events", "tag_push_events", "merge_requests_events", "issues_events", "note_events")


def keys(value: Any, path: str = "") -> set[str]:
    """Every path of keys within a payload."""
    if isinstance(value, list):
        return set().union(*(keys(item, f"{path}[]") for item in value))
    if isinstance(value, dict):
        return set().union(*({f"{path}.{key}"} | keys(item, f"{path}.{key}") for key, item in value.items()))
    return set()


def assert_like(fixture: str, payload: dict[str, Any]) -> None:
    wanted = json.loads((FIXTURES / f"{fixture}.json").read_text())
    missing, surplus = keys(wanted) - keys(payload), keys(payload) - keys(wanted)
    assert not missing, fixture
    # How much `changes` lists depends on what was done, so there may be more of it.
    assert not {path for path in surplus if not path.startswith(".changes.")}, fixture
    assert list(payload) == list(wanted), f"{fixture}: order of the keys"


def test_pushes(project: Project, receiver: Receiver, tmp_path: Path) -> None:
    project.hook(receiver.url, *EVERYTHING)
    clone = cloned(project.clone_url, tmp_path / "clone")
    clone.commit("Un", a_txt="un\n")
    clone.git("push", "--quiet", "origin", "main")
    (push,) = receiver.expect("push")
    assert_like("push_normal", push.payload)

    clone.git("switch", "--quiet", "--create", "neuve")
    clone.commit("Deux", b_txt="deux\n")
    clone.git("push", "--quiet", "origin", "neuve")
    _, created = receiver.expect("push", "push")
    assert_like("push_new_branch", created.payload)

    clone.git("push", "--quiet", "origin", "--delete", "neuve")
    assert_like("push_deleted_branch", receiver.expect("push", "push", "push")[-1].payload)


def test_tags(project: Project, receiver: Receiver, tmp_path: Path) -> None:
    project.hook(receiver.url, *EVERYTHING)
    clone = cloned(project.clone_url, tmp_path / "clone")
    clone.git("tag", "--annotate", "v1", "--message", "Version 1")
    clone.git("push", "--quiet", "origin", "v1")
    clone.git("tag", "v2")
    receiver.expect("tag_push")
    clone.git("push", "--quiet", "origin", "v2")
    receiver.expect("tag_push", "tag_push")
    clone.git("push", "--quiet", "origin", "--delete", "v1")
    deliveries = receiver.expect("tag_push", "tag_push", "tag_push")
    for fixture, delivery in zip(
        ("tag_push_annotated", "tag_push_lightweight", "tag_push_deleted"), deliveries, strict=True
    ):
        assert_like(fixture, delivery.payload)


def test_merge_requests(project: Project, receiver: Receiver) -> None:
    project.commit("feature", {"a.txt": "un\n"}, start_branch="main")
    project.hook(receiver.url, "merge_requests_events", "note_events")
    project.done(
        "POST", "/merge_requests", source_branch="feature", target_branch="main", title="Draft: Quota",
        assignee_ids=[1], reviewer_ids=[1],
    )  # fmt: skip
    opened = receiver.expect("merge_request:open")[-1]
    assert_like("merge_request_open", opened.payload)
    seen = ["merge_request:open"]
    steps: list[tuple[str, str, dict[str, Any]]] = [
        ("merge_request_close", "close", {"state_event": "close"}),
        ("merge_request_reopen", "reopen", {"state_event": "reopen"}),
        ("merge_request_update_draft_to_ready", "update", {"title": "Quota"}),
    ]
    for fixture, action, parameters in steps:
        project.done("PUT", "/merge_requests/1", **parameters)
        seen.append(f"merge_request:{action}")
        assert_like(fixture, receiver.expect(*seen)[-1].payload)
    project.done("POST", "/merge_requests/1/notes", body="À revoir")
    seen.append("note:create")
    assert_like("note_merge_request", receiver.expect(*seen)[-1].payload)
    project.commit("feature", {"b.txt": "deux\n"})
    seen.append("merge_request:update")
    assert_like("merge_request_update_oldrev", receiver.expect(*seen)[-1].payload)
    project.done("PUT", "/merge_requests/1/merge")
    seen.append("merge_request:merge")
    assert_like("merge_request_merge", receiver.expect(*seen)[-1].payload)


def test_labels_of_a_merge_request(project: Project, receiver: Receiver) -> None:
    project.commit("feature", {"a.txt": "un\n"}, start_branch="main")
    people = {"assignee_ids": [1], "reviewer_ids": [1]}
    project.done(
        "POST", "/merge_requests", source_branch="feature", target_branch="main", title="Quota", **people
    )
    project.hook(receiver.url, "merge_requests_events")
    project.done("PUT", "/merge_requests/1", labels=["bug"])
    assert_like("merge_request_update_labels_only", receiver.expect("merge_request:update")[0].payload)


def test_issues(project: Project, receiver: Receiver) -> None:
    project.hook(receiver.url, "issues_events", "note_events")
    project.done("POST", "/issues", title="Quota faux", description="Étapes", assignee_ids=[1])
    seen = ["issue:open"]
    assert_like("issue_open", receiver.expect(*seen)[-1].payload)
    project.done("POST", "/issues/1/notes", body="Je prends.")
    seen.append("note:create")
    assert_like("note_issue", receiver.expect(*seen)[-1].payload)
    for fixture, action, parameters in (
        ("issue_close", "close", {"state_event": "close"}),
        ("issue_reopen", "reopen", {"state_event": "reopen"}),
        ("issue_update_labels", "update", {"labels": ["bug"]}),
    ):
        project.done("PUT", "/issues/1", **parameters)
        seen.append(f"issue:{action}")
        assert_like(fixture, receiver.expect(*seen)[-1].payload)


def test_confidential_issue(project: Project, receiver: Receiver) -> None:
    project.hook(receiver.url, "confidential_issues_events", "confidential_note_events")
    project.done("POST", "/issues", title="Secret", description="Étapes", assignee_ids=[1], confidential=True)
    assert_like("issue_confidential_open", receiver.expect("issue:open")[0].payload)
    project.done("POST", "/issues/1/notes", body="Chut")
    assert_like("note_issue_confidential", receiver.expect("issue:open", "note:create")[1].payload)
