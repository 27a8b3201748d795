"""Hooks of GitLab projects as the operations leave them, on a real stand-in: ours are known by their mark."""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

import pytest
from pydantic import SecretStr

from tasks.operations import gitlab, project_hooks
from tasks.operations.api import Api
from tests.operations import Outcome, apply, dry
from tests.standins.gitlab_site import TOKEN, Project, Site, running

NAME, RELAY, OLD, FINGERPRINT = "Passerelle", "192.0.2.10:8090", "192.0.2.10:8089", "0123456789ab"
URL = f"http://{RELAY}/webhook/gitlab"
KEY = "whsec_" + "A" * 43 + "="


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("gitlab") / "data") as started:
        started.allow("192.0.2.0/24", "203.0.113.0/24")
        yield started


@pytest.fixture
def project(site: Site) -> Project:
    return site.project()


def api(site: Site, token: str = TOKEN) -> Api:
    return Api("gitlab", site.url, SecretStr(token), header="PRIVATE-TOKEN")


def install(site: Site, path: str) -> Callable[[], object]:
    """What has the project call the relay."""
    return lambda: project_hooks.project_hook(
        api(site),
        path,
        NAME,
        URL,
        {"push_events": True},
        lambda: FINGERPRINT,
        lambda: "t" * 30,
        lambda: KEY,
        True,
    )


def remove(site: Site, path: str, *kept: str) -> Callable[[], object]:
    """What has it call the relay no longer."""
    return lambda: project_hooks.no_project_hook(
        api(site), path, NAME, {RELAY, OLD}, lambda: FINGERPRINT, kept
    )


def hooks(project: Project) -> list[dict[str, Any]]:
    listed: list[dict[str, Any]] = project.done("GET", "/hooks")
    return listed


@pytest.mark.parametrize(
    ("altered", "is_ours"),
    [
        ({}, True),
        ({"url": f"http://{OLD}/webhook/gitlab"}, True),
        ({"url": "http://203.0.113.7/elsewhere"}, True),  # by the fingerprint of the secrets
        ({"description": "something else"}, True),  # by the address
        ({"url": "http://203.0.113.7/elsewhere", "description": "another site's"}, False),
        ({"name": "Other"}, False),
    ],
)
def test_a_hook_is_removed_by_its_mark(
    site: Site, project: Project, altered: dict[str, str], is_ours: bool
) -> None:
    path = project.full_path
    assert apply(install(site, path)).changed == 1
    (made,) = hooks(project)
    project.done("PUT", f"/hooks/{made['id']}", **({"url": made["url"]} | altered))
    address = altered.get("url", URL)
    reported = dry(remove(site, path))
    assert reported.differences == ([f"- hook {NAME} of {path} to {address}"] if is_ours else [])
    assert reported.notes == (
        [] if is_ours or "name" in altered else [f"hook {NAME} of {path}: it leads to {address}"]
    )
    assert apply(remove(site, path)) == Outcome(reported.lines, int(is_ours))
    assert len(hooks(project)) == (not is_ours)
    assert apply(remove(site, path)).changed == 0


def test_a_project_that_was_moved_is_named_and_its_hook_found(site: Site, project: Project) -> None:
    """GitLab leads from the old path to the new one, also for a long time after."""
    path = project.full_path
    apply(install(site, path))
    new = f"{path}-moved"
    project.done("PUT", "", path=new.rpartition("/")[2])
    for declare in (install(site, path), lambda: gitlab.project(api(site), path)):
        assert dry(declare).error.endswith(
            f"the project {path} is {new} now; correct gitlab.project or gitlab.projects"
        )
    # Once the settings follow, it is the same hook, which must not be taken for one of a project that is left.
    assert apply(install(site, new)).changed == 0
    assert apply(remove(site, path, new)) == Outcome([], 0)
    assert len(hooks(project)) == 1
    assert apply(remove(site, path)).changed == 1
    assert hooks(project) == []


def test_without_the_project_there_is_no_hook(site: Site, project: Project) -> None:
    project.done("DELETE", "")
    assert apply(remove(site, project.full_path)) == Outcome([], 0)


@pytest.mark.parametrize("declare", [remove, install])
def test_what_the_token_may_not_see_is_not_taken_for_absent(
    site: Site, declare: Callable[..., Callable[[], object]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whoever is no administrator gets 404 for a private project of others."""
    call = Api.call

    def hidden(self: Api, method: str, path: str, *arguments: Any, **options: Any) -> Any:
        return call(self, method, path.replace("/application/settings", "/forbidden"), *arguments, **options)

    monkeypatch.setattr(Api, "call", hidden)
    outcome = dry(declare(site, "root/hidden"))
    assert "/forbidden" in outcome.error
    assert outcome.differences == []


def test_other_hooks_to_the_relay_are_named(site: Site, project: Project) -> None:
    """Without the secrets the relay refuses what they send, so they do no harm and are somebody's."""
    apply(install(site, project.full_path))
    project.done("POST", "/hooks", url=URL, name="By hand")
    named = f"hook By hand of {quote(project.full_path, safe='/')}: it leads to the relay too"
    assert apply(install(site, project.full_path)) == Outcome([f"! {named}"], 0)
