"""Slash commands: made, led to the relay, mended whatever is wrong with them, removed, on a stand-in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tasks import mattermost, record, slash_commands
from tasks.made import Made, described, machine_of
from tasks.operations.mattermost_connections import covers
from tasks.site import Site
from tests.operations import Outcome, apply, dry
from tests.standins.mattermost_server import MattermostServer
from tests.unit.chat_world import RELAY, ChatWorld, with_team
from tests.unit.site_data import taaf

LIST = "ServiceSettings.AllowedUntrustedInternalConnections"
SWITCH = "ServiceSettings.EnableCommands"


def described_as(server: MattermostServer, *commands: str) -> Site:
    chat = {"url": server.url, "token": server.token, "commands": list(commands)}
    return taaf({"host": {"api_access": "direct"}, "mattermost": chat})


@dataclass
class World(ChatWorld):
    """A site that describes its commands; `token` is the file on the host."""

    @property
    def token(self) -> Path:
        return self.folder / "mattermost-command-token"

    # The commands, as deploy.py, rotate.py and teardown.py have them.

    def deploy(self) -> None:
        context = self.context
        mattermost.admit_webhooks(self.site, context)
        slash_commands.provision_commands(self.site, context, self.made)
        left = self.made - described(self.site, context.relay)
        slash_commands.remove_commands(context, left.commands, self.made)
        slash_commands.remove_connections(context, left.connections)

    def rotate(self) -> None:
        slash_commands.provision_commands(self.site, self.context, self.made, replaced=True)

    def teardown(self) -> None:
        everything = self.made | described(self.site, self.context.relay)
        slash_commands.remove_commands(self.context, everything.commands, self.made, though_hidden=True)
        slash_commands.remove_connections(self.context, self.made.connections)

    # What people do, and what they see.

    def commands(self) -> list[dict[str, Any]]:
        """All that the team has, hidden or not."""
        was_on = self.is_on
        self.switch(True)
        found: list[dict[str, Any]] = self.server.api("GET", f"/commands?team_id={self.team}")
        self.switch(was_on)
        return found

    @property
    def words(self) -> list[str]:
        return sorted(each["trigger"] for each in self.commands())

    def alter(self, **values: Any) -> None:
        (found,) = self.commands()
        self.server.api("PUT", f"/commands/{found['id']}", {**found, **values})

    def switch(self, on: bool) -> None:
        self.server.api("PUT", "/config/patch", {"ServiceSettings": {"EnableCommands": on}})

    @property
    def is_on(self) -> bool:
        return bool(self.setting("EnableCommands"))

    def setting(self, name: str) -> Any:
        return self.server.api("GET", "/config")["ServiceSettings"][name]

    def allow(self, text: str) -> None:
        patch = {"ServiceSettings": {"AllowedUntrustedInternalConnections": text}}
        self.server.api("PUT", "/config/patch", patch)

    @property
    def allowed(self) -> str:
        return str(self.setting("AllowedUntrustedInternalConnections"))

    def somebody(self, word: str, name: str = "olive") -> None:
        """An administrator makes a command of this word."""
        if name != "admin":
            somebody = self.server.add_user(name)
            self.server.api("PUT", f"/users/{somebody}/roles", {"roles": "system_user system_admin"})
        wanted = {"team_id": self.team, "trigger": word, "url": "http://192.0.2.9/x", "method": "P"}
        made = self.server.request("POST", "/api/v4/commands", wanted, token=self.server.login(name))
        assert made.status_code == 201


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with with_team(tmp_path) as server:
        made = World(server, described_as(server, "passerelle"), tmp_path)
        monkeypatch.setattr(slash_commands, "COMMAND_TOKEN", str(made.token))
        monkeypatch.setattr(slash_commands, "_MEMO", str(made.memo))
        assert apply(lambda: mattermost.admit_webhooks(made.site, made.context)).error == ""
        yield made


@pytest.fixture
def deployed(world: World) -> World:
    """After a deploy, which remembers it."""
    assert apply(world.deploy).error == ""
    world.made = described(world.site, f"{RELAY}:8090")
    assert dry(world.deploy) == Outcome([], 0)
    return world


FIRST = [
    f"+ {LIST} entry {RELAY}",
    "+ slash command /passerelle in team taaf",
    "+ FILE (600 root root): the tokens of the slash commands",
]


def shown(world: World, lines: list[str]) -> list[str]:
    return [line.replace("FILE", str(world.token)) for line in lines]


def test_a_first_deploy_makes_what_it_announces_and_the_second_nothing(world: World) -> None:
    lines = shown(world, FIRST)
    assert dry(world.deploy) == Outcome(lines, 3)
    assert (world.words, world.allowed) == ([], "")
    assert apply(world.deploy) == Outcome(lines, 3)
    assert apply(world.deploy) == Outcome([], 0)
    (command,) = world.commands()
    assert command["url"] == f"http://{RELAY}:8090/mattermost/command"
    assert (command["method"], command["auto_complete"]) == ("P", True)
    assert world.token.read_text() == f"{command['token']}\n"
    assert f"{world.token.stat().st_mode:o}" == "100600"
    assert world.allowed == RELAY


def test_without_commands_nothing_is_made(world: World) -> None:
    world.site = described_as(world.server)
    assert apply(world.deploy) == Outcome([], 0)
    assert (world.words, world.allowed, world.token.exists()) == ([], "", False)


def test_several_words_have_a_token_each(world: World) -> None:
    world.site = described_as(world.server, "passerelle", "gitlab")
    assert apply(world.deploy).error == ""
    assert world.words == ["gitlab", "passerelle"]
    assert sorted(world.token.read_text().split()) == sorted(each["token"] for each in world.commands())
    assert apply(world.deploy) == Outcome([], 0)


def renewed(world: World) -> None:
    (found,) = world.commands()
    world.server.api("PUT", f"/commands/{found['id']}/regen_token")


def deleted(world: World) -> None:
    (found,) = world.commands()
    world.server.api("DELETE", f"/commands/{found['id']}")


COMMAND = "~ slash command /passerelle"
OTHER = "~ FILE: other content"
FAULTS = [
    pytest.param(
        deleted,
        [FIRST[1], "~ FILE: other content"],
        id="deleted",
    ),
    pytest.param(
        lambda w: w.alter(url="http://192.0.2.9/x"),
        [f"{COMMAND}: url: 'http://192.0.2.9/x' -> 'http://{RELAY}:8090/mattermost/command'"],
        id="led elsewhere",
    ),
    pytest.param(
        lambda w: w.alter(method="G"), [f"{COMMAND}: method: 'G' -> 'P'"], id="with the token in the address"
    ),
    pytest.param(
        lambda w: w.alter(auto_complete=False),
        [f"{COMMAND}: auto_complete: False -> True"],
        id="not offered to who types",
    ),
    pytest.param(
        lambda w: w.alter(description="mine (Passerelle)"),
        [f"{COMMAND}: description: 'mine (Passerelle)' -> 'GitLab (Passerelle)'"],
        id="described otherwise",
    ),
    pytest.param(renewed, [OTHER], id="token renewed by hand"),
    pytest.param(lambda w: w.token.write_text("nonsense"), [OTHER], id="token overwritten"),
    pytest.param(lambda w: w.token.write_text(""), [OTHER], id="token emptied"),
    pytest.param(lambda w: w.token.unlink(), [FIRST[2]], id="token gone"),
    pytest.param(
        lambda w: w.token.chmod(0o644), ["~ FILE: 644 root root -> 600 root root"], id="token open to all"
    ),
    pytest.param(lambda w: w.allow(""), [FIRST[0]], id="no way to the relay"),
    pytest.param(lambda w: w.allow("192.0.2.2, 10.0.0.0/8"), [FIRST[0]], id="a way to others alone"),
]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("make", "named"), FAULTS)
def test_what_is_wrong_is_named_and_mended(
    deployed: World, make: Callable[[World], object], named: list[str]
) -> None:
    make(deployed)
    others = deployed.allowed.replace(",", " ").split()
    lines = shown(deployed, named)
    assert dry(deployed.deploy).lines == lines
    done = apply(deployed.deploy)
    assert (done.error, done.lines) == ("", lines)
    assert apply(deployed.deploy) == Outcome([], 0)
    (command,) = deployed.commands()
    assert deployed.token.read_text() == f"{command['token']}\n"
    assert set(deployed.allowed.split()) == {*others, RELAY}, "entries of others stay"
    assert command["token"] not in "".join(done.lines)


@pytest.mark.parametrize("perform", [dry, apply])
@pytest.mark.parametrize("maker", ["olive", "admin"])
def test_a_word_of_somebody_elses_is_refused(
    world: World, perform: Callable[[Callable[[], object]], Outcome], maker: str
) -> None:
    """Of the account of the deploy as well, which may be a person's: what bears our mark is ours and nothing else."""
    world.somebody("passerelle", maker)
    before = world.commands()
    outcome = perform(world.deploy)
    assert outcome.error.startswith("mattermost.commands: /passerelle is another command already")
    torn = apply(world.teardown)
    assert (torn.error, torn.differences) == ("", [])
    assert torn.notes == ["slash command /passerelle: another one"]
    assert world.commands() == before


def test_a_word_of_mattermosts_own_is_refused(world: World) -> None:
    world.site = described_as(world.server, "away")
    assert apply(world.deploy).error.startswith("mattermost.commands: /away is another command already")


def test_rotation_makes_other_tokens(deployed: World) -> None:
    (before,) = deployed.commands()
    lines = shown(deployed, ["~ FILE: to be replaced -> new tokens of the slash commands"])
    assert dry(deployed.rotate) == Outcome(lines, 1)
    assert deployed.commands() == [before]
    assert apply(deployed.rotate) == Outcome(lines, 1)
    (after,) = deployed.commands()
    assert after["token"] != before["token"]
    assert deployed.token.read_text() == f"{after['token']}\n"
    assert apply(deployed.deploy) == Outcome([], 0)


def test_a_rotation_that_was_killed_is_completed_by_a_deploy(deployed: World) -> None:
    renewed(deployed)
    assert apply(deployed.deploy).lines == shown(deployed, [OTHER])
    assert deployed.token.read_text() == f"{deployed.commands()[0]['token']}\n"


@pytest.mark.parametrize("left", [(), ("other",)])
def test_what_leaves_the_settings_leaves_mattermost(deployed: World, left: tuple[str, ...]) -> None:
    deployed.allow(f"10.0.0.0/8 {RELAY}")
    deployed.site = described_as(deployed.server, *left)
    removed = ["- slash command /passerelle", *([] if left else [f"- {LIST} entry {RELAY}"])]
    assert [line for line in dry(deployed.deploy).lines if line.startswith("- ")] == removed
    assert apply(deployed.deploy).error == ""
    assert deployed.words == list(left)
    assert deployed.allowed.split() == ["10.0.0.0/8", *([RELAY] if left else [])]


def test_while_commands_are_off_they_are_not_taken_for_absent(deployed: World) -> None:
    deployed.switch(False)
    assert dry(deployed.deploy).lines == [f"~ {SWITCH}: False -> True"]
    assert apply(deployed.deploy).lines == [f"~ {SWITCH}: False -> True"]
    assert apply(deployed.deploy) == Outcome([], 0)


def test_a_teardown_removes_them_though_they_are_hidden(deployed: World) -> None:
    deployed.switch(False)
    lines = [
        "- slash command /passerelle",
        f"~ {SWITCH}: False -> True for the removal, then False again",
        f"- {LIST} entry {RELAY}",
    ]
    assert dry(deployed.teardown).lines == lines
    assert apply(deployed.teardown).lines == lines
    assert (deployed.words, deployed.is_on, deployed.memo.exists()) == ([], False, False)


def test_a_teardown_that_was_killed_over_them_is_completed(deployed: World) -> None:
    deployed.memo.parent.mkdir()
    deployed.memo.write_text("switched on")
    assert apply(deployed.teardown).error == ""
    assert (deployed.words, deployed.is_on, deployed.memo.exists()) == ([], False, False)


@pytest.mark.parametrize(
    ("entry", "address", "covered"),
    [
        (RELAY, RELAY, True),
        ("192.0.2.0/24", RELAY, True),
        ("192.0.2.1/32", RELAY, True),
        ("10.0.0.0/8", RELAY, False),
        ("192.0.2.11", RELAY, False),
        ("fd00::/8", "fd00::1", True),
        ("fd00::/8", RELAY, False),
        ("relay.example.org", "relay.example.org", True),
        ("192.0.2.0/24", "relay.example.org", False),
        ("example.org", "relay.example.org", False),
    ],
)
def test_an_entry_covers_a_host_or_a_network(entry: str, address: str, covered: bool) -> None:
    assert covers(entry, address) is covered


@pytest.mark.parametrize(
    ("relay", "machine"),
    [
        ("192.0.2.1:8090", "192.0.2.1"),
        ("[2001:db8::1]:8090", "2001:db8::1"),
        ("hooks.example.org", "hooks.example.org"),
        ("hooks.example.org:8443", "hooks.example.org"),
        ("[2001:db8::1]", "2001:db8::1"),
    ],
)
def test_the_way_is_to_the_machine_of_the_relay(relay: str, machine: str) -> None:
    assert machine_of(relay) == machine


def test_behind_a_reverse_proxy_a_command_goes_the_way_of_the_hooks(world: World) -> None:
    relays = world.site.relays.model_copy(update={"url": "https://hooks.example.org/relay"})
    site = world.site.model_copy(update={"relays": relays})
    (wanted,) = slash_commands.wanted_commands(site, "hooks.example.org")
    assert wanted.url == "https://hooks.example.org/relay/mattermost/command"
    assert described(site, "hooks.example.org").connections == {"hooks.example.org"}


@pytest.mark.parametrize("entry", [RELAY, "192.0.2.0/24"])
def test_a_way_that_was_there_before_is_none_of_ours(world: World, entry: str) -> None:
    """Another integration on the same host needs it."""
    world.allow(entry)
    found = record._foreign(world.site, world.context, Made())
    assert found == {RELAY}
    assert not record._foreign(world.site, world.context, Made(connections=frozenset({RELAY})))
    assert f"entry {RELAY}" not in "".join(apply(world.deploy).lines)
    world.made = Made(commands=frozenset({("taaf", "passerelle")}))
    assert apply(world.teardown).error == ""
    assert (world.words, world.allowed) == ([], entry)


def test_a_server_whose_environment_decides_is_named(tmp_path: Path) -> None:
    variable = "MM_SERVICESETTINGS_ALLOWEDUNTRUSTEDINTERNALCONNECTIONS"
    with with_team(tmp_path, **{variable: "10.0.0.0/8"}) as server:
        world = World(server, described_as(server, "passerelle"), tmp_path)
        for perform in (dry, apply):
            outcome = perform(world.deploy)
            assert f"is set by the variable {variable}" in outcome.error
            assert f"set it to 10.0.0.0/8 {RELAY.lower()} there" in outcome.error
