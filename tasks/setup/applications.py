"""Which project and which applications are meant: as given or written in the settings, else found, else asked for."""

from collections.abc import Mapping
from typing import Any

from pydantic import SecretStr

from tasks.operations.api import Api
from tasks.operations.gitlab import administers
from tasks.operations.resource import ResourceError
from tasks.setup import discovery
from tasks.setup.asking import ask, choose, is_anybody_there, say
from tasks.setup.discovery import Applications, Found
from tasks.setup.given import Given


def elsewhere(given: Given, existing: Mapping[str, Mapping[str, Any]]) -> set[str]:
    """Which of GitLab and Nextcloud need not be on the host: the settings say so, or address and way in are given."""
    known = {
        "gitlab": given.gitlab_url and given.gitlab_token,
        "nextcloud": given.nextcloud_url and given.nextcloud_password,
    }
    return {what for what, is_given in known.items() if is_given or _is_elsewhere(what, existing)}


def _is_elsewhere(application: str, existing: Mapping[str, Mapping[str, Any]]) -> bool:
    return existing[application].get("service") == ""


def project_of(given: Given, existing: Mapping[str, Mapping[str, Any]]) -> Found:
    """The Compose project, with the applications that are on the host and, by the settings, not elsewhere."""
    found = {
        each.name: each.without([what for what in each.containers if _is_elsewhere(what, existing)])
        for each in discovery.projects(elsewhere(given, existing))
    }
    named = given.compose_project or existing["host"].get("compose_project")
    if named and named not in found:
        raise ResourceError(
            f"--compose-project {named}: none of that name has GitLab and Nextcloud; there is {', '.join(found)}"
        )
    return found[named or choose("Compose project", list(found), "--compose-project")]


def nextcloud_of(
    applications: Applications, container: str | None, given: Given, existing: Mapping[str, Any]
) -> tuple[str, str]:
    """Its address, and the account whose files hold the documents; of one elsewhere both are known or asked for."""
    if container is None:
        named = given.nextcloud_user or existing.get("admin")
        user = named or ask("Nextcloud account whose files hold the documents", "--nextcloud-user")
        url = given.nextcloud_url or existing.get("url")
        return _address(applications, "nextcloud", [str(url)] if url else []), user
    users = discovery.nextcloud_users(container)
    account = given.nextcloud_user or existing.get("admin") or ("admin" if "admin" in users else None)
    if account and account not in users:
        raise ResourceError(
            f"nextcloud.admin = {account!r}: Nextcloud has no such account; there is {', '.join(users)}"
        )
    account = account or choose("Nextcloud account whose files hold the documents", users, "--nextcloud-user")
    urls = [given.nextcloud_url or existing.get("url")]
    if urls == [None]:
        urls = list(discovery.nextcloud_addresses(container))
    return _address(applications, "nextcloud", [url for url in urls if url]), account


def mattermost_of(applications: Applications, found: Found, given: Given, existing: Mapping[str, Any]) -> str:
    """Its address."""
    urls = [given.mattermost_url or existing.get("url")]
    if urls == [None] and "mattermost" in found.containers:
        urls = list(discovery.mattermost_addresses(found.containers["mattermost"].id))
    return _address(applications, "mattermost", [url for url in urls if url])


def relay_of(given: Given, existing: Mapping[str, Any], forge: Api) -> str | None:
    """Where a GitLab elsewhere reaches the relay, if that has to be said: its allow-list is somebody else's."""
    named = given.relay_url or existing.get("url")
    if named or existing.get("address") or administers(forge):
        return named
    return ask(
        "Where GitLab reaches the relay: a reverse proxy that leads to port 8090 of the host, such as https://…",
        "--relay-url",
    )


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


def accepted(applications: Applications, url: str, token: str | None) -> SecretStr | None:
    """The token of the settings if Mattermost takes it."""
    if not token:
        return None
    try:
        applications.api("mattermost", url, SecretStr(token)).call("GET", "/api/v4/users/me")
    except ResourceError:
        say("mattermost.token in the settings is refused: a new one is made")
        return None
    return SecretStr(token)
