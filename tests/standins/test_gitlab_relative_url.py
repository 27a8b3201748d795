"""A GitLab below a path of its server, as `external_url "https://example.org/gitlab"` makes one."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.standins.gitlab_site import EXTERNAL_URL, PASSWORD, Project, Site, cloned, receiving, running

BELOW = "/forge/gitlab"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("gitlab") / "data", below=BELOW) as started:
        started.allow("127.0.0.1")
        yield started


@pytest.fixture(scope="module")
def project(site: Site) -> Project:
    return site.project()


@pytest.mark.parametrize(
    "path", ["/", "/api/v4/version", "/-/health", "/users/sign_in", "/forge", "/forge/gitlab-2"]
)
def test_nothing_answers_outside(site: Site, path: str) -> None:
    address = f"{site.url.removesuffix(BELOW)}{path}"
    assert requests.get(address, allow_redirects=False, timeout=10).status_code == 404


@pytest.mark.parametrize(
    "path", ["", "/", "/-/health", "/users/sign_in", "/PROJECT", "/PROJECT/-/hooks", "/PROJECT.git"]
)
def test_pages_lead_to_what_is_below(site: Site, project: Project, path: str) -> None:
    answer = requests.get(f"{site.url}{path.replace('PROJECT', project.full_path)}", timeout=10)
    assert (answer.status_code, answer.url.startswith(site.url)) == (200, True)
    links = re.findall(r'<a [^>]*href="([^"]*)"', answer.text)
    assert [link for link in links if not link.startswith((f"{BELOW}/", f"{EXTERNAL_URL}{BELOW}/"))] == []


def test_signing_in_leads_home(site: Site) -> None:
    form = {"authenticity_token": "x", "user[login]": "root", "user[password]": PASSWORD}
    answer = requests.post(f"{site.url}/users/sign_in", data=form, allow_redirects=False, timeout=10)
    assert (answer.status_code, answer.headers["location"]) == (302, f"{BELOW}/")


def test_addresses_hold_the_path(site: Site, project: Project, tmp_path: Path) -> None:
    """Those of the API, of what a project was moved to, and of payloads; git is below it as well."""
    assert project.entity["web_url"] == f"{EXTERNAL_URL}{BELOW}/{project.full_path}"
    listed = site.call("GET", "/projects", params={"per_page": 1})
    assert f"<{site.url}/api/v4/projects?" in listed.headers["link"]
    moved = site.project()
    moved.done("PUT", "", path=f"{moved.full_path.rpartition('/')[2]}-2")
    answer = site.call("GET", f"/projects/{moved.full_path.replace('/', '%2F')}/hooks", allow_redirects=False)
    assert (answer.status_code, answer.headers["location"]) == (301, f"{site.url}/api/v4{moved.path}/hooks")
    with receiving() as receiver:
        project.hook(receiver.url, "push_events")
        copy = cloned(project.clone_url, tmp_path / "copy")
        copy.commit("Below", a_txt="x")
        copy.git("push", "--quiet")
        (push,) = receiver.expect("push")
    assert push.headers["X-Gitlab-Instance"] == f"{EXTERNAL_URL}{BELOW}"
    assert push.payload["commits"][0]["url"].startswith(
        f"{EXTERNAL_URL}{BELOW}/{project.full_path}/-/commit/"
    )
