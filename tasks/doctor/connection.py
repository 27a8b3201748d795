"""The way to the host: one SSH connection with the inventory's settings, for the probe and for the APIs."""

import json
import shlex
from collections.abc import Iterator
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Any

from paramiko import SSHException
from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.connection import Unreached, connected
from tasks.context import (
    BOT_TOKEN,
    COMMAND_TOKEN,
    DOCUMENTS_SOCKET,
    HOOK_TOKEN,
    SIGNING_TOKEN,
    action_url,
    command_url,
    gitlab_api,
    locate,
    mattermost_api,
)
from tasks.doctor.chain import Broken, broken
from tasks.doctor.look import GITLAB_RELAY, NEXTCLOUD_RELAY, Look
from tasks.failures import has_ended
from tasks.made import documents_have_buttons, posts_as_bot
from tasks.operations.compose import Container, DockerError, command_for, containers, of_project, of_service
from tasks.operations.python_app import supported
from tasks.operations.remote import run_quietly
from tasks.operations.resource import ResourceError
from tasks.operations.secret_file import fingerprint_in_use
from tasks.operations.text_file import Files
from tasks.preflight.check import ask_host, interpreter
from tasks.relay_settings import bound_at
from tasks.relays import needs_of, tree_on_host
from tasks.root import become_root
from tasks.site import Site

_PROBE = Path(__file__).with_name("probe.py")
_PLACES = (
    "/",
    "/var/lib/passerelle",
    f"/var/lib/private/{GITLAB_RELAY}",
    f"/var/lib/private/{NEXTCLOUD_RELAY}",
)
_UNITS = (
    f"{GITLAB_RELAY}.service",
    f"{GITLAB_RELAY}.socket",
    f"{NEXTCLOUD_RELAY}.service",
    f"{NEXTCLOUD_RELAY}.path",
)


class Refused(Exception):
    """The host gives no look at itself; `finding` says why."""

    def __init__(self, finding: Broken) -> None:
        super().__init__(finding.code)
        self.finding = finding


@contextmanager
def looking(site: Site, target: tuple[str, dict[str, Any]]) -> Iterator[Look]:
    """A look at the site, through the SSH connection to `target`, an entry of the inventory.

    Raises Refused, or ResourceError for a setting that cannot be used.
    """
    try:
        with connected(target):
            try:
                yield _look(target[0], site)
            except (SSHException, EOFError, OSError) as error:
                if not has_ended(error):
                    raise
                raise Refused(broken("ssh.lost", detail=str(error) or type(error).__name__)) from None
    except Unreached as error:
        raise Refused(broken("ssh.unreachable", detail=str(error))) from None


def _look(name: str, site: Site) -> Look:
    try:
        become_root()
    except ResourceError as error:
        raise Refused(broken("ssh.sudo", detail=str(error))) from None
    needs = needs_of(site)
    python = interpreter(needs)
    try:
        supported(python)
    except ResourceError:
        version = ".".join(python.split()[:2])
        raise Refused(
            broken("host.python-old", version=version) if python else broken("host.python")
        ) from None
    ready = ask_host(needs)
    infrastructure, relay = locate(site)
    found, project, docker = _containers(site, infrastructure)
    gitlab = of_service(project, site.gitlab.service) if site.gitlab.service else None
    try:
        tree = tree_on_host(site, found, infrastructure, site.trees[0])
    except ResourceError:
        tree = None  # the links of Docker and of the volume say why
    return Look(
        name=name,
        site=site,
        infrastructure=infrastructure,
        relay=relay,
        host=_ask(
            {
                **_questions(site, infrastructure, relay, tree),
                "compose": shlex.split(command_for(project)),
                # A reverse proxy need not lead to what the relay says of itself.
                "gitlab_container": gitlab.id if gitlab and not site.relays.url else None,
            }
        ),
        ready=ready,
        containers=found,
        project=project,
        docker=docker,
        tree=tree,
        fingerprint=fingerprint_in_use(HOOK_TOKEN, SIGNING_TOKEN),
        mattermost=mattermost_api(site),
        gitlab=gitlab_api(site, site.gitlab.token),
        command_tokens=host.get_fact(Files, paths=[COMMAND_TOKEN]).get(COMMAND_TOKEN, ("", "")),
        reader=partial(gitlab_api, site, site.gitlab.read_token or site.gitlab.token),
        writer=partial(gitlab_api, site, site.gitlab.write_token or site.gitlab.token),
    )


def _containers(
    site: Site, infrastructure: str
) -> tuple[list[Container], list[Container], DockerError | None]:
    """All that Compose has made, those of the site's project, and why they are not known."""
    try:
        found = containers(infrastructure)
        return found, of_project(found, infrastructure, site.host.compose_project), None
    except DockerError as error:
        return [], [], error


def _questions(site: Site, infrastructure: str, relay: str, tree: str | None) -> dict[str, Any]:
    return {
        "infrastructure": infrastructure,
        "webhooks_conf": f"{infrastructure}/scripts/.webhooks.conf",
        "units": _UNITS,
        "server": f"{GITLAB_RELAY}.service",
        "watcher": f"{NEXTCLOUD_RELAY}.service",
        "status": f"/run/{NEXTCLOUD_RELAY}/status.json",
        "gitlab_status": f"/run/{GITLAB_RELAY}/status.json",
        "port": site.relays.port,
        "relay": relay,
        "places": _PLACES,
        "tree": tree,
        "folders": site.nextcloud.folders,
        "bound": bound_at(site, site.trees[0]),
        "bot": (BOT_TOKEN, f"{site.mattermost.url}/api/v4/users/me") if posts_as_bot(site) else None,
        "documents": DOCUMENTS_SOCKET if documents_have_buttons(site) else None,
        "chat_proxy": site.mattermost.proxy,
        "command": command_url(site.relays.url, relay) if site.mattermost.commands else None,
        "action": action_url(site.relays.url, relay) if site.mattermost.buttons else None,
        # Each with whether the relays send secrets there, and the proxy by which it is reached.
        "pages": {
            "mattermost": (
                f"{site.mattermost.url}/api/v4/system/ping?get_server_status=true",
                True,
                site.mattermost.proxy,
            ),
            # Without a token it answers 401, which is an answer of GitLab itself.
            "gitlab": (
                f"{site.gitlab.url}/api/v4/version",
                site.gitlab.read_token is not None or site.gitlab.write_token is not None,
                site.gitlab.proxy,
            ),
            "nextcloud": (
                f"{site.nextcloud.url}/status.php",
                site.nextcloud.relay_password is not None,
                site.nextcloud.proxy,
            ),
        },
    }


def _ask(questions: dict[str, Any]) -> dict[str, Any]:
    probe = _PROBE.read_text(encoding="utf-8")
    ok, output = run_quietly(StringCommand("python3 -", QuoteString(json.dumps(questions))), stdin=probe)
    if not ok:
        raise ResourceError(f"host: the doctor's probe failed there: {output.strip()[-300:]}")
    report: dict[str, Any] = json.loads(output)
    return report
