"""A server with an administrator and the TAAF's team, and a site on it, for what the deploy makes in Mattermost."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from tasks.context import DeployContext, mattermost_api
from tasks.made import Made
from tasks.site import Site
from tests.standins.mattermost_server import MattermostServer, running

RELAY = "192.0.2.1"


@dataclass
class ChatWorld:
    """The server, the site, the folder that stands for the host, and what deploys have made.

    `memo` notes that a setting of the server is to be put back.
    """

    server: MattermostServer
    site: Site
    folder: Path
    made: Made = field(default_factory=Made)

    @property
    def memo(self) -> Path:
        return self.folder / "memo" / "memo"

    @property
    def context(self) -> DeployContext:
        api = mattermost_api(self.site)
        return DeployContext(str(self.folder), f"{RELAY}:8090", api, api, gitlab_signs=True)

    @property
    def team(self) -> str:
        """The number of the team."""
        return str(self.server.api("GET", "/teams/name/taaf")["id"])


@contextmanager
def with_team(folder: Path, **environment: str) -> Iterator[MattermostServer]:
    """The server, whose `token` is the administrator's; `environment` is that of Mattermost."""
    data = folder / "chat"
    data.mkdir()
    with running(data, **environment) as server:
        server.add_user("admin")
        server.token = server.login("admin")
        server.api("POST", "/teams", {"name": "taaf", "display_name": "TAAF", "type": "O"})
        yield server
