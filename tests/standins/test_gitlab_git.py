"""Real git against the stand-in: clone and push over HTTP, and what pushes say to the hooks."""

import subprocess
from pathlib import Path

import pytest

from tests.standins.gitlab_site import (
    EXTERNAL_URL,
    TOKEN,
    Clone,
    Project,
    Receiver,
    Site,
    cloned,
)

BLANK = "0" * 40


@pytest.fixture
def clone(project: Project, tmp_path: Path) -> Clone:
    return cloned(project.clone_url, tmp_path / "clone")


def _address(project: Project, credentials: str = "") -> str:
    return f"http://{credentials}127.0.0.1:{project.site.port}/{project.full_path}.git"


def test_anybody_clones_a_public_project(project: Project, tmp_path: Path) -> None:
    clone = cloned(_address(project), tmp_path / "clone")
    assert clone.git("log", "--format=%s|%an", "main") == "Initial commit|Administrator"


def test_a_private_project_needs_credentials(site: Site, tmp_path: Path) -> None:
    project = site.project(visibility="private")
    with pytest.raises(AssertionError, match="Username"):
        cloned(_address(project), tmp_path / "nobody")
    with pytest.raises(AssertionError, match="Authentication failed"):
        cloned(_address(project, "root:wrong@"), tmp_path / "wrong")
    cloned(_address(project, f"oauth2:{TOKEN}@"), tmp_path / "token")
    cloned(project.clone_url, tmp_path / "password")


def test_nobody_pushes_without_credentials(project: Project, tmp_path: Path) -> None:
    clone = cloned(_address(project), tmp_path / "clone")
    clone.commit("Essai", a_txt="un\n")
    with pytest.raises(AssertionError, match="Username"):
        clone.git("push", "origin", "main")


def test_a_push_names_its_commits(project: Project, receiver: Receiver, clone: Clone) -> None:
    project.hook(receiver.url, "push_events", token="abc")
    before = clone.git("rev-parse", "HEAD")
    clone.commit("Ajoute a\n\nAvec un corps.", a_txt="un\n")
    after = clone.commit("Modifie et retire", a_txt="deux\n", b_txt="b\n", README_md=None)
    clone.git("push", "--quiet", "origin", "main")

    (delivery,) = receiver.expect("push")
    payload = delivery.payload
    assert (payload["ref"], payload["before"], payload["after"]) == ("refs/heads/main", before, after)
    assert (payload["checkout_sha"], payload["ref_protected"]) == (after, True)
    assert (payload["user_username"], payload["total_commits_count"]) == ("root", 2)
    first, second = payload["commits"]
    assert (first["title"], first["message"]) == ("Ajoute a", "Ajoute a\n\nAvec un corps.\n")
    assert (first["added"], first["modified"], first["removed"]) == (["a.txt"], [], [])
    assert (second["added"], second["modified"], second["removed"]) == (["b.txt"], ["a.txt"], ["README.md"])
    assert second["author"] == {"name": "Camille Morel", "email": "camille.morel@taaf.internal"}
    assert second["url"] == f"{EXTERNAL_URL}/{project.full_path}/-/commit/{after}"
    assert project.branch("main")["commit"]["id"] == after


def test_headers_of_a_delivery(project: Project, receiver: Receiver, clone: Clone) -> None:
    headers = [{"key": "X-Site", "value": "Kerguelen"}]
    project.hook(receiver.url, "push_events", token="abc", custom_headers=headers)
    clone.commit("Essai", a_txt="un\n")
    clone.git("push", "--quiet", "origin", "main")
    (delivery,) = receiver.expect("push")
    sent = delivery.headers
    assert sent["X-Gitlab-Event"] == "Push Hook"
    assert sent["X-Gitlab-Token"] == "abc"
    assert sent["X-Gitlab-Instance"] == EXTERNAL_URL
    assert sent["User-Agent"] == "GitLab/19.1.0"
    assert sent["Content-Type"] == "application/json"
    assert sent["Idempotency-Key"] == sent["webhook-id"]
    assert sent["X-Site"] == "Kerguelen"
    assert int(sent["webhook-timestamp"]) > 1_700_000_000
    assert {len(sent[name]) for name in ("X-Gitlab-Event-UUID", "X-Gitlab-Webhook-UUID", "webhook-id")} == {
        36
    }
    assert "webhook-signature" not in sent


def test_no_token_no_header(project: Project, receiver: Receiver, clone: Clone) -> None:
    project.hook(receiver.url, "push_events")
    clone.commit("Essai", a_txt="un\n")
    clone.git("push", "--quiet", "origin", "main")
    (delivery,) = receiver.expect("push")
    assert "X-Gitlab-Token" not in delivery.headers


def test_a_branch_is_born_and_dies(project: Project, receiver: Receiver, clone: Clone) -> None:
    project.hook(receiver.url, "push_events")
    clone.git("switch", "--quiet", "--create", "feature/quota")
    head = clone.commit("Calcule le quota", a_txt="un\n")
    clone.git("push", "--quiet", "origin", "feature/quota")
    (born,) = receiver.expect("push")
    assert (born.payload["before"], born.payload["after"]) == (BLANK, head)
    assert [commit["id"] for commit in born.payload["commits"]] == [head]

    clone.git("push", "--quiet", "origin", "--delete", "feature/quota")
    _, died = receiver.expect("push", "push")
    assert (died.payload["before"], died.payload["after"]) == (head, BLANK)
    assert (died.payload["checkout_sha"], died.payload["commits"]) == (None, [])


def test_a_branch_without_commits_of_its_own(project: Project, receiver: Receiver, clone: Clone) -> None:
    project.hook(receiver.url, "push_events")
    clone.git("push", "--quiet", "origin", "main:refs/heads/copie")
    (delivery,) = receiver.expect("push")
    assert (delivery.payload["commits"], delivery.payload["total_commits_count"]) == ([], 0)


def test_a_forced_push_backwards_has_no_commits(project: Project, receiver: Receiver, clone: Clone) -> None:
    clone.commit("Trop tôt", a_txt="un\n")
    clone.git("push", "--quiet", "origin", "main")
    project.hook(receiver.url, "push_events")
    clone.git("push", "--quiet", "--force", "origin", "main^:main")
    (delivery,) = receiver.expect("push")
    assert (delivery.payload["commits"], delivery.payload["total_commits_count"]) == ([], 0)


def test_the_newest_twenty_commits_are_shown(project: Project, receiver: Receiver, clone: Clone) -> None:
    project.hook(receiver.url, "push_events")
    for number in range(1, 23):
        clone.git("commit", "--quiet", "--allow-empty", "--message", f"Commit {number}")
    clone.git("push", "--quiet", "origin", "main")
    (delivery,) = receiver.expect("push")
    assert delivery.payload["total_commits_count"] == 22
    assert [commit["title"] for commit in delivery.payload["commits"]] == [
        f"Commit {n}" for n in range(3, 23)
    ]


def test_tags(project: Project, receiver: Receiver, clone: Clone) -> None:
    project.hook(receiver.url, "tag_push_events")
    head = clone.git("rev-parse", "HEAD")
    clone.git("tag", "v1-rc")
    clone.git("tag", "--annotate", "v1", "--message", "Version 1")
    annotated = clone.git("rev-parse", "v1")
    clone.git("push", "--quiet", "origin", "v1-rc", "v1")
    by_ref = {delivery.payload["ref"]: delivery for delivery in receiver.expect("tag_push", "tag_push")}
    light, full = by_ref["refs/tags/v1-rc"].payload, by_ref["refs/tags/v1"].payload
    assert (light["after"], light["message"]) == (head, "")
    assert (full["after"], full["checkout_sha"], full["message"]) == (annotated, head, "Version 1")
    assert by_ref["refs/tags/v1"].headers["X-Gitlab-Event"] == "Tag Push Hook"


def test_more_than_three_branches_at_once_say_nothing(
    project: Project, receiver: Receiver, clone: Clone
) -> None:
    hook = project.hook(receiver.url, "push_events", "issues_events")
    names = [f"lot-{number}" for number in range(4)]
    clone.git("push", "--quiet", "origin", *(f"main:refs/heads/{name}" for name in names))
    clone.git("push", "--quiet", "origin", *(f"main:refs/heads/autre-{name}" for name in names[:3]))
    receiver.expect("push", "push", "push")
    assert {event["request_data"]["ref"][11:16] for event in project.events(hook)} <= {"autre"}


def test_hooks_choose_branches(project: Project, receiver: Receiver, clone: Clone) -> None:
    project.hook(receiver.url, "push_events", push_events_branch_filter="release/*")
    project.hook(
        f"{receiver.url}/regex",
        "push_events",
        push_events_branch_filter="^hotfix-[0-9]+$",
        branch_filter_strategy="regex",
    )
    for name in ("essai", "release/1", "hotfix-x", "hotfix-7"):
        clone.git("push", "--quiet", "origin", f"main:refs/heads/{name}")
    deliveries = receiver.expect("push", "push")
    assert {delivery.payload["ref"] for delivery in deliveries} == {
        "refs/heads/release/1",
        "refs/heads/hotfix-7",
    }


def test_large_push_and_shallow_fetch(project: Project, clone: Clone, tmp_path: Path) -> None:
    """Large enough for git to compress and chunk what it sends."""
    clone.commit("Grand fichier", big_bin="".join(f"{number * 7919}\n" for number in range(400_000)))
    clone.git("push", "--quiet", "origin", "main")
    shallow = tmp_path / "shallow"
    subprocess.run(["git", "clone", "--quiet", "--depth", "1", _address(project), shallow], check=True)
    assert (shallow / "big.bin").stat().st_size == (clone.folder / "big.bin").stat().st_size
    assert Clone(shallow).git("rev-list", "--count", "HEAD") == "1"
