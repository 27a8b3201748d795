"""Buttons from end to end: a relay, and a Mattermost that shows them, signs nothing and asks the relay when pressed."""

import re
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.relays import gitlab_acting, slash
from tests.relays.events import body, send
from tests.relays.process import Relay, wait_for
from tests.standins.mattermost_server import MattermostServer, running


@dataclass
class World:
    """A server with alice, who administers the channel, bob, who is in it, and carol, who is not; and the relay."""

    server: MattermostServer
    relay: Relay
    channel: str

    def press(self, person: str, action: str) -> tuple[int, str]:
        """Press a button of the root as the API does; the status, and what its page shows afterwards."""
        post = self.root()["id"]
        path = f"/api/v4/posts/{post}/actions/{action}"
        answer = self.server.request("POST", path, {}, token=self.server.login(person))
        return answer.status_code, self.page()

    def page(self) -> str:
        return self.server.request("GET", "/taaf/channels/dev").text

    def root(self) -> dict[str, object]:
        """The root of the merge request."""
        return next(each for each in self.server.posts(self.channel) if "merge_requests" in str(each))


@pytest.fixture
def world(tmp_path: Path) -> Iterator[World]:
    with made(tmp_path) as built:
        yield built


@contextmanager
def made(tmp_path: Path, settings: str = "", commands: str = "", write_token: str = "") -> Iterator[World]:
    """The world, in a folder; `settings` and `commands` are what the relay is given besides."""
    for name in ("mattermost", "relay"):
        (tmp_path / name).mkdir()
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    with running(tmp_path / "mattermost") as server:
        server.add_user("admin")
        server.token = server.login("admin")
        team = server.api("POST", "/teams", {"name": "taaf", "display_name": "TAAF", "type": "O"})["id"]
        wanted = {"team_id": team, "name": "dev", "display_name": "dev", "type": "P"}
        channel = server.api("POST", "/channels", wanted)["id"]
        services = {"AllowedUntrustedInternalConnections": "127.0.0.1", "EnableBotAccountCreation": True}
        server.api("PUT", "/config/patch", {"ServiceSettings": services})
        bot = server.api("POST", "/bots", {"username": "passerelle"})["user_id"]
        token = server.api("POST", f"/users/{bot}/tokens", {"description": "relay"})["token"]
        people = {name: server.add_user(name) for name in ("alice", "bob", "carol")}
        for identity in (bot, *people.values()):
            server.api("POST", f"/teams/{team}/members", {"team_id": team, "user_id": identity})
        for identity in (bot, people["alice"], people["bob"]):
            server.api("POST", f"/channels/{channel}/members", {"user_id": identity})
        roles = {"scheme_user": True, "scheme_admin": True}
        server.api("PUT", f"/channels/{channel}/members/{people['alice']}/schemeRoles", roles)
        told = (
            f'channel = "dev"\n{settings}\n[bot]\nurl = "{server.url}"\nteam = "taaf"\n{slash.settings(server.url)}'
            f'buttons = "http://127.0.0.1:{port}/mattermost/action"\n{commands}'
            f'[listen]\naddress = "127.0.0.1"\nport = {port}\n'
        )
        relay = Relay("gitlab", tmp_path / "relay", f"{server.url}/hooks/none", told)
        (tmp_path / "relay" / "credentials" / "mattermost-bot-token").write_text(f"{token}\n")
        slash.hand_token(tmp_path / "relay")
        if write_token:
            gitlab_acting.hand_token(tmp_path / "relay", write_token)
        relay.start()
        yield World(server, relay, channel)
        relay.close()


def test_what_is_pressed_in_mattermost_is_done_by_the_relay(world: World) -> None:
    send(world.relay, body("merge_request_open.json"))
    wait_for(lambda: "Je relis</button>" in world.page())
    assert re.search(r'value="mute">Silence 1 h</button>', world.page())
    assert world.press("carol", "review")[0] == 403, "Mattermost's own word"
    status, page = world.press("bob", "mute")
    assert status == 200
    assert "For those who administer this channel, and operators." in page
    assert "Visible par bob seulement" in page
    status, page = world.press("alice", "mute")
    assert status == 200
    assert "Silence for 1 h" in page
    wait_for(lambda: "alice demande le silence dans ce canal pendant 1 h" in world.page())
    assert world.press("bob", "review")[0] == 200
    wait_for(lambda: "bob relit cette merge request." in world.page())
    assert "signature" not in str(world.root()), "nobody can read it back"
    send(world.relay, body("merge_request_merge.json"))
    wait_for(lambda: "Je relis</button>" not in world.page())
