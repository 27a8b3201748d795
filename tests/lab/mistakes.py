"""What goes wrong on a first host: each mistake, how it is made, and the setting that the line about it must name."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from lab.state import Lab
from tasks.site import Site
from tests.acceptance.people import Chat

COMPOSE = "/root/taaf-infrastructure"
# Accounts of the host, made by the test: one whose sudo wants this password, one that has no sudo.
SUDO_PASSWORD = "mot de passe 'é\\$"
ASKS, NOBODY = "asks", "nobody-special"


@dataclass(frozen=True)
class World:
    """What a mistake needs to be made."""

    site: Site
    lab: Lab
    chat: Chat
    machine: Callable[[str], str]


@dataclass(frozen=True)
class Mistake:
    """`named` is the setting, or what else the line must hold, of `doctor` if it words it otherwise.

    `settings` lie on top of the lab's; values that need the lab are functions of it. `make` and `undo` are done on the
    host. `environment` is that of the command.
    """

    name: str
    named: str
    settings: dict[str, Any] = field(default_factory=dict)
    make: str = "true"
    undo: str = "true"
    environment: dict[str, str] = field(default_factory=dict)
    doctor: str = ""

    def __str__(self) -> str:
        return self.name


def through(user: str, **settings: Any) -> dict[str, Any]:
    """Reached as another user, who becomes root by sudo."""
    return {"host__ssh_user": user, "host__sudo": "true", "host__infrastructure": COMPOSE, **settings}


def plain_user(world: World) -> str:
    """A Mattermost token of somebody who is no administrator."""
    name = "personne-ordinaire"
    account = {"email": f"{name}@taaf.internal", "username": name, "password": world.lab.chat_password}
    found = world.chat.session.post(f"{world.site.mattermost.url}/api/v4/users", json=account, timeout=30)
    assert found.status_code in (201, 400), found.text
    login = {"login_id": name, "password": world.lab.chat_password}
    answer = world.chat.session.post(
        f"{world.site.mattermost.url}/api/v4/users/login",
        json=login,
        headers={"Authorization": ""},
        timeout=30,
    )
    return str(answer.headers["Token"])


def _servers() -> list[Mistake]:
    """The ways to write the address of a server wrongly."""
    found = []
    for section, name, other in (
        ("mattermost", "chat", "git"),
        ("gitlab", "git", "chat"),
        ("nextcloud", "cloud", "git"),
    ):
        # Of Nextcloud the deploy needs its address where the relay asks it.
        besides = (
            {"nextcloud__relay_password": lambda world: world.lab.cloud_password} if name == "cloud" else {}
        )
        for what, url in {
            "a name that is none": "http://nowhere.invalid",
            "a port where nothing listens": f"http://{name}.taaf.internal:81",
            "https:// where there is none": f"https://{name}.taaf.internal:80",
            "another server": f"http://{other}.taaf.internal",
            "a path where there is nothing": f"http://{name}.taaf.internal/nowhere",
        }.items():
            settings = {f"{section}__url": url, **besides}
            found.append(Mistake(f"{section}.url: {what}", f"{section}.url", settings))
    return found


@dataclass(frozen=True)
class Engine:
    """What a host has in the place of Docker as it is supported: how that is made and undone, how it is named."""

    name: str
    make: str
    undo: str
    named: str


_AWAY, _BACK = "mv /usr/bin/docker /usr/bin/docker.off", "mv -f /usr/bin/docker.off /usr/bin/docker"
_SOCKET = (
    "mkdir -p /run/user/4711 && cd /run/user/4711 && python3 -c "
    "'import socket; socket.socket(socket.AF_UNIX).bind(\"docker.sock\")'"
)
ENGINES = [
    Engine(
        "Podman in the place of Docker",
        f"{_AWAY}; printf '#!/bin/sh\\necho podman version 4.3.1\\n' > /usr/bin/docker; chmod 755 /usr/bin/docker",
        _BACK,
        "podman version 4.3.1",
    ),
    Engine(
        "Docker without root",
        f"{_AWAY}; {_SOCKET}",
        f"{_BACK}; rm -r /run/user/4711",
        "rootless Docker (/run/user/",
    ),
    Engine(
        "Nextcloud as a snap, without Docker",
        f"{_AWAY}; mkdir -p /snap/bin; touch /snap/bin/nextcloud.occ",
        f"{_BACK}; rm -r /snap",
        "snap",
    ),
]

ACCESS = [
    Mistake("no root and no sudo", "host.sudo", {"host__ssh_user": "ops", "host__infrastructure": COMPOSE}),
    Mistake("a user who may not use sudo", "host.sudo_password", through(NOBODY)),
    Mistake("sudo wants a password", "host.sudo_password is missing", through(ASKS)),
    Mistake(
        "a wrong password for sudo",
        "host.sudo_password: sudo does not take it",
        through(ASKS, host__sudo_password="wrong"),
    ),
    Mistake(
        "sshd forbids forwarding",
        "AllowTcpForwarding",
        make="echo 'AllowTcpForwarding no' > /etc/ssh/sshd_config.d/no.conf; systemctl reload ssh",
        undo="rm /etc/ssh/sshd_config.d/no.conf; systemctl reload ssh",
    ),
    Mistake("names that only the host knows", "mattermost.url", {"host__api_access": "direct"}),
    Mistake(
        "a proxy of the environment",
        "HTTP_PROXY",
        {"host__api_access": "direct"},
        environment={"HTTP_PROXY": "http://127.0.0.1:9", "NO_PROXY": "", "no_proxy": ""},
    ),
]
HOST = [
    Mistake(
        "the folder in another home",
        "host.infrastructure",
        {"host__ssh_user": "ops", "host__sudo": "true"},
    ),
    Mistake("another folder", "host.infrastructure", {"host__infrastructure": "/srv/elsewhere"}),
    Mistake("another Compose project", "host.compose_project", {"host__compose_project": "autre"}),
    Mistake(
        "no Docker",
        "Docker",
        make="mv /usr/bin/docker /usr/bin/docker.off",
        undo="mv /usr/bin/docker.off /usr/bin/docker",
    ),
    *(Mistake(each.name, each.named, make=each.make, undo=each.undo) for each in ENGINES),
    Mistake(
        "no Python",
        "python3",
        make="mv /usr/bin/python3 /usr/bin/off",
        undo="mv /usr/bin/off /usr/bin/python3",
    ),
    Mistake(
        "a service of GitLab that is none", "gitlab.service", {"gitlab__service": "forge"}, doctor="forge"
    ),
    Mistake(
        "a service of Nextcloud that is none",
        "nextcloud.service",
        {"nextcloud__service": "cloud"},
        doctor="cloud",
    ),
    Mistake("no such user in Nextcloud", "nextcloud.admin", {"nextcloud__admin": "nobody"}),
    Mistake("data on no volume", "nextcloud.data_directory", {"nextcloud__data_directory": "/srv"}),
]
APPLICATIONS = [
    *_servers(),
    Mistake("a wrong token of Mattermost", "mattermost.token", {"mattermost__token": "s3cret-wrong"}),
    Mistake(
        "a token of a person without rights",
        "mattermost.token",
        {"mattermost__token": plain_user},
        doctor="administrat",
    ),
    Mistake("a wrong token of GitLab", "gitlab.token", {"gitlab__token": "s3cret-wrong"}),
    Mistake(
        "a token that may only read", "gitlab.token", {"gitlab__token": lambda world: world.lab.read_token}
    ),
    Mistake("a wrong token for the log", "gitlab.read_token", {"gitlab__read_token": "s3cret-wrong"}),
    Mistake(
        "a wrong app password", "nextcloud.relay_password", {"nextcloud__relay_password": "s3cret-wrong"}
    ),
    Mistake(
        "a project of nobody", "gitlab.project", {"gitlab__project": "nobody/projet"}, doctor="nobody/projet"
    ),
    Mistake(
        "a team that Mattermost reserves", "mattermost.team", {"mattermost__team": "admins"}, doctor="admins"
    ),
    Mistake(
        "a route to a channel that is not there",
        "gitlab.routes.#1",
        {"gitlab__routes": '[{"channels": ["nulle-part"]}]'},
        doctor="-",
    ),
    Mistake(
        "a person that Mattermost does not know",
        "gitlab.people.x",
        {"gitlab__people": '{"x": "nobody"}'},
        doctor="-",
    ),
    Mistake(
        "a member that Mattermost does not know",
        "mattermost.nextcloud_webhook.members.#1",
        {"mattermost__nextcloud_webhook__members": '["nobody"]'},
        doctor="nobody",
    ),
    Mistake(
        "a tree in a channel that is not there",
        "nextcloud.trees.#1",
        {"nextcloud__trees": '[{"tree": "Comptabilite", "channel": "nulle-part"}]'},
        doctor="-",
    ),
]
MISTAKES = [*ACCESS, *HOST, *APPLICATIONS]
