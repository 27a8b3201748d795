"""Hooks of GitLab as they are and as they should be, be they of a project or of a group (API v4).

Sources: GitLab's documentation and code, releases 18.4 to 19.4.
"""

import time
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import cache
from typing import Any
from urllib.parse import urlsplit

from tasks.operations.api import Api, ApiError
from tasks.operations.gitlab import administers
from tasks.operations.resource import ResourceError

# Each GitLab process keeps the settings, and with them the allow-list, for about a minute.
_CACHED_SECONDS = 90
# The `alert_status` of a hook that is called.
_ENABLED = "executable"

Listed = Sequence[dict[str, Any]]


@dataclass(frozen=True)
class Hook:
    """A hook as it should be; for its parts see `project_hook`."""

    name: str
    url: str
    triggers: Mapping[str, bool]
    fingerprint: Callable[[], str | None]
    token: Callable[[], str]
    signing_token: Callable[[], str]
    signed: bool

    def asking_once(self) -> "Hook":
        """The same, whose secrets are asked for once, and not for each thing that gets it."""
        return replace(
            self,
            fingerprint=cache(self.fingerprint),
            token=cache(self.token),
            signing_token=cache(self.signing_token),
        )


@dataclass(frozen=True)
class Plan:
    """What is seen and left alone, a line for each difference, and what mends them all."""

    notes: list[str]
    lines: list[str]
    save: Callable[[], None]


def plan(api: Api, at: str, of: str, listed: Listed, hook: Hook) -> Plan:
    """What is to be done for a hook of what is `at` that address of the API and called `of`; it has the `listed`."""
    secrets_in_use = _secrets(hook.fingerprint() or "(known after apply)")
    wanted = {
        "url": hook.url,
        "name": hook.name,
        "description": f"Managed with pyinfra, {secrets_in_use}",
        **hook.triggers,
    }
    found, doubles, others = _find(listed, hook)
    shown = f"hook {hook.name} of {of}"
    notes = [
        f"hook {other.get('name') or 'without a name'} of {of}: it leads to the relay too" for other in others
    ]
    if found is None:
        ticked = sorted(trigger for trigger, wants in hook.triggers.items() if wants)
        lines = [f"+ {shown} to {hook.url} on {', '.join(ticked)}"]
    else:
        lines = [
            f"~ {shown}: {key}: {found.get(key)!r} -> {value!r}"
            for key, value in wanted.items()
            if _differs(found, key, value) and (key in found or key not in hook.triggers)
        ]
        lines += [
            f"~ {shown}: {key}: missing -> set"
            for key in (("token", "signing_token") if hook.signed else ("token",))
            if found.get(f"{key}_present") is False
        ]
    lines += [f"- {shown}: double, to {double['url']}" for double in doubles]
    disabled = found is not None and found.get("alert_status", _ENABLED) != _ENABLED
    if found and disabled:
        lines.append(f"~ {shown}: alert_status: {found['alert_status']!r} -> {_ENABLED!r}")

    def save() -> None:
        replaced = [found] if found and disabled else []
        for each in [*doubles, *replaced]:
            api.call("DELETE", f"{at}/hooks/{each['id']}")
        secrets = {"token": hook.token(), "signing_token": hook.signing_token()}
        saved = _save(api, at, None if disabled else found, wanted, secrets)
        if hook.signed and saved.get("signing_token_present") is not True:
            raise ResourceError(
                f"gitlab: {api.url} says that it is GitLab 19.1 or newer and did not keep the signing token of the "
                "hook; check that gitlab.url leads to GitLab itself"
            )

    return Plan(notes, lines, save)


def removal(
    api: Api,
    at: str,
    of: str,
    listed: Listed,
    name: str,
    addresses: Collection[str],
    fingerprint: Callable[[], str | None],
) -> Plan:
    """What is to be done for no hook called `name` that leads to one of `addresses` or has our secrets."""
    named = [hook for hook in listed if hook.get("name") == name]
    secrets = fingerprint()
    found = [hook for hook in named if bears_mark(hook, name, addresses, secrets)]

    def save() -> None:
        for hook in found:
            api.call("DELETE", f"{at}/hooks/{hook['id']}")

    return Plan(
        [f"hook {name} of {of}: it leads to {hook['url']}" for hook in named if hook not in found],
        [f"- hook {name} of {of} to {hook['url']}" for hook in found],
        save,
    )


def bears_mark(
    hook: Mapping[str, Any], name: str, addresses: Collection[str], fingerprint: str | None
) -> bool:
    """Whether a hook called `name` was made by us for one of `addresses` or with these secrets."""
    made = fingerprint is not None and has_secrets(hook, fingerprint)
    return hook.get("name") == name and (made or urlsplit(hook["url"]).netloc in addresses)


def has_secrets(hook: Mapping[str, Any], fingerprint: str) -> bool:
    """Whether a hook says that it has the secrets of this fingerprint."""
    return _secrets(fingerprint) in (hook.get("description") or "")


def _secrets(fingerprint: str) -> str:
    return f"secrets {fingerprint}"


def _differs(hook: Mapping[str, Any], key: str, wanted: object) -> bool:
    # A trigger that was never set may be null.
    return (hook.get(key) or False) != wanted if isinstance(wanted, bool) else hook.get(key) != wanted


def _find(listed: Listed, hook: Hook) -> tuple[dict[str, Any] | None, Listed, Listed]:
    """Our hook; its doubles, each of which would bring every message once more; those of others to our address.

    Ours is the eldest that bears our name, else the eldest that leads to our address. Doubles bear our name too;
    a hook of another name is somebody else's, and without the secrets the relay refuses what it sends.
    """
    eldest_first = sorted(listed, key=lambda each: int(each["id"]))
    named = [each for each in eldest_first if each.get("name") == hook.name]
    leading = [each for each in eldest_first if each["url"] == hook.url and each not in named]
    if named:
        return named[0], named[1:], leading
    return (leading[0], [], leading[1:]) if leading else (None, [], [])


def _save(
    api: Api,
    at: str,
    found: Mapping[str, Any] | None,
    wanted: Mapping[str, Any],
    secrets: Mapping[str, str],
) -> Mapping[str, Any]:
    # The secrets go with every write: one without them to another address clears them.
    method, target = ("PUT", f"/hooks/{found['id']}") if found else ("POST", "/hooks")
    deadline = time.monotonic() + _CACHED_SECONDS
    while True:
        try:
            saved: Mapping[str, Any] = api.call(method, f"{at}{target}", {**wanted, **secrets})
            break
        except ApiError as error:
            if error.status != 422 or "invalid url" not in str(error).lower():
                raise
            if not administers(api):
                raise ResourceError(
                    f"gitlab: it refuses a hook to {wanted['url']}, an address of its own network; have "
                    "an administrator put it on the outbound allow-list, or set relays.url to a public address"
                ) from None
            if time.monotonic() > deadline:
                raise ResourceError(
                    f"gitlab: it still refuses a hook to {wanted['url']} {_CACHED_SECONDS} s after the address came "
                    "on the outbound allow-list; check that relays.address or relays.url is the relay's address as "
                    "GitLab sees it"
                ) from None
            time.sleep(2)
    ignored = [key for key, value in wanted.items() if key in saved and _differs(saved, key, value)]
    ignored += [key for key in ("name", "description") if key not in saved]
    if ignored:
        raise ResourceError(
            f"gitlab: the server ignored {', '.join(ignored)} of the hook; GitLab 17.1 or newer is needed"
        )
    return saved
