"""A channel that is to be private, and its members: each state that a deploy may find, on a real stand-in."""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.operations import mattermost, webhooks
from tasks.operations.api import Api
from tests.operations import Outcome, apply, dry
from tests.standins import mattermost_server
from tests.standins.mattermost_server import MattermostServer

HOOK = "Nextcloud File Monitor"


@dataclass
class World:
    """A server with a team, people in and outside of it, and the operation under test."""

    server: MattermostServer
    api: Api
    people: dict[str, str]
    team: str

    def channel(self, **wanted: Any) -> Callable[[], object]:
        """The operation, with these arguments beside the names."""
        return lambda: mattermost.channel(self.api, "taaf", "rh", "RH", name="Channel", **wanted)

    def make(self, kind: str = "O", *members: str) -> str:
        """The channel as people have made it, its maker no member of it; its number."""
        wanted = {"team_id": self.team, "name": "rh", "display_name": "RH", "type": kind}
        number = str(self.server.api("POST", "/channels", wanted)["id"])
        for name in members:
            self.add(number, name)
        return number

    def add(self, channel: str, name: str) -> None:
        self.server.api("POST", f"/channels/{channel}/members", {"user_id": self.people[name]})

    def leave(self, channel: str, name: str) -> None:
        self.server.api("DELETE", f"/channels/{channel}/members/{self.people[name]}")

    def found(self) -> dict[str, Any]:
        found: dict[str, Any] = self.server.api("GET", f"/teams/{self.team}/channels/name/rh")
        return found

    def members(self) -> set[str]:
        path = f"/channels/{self.found()['id']}/members"
        return {
            name
            for name, number in self.people.items()
            if self.server.request("GET", f"/api/v4{path}/{number}").ok
        }


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    """`alice` and `bob` are in the team, `carol` is not, `dave` is deactivated."""
    with mattermost_server.running(tmp_path) as server:
        people = {"admin": server.add_user("admin")}
        server.token = server.login("admin")
        people |= {name: server.add_user(name) for name in ("alice", "bob", "carol", "dave")}
        team = server.api("POST", "/teams", {"name": "taaf", "display_name": "TAAF", "type": "O"})["id"]
        for name in ("alice", "bob"):
            server.api("POST", f"/teams/{team}/members", {"team_id": team, "user_id": people[name]})
        server.api("PUT", f"/users/{people['dave']}/active", {"active": False})
        api = Api("mattermost", server.url, SecretStr(server.token), header="Authorization", scheme="Bearer ")
        yield World(server, api, people, team)


def nothing(world: World) -> None:
    pass


def public(world: World) -> None:
    world.make("O", "bob")


def without_us(world: World) -> None:
    world.leave(world.make("P", "alice"), "admin")


def archived(world: World) -> None:
    world.server.api("DELETE", f"/channels/{world.make('O', 'bob')}")


def private(world: World) -> None:
    world.make("P", "bob")


PRIVATE = "~ channel rh: public -> private"
NEW = "+ private channel rh in team taaf"
# What is there before, what is wanted, what a run shows, and the type and the members that come of it.
TABLE: dict[str, tuple[Callable[[World], None], dict[str, Any], list[str], str, set[str]]] = {
    "a new one": (nothing, {"private": True}, [NEW], "P", {"admin"}),
    "a new one, with members": (
        nothing,
        {"private": True, "members": ["alice", "bob"]},
        [NEW, "+ member alice of channel rh", "+ member bob of channel rh"],
        "P",
        {"admin", "alice", "bob"},
    ),
    "a member from outside of the team": (
        nothing,
        {"private": True, "members": ["carol"]},
        [NEW, "+ member carol of channel rh"],
        "P",
        {"admin", "carol"},
    ),
    "a public one, whose members stay": (public, {"private": True}, [PRIVATE], "P", {"admin", "bob"}),
    "a public one, and one member more": (
        public,
        {"private": True, "members": ["bob", "alice"]},
        [PRIVATE, "+ member alice of channel rh"],
        "P",
        {"admin", "alice", "bob"},
    ),
    "a private one without the deploy's account": (
        without_us,
        {"private": True, "members": ["alice"]},
        ["+ member admin of channel rh"],
        "P",
        {"admin", "alice"},
    ),
    "an archived one": (
        archived,
        {"private": True},
        [PRIVATE, "~ channel rh: archived -> active"],
        "P",
        {"admin", "bob"},
    ),
    "private, with somebody else in it": (
        private,
        {"private": True, "members": ["admin"]},
        [],
        "P",
        {"admin", "bob"},
    ),
    "no longer asked to be private": (private, {}, [], "P", {"admin", "bob"}),
    "a public one with members": (
        public,
        {"members": ["alice"]},
        ["+ member alice of channel rh"],
        "O",
        {"admin", "alice", "bob"},
    ),
}


@pytest.mark.parametrize("case", TABLE)
def test_channel(world: World, case: str) -> None:
    make, wanted, lines, kind, members = TABLE[case]
    make(world)
    declare = world.channel(**wanted)
    assert dry(declare).differences == lines
    assert apply(declare).error == ""
    assert (world.found()["type"], world.found()["delete_at"]) == (kind, 0)
    assert world.members() == members
    assert dry(declare) == Outcome([], 0)


def test_a_private_channel_is_never_public(world: World) -> None:
    """Not even for the moment between its creation and the next call."""
    apply(world.channel(private=True))
    posts = world.server.api("GET", f"/channels/{world.found()['id']}/posts")["posts"].values()
    assert "system_change_chan_privacy" not in {post["type"] for post in posts}


@pytest.mark.parametrize("name", ["dave", "nobody"])
def test_somebody_who_is_not_there_is_named_before_anything_is_done(world: World, name: str) -> None:
    error = f"mattermost: there is no active user {name}; correct the name, or activate the account"
    assert apply(world.channel(private=True, members=[name])).error == error
    assert world.server.request("GET", f"/api/v4/teams/{world.team}/channels/name/rh").status_code == 404


def test_who_owns_the_webhook_in_use_goes_on_posting(world: World) -> None:
    """Its owner, who is no administrator, has to be in a private channel, which answers 403 otherwise."""
    channel = world.make("P")
    manager = {"scheme_admin": True, "scheme_user": True}
    world.server.api("PUT", f"/teams/{world.team}/members/{world.people['bob']}/schemeRoles", manager)
    world.add(channel, "bob")
    hook = world.server.api(
        "POST",
        "/hooks/incoming",
        {"channel_id": channel, "display_name": HOOK},
        token=world.server.login("bob"),
    )
    world.leave(channel, "bob")

    def send() -> int:
        return world.server.request("POST", f"/hooks/{hook['id']}", {"text": "x"}, token="").status_code

    assert send() == 403
    owners = webhooks.webhook_owners(world.api, "taaf", HOOK, [hook["id"]])
    assert apply(world.channel(private=True, posting=lambda: owners)).lines == ["+ member bob of channel rh"]
    assert send() == 200
