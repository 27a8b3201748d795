"""What patterns find in GitLab, on a real stand-in: projects that come, move, are archived or shared."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import fields
from typing import Any, cast
from urllib.parse import unquote

import pytest
from pydantic import SecretStr

from tasks.doctor.look import Look
from tasks.members import Members, find_members
from tasks.operations.api import Api, ApiError
from tasks.operations.resource import ResourceError
from tests.standins import gitlab_site
from tests.unit.site_data import taaf

_NUMBERS = itertools.count(1)
FIRST, RELAY = "root/projet-test-taaf", "192.0.2.10:8090"


class World:
    """A group of its own on a running GitLab, and the site's patterns in it; GROUP stands for its path."""

    def __init__(self, forge: gitlab_site.Site) -> None:
        self.forge, self.name = forge, f"groupe-{next(_NUMBERS)}"
        self.api = Api("gitlab", forge.url, SecretStr(gitlab_site.TOKEN), header="PRIVATE-TOKEN")
        self.group = self.made_group(self.name)

    def made_group(self, path: str, **more: Any) -> dict[str, Any]:
        made: dict[str, Any] = self.forge.done("POST", "/groups", name=path, path=path, **more)
        return made

    def project(self, path: str, group: dict[str, Any] | None = None) -> gitlab_site.Project:
        return self.forge.project(name=path, path=path, namespace_id=(group or self.group)["id"])

    def found(self, *projects: str, groups: tuple[str, ...] = ()) -> Members:
        said = [each.replace("GROUP", self.name) for each in projects]
        site = taaf(
            {"gitlab": {"projects": said, "groups": [each.replace("GROUP", self.name) for each in groups]}}
        )
        return find_members(site, self.api)

    def shown(self, members: Members) -> tuple[list[str], list[str]]:
        return (
            [path.replace(self.name, "GROUP") for path in members.projects],
            [line.replace(self.name, "GROUP") for line in members.left_alone],
        )


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gitlab_site.Site]:
    with gitlab_site.running(tmp_path_factory.mktemp("gitlab") / "data") as started:
        yield started


@pytest.fixture
def world(forge: gitlab_site.Site) -> World:
    world = World(forge)
    world.project("web")
    world.project("Infra")
    world.project("deep", world.made_group("sub", parent_id=world.group["id"]))
    return world


@pytest.mark.parametrize(
    ("projects", "groups", "expected"),
    [
        ([], (), []),
        (["GROUP/*"], (), ["GROUP/Infra", "GROUP/web"]),
        (["GROUP/**"], (), ["GROUP/Infra", "GROUP/sub/deep", "GROUP/web"]),
        ([], ("GROUP",), ["GROUP/Infra", "GROUP/sub/deep", "GROUP/web"]),
        (["!GROUP/INFRA"], ("GROUP",), ["GROUP/sub/deep", "GROUP/web"]),
        (["GROUP/**", "!GROUP/sub/*"], (), ["GROUP/Infra", "GROUP/web"]),
        (["GROUP/*", "GROUP/sub/*", "GROUP/Web"], (), ["GROUP/Infra", "GROUP/sub/deep"]),
    ],
)
def test_what_is_listed_is_found(
    world: World, projects: list[str], groups: tuple[str, ...], expected: list[str]
) -> None:
    assert world.shown(world.found(*projects, groups=groups)) == (expected, [])


def test_projects_of_a_user_are_found(world: World) -> None:
    made = world.forge.project()
    assert made.full_path in world.found("root/*").projects


def test_more_than_a_page_is_found(world: World) -> None:
    many = world.made_group(f"{world.name}-many")
    for number in range(101):
        world.forge.done("POST", "/projects", name=f"p-{number}", namespace_id=many["id"])
    assert len(world.found("GROUP-many/*").projects) == 101


CHANGES: dict[str, tuple[Callable[[World], object], list[str], list[str]]] = {
    "one is made": (lambda w: w.project("new"), ["GROUP/Infra", "GROUP/new", "GROUP/web"], []),
    "one is archived": (
        lambda w: w.forge.done("POST", f"/projects/{w.name}%2Fweb/archive"),
        ["GROUP/Infra"],
        ["project GROUP/web: archived, so it gets no hook"],
    ),
    "one is deleted": (lambda w: w.forge.done("DELETE", f"/projects/{w.name}%2Fweb"), ["GROUP/Infra"], []),
    "one is moved out": (
        lambda w: w.forge.done("PUT", f"/projects/{w.name}%2Fweb/transfer", namespace="root"),
        ["GROUP/Infra"],
        [],
    ),
    "one of another group is shared": (
        lambda w: w.forge.project(name=w.name).done("POST", "/share", group_id=w.group["id"]),
        ["GROUP/Infra", "GROUP/web"],
        [
            "project root/GROUP: shared with GROUP and of another group; list it in gitlab.projects to have it there"
        ],
    ),
    "all are gone": (
        lambda w: [w.forge.done("DELETE", f"/projects/{w.name}%2F{each}") for each in ("web", "Infra")],
        [],
        ["GROUP/*: there is no project yet"],
    ),
}


@pytest.mark.parametrize("change", CHANGES)
def test_what_changes_in_a_group_is_followed_or_named(world: World, change: str) -> None:
    do, projects, left_alone = CHANGES[change]
    do(world)
    assert world.shown(world.found("GROUP/*")) == (projects, left_alone)


@pytest.mark.parametrize("pattern", ["GROUP/*", "GROUP/**"])
def test_a_group_that_was_renamed_is_named(world: World, pattern: str) -> None:
    world.forge.done("PUT", f"/groups/{world.name}", path=f"{world.name}-2")
    with pytest.raises(ResourceError, match=rf"no group or user {world.name} .* if it was renamed, correct"):
        world.found(pattern)
    assert f"{world.name}-2/web" in world.found("GROUP-2/*").projects


class Told:
    """GitLab's answers where the stand-in has none: paths with what is answered, an error by its status."""

    url = "https://git.example.org"

    def __init__(self, **answers: Any) -> None:
        self.answers = answers
        self.listed: list[str] = []

    def call(self, method: str, path: str, body: Any = None, absent: tuple[str, ...] = ()) -> Any:
        return {"full_path": unquote(path.rpartition("/")[2].partition("?")[0])}

    def pages(self, path: str) -> Any:
        self.listed.append(path.partition("?")[0])
        answer = self.answers["hooks" if path.endswith("/hooks") else "projects"]
        if isinstance(answer, int):
            raise ApiError("gitlab: refused", answer)
        return answer


def told(**answers: Any) -> Api:
    return cast(Api, Told(**answers))


PAGE = [
    {"path_with_namespace": "taaf/web", "marked_for_deletion_on": None},
    {"path_with_namespace": "taaf/a-deletion_scheduled-7", "marked_for_deletion_on": "2026-12-04"},
    {"path_with_namespace": "taaf/b", "marked_for_deletion_at": "2026-12-04"},
]


@pytest.mark.parametrize("refusal", [401, 403, 404])
def test_without_hooks_of_groups_each_project_gets_one(refusal: int) -> None:
    """Another edition, or a token that is not an owner's; what is being deleted gets none."""
    found = find_members(taaf({"gitlab": {"groups": ["taaf"]}}), told(hooks=refusal, projects=PAGE))
    assert (list(found.projects), list(found.groups)) == (["taaf/web"], [])
    assert [line.partition(":")[0] for line in found.left_alone] == [
        "project taaf/a-deletion_scheduled-7",
        "project taaf/b",
    ]


def test_where_a_group_has_hooks_its_own_stands_for_all() -> None:
    site = taaf({"gitlab": {"groups": ["taaf"], "projects": ["autre/*", "!taaf/secret"]}})
    forge = Told(hooks=[], projects=[*PAGE, {"path_with_namespace": "autre/a"}])
    found = find_members(site, cast(Api, forge))
    assert (list(found.projects), list(found.groups)) == (["autre/a"], ["taaf"])
    assert "/api/v4/groups/taaf/hooks" in forge.listed
    assert "/api/v4/groups/taaf/projects" not in forge.listed, "there may be thousands"


def test_the_doctor_looks_at_hooks_of_groups_as_well() -> None:
    site = taaf({"gitlab": {"groups": ["taaf/sub"], "projects": ["autre/*"]}})
    forge = Told(hooks=[], projects=[{"path_with_namespace": "autre/a"}])
    others: dict[str, Any] = dict.fromkeys(field.name for field in fields(Look))
    look = Look(**{**others, "site": site, "relay": RELAY, "gitlab": cast(Api, forge)})
    assert look.projects == [FIRST, "autre/a", "group taaf/sub"]
    assert look.hooks == {FIRST: [], "autre/a": [], "group taaf/sub": []}
    assert forge.listed[-1] == "/api/v4/groups/taaf%2Fsub/hooks"
