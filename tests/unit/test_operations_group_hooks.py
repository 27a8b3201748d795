"""Hooks of groups, and of many projects at once, as the operations leave them."""

import itertools
from collections.abc import Callable
from dataclasses import replace
from typing import Any, cast

import pytest

from tasks.operations import group_hooks, project_hooks
from tasks.operations.api import Api, ApiError
from tasks.operations.hooks import Hook
from tests.operations import Outcome, apply, dry

NAME, RELAY, FINGERPRINT = "Passerelle", "192.0.2.10:8090", "0123456789ab"
URL = f"http://{RELAY}/webhook/gitlab"


class Forge:
    """Hooks as GitLab keeps them, of any group and project; `refused` are addresses with the status of a refusal."""

    url = "https://git.example.org"

    def __init__(self) -> None:
        self.hooks: dict[str, list[dict[str, Any]]] = {}
        self.refused: dict[tuple[str, str], int] = {}
        self._numbers = itertools.count(1)

    def pages(self, path: str) -> list[dict[str, Any]]:
        self._refuse("GET", path)
        return list(self.hooks.get(path.removeprefix("/api/v4/").removesuffix("/hooks"), []))

    def call(self, method: str, path: str, body: Any = None, absent: tuple[str, ...] = ()) -> Any:
        self._refuse(method, path)
        of, _, number = path.removeprefix("/api/v4/").partition("/hooks")
        listed = self.hooks.setdefault(of, [])
        if method == "POST":
            listed.append({"id": next(self._numbers), **self._kept(body)})
            return listed[-1]
        (found,) = [hook for hook in listed if f"/{hook['id']}" == number]
        if method == "DELETE":
            listed.remove(found)
            return None
        found.update(self._kept(body))
        return found

    @staticmethod
    def _kept(body: dict[str, Any]) -> dict[str, Any]:
        """What is shown of it: of the secrets whether they are there."""
        shown = {key: value for key, value in body.items() if key not in ("token", "signing_token")}
        return {**shown, "token_present": True, "signing_token_present": True, "alert_status": "executable"}

    def _refuse(self, method: str, path: str) -> None:
        for (refused, place), status in self.refused.items():
            if method == refused and place in path:
                raise ApiError(f"gitlab: {method} {place} answered {status}", status)


@pytest.fixture
def forge() -> Forge:
    return Forge()


def as_api(forge: Forge) -> Api:
    return cast(Api, forge)


WANTED = Hook(
    NAME, URL, {"push_events": True}, lambda: FINGERPRINT, lambda: "t" * 30, lambda: "whsec_x", signed=True
)


def of_group(forge: Forge) -> Callable[[], object]:
    return lambda: group_hooks.group_hook(as_api(forge), "taaf/sub", WANTED)


def of_projects(forge: Forge, *paths: str) -> Callable[[], object]:
    return lambda: project_hooks.hooks_of_projects(as_api(forge), paths, WANTED)


def gone(forge: Forge) -> Callable[[], object]:
    return lambda: group_hooks.no_group_hook(as_api(forge), "taaf/sub", NAME, {RELAY}, lambda: FINGERPRINT)


def test_a_group_gets_its_hook_once_and_loses_it(forge: Forge) -> None:
    made = [f"+ hook {NAME} of group taaf/sub to {URL} on push_events"]
    assert dry(of_group(forge)) == Outcome(made, 1)
    assert forge.hooks == {}
    assert apply(of_group(forge)) == Outcome(made, 1)
    assert apply(of_group(forge)) == Outcome([], 0)
    (hook,) = forge.hooks["groups/taaf%2Fsub"]
    hook["push_events"] = False
    forge.hooks["groups/taaf%2Fsub"].append({**hook, "id": 99, "url": "http://192.0.2.10:1/"})
    assert apply(of_group(forge)).differences == [
        f"~ hook {NAME} of group taaf/sub: push_events: False -> True",
        f"- hook {NAME} of group taaf/sub: double, to http://192.0.2.10:1/",
    ]
    assert apply(gone(forge)) == Outcome([f"- hook {NAME} of group taaf/sub to {URL}"], 1)
    assert apply(gone(forge)) == Outcome([], 0)


def test_a_hook_of_somebody_else_s_stays(forge: Forge) -> None:
    theirs = {"id": 1, "name": NAME, "url": "http://203.0.113.7/elsewhere", "description": "another site's"}
    forge.hooks["groups/taaf%2Fsub"] = [theirs]
    left = f"! hook {NAME} of group taaf/sub: it leads to {theirs['url']}"
    assert apply(gone(forge)) == Outcome([left], 0)


@pytest.mark.parametrize("status", [401, 403, 404])
def test_where_groups_have_no_hooks_there_is_none_to_remove(forge: Forge, status: int) -> None:
    forge.refused["GET", "groups/"] = status
    assert apply(gone(forge)) == Outcome([], 0)
    assert "has no hooks that gitlab.token may see" in dry(of_group(forge)).error


def test_many_projects_get_theirs_in_one_go(forge: Forge) -> None:
    paths = [f"taaf/p-{number}" for number in range(40)]
    assert apply(of_projects(forge, *paths)) == Outcome(
        [f"+ hook {NAME} of {path} to {URL} on push_events" for path in paths], 1
    )
    assert apply(of_projects(forge, *paths)) == Outcome([], 0)
    forge.hooks["projects/taaf%2Fp-7"].clear()
    assert apply(of_projects(forge, *paths)).differences == [
        f"+ hook {NAME} of taaf/p-7 to {URL} on push_events"
    ]


@pytest.mark.parametrize("number", [1, 40])
def test_the_host_is_asked_once_for_each_of_its_secrets(forge: Forge, number: int) -> None:
    """And not for what is not needed: over SSH each question takes a moment, and there may be hundreds of projects."""
    paths = [f"taaf/p-{each}" for each in range(number)]
    asked = list[str]()

    def asking(what: str, answer: str) -> Callable[[], str]:
        def ask() -> str:
            asked.append(what)
            return answer

        return ask

    wanted = replace(
        WANTED,
        fingerprint=asking("fingerprint", FINGERPRINT),
        token=asking("token", "t" * 30),
        signing_token=asking("signing token", "whsec_x"),
    )
    runs = [lambda: project_hooks.hooks_of_projects(as_api(forge), paths, wanted)]
    dry(*runs)
    assert asked == ["fingerprint"]
    asked.clear()
    assert apply(*runs).changed == 1
    assert sorted(asked) == ["fingerprint", "signing token", "token"]
    asked.clear()
    assert apply(*runs).changed == 0
    assert asked == ["fingerprint"]


@pytest.mark.parametrize("status", [403, 404])
def test_one_without_a_right_is_named_and_the_others_are_served(forge: Forge, status: int) -> None:
    forge.refused["GET", "taaf%2Fhidden"] = status
    outcome = apply(of_projects(forge, "taaf/a", "taaf/hidden", "taaf/b"))
    assert outcome.notes == [
        f"hook {NAME} of taaf/hidden: gitlab.token has no right to the hooks there (role Maintainer)"
    ]
    assert len(outcome.differences) == 2
    assert {*forge.hooks} == {"projects/taaf%2Fa", "projects/taaf%2Fb"}


def test_one_that_cannot_be_changed_fails_after_all_others(forge: Forge) -> None:
    forge.refused["POST", "taaf%2Fa/"] = 403
    outcome = apply(of_projects(forge, "taaf/a", "taaf/b"))
    assert "taaf%2Fa" in outcome.error
    assert {*forge.hooks} == {"projects/taaf%2Fb"}


def test_an_outage_is_no_missing_right(forge: Forge) -> None:
    forge.refused["GET", "taaf%2Fa"] = 502
    outcome = dry(of_projects(forge, "taaf/a", "taaf/b"))
    assert "answered 502" in outcome.error
    assert outcome.lines == []
