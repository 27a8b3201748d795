"""GitLab resources over its API v4: outbound allow-list, project, project hook.

Sources: GitLab's documentation and code, releases 18.4 to 19.4.
"""

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from tasks.operations.api import Api, ApiError
from tasks.operations.resource import Commands, ResourceError, change, resource

SETTINGS = "/api/v4/application/settings"
# Each GitLab process keeps the settings for about a minute.
CACHED_SECONDS = 90
# The `alert_status` of a hook that is called.
_ENABLED = "executable"


def signs(version: str) -> bool:
    """Whether a GitLab that calls itself `version` signs deliveries: for good since 19.1, in 19.0 behind a flag."""
    found = re.match(r"(\d+)\.(\d+)", version)
    return found is not None and (int(found[1]), int(found[2])) >= (19, 1)


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


def _path(project_path: str) -> str:
    return f"/api/v4/projects/{quote(project_path, safe='')}"


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
    found = api.call("GET", _path(path), absent=("404",))
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
            [f"~ project {path}: archived -> active"], lambda: api.call("POST", f"{_path(path)}/unarchive")
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
    while not api.call("GET", f"{_path(path)}/repository/branches", absent=("404",)):
        # The repository comes a little after the answer; a hook made now would report the first commit.
        if time.monotonic() > deadline:
            raise ResourceError(f"gitlab: the project {path} was created and has no branch after a minute")
        time.sleep(0.5)


@resource
def project_hook(
    api: Api,
    path: str,
    name: str,
    url: str,
    triggers: Mapping[str, bool],
    fingerprint: Callable[[], str | None],
    token: Callable[[], str],
    signing_token: Callable[[], str],
    signed: bool,
) -> Commands:
    """Have the project call `url` on `triggers` with the secret `token`, and sign with `signing_token`.

    GitLab never tells a hook's secrets, so their common fingerprint is kept in the hook's description (attributes
    `name` and `description` came with 17.1). `fingerprint` is None while one of them does not exist. A GitLab that
    does not know signing tokens, or a trigger, passes them over; it must not if `signed`. A hook that GitLab has
    disabled because its calls failed is replaced, with its log: editing one does not enable it.
    """
    wanted = {
        "url": url,
        "name": name,
        "description": f"Managed with pyinfra, secrets {fingerprint() or '(known after apply)'}",
        **triggers,
    }
    found, doubles = _find_hooks(api, path, name, url)
    if found is None:
        ticked = sorted(trigger for trigger, wants in triggers.items() if wants)
        lines = [f"+ hook {name} of {path} to {url} on {', '.join(ticked)}"]
    else:
        lines = [
            f"~ hook {name} of {path}: {key}: {found.get(key)!r} -> {value!r}"
            for key, value in wanted.items()
            if _differs(found, key, value) and (key in found or key not in triggers)
        ]
        lines += [
            f"~ hook {name} of {path}: {key}: missing -> set"
            for key in (("token", "signing_token") if signed else ("token",))
            if found.get(f"{key}_present") is False
        ]

    lines += [f"- hook {name} of {path}: double, to {double['url']}" for double in doubles]
    disabled = found is not None and found.get("alert_status", _ENABLED) != _ENABLED
    if found and disabled:
        lines.append(f"~ hook {name} of {path}: alert_status: {found['alert_status']!r} -> {_ENABLED!r}")

    def save() -> None:
        replaced = [found] if found and disabled else []
        for hook in [*doubles, *replaced]:
            api.call("DELETE", f"{_path(path)}/hooks/{hook['id']}")
        secrets = {"token": token(), "signing_token": signing_token()}
        saved = _save_hook(api, path, None if disabled else found, wanted, secrets)
        if signed and saved.get("signing_token_present") is not True:
            raise ResourceError(
                f"gitlab: {api.url} says that it is GitLab 19.1 or newer and did not keep the signing token of the "
                "hook; check that gitlab.url leads to GitLab itself"
            )

    yield from change(lines, save)


@resource
def no_project_hook(api: Api, path: str, name: str) -> Commands:
    """Have no hook called `name` in the project; without the project there is none."""
    if api.call("GET", _path(path), absent=("404",)) is None:
        return
    found = [hook for hook in api.pages(f"{_path(path)}/hooks") if hook.get("name") == name]

    def remove() -> None:
        for hook in found:
            api.call("DELETE", f"{_path(path)}/hooks/{hook['id']}")

    yield from change([f"- hook {name} of {path} to {hook['url']}" for hook in found], remove)


def _differs(hook: Mapping[str, Any], key: str, wanted: object) -> bool:
    # A trigger that was never set may be null.
    return (hook.get(key) or False) != wanted if isinstance(wanted, bool) else hook.get(key) != wanted


def _find_hooks(
    api: Api, path: str, name: str, url: str
) -> tuple[dict[str, Any] | None, list[dict[str, Any]]]:
    """Our hook, and its doubles, each of which would bring every message once more.

    Ours is the eldest that bears our name, else the eldest that leads to our address. Doubles bear our name too;
    a hook of another name is somebody else's, and without the secrets the relay refuses what it sends.
    """
    if api.call("GET", _path(path), absent=("404",)) is None:
        return None, []
    hooks = sorted(api.pages(f"{_path(path)}/hooks"), key=lambda hook: int(hook["id"]))
    named = [hook for hook in hooks if hook.get("name") == name]
    return next(iter(named or [hook for hook in hooks if hook["url"] == url]), None), named[1:]


def _save_hook(
    api: Api,
    path: str,
    found: Mapping[str, Any] | None,
    wanted: Mapping[str, Any],
    secrets: Mapping[str, str],
) -> Mapping[str, Any]:
    # The secrets go with every write: one without them to another address clears them.
    method, target = ("PUT", f"/hooks/{found['id']}") if found else ("POST", "/hooks")
    deadline = time.monotonic() + CACHED_SECONDS
    while True:
        try:
            saved: Mapping[str, Any] = api.call(method, f"{_path(path)}{target}", {**wanted, **secrets})
            break
        except ApiError as error:
            if error.status != 422 or "invalid url" not in str(error).lower():
                raise
            if time.monotonic() > deadline:
                raise ResourceError(
                    f"gitlab: it still refuses a hook to {wanted['url']} {CACHED_SECONDS} s after the address came "
                    "on the outbound allow-list; check that relays.address is the relay's address as GitLab sees it"
                ) from None
            time.sleep(2)
    ignored = [key for key, value in wanted.items() if key in saved and _differs(saved, key, value)]
    ignored += [key for key in ("name", "description") if key not in saved]
    if ignored:
        raise ResourceError(
            f"gitlab: the server ignored {', '.join(ignored)} of the hook; GitLab 17.1 or newer is needed"
        )
    return saved
