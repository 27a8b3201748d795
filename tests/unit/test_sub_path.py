"""GitLab below a path of a server that has other things as well (`https://forge.example.org/gitlab`)."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import TypeVar

import pytest
from pydantic import SecretStr

from relays.sources.gitlab.delivery_log import DeliveryLog
from relays.sources.gitlab.hook_logs import PatternLogs, logs_of
from relays.sources.gitlab.readable import ReadableSettings, read_projects
from tasks.members import find_members
from tasks.operations import gitlab, project_hooks
from tasks.operations.api import Api
from tests.operations import apply
from tests.standins import gitlab_site
from tests.unit.site_data import taaf

T = TypeVar("T")
RELAY = "192.0.2.10:8090"


@pytest.fixture(scope="module")
def url(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """The address of a GitLab below a path of its server, which answers 404 to whatever else is asked."""
    with gitlab_site.running(tmp_path_factory.mktemp("gitlab") / "data", below="/gitlab") as forge:
        yield forge.url


@pytest.fixture
def api(url: str) -> Api:
    return Api("gitlab", url, SecretStr(gitlab_site.TOKEN), header="PRIVATE-TOKEN")


def test_a_deploy_finds_and_makes_what_it_needs(api: Api) -> None:
    def wanted() -> None:
        gitlab.outbound_allow_list(api, RELAY)
        gitlab.project(api, "root/below")
        hook = (
            {"push_events": True},
            lambda: "0123456789ab",
            lambda: "t" * 30,
            lambda: f"whsec_{'A' * 43}=",
            True,
        )
        project_hooks.project_hook(api, "root/below", "Passerelle", f"http://{RELAY}/webhook/gitlab", *hook)

    assert apply(wanted).changed == 3
    assert apply(wanted).changed == 0
    assert "root/below" in find_members(taaf({"gitlab": {"projects": ["root/*"]}}), api).projects
    # GitLab leads to where a project was moved to.
    api.call("PUT", f"{gitlab.project_at('root/below')}", {"path": "below-2"})
    assert "the project root/below is root/below-2 now" in apply(wanted).error


def asked(question: Callable[[], T]) -> T:
    """The answer."""
    return question()


def test_the_relay_finds_the_logs_of_deliveries(api: Api, url: str, tmp_path: Path) -> None:
    apply(lambda: gitlab.outbound_allow_list(api, "127.0.0.1"))
    for name in ("listed", "found"):
        api.call("POST", "/api/v4/projects", {"name": name, "initialize_with_readme": True})
        hook = {"url": f"{url}/", "name": "Passerelle", "push_events": False}
        api.call("POST", f"{gitlab.project_at(f'root/{name}')}/hooks", hook)
    (tmp_path / "gitlab-read-token").write_text(gitlab_site.READ_TOKEN)
    table = ReadableSettings(url=url, projects=("root/listed", "root/*"), hook="Passerelle")
    listed, pattern = logs_of(read_projects(table, tmp_path), table.hook)
    assert isinstance(listed, DeliveryLog)
    assert isinstance(pattern, PatternLogs)
    found = {each.api.path: each for each in pattern.found(asked)}
    assert "root/listed" not in found
    for log in (listed, found["root/found"]):
        (number,) = log.hooks()
        assert log.failures(number, 1, asked).entries == []
