"""Links at GitLab: the server, the tokens, the allow-list, the hooks, and the container's way to the relay."""

import ipaddress
import re
from collections.abc import Iterable
from datetime import UTC, date, datetime, timedelta
from email.utils import parsedate_to_datetime

from tasks.context import HOOK_NAME
from tasks.doctor import machine
from tasks.doctor.chain import Broken, Links, Noted, Unclear, broken, noted, of_each_project, unclear
from tasks.doctor.look import Look, at
from tasks.doctor.mattermost import decode
from tasks.gitlab import triggers_of
from tasks.operations.api import ApiError
from tasks.operations.gitlab import SETTINGS, require_scope, signs
from tasks.operations.hooks import has_secrets
from tasks.operations.resource import ResourceError
from tasks.tokens.gitlab import details

links = Links()
machine.way_to("gitlab", links, "docker.services")

_OLDEST = (17, 1)
_DEVELOPER = 30
# How long before its end a token is named.
_SOON = timedelta(days=30)
# The relay refuses what is signed more than five minutes away.
_APART_SECONDS = 120
_UNKNOWN_NAME, _REFUSED, _TOO_SLOW, _NO_CURL = 6, 7, 28, (126, 127)
_REJECTED = re.compile(r"No route to host|unreachable|prohibited", re.IGNORECASE)


@links.add("gitlab.health", "gitlab.port")
def health(look: Look) -> Broken | None:
    """It is GitLab that answers; without a token its API answers 401, or 200 where it is open to all."""
    if found := machine.passed_on("gitlab", look):
        return found
    answer = look.host["web"]["gitlab"]
    # 403 has no body of its own where GitLab itself keeps an address out.
    ours = answer["status"] in (200, 401) and answer["body"].lstrip().startswith("{")
    return (
        None
        if ours or answer["status"] == 403
        else broken("gitlab.stranger", url=look.site.gitlab.url, status=answer["status"])
    )


@links.add("gitlab.token", "gitlab.health", "ssh.forwarding")
def token(look: Look) -> Broken | None:
    """The deploy's token is known."""
    try:
        look.gitlab.call("GET", "/api/v4/version")
    except ApiError as error:
        if error.status == 401:
            return broken("gitlab.token", url=look.site.gitlab.url)
        raise
    try:
        require_scope(look.gitlab, "api")
    except ApiError:
        raise
    except ResourceError as error:
        return broken("gitlab.scope", detail=str(error))
    return None


@links.add("gitlab.expiry", "gitlab.token")
def expiry(look: Look) -> Noted | None:
    """No token of the settings is about to expire."""
    apis = [("gitlab.token", look.gitlab)]
    if look.site.gitlab.read_token:
        apis.append(("gitlab.read_token", look.reader()))
    if look.site.gitlab.write_token:
        apis.append(("gitlab.write_token", look.writer()))
    for setting, api in apis:
        try:
            until = details(api).get("expires_at")
        except ApiError:
            continue  # named by the links that need this token
        if isinstance(until, str) and date.fromisoformat(until) - datetime.now(UTC).date() <= _SOON:
            return noted("gitlab.expiry", setting=setting, until=until)
    return None


@links.add("gitlab.version", "gitlab.token")
def version(look: Look) -> Broken | None:
    """GitLab is new enough."""
    found = re.match(r"(\d+)\.(\d+)", look.version)
    old = found is not None and (int(found[1]), int(found[2])) < _OLDEST
    return broken("gitlab.version", version=look.version) if old else None


@links.add("gitlab.clock", "gitlab.port")
def clock(look: Look) -> Broken | Unclear | None:
    """GitLab's clock and the host's agree, or signatures would look too old."""
    page = look.host["web"]["gitlab"]
    try:
        theirs = parsedate_to_datetime(page["date"]).timestamp()
    except ValueError:
        return unclear("gitlab.no-date")
    apart = theirs - page["at"]
    return broken("gitlab.clock", seconds=f"{apart:+.0f}") if abs(apart) > _APART_SECONDS else None


@links.add("gitlab.allow-list", "gitlab.token")
def allow_list(look: Look) -> Broken | None:
    """Hooks may reach the relay."""
    try:
        settings = look.gitlab.call("GET", SETTINGS)
    except ApiError as error:
        if error.status == 403:
            # Of a GitLab elsewhere it is somebody else's; whether its events come, its log of deliveries says.
            return broken("gitlab.role") if look.site.gitlab.service else None
        raise
    open_to_all = settings.get("allow_local_requests_from_web_hooks_and_services") and not settings.get(
        "deny_all_requests_except_allowed"
    )
    entries = settings.get("outbound_local_requests_whitelist") or []
    return (
        None if open_to_all or allows(entries, look.relay) else broken("gitlab.allow-list", relay=look.relay)
    )


@links.add("gitlab.push-limit", "gitlab.token")
def push_limit(look: Look) -> Broken | Noted | None:
    """GitLab fires hooks for pushes, and for how many branches or tags at once."""
    try:
        limit = look.gitlab.call("GET", SETTINGS).get("push_event_hooks_limit")
    except ApiError as error:
        if error.status == 403:
            return None  # the link of the allow-list says so
        raise
    if not isinstance(limit, int):
        return None
    return noted("gitlab.push-limit", limit=limit) if limit else broken("gitlab.push-limit")


def allows(entries: Iterable[str], relay: str) -> bool:
    """Whether an entry covers ADDRESS:PORT: itself, the address, or a range around it."""
    shown = relay.rpartition(":")[0]
    address = shown.removeprefix("[").removesuffix("]")
    for entry in entries:
        if entry in (relay, shown, address):
            return True
        try:
            if ipaddress.ip_address(address) in ipaddress.ip_network(entry, strict=False):
                return True
        except ValueError:
            continue
    return False


@links.add("gitlab.reach", "gitlab-relay.health", "docker.services")
def reach(look: Look) -> Broken | Unclear | None:
    """GitLab's container gets through to the port of the relay."""
    found = look.host["reach"]
    code, values = found["code"], {"relay": look.relay, "detail": found["said"]}
    if code == _REFUSED:
        # curl has one code for both, and what it says of it differs between releases.
        return broken(
            "gitlab.reach-rejected" if _REJECTED.search(found["why"]) else "gitlab.reach-refused", **values
        )
    if code == _TOO_SLOW:
        return broken("gitlab.reach-timeout", **values)
    if code == _UNKNOWN_NAME:
        return broken("gitlab.reach-name", **values)
    if code in _NO_CURL:
        return unclear("gitlab.no-curl", service=look.site.gitlab.service)
    if code:
        return broken("gitlab.reach", **values)
    return None if "status" in decode(found["body"]) else broken("gitlab.reach-other", **values)


@links.add("gitlab.project", "gitlab.version")
@of_each_project
def project(look: Look, project: str) -> Broken | None:
    """The project is there."""
    found = look.gitlab.call("GET", at(project), absent=("404",))
    return broken("gitlab.project") if found is None else None


@links.add("gitlab.write-token", "gitlab.project")
@of_each_project
def write_token(look: Look, project: str) -> Broken | None:
    """The relay's token to act with, if there is one, has the scope and the role for it in the project."""
    if look.site.gitlab.write_token is None:
        return None
    api = look.writer()
    try:
        require_scope(api, "api")
        found = api.call("GET", at(project))
    except ApiError as error:
        if error.status in (401, 403, 404):
            return broken("gitlab.write-token", status=error.status)
        raise
    except ResourceError:
        return broken("gitlab.write-scope")
    roles = [role["access_level"] for role in (found.get("permissions") or {}).values() if role]
    # Of an administrator, who is no member, GitLab names no role.
    return broken("gitlab.write-role") if roles and max(roles) < _DEVELOPER else None


@links.add("gitlab.hook", "gitlab.project")
@of_each_project
def hook(look: Look, project: str) -> Broken | None:
    """One hook, to the relay's address, not disabled, on all events that are wanted."""
    hooks = look.hooks[project]
    if not hooks:
        return broken("gitlab.hook-missing", hook=HOOK_NAME)
    if len(hooks) > 1:
        return broken("gitlab.hook-twice", hook=HOOK_NAME, count=len(hooks))
    found = hooks[0]
    if found["url"] != look.hook_url:
        return broken("gitlab.hook-address", url=look.hook_url)
    status = found.get("alert_status") or "executable"
    if status != "executable":
        return broken("gitlab.hook-disabled", status=status, until=found.get("disabled_until") or "-")
    missing = [
        name for name, on in triggers_of(look.site).items() if on and found.get(name, True) is not True
    ]
    return broken("gitlab.hook-triggers", triggers=", ".join(missing)) if missing else None


@links.add("gitlab.hook-secrets", "gitlab.hook")
@of_each_project
def secrets(look: Look, project: str) -> Broken | None:
    """The hook has its secrets, and they are those that the relay expects."""
    found = look.hooks[project][0]
    wanted = ("token", "signing_token") if signs(look.version) else ("token",)
    missing = [name for name in wanted if found.get(f"{name}_present") is False]
    if missing:
        return broken("gitlab.hook-secret-missing", secrets=", ".join(missing))
    if look.fingerprint is None:
        return broken("gitlab.secret-files")
    return None if has_secrets(found, look.fingerprint) else broken("gitlab.hook-secrets")
