"""The links of the slash commands: each fault is named, and nothing else; a site without commands has none of them."""

from collections.abc import Callable, Iterator
from dataclasses import replace
from hashlib import sha256
from typing import Any

import pytest

from tests.unit.doctor_world import RELAY, World, sound

ADDRESS = RELAY.partition(":")[0]
URL = f"http://{RELAY}/mattermost/command"


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sound site with a slash command."""
    with sound(tmp_path_factory.mktemp("site")) as made:
        command = {"team_id": made.team(), "trigger": "passerelle", "url": URL, "method": "P"}
        made.chat.api("POST", "/commands", command | {"description": "GitLab (Passerelle)"})
        allow(made, ADDRESS)
        made.chat.api("PUT", "/config/patch", {"ServiceSettings": {"SiteURL": made.chat.url}})
        yield replace(
            made.setting("mattermost", commands=["passerelle"]).changed("command", to=answer(405)),
            command_tokens=("600 root root", saved(made)),
        )


def answer(status: int = 0, **fault: Any) -> dict[str, Any]:
    """What the host has been answered there, or what kept it from it."""
    return {"name": "", "port": "", "silent": "", "tls": None, "status": status, **fault}


def commands(world: World) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = world.chat.api("GET", f"/commands?team_id={world.team()}")
    return found


def saved(world: World) -> str:
    return sha256(f"{commands(world)[0]['token']}\n".encode()).hexdigest()


def allow(world: World, text: str) -> None:
    world.chat.api("PUT", "/config/patch", {"ServiceSettings": {"AllowedUntrustedInternalConnections": text}})


def alter(world: World, **values: Any) -> None:
    (found,) = commands(world)
    world.chat.api("PUT", f"/commands/{found['id']}", {**found, **values})


def test_a_sound_command_is_sound(world: World) -> None:
    assert world.found() == []


def test_without_commands_nothing_is_said_of_them(world: World) -> None:
    bare = replace(world.setting("mattermost", commands=[]), command_tokens=("", ""))
    allow(world, "")
    try:
        assert bare.found() == []
    finally:
        allow(world, ADDRESS)


@pytest.mark.parametrize(
    ("seen", "code"),
    [
        (("", ""), "command.token-missing"),
        (("644 root root", "x"), "command.token-access"),
        (("600 ops root", "x"), "command.token-access"),
        (("600 root root", "x"), "command.token-other"),
    ],
)
def test_what_is_wrong_with_the_tokens_is_named(world: World, seen: tuple[str, str], code: str) -> None:
    assert replace(world, command_tokens=seen).found() == [code]


Act = Callable[[World], object]
DONE: dict[str, tuple[Act, Act]] = {
    "command.elsewhere": (lambda w: alter(w, url="http://192.0.2.9/"), lambda w: alter(w, url=URL)),
    "command.missing": (lambda w: alter(w, trigger="autre"), lambda w: alter(w, trigger="passerelle")),
    "command.way": (lambda w: allow(w, "10.0.0.0/8"), lambda w: allow(w, f"10.0.0.0/8, {ADDRESS}/32")),
}


@pytest.mark.parametrize("code", DONE)
def test_what_is_done_to_a_command_is_named(world: World, code: str) -> None:
    act, undo = DONE[code]
    act(world)
    try:
        assert world.found() == [code]
    finally:
        undo(world)
    assert world.found() == []


def test_a_command_that_leads_by_get_is_named(world: World) -> None:
    alter(world, method="G")
    try:
        assert world.found() == ["command.elsewhere"]
    finally:
        alter(world, method="P")


def test_a_server_that_does_not_know_its_address_is_named(tmp_path_factory: pytest.TempPathFactory) -> None:
    with sound(tmp_path_factory.mktemp("bare")) as made:
        bare = made.setting("mattermost", commands=["passerelle"])
        assert bare.found() == ["command.missing", "command.site-url"]


BEHIND = "https://hooks.example.org/relay"
ANSWERS: dict[str, tuple[dict[str, Any] | None, str | None, list[str], list[str]]] = {
    "the relay": (answer(405), None, [], []),
    "a relay without commands": (answer(404), None, ["command.unserved"], []),
    "another program": (answer(200), None, ["command.unserved"], []),
    "a relay behind its proxy": (answer(405), BEHIND, [], []),
    "a proxy that leads GitLab's events alone": (answer(404), BEHIND, ["command.behind-proxy"], []),
    "a proxy whose relay is away": (answer(502), BEHIND, ["command.behind-proxy"], []),
    "nobody who listens": (answer(port="refused"), BEHIND, [], ["command.unseen"]),
    "a name that is none here": (answer(name="unknown"), BEHIND, [], ["command.unseen"]),
    "an authority that nobody trusts": (answer(tls=[20, "", ""]), BEHIND, [], ["command.unseen"]),
    "a relay that is stopped, which is not asked": (None, None, [], []),
}


@pytest.mark.parametrize("name", ANSWERS)
@pytest.mark.parametrize("what", ["command", "action"])
def test_who_answers_where_commands_and_buttons_lead_is_judged(world: World, what: str, name: str) -> None:
    """What the host cannot reach Mattermost may reach all the same, so it is not called broken."""
    answered, url, of_commands, unclear_of_commands = ANSWERS[name]
    found, unclear = (
        [code.replace("command", what) for code in codes] for codes in (of_commands, unclear_of_commands)
    )
    seen = world.changed(what, to=answered)
    if url:
        seen = seen.setting("relays", url=url)
        alter(world, url=f"{url}/mattermost/command")
    try:
        # The hooks of GitLab still lead to the relay itself.
        assert [code for code in seen.found() if code.startswith(("command.", "action."))] == found
        assert [code for code in seen.unclear() if code.startswith(("command.", "action."))] == unclear
    finally:
        alter(world, url=URL)
