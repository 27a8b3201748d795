"""A site of stand-ins as the doctor looks at it, sound until a test breaks something; the host's report is made up."""

import copy
import hashlib
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from email.utils import formatdate
from pathlib import Path
from typing import Any

import requests
from pydantic import SecretStr

from tasks.context import gitlab_api, mattermost_api
from tasks.doctor.chain import Broken, Unclear, Verdict, walk
from tasks.doctor.diagnosis import CHAIN
from tasks.doctor.look import Look, at
from tasks.gitlab import triggers_of
from tasks.mattermost import INTEGRATIONS
from tasks.operations.compose import Container, DockerError, Project
from tasks.site import Site
from tests.standins import gitlab_site, mattermost_server
from tests.unit.site_data import load

SITE = "server.example.org"
RELAY = "127.0.0.1:8090"
TREE = "/srv/cloud/data/admin/files/Documents_RH"
FINGERPRINT = "0123456789ab"
_KEY = "whsec_" + "A" * 43 + "="
_ACTIVE = {
    "ActiveState": "active",
    "SubState": "running",
    "UnitFileState": "enabled",
    "NRestarts": "0",
    "uptime": "600",
}
CONTAINERS = [
    Container(id=name, service=name, image=name, project=Project("taaf", "/srv/infrastructure"))
    for name in ("gitlab", "nextcloud", "mattermost")
]
_WEB = {
    "name": "",
    "port": "",
    "refused": False,
    "proxy": "",
    "tls": None,
    "silent": "",
    "status": 200,
    "location": "",
}
READY = {
    "systemd": {"version": "252.39-1~deb12u2", "said": ""},
    "places": {"/opt/passerelle": {"at": "/opt", "readonly": False, "noexec": False}},
    "holder": "",
}
"""What the preflight's probe says of a host on which all is well."""


@dataclass
class World:
    """The stand-ins, the site that describes them, and what the host would report of it."""

    site: Site
    chat: mattermost_server.MattermostServer
    forge: gitlab_site.Site
    host: dict[str, Any]
    containers: list[Container] = field(default_factory=lambda: list(CONTAINERS))
    docker: DockerError | None = None
    tree: str | None = TREE
    fingerprint: str | None = FINGERPRINT
    command_tokens: tuple[str, str] = ("", "")

    def look(self) -> Look:
        """A fresh look."""
        return Look(
            name=SITE,
            site=self.site,
            infrastructure="/srv/infrastructure",
            relay=RELAY,
            host=self.host,
            ready=self.host["ready"],
            containers=self.containers,
            project=[container for container in self.containers if container.here],
            docker=self.docker,
            tree=self.tree,
            fingerprint=self.fingerprint,
            command_tokens=self.command_tokens,
            mattermost=mattermost_api(self.site),
            gitlab=gitlab_api(self.site, self.site.gitlab.token),
            reader=lambda: gitlab_api(self.site, self.site.gitlab.read_token or SecretStr("-")),
            writer=lambda: gitlab_api(self.site, self.site.gitlab.write_token or SecretStr("-")),
        )

    def verdicts(self) -> list[Verdict]:
        """All links judged."""
        return walk(CHAIN, self.look())

    def broken(self) -> list[Broken]:
        """What is broken, first things first."""
        return [verdict.finding for verdict in self.verdicts() if isinstance(verdict.finding, Broken)]

    def found(self) -> list[str]:
        """The codes of what is broken."""
        return [finding.code for finding in self.broken()]

    def unclear(self) -> list[str]:
        """The codes of what cannot be judged though nothing before it is broken."""
        return [verdict.finding.code for verdict in self.verdicts() if isinstance(verdict.finding, Unclear)]

    def changed(self, *path: str, to: Any) -> "World":
        """The same with another value in the host's report."""
        host = copy.deepcopy(self.host)
        at = host
        for name in path[:-1]:
            at = at[name]
        at[path[-1]] = to
        return replace(self, host=host)

    def setting(self, section: str, **values: Any) -> "World":
        """The same with other settings."""
        part = getattr(self.site, section).model_copy(update=values)
        return replace(self, site=self.site.model_copy(update={section: part}))

    # What people do to the two servers.

    def team(self) -> str:
        return str(self.chat.api("GET", f"/teams/name/{self.site.mattermost.team}")["id"])

    def channel(self, name: str) -> str:
        query = "?include_deleted=true"
        return str(self.chat.api("GET", f"/teams/{self.team()}/channels/name/{name}{query}")["id"])

    def switch(self, setting: str, value: bool) -> None:
        self.chat.api("PUT", "/config/patch", {"ServiceSettings": {setting: value}})

    def hook(self) -> dict[str, Any]:
        path = at(self.site.gitlab.project).removeprefix("/api/v4")
        return dict(self.forge.done("GET", f"{path}/hooks")[0])

    def alter_hook(self, **values: Any) -> None:
        path = at(self.site.gitlab.project).removeprefix("/api/v4")
        self.forge.done("PUT", f"{path}/hooks/{self.hook()['id']}", **values)


@contextmanager
def sound(folder: Path, **environment: str) -> Iterator[World]:
    """A world in which nothing is broken; `environment` is that of Mattermost."""
    chat_data = folder / "chat"
    chat_data.mkdir()
    with (
        mattermost_server.running(chat_data, **environment) as chat,
        gitlab_site.running(folder / "forge") as forge,
    ):
        site = _site(chat, forge)
        urls = _provision_mattermost(chat, site)
        _provision_gitlab(forge, site)
        yield World(site, chat, forge, report(site, urls))


def _site(chat: mattermost_server.MattermostServer, forge: gitlab_site.Site) -> Site:
    chat.add_user("admin")
    chat.token = chat.login("admin")
    wanted = {"channel_display_name": "x", "description": ""}
    return load(
        {
            "host": {"address": SITE, "api_access": "direct"},
            "mattermost": {
                "url": chat.url,
                "token": chat.token,
                "team": "taaf",
                "team_display_name": "TAAF",
                "gitlab_webhook": {"display_name": "GitLab", "channel": "dev", **wanted},
                "nextcloud_webhook": {"display_name": "Nextcloud", "channel": "rh", **wanted},
            },
            "nextcloud": {"url": "http://cloud.invalid", "tree": "Documents_RH", "folders": ["Contrats"]},
            "gitlab": {
                "url": forge.url,
                "token": gitlab_site.TOKEN,
                "read_token": gitlab_site.READ_TOKEN,
                "project": "root/projet",
                "projects": ["root/annexe"],
            },
            "relays": {},
        },
        environment={},
    )


def _provision_mattermost(chat: mattermost_server.MattermostServer, site: Site) -> dict[str, str]:
    chat.api("PUT", "/config/patch", INTEGRATIONS)
    team = chat.api("POST", "/teams", {"name": "taaf", "display_name": "TAAF", "type": "O"})["id"]
    urls = {}
    for name, wanted in (
        ("GITLAB_WEBHOOK_URL", site.mattermost.gitlab_webhook),
        ("NEXTCLOUD_WEBHOOK_URL", site.mattermost.nextcloud_webhook),
    ):
        channel = chat.api(
            "POST",
            "/channels",
            {"team_id": team, "name": wanted.channel, "display_name": "x", "type": "O"},
        )["id"]
        hook = {"channel_id": channel, "display_name": wanted.display_name, "channel_locked": True}
        urls[name] = f"{chat.url}/hooks/{chat.api('POST', '/hooks/incoming', hook)['id']}"
    return urls


def _provision_gitlab(forge: gitlab_site.Site, site: Site) -> None:
    forge.allow(RELAY)
    for project in site.projects:
        made = gitlab_site.Project(forge, forge.done("POST", "/projects", name=project.removeprefix("root/")))
        secrets = {"token": "t" * 20, "signing_token": _KEY}
        made.hook(
            f"http://{RELAY}/webhook/gitlab",
            name="Passerelle",
            description=f"Passerelle, secrets {FINGERPRINT}",
            **{**triggers_of(site), **secrets},
        )


def report(site: Site, urls: dict[str, str]) -> dict[str, Any]:
    """What the probe says of a host on which all is well."""
    ping = requests.get(f"{site.mattermost.url}/api/v4/system/ping?get_server_status=true", timeout=20)
    now = time.time()
    return {
        "ready": READY,
        "compose": {"plugin": True, "code": 0, "said": ""},
        "webhooks": {
            name: {
                "digest": hashlib.sha256(url.encode()).hexdigest()[:12],
                "answer": requests.post(
                    url, json={"text": "-", "channel": "nowhere"}, timeout=20
                ).status_code,
                "error": "",
            }
            for name, url in urls.items()
        },
        "units": {
            "passerelle-gitlab.service": dict(_ACTIVE),
            "passerelle-gitlab.socket": {**_ACTIVE, "Listen": "[::]:8090 (Stream)"},
            "passerelle-nextcloud.service": dict(_ACTIVE),
            "passerelle-nextcloud.path": dict(_ACTIVE),
        },
        "health": {
            "error": "",
            "figures": {"status": "ok", "backlog": 0, "oldest_age_seconds": None, "parked": 0},
        },
        "status": {
            "version": 1,
            "status": "ok",
            "backlog": 0,
            "oldest_age_seconds": None,
            "parked": 0,
            "held": {},
            "sources": {"/run/passerelle/Documents_RH": {"state": "watched", "documents": 3}},
        },
        "gitlab_status": {"version": 1, "status": "ok", "sources": {"people": {"count": 0, "names": []}}},
        "reach": {"code": 0, "said": "", "why": "", "body": '{"status": "ok"}'},
        "disk": {"/": [50_000_000_000, 100_000_000_000, 1_000_000]},
        "tree": {
            "files": True,
            "there": True,
            "owner": 33,
            "access": {"": ["755", 33], "Contrats": ["755", 33]},
            "type": "ext4",
            "directories": 2,
            "documents": 3,
        },
        "limits": {"max_user_watches": 65536, "max_user_instances": 128, "max_queued_events": 16384},
        "web": {
            "mattermost": {**_WEB, "date": "", "body": ping.text},
            "gitlab": {
                **_WEB,
                "status": 401,
                "date": formatdate(now, usegmt=True),
                "body": '{"message":"401 Unauthorized"}',
                "at": now,
            },
            "nextcloud": {**_WEB, "date": "", "body": '{"installed": true, "maintenance": false}'},
        },
        "journal": {"passerelle-gitlab.service": "a line", "passerelle-nextcloud.service": "a line"},
        "access": "600",
        "bot": {"access": None, "answer": 0, "error": "", "id": ""},
        "command": None,
        "action": None,
        "deaf": None,
        "release": True,
        "bound": True,
    }
