"""GitLab resources over its API v4: outbound allow-list, project.

Sources: GitLab's documentation and code, releases 18.4 to 19.4.
"""

import re
import time
from collections.abc import Mapping
from typing import Any
from urllib.parse import quote

from tasks.operations.api import Api, ApiError
from tasks.operations.resource import Commands, ResourceError, change, resource

SETTINGS = "/api/v4/application/settings"


def signs(version: str) -> bool:
    """Whether a GitLab that calls itself `version` signs deliveries: for good since 19.1, in 19.0 behind a flag."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= (19, 1)


def administers(api: Api) -> bool:
    """Whether the token is an administrator's, to whom alone GitLab shows its settings."""
    try:
        api.call("GET", SETTINGS)
    except ApiError as error:
        if error.status == 403:
            return False
        raise
    return True


@resource
def outbound_allow_list(api: Api, entry: str) -> Commands:
    """Let hooks reach `entry` (ADDRESS:PORT); the other entries stay.

    Without it GitLab refuses a hook to a private address, or to its own machine.
    """
    allowed = api.call("GET", SETTINGS)["outbound_local_requests_whitelist"] or []
    if entry not in allowed:
        yield from change([f"+ outbound allow-list entry {entry}"], lambda: _allow(api, entry))


@resource
def no_allow_list_entry(api: Api, entry: str) -> Commands:
    """Let hooks no longer reach `entry`; the other entries stay."""
    if entry in (api.call("GET", SETTINGS)["outbound_local_requests_whitelist"] or []):
        yield from change([f"- outbound allow-list entry {entry}"], lambda: _disallow(api, entry))


def _disallow(api: Api, entry: str) -> None:
    with api.turn:
        allowed = api.call("GET", SETTINGS)["outbound_local_requests_whitelist"] or []
        others = "\n".join(other for other in allowed if other != entry)
        api.call("PUT", SETTINGS, {"outbound_local_requests_allowlist_raw": others})


def _allow(api: Api, entry: str) -> None:
    # The list is read under one name and written under another, which replaces it whole;
    # a write under the first is answered with 200 and dropped (gitlab-org/gitlab#569729).
    with api.turn:
        allowed = api.call("GET", SETTINGS)["outbound_local_requests_whitelist"] or []
        answer = api.call(
            "PUT", SETTINGS, {"outbound_local_requests_allowlist_raw": "\n".join([*allowed, entry])}
        )
    if entry not in (answer["outbound_local_requests_whitelist"] or []):
        raise ResourceError(
            f"gitlab: the server answered 200 and did not add {entry} to its allow-list; "
            "add it under Admin > Settings > Network > Outbound requests"
        )


def project_at(path: str | int) -> str:
    """Where the API has a project, by its full path or its number."""
    return f"/api/v4/projects/{quote(str(path), safe='')}"


def group_at(path: str) -> str:
    """Where the API has a group, by its full path."""
    return f"/api/v4/groups/{quote(path, safe='')}"


def find_group(api: Api, path: str) -> dict[str, Any] | None:
    """The group at `path`; None if there is none, ResourceError if it is called otherwise by now."""
    found: dict[str, Any] | None = api.call("GET", f"{group_at(path)}?with_projects=false", absent=("404",))
    if found is not None and str(found["full_path"]).lower() != path.lower():
        raise ResourceError(
            f"gitlab: the group {path} is {found['full_path']} now; correct gitlab.projects or gitlab.groups"
        )
    return found


def projects_of_group(api: Api, path: str, *, subgroups: bool) -> list[dict[str, Any]]:
    """All projects of a group, also those that others share with it; with `subgroups` those of its subgroups too."""
    deep = "true" if subgroups else "false"
    return api.pages(f"{group_at(path)}/projects?include_subgroups={deep}&order_by=id&sort=asc")


def projects_of_user(api: Api, path: str) -> list[dict[str, Any]]:
    """All projects of a user. ResourceError if there is none."""
    namespace = api.call("GET", f"/api/v4/namespaces/{quote(path, safe='')}", absent=("404",))
    if namespace is None or namespace.get("kind") != "user":
        raise ResourceError(
            f"gitlab: there is no group or user {path} that gitlab.token may see; if it was renamed, correct "
            "gitlab.projects or gitlab.groups"
        )
    return api.pages(f"/api/v4/users/{quote(path, safe='')}/projects?order_by=id&sort=asc")


def find_project(api: Api, path: str) -> dict[str, Any] | None:
    """The project at `path`, or the one that was there and has been moved; None if there is none.

    GitLab answers 404 of what the token may not see as well.
    """
    try:
        found: dict[str, Any] | None = api.call("GET", project_at(path), absent=("404",))
    except ApiError as error:
        number = re.search(r"/api/v4/projects/(\d+)", error.location)
        if number is None:
            raise
        found = api.call("GET", project_at(int(number[1])))
    return found


def is_at(project: Mapping[str, Any], path: str) -> bool:
    """Whether the project is at `path`, in whatever case, and was not moved away."""
    return str(project["path_with_namespace"]).lower() == path.lower()


def require_project(api: Api, path: str) -> dict[str, Any] | None:
    """The project at `path`; None if there is none. ResourceError if it has been moved, or is one that is not shown."""
    found = find_project(api, path)
    if found is None and not administers(api):
        raise ResourceError(
            f"gitlab: there is no project {path} that {api.server.token} may see, which is no administrator's; correct "
            "gitlab.project or gitlab.projects, or make the project, and give the token's account the role Maintainer"
        )
    if found is not None and not is_at(found, path):
        raise ResourceError(
            f"gitlab: the project {path} is {found['path_with_namespace']} now; "
            "correct gitlab.project or gitlab.projects"
        )
    return found


def require_scope(api: Api, *enough: str) -> None:
    """ResourceError if the token of `api` says of itself that it has none of the scopes, each of which is `enough`.

    A GitLab that knows no such question, or a token that is no access token, is left to its answers.
    """
    found = api.call("GET", "/api/v4/personal_access_tokens/self", absent=("404",))
    scopes = found.get("scopes") if isinstance(found, dict) else None
    if isinstance(scopes, list) and not {*enough} & {*scopes}:
        raise ResourceError(
            f"gitlab: {api.server.token} has the scope {', '.join(map(str, scopes)) or 'none'} and needs {enough[0]}: "
            f"make a token with it, under Preferences > Access tokens, and put it into {api.server.token}"
        )


@resource
def project(api: Api, path: str) -> Commands:
    """Have a project at `path` (namespace/name) that is not archived.

    It is made private and with a README on its default branch; what people make of it since is theirs.
    """
    found = require_project(api, path)
    if found is None:
        namespace = path.rpartition("/")[0]
        owner = api.call("GET", f"/api/v4/namespaces/{quote(namespace, safe='')}", absent=("404",))
        if owner is None:
            raise ResourceError(
                f"gitlab: there is no user or group {namespace}; check gitlab.project and gitlab.projects"
            )
        yield from change(
            [f"+ project {path} with a README"], lambda: _create_project(api, path, owner["id"])
        )
    elif found["archived"]:
        yield from change(
            [f"~ project {path}: archived -> active"],
            lambda: api.call("POST", f"{project_at(path)}/unarchive"),
        )


def _create_project(api: Api, path: str, namespace_id: int) -> None:
    name = path.rpartition("/")[2]
    body = {
        "name": name,
        "path": name,
        "namespace_id": namespace_id,
        "visibility": "private",
        "initialize_with_readme": True,
    }
    api.call("POST", "/api/v4/projects", body)
    deadline = time.monotonic() + 60
    while not api.call("GET", f"{project_at(path)}/repository/branches", absent=("404",)):
        # The repository comes a little after the answer; a hook made now would report the first commit.
        if time.monotonic() > deadline:
            raise ResourceError(f"gitlab: the project {path} was created and has no branch after a minute")
        time.sleep(0.5)
