"""The settings of a site as setup writes them: what differs from the defaults, and what is not there already."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from pydantic import SecretStr

from tasks.operations.api import Api
from tasks.operations.gitlab import administers
from tasks.operations.resource import ResourceError
from tasks.setup.asking import choose
from tasks.setup.discovery import Found
from tasks.setup.given import Given
from tasks.site import Site
from tasks.site_machines import Machine

Table = dict[str, Any]


@dataclass(frozen=True)
class Team:
    """A team of Mattermost, there or to be made."""

    name: str
    display_name: str


def team_of(api: Api, url: str, given: Given, settings: Mapping[str, Any]) -> Team:
    """The team that is named; else the only one that there is; without any, one called after the site's domain."""
    there = {
        team["name"]: team["display_name"] for team in api.pages("/api/v4/teams") if not team["delete_at"]
    }
    named = given.team or settings.get("team")
    if not named and there:
        named = choose("Team of Mattermost", sorted(there), "--team")
    if named:
        return Team(named, there.get(named) or settings.get("team_display_name") or _shown(named))
    labels = (urlsplit(url).hostname or "").split(".")
    label = labels[-2] if len(labels) > 1 and not labels[-1].isdigit() else ""
    name = re.sub(r"[^a-z0-9-]", "", label) if len(label) > 1 else "passerelle"
    return Team(name, _shown(name))


def _shown(name: str) -> str:
    return name.upper() if len(name) <= 4 else name.capitalize()


def projects_of(api: Api, user: str, given: Given, settings: Mapping[str, Any]) -> list[str]:
    """The projects that are named; else the only one that there is, or a new one of the administrator's."""
    if given.projects:
        return list(given.projects)
    if "project" in settings:
        return []
    all_are_its = administers(api)
    # Without `membership` somebody else's GitLab shows all that is public.
    # Of an administrator's it only matters whether there is one alone; everybody else chooses among all.
    there = (
        api.call("GET", "/api/v4/projects?simple=true&per_page=2")
        if all_are_its
        else api.pages("/api/v4/projects?simple=true&membership=true")
    )
    paths = [str(each["path_with_namespace"]) for each in there]
    if len(paths) == 1 or all_are_its:
        return paths if len(paths) == 1 else [f"{user}/passerelle"]
    if not paths:
        raise ResourceError(
            "gitlab: the token is a member of no project; give it the role Maintainer in one, or give another token"
        )
    return [choose("GitLab project to announce", paths, "--project")]


def values(
    *,
    machine: Machine,
    given: Given,
    found: Found,
    team: Team,
    chat: tuple[str, SecretStr],
    forge: tuple[str, SecretStr],
    projects: list[str],
    relay: str | None,
    cloud: tuple[str, str, str | None, SecretStr],
    elsewhere: bool,
) -> Table:
    """All that setup has to say of the site; `elsewhere` says that it is not the one that the defaults are of.

    `chat` and `forge` are address and token, `cloud` is address, account, folder of the data and password, `relay` is
    where GitLab reaches the relay, where that is to be said.
    """
    url, account, data, password = cloud
    ssh = machine.model_dump(mode="json", exclude_unset=True, exclude={"sudo_password"})
    table: Table = {
        "host": {
            **{name: value for name, value in ssh.items() if value is not None},
            "infrastructure": found.folder,
            **({} if found.alone else {"compose_project": found.name}),
            **({"ca": str(given.ca)} if given.ca else {}),
        },
        "mattermost": {
            "url": chat[0],
            "token": chat[1].get_secret_value(),
            "team": team.name,
            "team_display_name": team.display_name,
        },
        "nextcloud": {
            "url": url,
            **_where(found, "nextcloud"),
            "admin": account,
            **({"data_directory": data} if data else {}),
            "relay_password": password.get_secret_value(),
        },
        "gitlab": {
            "url": forge[0],
            **_where(found, "gitlab"),
            "token": forge[1].get_secret_value(),
            **({"project": projects[0]} if projects else {}),
            **({"projects": projects[1:]} if projects[1:] else {}),
        },
    }
    if relay:
        table["relays"] = {"url": relay}
    if elsewhere:
        table = {"portal_url": "", **table}
        table.setdefault("relays", {})["footer"] = f"Nextcloud {team.display_name}"
    if given.language:
        table.setdefault("relays", {})["language"] = given.language
    return {name: _beyond_defaults(name, value) for name, value in table.items()}


def _where(found: Found, application: str) -> Table:
    """The service that an application is, or that it is not on the host."""
    chosen = found.containers.get(application)
    if chosen is not None:
        return {"service": chosen.service}
    return {"service": "", **({"source": "webdav"} if application == "nextcloud" else {})}


def _beyond_defaults(name: str, value: Any) -> Any:
    """A table without what the settings' own defaults say."""
    if not isinstance(value, dict):
        return value
    section = Site.model_fields[name].annotation
    fields = getattr(section, "model_fields", {})
    return {key: each for key, each in value.items() if key not in fields or fields[key].default != each}


def missing(wanted: Table, kept: Mapping[str, Any], renewed: set[str]) -> Table:
    """What of it the settings do not say yet, and the tokens that were `renewed`; what people have written stays."""
    found: Table = {}
    for name, value in wanted.items():
        if not isinstance(value, dict):
            if name not in kept:
                found[name] = value
            continue
        own = kept.get(name, {})
        if not isinstance(own, Mapping):
            raise ResourceError(f"{name}: must be a table, such as [{name}]; correct the settings file")
        left = {
            key: each
            for key, each in value.items()
            if key not in own or (f"{name}.{key}" in renewed and own[key] != each)
        }
        if left:
            found[name] = left
    return found
