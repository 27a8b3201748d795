"""passerelle setup: from the address of a host to the first message.

It looks before it asks, and asks before it makes anything. What it makes is taken back if the run does not come to the
deploy: refused, interrupted or failed, it leaves nothing behind. Run again, it keeps what is there.
"""

import os
import subprocess
import sys
import tempfile
import tomllib
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from paramiko import SSHException
from pydantic import SecretStr
from pyinfra.api import StringCommand

from group_data.all import TAAF
from tasks import root
from tasks.connection import connected
from tasks.operations.remote import run_quietly
from tasks.operations.resource import ResourceError
from tasks.places import PROJECT
from tasks.settings import PREFIX, load
from tasks.setup import discovery
from tasks.setup.access import (
    Maker,
    Undo,
    gitlab_access,
    mattermost_access,
    mattermost_administrator,
    nextcloud_access,
)
from tasks.setup.asking import ask, choose, confirm, is_anybody_there, say
from tasks.setup.discovery import Applications, Found
from tasks.setup.given import Given, machine_of
from tasks.setup.message import channel_address, send_first
from tasks.setup.plan import plan
from tasks.setup.settings_file import with_values
from tasks.setup.site import missing, projects_of, team_of, values
from tasks.site import Machine, Site, SiteError
from tasks.ssh import connection_data
from tasks.tokens import ledger
from tasks.tokens.renewal import revoke_unused
from tasks.typed import pyinfra

SUDO_PASSWORD = f"{PREFIX}HOST__SUDO_PASSWORD"


class Declined(Exception):
    """A person has said no."""


def main(given: Given, settings: Path) -> int:
    """Set the site up; 0 if it is, 1 and why if it is not."""
    try:
        if not given.yes and not is_anybody_there():
            raise ResourceError("there is nobody to ask: give --yes, and what else is missing as options")
        kept = _kept(settings)
        with _host(given, kept) as machine:
            _describe(given, settings, kept, machine)
            os.environ[f"{PREFIX}SETTINGS"] = str(settings)
            say(f"\n{settings} holds the settings (0600). Deploying …\n")
            if subprocess.run(pyinfra("-y"), cwd=PROJECT, check=False).returncode:
                raise ResourceError(
                    "the deploy has failed, the lines above say why; mend it, then run: passerelle deploy"
                )
            (site,) = load(TAAF).values()
            return _first_message(site, settings)
    except Declined:
        say("nothing is deployed, and what was made for it is taken back")
        return 0
    except (SiteError, ResourceError) as error:
        print(error, file=sys.stderr)
    except (SSHException, EOFError, OSError) as error:
        print(
            f"host: the SSH connection has ended ({error or type(error).__name__}); run again",
            file=sys.stderr,
        )
    return 1


def _kept(settings: Path) -> dict[str, Any]:
    """What a settings file that is there already says."""
    if not settings.exists():
        return {}
    if settings.stat().st_mode & 0o077:
        raise ResourceError(
            f"{settings} holds secrets and other users may read it; run: chmod 600 {settings}"
        )
    try:
        kept = tomllib.loads(settings.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise ResourceError(f"{settings} is there already and cannot be read ({error}); correct it") from None
    if "sites" in kept:
        raise ResourceError(
            f"{settings} describes several sites, which are written by hand; for one more give another file: "
            "passerelle --settings FILE setup"
        )
    say(f"{settings} is there already: what it says stays")
    return kept


@contextmanager
def _host(given: Given, kept: Mapping[str, Any]) -> Iterator[Machine]:
    """The machine, connected meanwhile, with commands on it run as root."""
    machine = _machine(given, kept)
    if password := os.environ.get(SUDO_PASSWORD):
        machine = machine.model_copy(update={"sudo_password": SecretStr(password)})
    with ExitStack() as connection:
        connection.enter_context(connected((machine.address, connection_data(machine))))
        _, number = run_quietly(StringCommand("id -u"), plain=True)
        if not machine.sudo and (number.split() or ["?"])[-1] != "0":
            connection.pop_all().close()
            machine = machine.model_copy(update={"sudo": True})
            connection.enter_context(connected((machine.address, connection_data(machine))))
        root.become_root()
        if asked := root.asked_password():
            os.environ[SUDO_PASSWORD] = asked  # for the deploy, which would ask again
        yield machine


def _machine(given: Given, kept: Mapping[str, Any]) -> Machine:
    told = kept.get("host", {})
    if "address" in told:
        machine = Machine(**{name: value for name, value in told.items() if name in Machine.model_fields})
        if given.host and machine_of(given.host).address != machine.address:
            raise ResourceError(
                f"--host {given.host}: the settings are of {machine.address}; for another site give another file: "
                "passerelle --settings FILE setup"
            )
        return machine

    def check(answer: str) -> None:
        machine_of(answer, given.ssh_key)

    answer = given.host or ask("Host of GitLab and Nextcloud, [USER@]HOST[:PORT]", "--host", check=check)
    return machine_of(answer, given.ssh_key)


def _describe(given: Given, settings: Path, kept: dict[str, Any], machine: Machine) -> None:
    """Have a settings file that describes the site, once its plan was shown and agreed to."""
    told: dict[str, dict[str, Any]] = {
        name: kept.get(name) or {} for name in ("host", "gitlab", "nextcloud", "mattermost")
    }
    found = _project(given, told["host"])
    say(f"found on {machine.address}: Compose project {found.name} in {found.folder} ({found.services})")
    applications = Applications(given.ca or told["host"].get("ca"))
    forge_box, cloud_box = found.containers["gitlab"], found.containers["nextcloud"]
    cloud_url, account = _nextcloud(applications, cloud_box.id, given, told["nextcloud"])
    say(f"Nextcloud is at {cloud_url}, the documents are {account}'s")
    chat_url = _mattermost(applications, found, given, told["mattermost"])
    say(f"Mattermost is at {chat_url}")
    chat_token = _accepted(applications, chat_url, told["mattermost"].get("token"))
    chat = None if chat_token else mattermost_administrator(applications, chat_url, given)

    undo = Undo()
    maker = Maker(settings, machine.address, undo)
    try:
        forge = gitlab_access(
            applications,
            maker,
            forge_box.id,
            given,
            given.gitlab_url or told["gitlab"].get("url"),
            _secret(told["gitlab"].get("token")),
        )
        say(f"GitLab is at {forge.url}, its administrator is {forge.user}")
        password = given.nextcloud_password or _secret(told["nextcloud"].get("relay_password"))
        password = password or nextcloud_access(maker, cloud_box.id, account)
        if chat is not None:
            chat_token = mattermost_access(chat, applications, maker, chat_url, given)
        assert chat_token is not None
        api = applications.api("mattermost", chat_url, chat_token)
        domain = str(TAAF["host"]["address"])  # type: ignore[index]
        wanted = values(
            machine=machine,
            given=given,
            found=found,
            team=team_of(api, chat_url, given, told["mattermost"]),
            chat=(chat_url, chat_token),
            forge=(forge.url, forge.token),
            projects=projects_of(forge.api, forge.user, given, told["gitlab"]),
            cloud=(cloud_url, account, discovery.nextcloud_data(cloud_box.id), password),
            elsewhere=not f".{urlsplit(forge.url).hostname}".endswith(f".{domain}"),
        )
        tokens = {"gitlab.token", "mattermost.token", "nextcloud.relay_password"}
        text = settings.read_text(encoding="utf-8") if settings.exists() else ""
        _agree(given, settings, with_values(text, missing(wanted, kept, tokens)))
    except BaseException:
        undo.run()
        raise
    finally:
        if chat is not None:
            with suppress(ResourceError):
                chat.end()
    revoke_unused(settings, machine.address, forge.api, api, cloud_box.id)


def _agree(given: Given, settings: Path, text: str) -> None:
    """Show what a deploy with these settings would do; once that is agreed to they are the settings."""
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
    ledger.replace_file(settings, text)


def _project(given: Given, told: Mapping[str, Any]) -> Found:
    found = {each.name: each for each in discovery.projects()}
    named = given.compose_project or told.get("compose_project")
    if named and named not in found:
        raise ResourceError(
            f"--compose-project {named}: none of that name has GitLab and Nextcloud; there is {', '.join(found)}"
        )
    return found[named or choose("Compose project", list(found), "--compose-project")]


def _nextcloud(
    applications: Applications, container: str, given: Given, told: Mapping[str, Any]
) -> tuple[str, str]:
    """Its address, and the account whose files hold the documents."""
    users = discovery.nextcloud_users(container)
    account = given.nextcloud_user or told.get("admin") or ("admin" if "admin" in users else None)
    if account and account not in users:
        raise ResourceError(
            f"nextcloud.admin = {account!r}: Nextcloud has no such account; there is {', '.join(users)}"
        )
    account = account or choose("Nextcloud account whose files hold the documents", users, "--nextcloud-user")
    urls = [given.nextcloud_url or told.get("url")]
    if urls == [None]:
        urls = list(discovery.nextcloud_addresses(container))
    return _address(applications, "nextcloud", [url for url in urls if url]), account


def _mattermost(applications: Applications, found: Found, given: Given, told: Mapping[str, Any]) -> str:
    urls = [given.mattermost_url or told.get("url")]
    if urls == [None] and "mattermost" in found.containers:
        urls = list(discovery.mattermost_addresses(found.containers["mattermost"].id))
    return _address(applications, "mattermost", [url for url in urls if url])


def _address(applications: Applications, application: str, urls: list[str]) -> str:
    """The first of the addresses at which the application answers; asked for if it does at none."""
    for url in urls:
        try:
            applications.refuse_wrong(application, url)
        except ResourceError as error:
            if url == urls[-1] and not is_anybody_there():
                raise
            say(str(error))
            continue
        return url
    name = {"nextcloud": "Nextcloud", "mattermost": "Mattermost"}[application]

    def check(answer: str) -> None:
        applications.refuse_wrong(application, answer.rstrip("/"))

    return ask(f"Address of {name}, such as https://…", f"--{application}-url", check=check).rstrip("/")


def _accepted(applications: Applications, url: str, token: str | None) -> SecretStr | None:
    """The token of the settings if Mattermost takes it."""
    if not token:
        return None
    try:
        applications.api("mattermost", url, SecretStr(token)).call("GET", "/api/v4/users/me")
    except ResourceError:
        say("mattermost.token in the settings is refused: a new one is made")
        return None
    return SecretStr(token)


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
