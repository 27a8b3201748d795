"""A server with the TAAF's team and channels, and the commands of a site whose messages a bot posts."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tasks import bot
from tasks.made import described
from tasks.site import Site
from tests.standins.mattermost_server import MattermostServer
from tests.unit.chat_world import ChatWorld, with_team
from tests.unit.site_data import taaf

SWITCH = "ServiceSettings.EnableBotAccountCreation"
# What the operations of these tests call this machine.
SITE = "@local"


def described_as(server: MattermostServer, **own: Any) -> Site:
    """The TAAF's site on this server, with a bot; `own` are settings of the bot."""
    chat = {"url": server.url, "token": server.token, "posting": "bot", "bot": own}
    return taaf({"host": {"api_access": "direct"}, "mattermost": chat})


@dataclass
class World(ChatWorld):
    """`token` is the file on the host."""

    @property
    def token(self) -> Path:
        return self.folder / "mattermost-bot-token"

    # The commands, as deploy.py, rotate.py and teardown.py have them.

    def deploy(self) -> None:
        context = self.context
        bot.provision_bot(self.site, context)
        bot.drop_former_tokens(self.site, context)
        left = self.made - described(self.site)
        bot.remove_bots(context, left.bots, kept=bot.kept_bot(self.site))
        bot.leave_channels(self.site, context, left.bot_channels)

    def rotate(self) -> None:
        context = self.context
        bot.provision_bot(self.site, context, replaced=True)
        bot.drop_former_tokens(self.site, context, replaced=True)

    def teardown(self) -> None:
        bot.remove_bots(self.context, (self.made | described(self.site)).bots)

    # What people do, and what they see.

    def account(self, name: str = "passerelle") -> dict[str, Any]:
        """The bot as the list of bots shows it, disabled or not."""
        found = self.server.api("GET", "/bots?include_deleted=true&per_page=200")
        return next((each for each in found if each["username"] == name), {})

    @property
    def identity(self) -> str:
        return str(self.account()["user_id"])

    def descriptions(self, name: str = "passerelle") -> list[str]:
        tokens = self.server.api("GET", f"/users/{self.account(name)['user_id']}/tokens?per_page=200")
        return sorted(token["description"] for token in tokens)

    def place(self, channel: str = "") -> str:
        """The path of the team, or of a channel of it."""
        if not channel:
            return f"/teams/{self.team}"
        return f"/channels/{self.server.api('GET', f'/teams/{self.team}/channels/name/{channel}')['id']}"

    def works(self) -> bool:
        """Whether the bot posts in both channels with the token that is saved, and administers nothing."""
        saved = self.token.read_text().strip()
        for name in ("dev-notifications", "rh-alerts"):
            body = {"channel_id": self.place(name).rpartition("/")[2], "message": "x"}
            if self.server.request("POST", "/api/v4/posts", body, token=saved).status_code != 201:
                return False
        return self.server.request("GET", "/api/v4/config", token=saved).status_code == 403

    def switch(self, on: bool) -> None:
        self.server.api("PUT", "/config/patch", {"ServiceSettings": {"EnableBotAccountCreation": on}})

    @property
    def is_on(self) -> bool:
        found: bool = self.server.api("GET", "/config")["ServiceSettings"]["EnableBotAccountCreation"]
        return found


@contextmanager
def standing(folder: Path, monkeypatch: pytest.MonkeyPatch, **environment: str) -> Iterator[World]:
    """A server with team and channels, and no bot yet; `environment` is that of Mattermost."""
    with with_team(folder, **environment) as server:
        world = World(server, described_as(server), folder)
        monkeypatch.setattr(bot, "BOT_TOKEN", str(world.token))
        monkeypatch.setattr(bot, "_MEMO", str(world.memo))
        for name in ("dev-notifications", "rh-alerts"):
            channel = {"team_id": world.team, "name": name, "display_name": name, "type": "O"}
            server.api("POST", "/channels", channel)
        yield world


def another_token(server: MattermostServer, user: str, description: str) -> SecretStr:
    """A further token of an account."""
    made = server.api("POST", f"/users/{user}/tokens", {"description": description})
    return SecretStr(made["token"])
