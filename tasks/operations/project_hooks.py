"""Hooks of GitLab projects over its API v4.

Sources: GitLab's documentation and code, releases 18.4 to 19.4.
"""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any
from urllib.parse import urlsplit

from tasks.operations.api import Api, ApiError
from tasks.operations.gitlab import find_project, is_at, project_at, require_project
from tasks.operations.resource import Commands, ResourceError, change, note, resource

# Each GitLab process keeps the settings, and with them the allow-list, for about a minute.
_CACHED_SECONDS = 90
# The `alert_status` of a hook that is called.
_ENABLED = "executable"


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

    GitLab never shows a hook's secrets, so their common fingerprint is kept in the hook's description (attributes
    `name` and `description` came with 17.1). `fingerprint` is None while one of them does not exist. A GitLab that
    does not know signing tokens, or a trigger, passes them over; it must not if `signed`. A hook that GitLab has
    disabled because its calls failed is replaced, with its log: editing one does not enable it.
    """
    secrets_in_use = _secrets(fingerprint() or "(known after apply)")
    wanted = {
        "url": url,
        "name": name,
        "description": f"Managed with pyinfra, {secrets_in_use}",
        **triggers,
    }
    found, doubles, others = _find_hooks(api, path, name, url)
    note(
        [
            f"hook {other.get('name') or 'without a name'} of {path}: it leads to the relay too"
            for other in others
        ]
    )
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
            api.call("DELETE", f"{project_at(path)}/hooks/{hook['id']}")
        secrets = {"token": token(), "signing_token": signing_token()}
        saved = _save_hook(api, path, None if disabled else found, wanted, secrets)
        if signed and saved.get("signing_token_present") is not True:
            raise ResourceError(
                f"gitlab: {api.url} says that it is GitLab 19.1 or newer and did not keep the signing token of the "
                "hook; check that gitlab.url leads to GitLab itself"
            )

    yield from change(lines, save)


@resource
def no_project_hook(
    api: Api,
    path: str,
    name: str,
    addresses: Collection[str],
    fingerprint: Callable[[], str | None],
    unless_at: Collection[str] = (),
) -> Commands:
    """Have no hook called `name` in the project that leads to one of `addresses` (ADDRESS:PORT) or has our secrets.

    The project may have been moved since; it is left alone if it is now at one of the paths `unless_at`. Without the
    project there is no hook. One of the name that leads elsewhere, with secrets of somebody else's, is left alone.
    """
    project = find_project(api, path)
    if project is None or any(is_at(project, kept) for kept in unless_at):
        return
    hooks = f"{project_at(project['id'])}/hooks"
    named = [hook for hook in api.pages(hooks) if hook.get("name") == name]
    secrets = fingerprint()
    found = [hook for hook in named if bears_mark(hook, name, addresses, secrets)]
    note([f"hook {name} of {path}: it leads to {hook['url']}" for hook in named if hook not in found])

    def remove() -> None:
        for hook in found:
            api.call("DELETE", f"{hooks}/{hook['id']}")

    yield from change([f"- hook {name} of {path} to {hook['url']}" for hook in found], remove)


def bears_mark(
    hook: Mapping[str, Any], name: str, addresses: Collection[str], fingerprint: str | None
) -> bool:
    """Whether a hook called `name` was made by `project_hook` for one of `addresses` or with these secrets."""
    made = fingerprint is not None and _secrets(fingerprint) in (hook.get("description") or "")
    return hook.get("name") == name and (made or urlsplit(hook["url"]).netloc in addresses)


def _secrets(fingerprint: str) -> str:
    return f"secrets {fingerprint}"


def _differs(hook: Mapping[str, Any], key: str, wanted: object) -> bool:
    # A trigger that was never set may be null.
    return (hook.get(key) or False) != wanted if isinstance(wanted, bool) else hook.get(key) != wanted


def _find_hooks(
    api: Api, path: str, name: str, url: str
) -> tuple[dict[str, Any] | None, list[dict[str, Any]], list[dict[str, Any]]]:
    """Our hook; its doubles, each of which would bring every message once more; those of others to our address.

    Ours is the eldest that bears our name, else the eldest that leads to our address. Doubles bear our name too;
    a hook of another name is somebody else's, and without the secrets the relay refuses what it sends.
    """
    if require_project(api, path) is None:
        return None, [], []
    hooks = sorted(api.pages(f"{project_at(path)}/hooks"), key=lambda hook: int(hook["id"]))
    named = [hook for hook in hooks if hook.get("name") == name]
    leading = [hook for hook in hooks if hook["url"] == url and hook not in named]
    if named:
        return named[0], named[1:], leading
    return (leading[0], [], leading[1:]) if leading else (None, [], [])


def _save_hook(
    api: Api,
    path: str,
    found: Mapping[str, Any] | None,
    wanted: Mapping[str, Any],
    secrets: Mapping[str, str],
) -> Mapping[str, Any]:
    # The secrets go with every write: one without them to another address clears them.
    method, target = ("PUT", f"/hooks/{found['id']}") if found else ("POST", "/hooks")
    deadline = time.monotonic() + _CACHED_SECONDS
    while True:
        try:
            saved: Mapping[str, Any] = api.call(method, f"{project_at(path)}{target}", {**wanted, **secrets})
            break
        except ApiError as error:
            if error.status != 422 or "invalid url" not in str(error).lower():
                raise
            if time.monotonic() > deadline:
                raise ResourceError(
                    f"gitlab: it still refuses a hook to {wanted['url']} {_CACHED_SECONDS} s after the address came "
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
