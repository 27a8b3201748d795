"""Accounts, settings, projects and repositories over the API, as a client of GitLab meets them."""

import base64
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.standins.gitlab_site import EXTERNAL_URL, TOKEN, Site, running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("gitlab") / "data") as started:
        yield started


def test_both_ways_of_sending_the_token(site: Site) -> None:
    assert site.call("GET", "/user").json()["username"] == "root"
    bearer = requests.get(f"{site.url}/api/v4/user", headers={"Authorization": f"Bearer {TOKEN}"}, timeout=10)
    assert bearer.json()["is_admin"] is True
    assert site.done("GET", "/personal_access_tokens/self")["scopes"] == ["api"]


@pytest.mark.parametrize("headers", [{}, {"PRIVATE-TOKEN": "glpat-wrong"}, {"Authorization": "Bearer wrong"}])
def test_a_missing_or_wrong_token_is_401(site: Site, headers: dict[str, str]) -> None:
    answer = requests.get(f"{site.url}/api/v4/version", headers=headers, timeout=10)
    assert (answer.status_code, answer.json()) == (401, {"message": "401 Unauthorized"})


def test_version_and_health(site: Site) -> None:
    assert site.done("GET", "/version")["version"] == site.done("GET", "/metadata")["version"] == "19.1.0"
    assert requests.get(f"{site.url}/-/health", timeout=10).text == "GitLab OK"
    assert requests.get(f"{site.url}/-/readiness", timeout=10).json()["status"] == "ok"


def test_an_unknown_address_of_the_api(site: Site) -> None:
    answer = site.call("GET", "/nothing/here")
    assert (answer.status_code, answer.json()) == (404, {"error": "404 Not Found"})


def test_first_start_without_secrets_says_what_is_missing(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "lab.standins.gitlab", "--port", "0", "--data", str(tmp_path)]
    ended = subprocess.run(
        [*command, "--external-url", EXTERNAL_URL],
        env={"PATH": ""},
        capture_output=True,
        text=True,
        check=False,
    )
    assert ended.returncode == 2
    assert "GITLAB_ROOT_PASSWORD and GITLAB_ROOT_TOKEN must be set" in ended.stderr


def test_project_created_with_a_readme(site: Site) -> None:
    project = site.project(name="Projet Test TAAF", path="projet-test-taaf", description="Démonstration")
    assert project.entity["path_with_namespace"] == "root/projet-test-taaf"
    assert project.entity["default_branch"] == "main"
    assert project.entity["http_url_to_repo"] == f"{EXTERNAL_URL}/root/projet-test-taaf.git"
    by_path = site.done("GET", "/projects/root%2Fprojet-test-taaf")
    assert by_path == site.done("GET", project.path)
    branch = project.branch("main")
    assert (branch["default"], branch["commit"]["title"]) == (True, "Initial commit")
    file = project.done("GET", "/repository/files/README.md?ref=main")
    assert base64.b64decode(file["content"]).decode() == "# Projet Test TAAF\n\nDémonstration\n"


def test_project_without_a_readme_is_empty(site: Site) -> None:
    project = site.project(initialize_with_readme=False)
    assert project.entity["default_branch"] is None
    assert project.done("GET", "/repository/branches") == []
    assert project.call("GET", "/repository/files/README.md").status_code == 404


def test_name_taken(site: Site) -> None:
    taken = site.project().entity["name"]
    answer = site.call("POST", "/projects", json={"name": taken})
    assert answer.status_code == 400
    assert answer.json()["message"]["name"] == ["has already been taken"]


def test_unknown_project(site: Site) -> None:
    for key in ("987654", "root%2Fnothing"):
        answer = site.call("GET", f"/projects/{key}/hooks")
        assert (answer.status_code, answer.json()) == (404, {"message": "404 Project Not Found"})


def test_private_project_is_unknown_to_strangers(site: Site) -> None:
    private, public = site.project(visibility="private"), site.project()
    assert requests.get(f"{site.url}/api/v4{private.path}", timeout=10).status_code == 404
    assert requests.get(f"{site.url}/api/v4{public.path}", timeout=10).status_code == 200


def test_deleted_project(site: Site) -> None:
    project = site.project()
    answer = site.call("DELETE", project.path)
    assert (answer.status_code, answer.json()) == (202, {"message": "202 Accepted"})
    assert site.call("GET", project.path).status_code == 404
    assert site.project(name=project.entity["name"]).entity["id"] > project.entity["id"]


def test_groups_are_namespaces(site: Site) -> None:
    group = site.done("POST", "/groups", name="Terres australes", path="taaf")
    below = site.done("POST", "/groups", name="Stations", path="stations", parent_id=group["id"])
    assert below["full_path"] == "taaf/stations"
    assert site.done("GET", "/namespaces/taaf%2Fstations")["id"] == below["id"]
    project = site.project(name="kerguelen", namespace_id=below["id"])
    assert project.full_path == "taaf/stations/kerguelen"
    assert site.done("GET", "/namespaces/root")["kind"] == "user"
    assert site.call("POST", "/groups", json={"name": "x", "path": "taaf"}).status_code == 400


def test_files_are_committed_through_the_api(site: Site) -> None:
    project = site.project()
    made = project.commit("essai", {"dossier/a.txt": "un\n"}, "Ajoute a", start_branch="main")
    assert project.branch("essai")["commit"]["id"] == made["id"]
    assert project.call("GET", "/repository/files/dossier%2Fa.txt/raw?ref=essai").text == "un\n"
    assert [commit["title"] for commit in project.done("GET", "/repository/commits?ref_name=essai")] == [
        "Ajoute a",
        "Initial commit",
    ]
    answer = project.call(
        "POST",
        "/repository/commits",
        json={
            "branch": "essai",
            "commit_message": "m",
            "actions": [{"action": "create", "file_path": "dossier/a.txt"}],
        },
    )
    assert (answer.status_code, answer.json()["message"]) == (400, "A file with this name already exists")


def test_lists_come_in_pages(site: Site) -> None:
    project = site.project()
    for number in range(3):
        project.done("POST", "/issues", title=f"Ticket {number}")
    first = project.call("GET", "/issues?per_page=2")
    assert [issue["iid"] for issue in first.json()] == [3, 2]
    assert (first.headers["x-total"], first.headers["x-total-pages"]) == ("3", "2")
    assert first.headers["x-next-page"] == "2"
    following = requests.get(first.links["next"]["url"], headers={"PRIVATE-TOKEN": TOKEN}, timeout=10)
    assert [issue["iid"] for issue in following.json()] == [1]
    assert following.headers["x-next-page"] == ""
    assert "next" not in following.links
    refused = project.call("GET", "/issues?page=first")
    assert (refused.status_code, refused.json()) == (400, {"error": "page is invalid"})


@pytest.mark.parametrize("name", ["two..dots", "a b"])
def test_a_name_that_git_refuses(site: Site, name: str) -> None:
    project = site.project()
    answer = project.call("POST", "/repository/branches", json={"branch": name, "ref": "main"})
    assert answer.status_code == 400
    assert [branch["name"] for branch in project.done("GET", "/repository/branches")] == ["main"]


def test_parameters_come_in_many_ways(site: Site) -> None:
    project = site.project()
    form = project.call(
        "POST", "/issues", data={"title": "Été", "labels[]": ["b", "a"], "confidential": "true"}
    )
    assert (form.json()["title"], form.json()["labels"], form.json()["confidential"]) == (
        "Été",
        ["b", "a"],
        True,
    )
    as_curl_sends_it = {"Content-Type": "application/x-www-form-urlencoded"}
    raw = project.call("POST", "/issues", data="title=Quota affiché".encode(), headers=as_curl_sends_it)
    assert raw.json()["title"] == "Quota affiché"
    assert project.call("POST", "/issues", files={"title": (None, "Parties")}).json()["title"] == "Parties"
    assert project.call("POST", "/issues?title=Adresse").json()["title"] == "Adresse"
    assert project.call("POST", "/issues", json={}).json() == {"error": "title is missing"}
    assert project.call("POST", "/issues", json={"title": " "}).json() == {"error": "title is empty"}
    assert (
        project.call("POST", "/issues", data=b"{", headers={"Content-Type": "application/json"}).status_code
        == 400
    )


def test_archived_and_back(site: Site) -> None:
    project = site.project()
    assert project.entity["archived"] is False
    assert project.done("POST", "/archive")["archived"] is True
    assert project.done("GET", "")["archived"] is True
    assert project.done("POST", "/unarchive")["archived"] is False


def test_all_people_are_members_and_a_token_of_its_project_alone(site: Site) -> None:
    """As the members API describes them, by project and by group."""
    group = site.done("POST", "/groups", name="Membres", path="membres")
    project = site.project(namespace_id=group["id"])
    other = site.project(namespace_id=group["id"])
    made = project.done(
        "POST", "/access_tokens", name="reader", scopes=["read_api"], access_level=40, expires_at="2099-01-01"
    )
    listed = {each["username"]: each for each in project.done("GET", "/members/all")}
    assert listed["root"]["access_level"] == 50
    assert {each["state"] for each in listed.values()} == {"active"}
    (bot,) = (
        name for name in listed if name != "root" and name.startswith(f"project_{project.entity['id']}_bot_")
    )
    assert listed[bot]["id"] == made["user_id"]
    assert bot not in {each["username"] for each in other.done("GET", "/members/all")}
    assert "root" in {each["username"] for each in site.done("GET", "/groups/membres/members/all")}
    assert site.call("GET", "/groups/nobody/members/all").status_code == 404
    assert site.call("GET", "/projects/nobody%2Fnothing/members/all").status_code == 404
