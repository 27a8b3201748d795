"""passerelle setup: from the address of a host to the first message.

It looks before it asks, and asks before it makes anything. What it makes is taken back if the run does not come to the
deploy: refused, interrupted or failed, it leaves nothing behind. Run again, it keeps what is there.
"""

import os
import subprocess
import tempfile
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from group_data.all import TAAF
from tasks.failures import reported, whatever
from tasks.operations.resource import ResourceError
from tasks.places import PROJECT
from tasks.settings import PREFIX, begun, load
from tasks.settings_file import read_text, replace_file
from tasks.setup import discovery
from tasks.setup.access import (
    gitlab_access,
    mattermost_access,
    mattermost_administrator,
    nextcloud_access,
)
from tasks.setup.applications import accepted, mattermost_of, nextcloud_of, project_of, relay_of
from tasks.setup.asking import confirm, is_anybody_there, say
from tasks.setup.discovery import Applications
from tasks.setup.given import Given, certificates_of
from tasks.setup.machine import reached
from tasks.setup.message import channel_address, send_first
from tasks.setup.plan import plan
from tasks.setup.settings_file import with_values
from tasks.setup.site import missing, projects_of, team_of, values
from tasks.site import Site
from tasks.site_machines import Machine
from tasks.tokens import ledger
from tasks.tokens.making import Maker, Undo, unbroken
from tasks.tokens.renewal import revoke_unused
from tasks.typed import pyinfra


class Declined(Exception):
    """A person has said no."""


def main(given: Given, settings: Path) -> int:
    """Set the site up; 0 if it is, 1 and why if it is not."""
    try:
        return reported(lambda: _set_up(given, settings))
    except Declined:
        say("nothing is deployed, and what was made for it is taken back")
        return 0


def _set_up(given: Given, settings: Path) -> int:
    if not given.yes and not is_anybody_there():
        raise ResourceError("there is nobody to ask: give --yes, and what else is missing as options")
    kept = _kept(settings)
    trusted = certificates_of(given, kept)
    ledger.read(settings)  # what is made can be noted down
    with reached(given, kept) as machine:
        _describe(given, settings, kept, machine, trusted)
        os.environ[f"{PREFIX}SETTINGS"] = str(settings)
        say(f"\n{settings} holds the settings (0600). Deploying …\n")
        if subprocess.run(pyinfra("-y"), cwd=PROJECT, check=False).returncode:
            raise ResourceError(
                "the deploy has failed, the lines above say why; mend it, then run: passerelle deploy"
            )
        (site,) = load(TAAF).values()
        return _first_message(site, settings)


def _kept(settings: Path) -> dict[str, Any]:
    """What a settings file that is there already says."""
    kept = begun(TAAF, settings)
    if "sites" in kept:
        raise ResourceError(
            f"{settings} describes several sites, which are written by hand; for one more give another file: "
            "passerelle --settings FILE setup"
        )
    if settings.exists():
        say(f"{settings} is there already: what it says stays")
    return kept


def _describe(
    given: Given, settings: Path, kept: dict[str, Any], machine: Machine, trusted: Path | None
) -> None:
    """Have a settings file that describes the site, once its plan was shown and agreed to.

    `trusted` are certificates for https://.
    """
    existing: dict[str, dict[str, Any]] = {
        name: kept.get(name) or {} for name in ("host", "gitlab", "nextcloud", "mattermost", "relays")
    }
    found = project_of(given, existing)
    if found.name:
        say(
            f"found on {machine.address}: Compose project {found.name} in {found.folder}\n"
            f"  services: {found.services}"
        )
    proxies = {name: existing[name].get("proxy") for name in discovery.APPLICATIONS}
    applications = Applications(trusted, proxies)
    forge_box, cloud_box = found.number("gitlab"), found.number("nextcloud")
    cloud_url, account = nextcloud_of(applications, cloud_box, given, existing["nextcloud"])
    say(f"Nextcloud is at {cloud_url}, the documents are {account}'s")
    chat_url = mattermost_of(applications, found, given, existing["mattermost"])
    say(f"Mattermost is at {chat_url}")
    chat_token = accepted(applications, chat_url, existing["mattermost"].get("token"))
    chat = None if chat_token else mattermost_administrator(applications, chat_url, given)

    undo = Undo()
    maker = Maker(settings, machine.address, undo)
    try:
        forge = gitlab_access(
            applications,
            maker,
            forge_box,
            given,
            given.gitlab_url or existing["gitlab"].get("url"),
            _secret(existing["gitlab"].get("token")),
        )
        say(f"GitLab is at {forge.url}, the token is {forge.user}'s")
        relay = relay_of(given, existing["relays"], forge.api) if forge_box is None else given.relay_url
        password = nextcloud_access(
            applications,
            maker,
            cloud_box,
            (cloud_url, account),
            given.nextcloud_password,
            _secret(existing["nextcloud"].get("relay_password")),
        )
        if chat is not None:
            chat_token = mattermost_access(chat, applications, maker, chat_url, given)
        assert chat_token is not None
        api = applications.api("mattermost", chat_url, chat_token)
        domain = str(TAAF["host"]["address"])  # type: ignore[index]
        wanted = values(
            machine=machine,
            given=given,
            found=found,
            team=team_of(api, chat_url, given, existing["mattermost"]),
            chat=(chat_url, chat_token),
            forge=(forge.url, forge.token),
            projects=projects_of(forge.api, forge.user, given, existing["gitlab"]),
            relay=relay,
            cloud=(cloud_url, account, cloud_box and discovery.nextcloud_data(cloud_box), password),
            elsewhere=not f".{urlsplit(forge.url).hostname}".endswith(f".{domain}"),
        )
        tokens = {"gitlab.token", "mattermost.token", "nextcloud.relay_password"}
        text = read_text(settings) if settings.exists() else ""
        text = with_values(text, missing(wanted, kept, tokens))
        _agree(given, settings, text)
        with unbroken():
            replace_file(settings, text)
            undo.forget()  # they are in use
    except BaseException:
        undo.run()
        raise
    finally:
        if chat is not None:
            try:
                chat.end()
            except Exception as error:
                say(f"not ended: the session of {chat.user} in Mattermost: {whatever(error)}")
    revoke_unused(settings, machine.address, forge.api, api, (lambda: cloud_box) if cloud_box else None)


def _agree(given: Given, settings: Path, text: str) -> None:
    """Show what a deploy with these settings would do; Declined unless that is agreed to."""
    say("looking what is to be done …")
    settings.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile(
        "w", prefix=".passerelle.", dir=settings.parent, encoding="utf-8"
    ) as draft:
        draft.write(text)
        draft.flush()
        lines = plan(Path(draft.name))
    say(
        "\nThe deploy is going to do this:"
        if lines
        else "\nThe deploy has nothing to do: all is as described."
    )
    for line in lines:
        say(f"  {line}")
    if not given.yes and not confirm("\nDeploy?"):
        raise Declined


def _secret(value: str | None) -> SecretStr | None:
    return SecretStr(value) if value else None


def _first_message(site: Site, settings: Path) -> int:
    """Have it sent, and say where it is to be read."""
    say("\nsending a first message …")
    message = send_first(site)
    if message is None:
        say(
            f"no message has come yet. Open an issue in {site.gitlab.url}/{site.gitlab.project} and look at\n"
            f"  {channel_address(site)}\n"
            "If it does not appear: passerelle doctor"
        )
        return 1
    say(
        f"\n{'The first message' if message.is_new else 'Messages have come before, the newest'}: {message.address}\n"
        f"  GitLab:     {channel_address(site)}, so far of {', '.join(site.projects)}\n"
        f"  documents:  put one into {site.nextcloud.tree}/{site.nextcloud.folders[0]} of {site.nextcloud.admin}\n"
        f"  further projects, channels, languages: {settings}, then passerelle deploy"
    )
    return 0
