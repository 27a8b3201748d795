"""Whom the settings name is somebody who can sign in: who is not is listed, with the setting and why."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, cast
from urllib.parse import parse_qs, urlsplit

import pytest

from tasks.doctor import people
from tasks.doctor.chain import Noted, Unclear, noted, unclear
from tasks.doctor.look import Look
from tasks.doctor.wording import CATALOGUES
from tasks.operations.api import ApiError
from tests.unit.doctor_world import World, sound
from tests.unit.site_data import taaf

GITLAB: dict[str, dict[str, Any]] = {
    "camille": {"state": "active"},
    "gone": {"state": "deactivated"},
    "eve": {"state": "blocked"},
    "spam": {"state": "banned"},
    "ci": {"state": "active", "bot": True},
    "project_4_bot_0123": {"state": "active"},
}
MATTERMOST: dict[str, dict[str, Any]] = {
    "camille": {"delete_at": 0},
    "old": {"delete_at": 1},
    "robot": {"delete_at": 0, "is_bot": True},
}


def look(people: dict[str, str], notify: tuple[str, ...] = (), operators: tuple[str, ...] = ()) -> Look:
    """At a site that says so, whose GitLab and Mattermost have these users."""

    def gitlab(method: str, path: str, **more: Any) -> list[dict[str, Any]]:
        (name,) = parse_qs(urlsplit(path).query)["username"]
        return [{"username": user, **said} for user, said in GITLAB.items() if user == name.lower()]

    def mattermost(method: str, path: str, **more: Any) -> dict[str, Any] | None:
        return MATTERMOST.get(path.rpartition("/")[2])

    site = taaf(
        {
            "mattermost": {"posting": "bot", "commands": ["passerelle"], "operators": operators},
            "gitlab": {
                "people": people,
                "notify": {name: [] for name in notify},
                **({"write_token": "w"} if people else {}),
            },
        }
    )
    both = {"gitlab": SimpleNamespace(call=gitlab), "mattermost": SimpleNamespace(call=mattermost)}
    return cast(Look, SimpleNamespace(site=site, **both))


@pytest.mark.parametrize(
    ("user", "named"),
    [
        ("camille", ""),
        ("Camille", ""),  # GitLab distinguishes no case
        ("nobody", "gitlab.people.nobody, gitlab.notify.nobody"),
        ("gone", "gitlab.people.gone (deactivated), gitlab.notify.gone (deactivated)"),
        ("eve", "gitlab.people.eve (blocked), gitlab.notify.eve (blocked)"),
        ("spam", "gitlab.people.spam (banned), gitlab.notify.spam (banned)"),
        ("ci", "gitlab.people.ci (bot), gitlab.notify.ci (bot)"),
        (
            "project_4_bot_0123",
            "gitlab.people.project_4_bot_0123 (bot), gitlab.notify.project_4_bot_0123 (bot)",
        ),
    ],
)
def test_who_is_no_person_of_gitlab_is_listed(user: str, named: str) -> None:
    found = people.in_gitlab(look({user: "camille"}, (user,)))
    assert found == (noted("people.gitlab", names=named) if named else None)


@pytest.mark.parametrize(
    ("name", "named"),
    [
        ("camille", ""),
        ("nobody", "gitlab.people.camille = nobody, mattermost.operators.#1 = nobody"),
        (
            "old",
            "gitlab.people.camille = old (deactivated), mattermost.operators.#1 = old (deactivated)",
        ),
        ("robot", "gitlab.people.camille = robot (bot), mattermost.operators.#1 = robot (bot)"),
    ],
)
def test_who_is_no_person_of_mattermost_is_listed(name: str, named: str) -> None:
    found = people.in_mattermost(look({"camille": name}, operators=(name,)))
    assert found == (noted("people.mattermost", names=named) if named else None)


@pytest.mark.parametrize(
    ("said", "named"),
    [
        ({}, ""),
        ({"camille": "cm", "leo": "lp"}, ""),
        ({"camille": "cm", "leo": "lp", "camille.old": "cm"}, "cm (camille, camille.old)"),
    ],
)
def test_who_could_act_as_several_users_is_listed(said: dict[str, str], named: str) -> None:
    found = people.acting(look(said))
    assert found == (noted("people.acting", names=named) if named else None)


def test_a_gitlab_that_shows_nobody_is_no_fault() -> None:
    def refuse(*asked: Any, **more: Any) -> Any:
        raise ApiError("gitlab: GET users: HTTP 403", 403)

    refusing = cast(
        Look,
        SimpleNamespace(site=look({"camille": "camille"}).site, gitlab=SimpleNamespace(call=refuse)),
    )
    assert people.in_gitlab(refusing) == unclear("people.unseen")


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    with sound(tmp_path_factory.mktemp("site")) as made:
        yield made


def test_all_are_asked_for_and_listed(world: World) -> None:
    """By the servers themselves; what is noted breaks nothing, and is said in both languages."""
    chat = world.chat
    chat.api("PUT", f"/users/{chat.add_user('left')}/active", {"active": False})
    changed = world.setting("gitlab", people={"root": "admin", "ghost": "left", "root.": "phantom"})
    found = {each.link: each.finding for each in changed.verdicts() if each.link.startswith("people.")}
    assert found == {
        "people.gitlab": noted("people.gitlab", names="gitlab.people.ghost, gitlab.people.root."),
        "people.mattermost": noted(
            "people.mattermost",
            names="gitlab.people.ghost = left (deactivated), gitlab.people.root. = phantom",
        ),
        "people.acting": None,
    }
    assert changed.found() == []
    for finding in found.values():
        for catalogue in CATALOGUES.values():
            if isinstance(finding, Noted):
                assert finding.values["names"] in catalogue.noted[finding.code].format(**finding.values)
            assert not isinstance(finding, Unclear)
