"""What projects are called where a site has several, wherever one is shown."""

import json
from dataclasses import fields
from typing import Any

import pytest

from relays.sources.gitlab.event import read_event
from relays.sources.gitlab.events import KINDS, find_kind
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.projects import Projects
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.templates import EventTemplates
from relays.wording import CATALOGUES
from tests.unit.test_gitlab_kinds_of_change import case
from tests.unit.test_relays_messages import FILES, load

ROUTES = [Route(("dev",), confidential=True), Route(("dev",))]
LOUD = Mute(*[False] * len(fields(Mute)))


def announced(payload: object, paths: list[str], **more: Any) -> str:
    """All that is shown of an event on a site with these projects."""
    _, messages = Router(ROUTES, LOUD, projects=Projects(paths, others=True), **more).dispatch(
        read_event(Payload(payload))
    )
    assert messages, "announced"
    return json.dumps(
        [messages["dev"].payload(), messages["dev"].summary, messages["dev"].short().text], ensure_ascii=False
    )


@pytest.mark.parametrize(
    ("paths", "path", "shown"),
    [
        ([], "ops/web", "web"),
        (["ops/web"], "ops/web", "web"),
        (["ops/web", "ops/infra"], "ops/web", "web"),
        (["ops/web", "shop/web"], "ops/web", "ops/web"),
        (["ops/web", "shop/web"], "shop/web", "shop/web"),
        (["a/ops/web", "b/ops/web", "b/shop/web"], "a/ops/web", "a/ops/web"),
        (["a/ops/web", "b/ops/web", "b/shop/web"], "b/shop/web", "shop/web"),
        # One is the end of the other.
        (["ops/web", "b/ops/web"], "ops/web", "ops/web"),
        (["ops/web", "b/ops/web"], "b/ops/web", "b/ops/web"),
        # Upper and lower case do not distinguish two paths in GitLab.
        (["Ops/Web", "shop/web"], "ops/web", "ops/web"),
        (["ops/WEB", "ops/infra"], "ops/web", "web"),
        # A project that is none of the site's.
        (["ops/web"], "shop/web", "shop/web"),
        (["ops/web", "ops/infra"], "shop/tools", "shop/tools"),
        # What a pattern finds, and what else there is may be called alike.
        (["ops/*"], "ops/web", "web"),
        (["root/essai", "ops/**"], "ops/a/web", "a/web"),
        (["ops/a/**"], "ops/a/web", "web"),
        (["root/essai", "ops/**"], "root/essai", "root/essai"),
        (["shop/web", "ops/*"], "ops/web", "ops/web"),
        (["ops/*", "shop/*"], "ops/web", "ops/web"),
        (["ops/web", "Ops/*"], "ops/web", "web"),
        (["ops/*", "!ops/web"], "ops/web", "ops/web"),
    ],
)
def test_a_project_is_called_by_what_distinguishes_it(paths: list[str], path: str, shown: str) -> None:
    payload = case("04-same-project-name.1")
    payload["project"]["path_with_namespace"] = path
    assert f" sur **{shown}** (" in announced(payload, paths)


@pytest.mark.parametrize(
    ("paths", "path", "shown"),
    [
        ([], "ops/web", ""),
        (["ops/web"], "ops/web", ""),
        (["ops/web", "ops/infra"], "ops/web", "web"),
        (["ops/web", "shop/web"], "ops/web", "ops/web"),
        (["ops/*"], "ops/web", "web"),
        (["ops/*", "!ops/old"], "ops/web", "web"),
        (["root/essai", "ops/**"], "ops/a/web", "a/web"),
        (["root/essai", "ops/**"], "root/essai", "root/essai"),
        (["ops/*", "shop/*"], "ops/web", "ops/web"),
    ],
)
def test_a_project_of_the_site_is_called_alike_where_there_is_no_event(
    paths: list[str], path: str, shown: str
) -> None:
    assert Projects(paths).short_name(path) == shown


def test_projects_of_one_name_give_different_messages() -> None:
    payloads = [case(f"04-same-project-name.{number}") for number in (1, 2)]
    first, second = (announced(payload, ["ops/web", "shop/web"]) for payload in payloads)
    assert first != second
    assert "ops/web" in first
    assert "shop/web" in second


def path_of(payload: dict[str, Any]) -> str:
    return read_event(Payload(payload)).project


# What happens in a project, but for what is announced by full paths anyway, and what is not announced at all.
IN_A_PROJECT = [
    name
    for name in FILES
    if path_of(load(name)) == "taaf/projet-test-taaf"
    and find_kind(Payload(load(name))) not in (None, KINDS["project"], KINDS["group"])
    and name != "emoji_revoke_issue"
]


@pytest.mark.parametrize("name", IN_A_PROJECT)
def test_every_message_about_a_project_says_which(name: str) -> None:
    payload = load(name)
    path = path_of(payload)
    namesake = f"autre/{path.rpartition('/')[2]}"
    # Also as a site's own template says it, and without what addresses say.
    template = EventTemplates(dict.fromkeys([read_event(Payload(payload)).name], "dans {{ project }}"))
    for more in ({}, {"rewordings": dict.fromkeys(CATALOGUES, template)}):
        shown = announced(payload, [path, namesake], **more).replace(f"https://git.taaf.internal/{path}", "")
        assert path in shown, name
        alone = announced(payload, [path], **more).replace(f"https://git.taaf.internal/{path}", "")
        if not name.startswith("vulnerability"):  # says nothing of its project but in its address
            assert path not in alone, name


def test_who_joins_a_project_joins_one_that_is_distinguished() -> None:
    payload = load("system_user_add_to_team")
    path = payload["project_path_with_namespace"]
    assert f"**{path}**" in announced(payload, [path, f"x/{path.rpartition('/')[2]}"])


def test_a_group_keeps_its_name() -> None:
    assert "**TAAF**" in announced(load("group_member_add_ee"), ["a/b", "c/b"])
