"""The pages a person sees, and that nothing from outside becomes markup on them."""

import re
from collections.abc import Iterator

import pytest
import requests

from tests.standins.gitlab_site import PASSWORD, Project, Receiver, Site, receiving, running
from tests.waiting import wait_until

MARKUP = "<script>alert(1)</script>"
ESCAPED = "&lt;script&gt;alert(1)&lt;/script&gt;"


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("gitlab") / "data") as started:
        started.allow("127.0.0.1")
        yield started


@pytest.fixture
def project(site: Site) -> Project:
    return site.project(description=MARKUP)


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def _page(project: Project, path: str = "") -> str:
    answer = requests.get(f"{project.site.url}/{project.full_path}{path}", timeout=10)
    assert answer.status_code == 200, path
    assert answer.headers["content-type"].startswith("text/html")
    assert MARKUP not in answer.text
    # Nothing is fetched from elsewhere: a station may have no way out.
    assert not re.search(r"""(src|href)=["']?(https?:)?//""", answer.text)
    return answer.text


def test_project_page(project: Project) -> None:
    text = _page(project)
    assert ESCAPED in text
    assert "Initial commit" in text
    assert "main" in text
    assert f'<h1 class="text">{project.entity["name"]}</h1>' in text
    listed = requests.get(project.site.url, timeout=10).text
    assert f'href="/{project.full_path}"' in listed


def test_work_pages(project: Project) -> None:
    commit = project.commit("feature/x", {"a.txt": f"{MARKUP}\n"}, MARKUP, start_branch="main")
    project.done("POST", "/merge_requests", source_branch="feature/x", target_branch="main", title=MARKUP)
    project.done("POST", "/merge_requests/1/notes", body=MARKUP)
    project.done("POST", "/issues", title=MARKUP, description=MARKUP, labels=["bug"], confidential=True)
    project.done("POST", "/issues/1/notes", body=MARKUP, internal=True)
    assert ESCAPED in _page(project, "/-/merge_requests")
    assert f"+{ESCAPED}" in _page(project, "/-/merge_requests/1")
    assert "Confidentiel" in _page(project, "/-/issues")
    assert "note interne" in _page(project, "/-/issues/1")
    assert ESCAPED in _page(project, "/-/commits/feature/x")
    assert f"+{ESCAPED}" in _page(project, f"/-/commit/{commit['id']}")
    project.done("PUT", "/merge_requests/1/merge")
    merged = _page(project, "/-/merge_requests/1")
    assert "Fusionné" in merged
    assert f"+{ESCAPED}" in merged


def test_hook_page_shows_triggers_and_deliveries_but_no_secret(project: Project, receiver: Receiver) -> None:
    hook = project.hook(receiver.url, "issues_events", token="hidden-token")
    project.done("POST", "/issues", title=MARKUP)
    wait_until("delivery logged", lambda: project.events(hook), 10, 0.02)
    text = _page(project, "/-/hooks")
    assert receiver.url in text
    assert "jeton secret" in text
    assert "Issue Hook" in text
    assert "hidden-token" not in text


def test_sign_in_page_says_that_nobody_needs_it(site: Site) -> None:
    assert "tout est visible sans connexion" in requests.get(f"{site.url}/users/sign_in", timeout=10).text


def test_form_signs_in_whoever_has_the_password(site: Site) -> None:
    browser = requests.Session()
    address = f"{site.url}/users/sign_in"
    token = re.search(r'name="authenticity_token" value="([^"]+)"', browser.get(address, timeout=10).text)
    assert token
    form = {"authenticity_token": token[1], "user[login]": "root", "user[password]": "wrong"}
    refused = browser.post(address, data=form, timeout=10)
    assert (refused.status_code, refused.url) == (422, address)
    assert "_gitlab_session" not in browser.cookies
    entered = browser.post(address, data=form | {"user[password]": PASSWORD}, timeout=10)
    assert (entered.status_code, entered.url) == (200, f"{site.url}/")
    assert "_gitlab_session" in browser.cookies


@pytest.mark.parametrize(
    "path", ["nobody/nothing", "nobody/nothing/-/issues/1", "nobody/nothing/-/commit/abc"]
)
def test_missing_page(site: Site, path: str) -> None:
    answer = requests.get(f"{site.url}/{path}", timeout=10)
    assert answer.status_code == 404
    assert "introuvable" in answer.text
