"""The checks of the mission's list, on any live site: their clients note down what proves each check."""

import re
import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests
from testinfra.host import Host

from tasks.site import Site
from tests.acceptance.channel import Channel
from tests.acceptance.people import Chat, Cloud, Forge, marker
from tests.evidence import browser, sign_in
from tests.evidence.camera import Camera
from tests.evidence.dossier import Dossier
from tests.evidence.plugin import (
    dossier,
    pytest_assertrepr_compare,
    pytest_collection_modifyitems,
    pytest_configure,
    pytest_runtest_makereport,
    pytest_sessionfinish,
    pytest_terminal_summary,
)
from tests.evidence.wording import TEXTS
from tests.live import copy, in_nextcloud, infrastructure, proxy, site, ssh, tunnel
from tests.live import host as live_host

__all__ = [
    "copy",
    "dossier",
    "in_nextcloud",
    "infrastructure",
    "live_host",
    "proxy",
    "pytest_assertrepr_compare",
    "pytest_collection_modifyitems",
    "pytest_configure",
    "pytest_runtest_makereport",
    "pytest_sessionfinish",
    "pytest_terminal_summary",
    "site",
    "ssh",
    "tunnel",
]

ROOT = Path(__file__).parent.parent.parent


@pytest.fixture(scope="session")
def host(live_host: Host, dossier: Dossier) -> Host:
    """The host; what is run on it is evidence."""
    dossier.journal.watch(live_host)
    return live_host


@pytest.fixture(scope="session")
def chat(site: Site, proxy: str | None, dossier: Dossier) -> Chat:
    return Chat(site, proxy, dossier.journal.record)


@pytest.fixture(scope="session")
def forge(site: Site, proxy: str | None, dossier: Dossier) -> Forge:
    return Forge(site, proxy, dossier.journal.record)


@pytest.fixture(scope="session")
def cloud(site: Site, proxy: str | None, dossier: Dossier) -> Cloud:
    return Cloud(site, proxy, dossier.journal.record)


@pytest.fixture(scope="session", autouse=True)
def known(dossier: Dossier, site: Site, host: Host, chat: Chat, forge: Forge) -> None:
    """What the evidence is of, and what must not be seen in it. An application that is down stops no check."""
    dossier.language = site.relays.language
    for secret in site.secrets:
        dossier.mask.add(secret)

    def reported(ask: Callable[[], str]) -> str:
        try:
            return ask()
        except (requests.RequestException, ValueError, KeyError):
            return TEXTS[dossier.language]["unreachable"]

    status = f"{site.nextcloud.url}/status.php"
    release = re.search(r'PRETTY_NAME="?([^"\n]+)', host.file("/etc/os-release").content_string)
    dossier.facts |= {
        "host": f"{host.check_output('hostname')} ({site.host.address})",
        "system": release[1] if release else "?",
        "Mattermost": reported(lambda: chat.api("GET", "/config/client?format=old")["Version"]),
        "GitLab": reported(lambda: forge.api("GET", "version")["version"]),
        "Nextcloud": reported(lambda: chat.send("GET", status).json()["versionstring"]),
        "commit": _commit(),
    }
    dossier.journal.take()


def _commit() -> str:
    """The checkout that these checks belong to, and whether it was altered."""
    command = ["git", "describe", "--always", "--dirty", "--tags"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    return done.stdout.strip() or "?"


@pytest.fixture(scope="session")
def camera(
    dossier: Dossier, site: Site, proxy: str | None, chat: Chat, request: pytest.FixtureRequest
) -> Iterator[Camera]:
    """Takes the mission's pictures, where there is a browser and a report to put them into."""
    with Camera(
        dossier,
        browser.find(),
        proxy,
        {"mattermost": site.mattermost.url, "gitlab": site.gitlab.url, "nextcloud": site.nextcloud.url},
        {
            "mattermost": lambda: sign_in.mattermost(site, chat),
            "gitlab": lambda: sign_in.gitlab(site, proxy),
            "nextcloud": lambda: sign_in.nextcloud(site, proxy),
        },
        {
            "team": site.mattermost.team,
            "gitlab_webhook": site.mattermost.gitlab_webhook.display_name,
            "nextcloud_webhook": site.mattermost.nextcloud_webhook.display_name,
            "project": site.gitlab.project,
            "project_name": site.gitlab.project.rpartition("/")[2],
            "port": str(site.relays.port),
            "tree": site.nextcloud.tree,
        },
        ca=site.host.ca,
    ) as camera:
        yield camera


@pytest.fixture
def mark() -> str:
    """What all that a check does is called, so that its messages can be distinguished from others."""
    return marker()


@pytest.fixture
def dev(chat: Chat, site: Site, mark: str) -> Iterator[Channel]:
    """The developers' channel; the check's messages are taken away again."""
    channel = Channel(chat, site.mattermost.gitlab_webhook.channel, mark)
    yield channel
    channel.clear()


@pytest.fixture
def rh(chat: Chat, site: Site, mark: str) -> Iterator[Channel]:
    """HR's channel; the check's messages are taken away again."""
    channel = Channel(chat, site.mattermost.nextcloud_webhook.channel, mark)
    yield channel
    channel.clear()
