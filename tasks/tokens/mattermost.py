"""Mattermost's personal access tokens: made with an administrator's log-in or token; the end of one."""

from collections.abc import Callable

from pydantic import SecretStr

from tasks.operations.api import Api, ApiError
from tasks.operations.resource import ResourceError

NAME = "Passerelle (setup)"
"""What the token is called there."""

_DISABLED = "app.user_access_token.disabled"
_TOKENS = ("ServiceSettings", "EnableUserAccessTokens")


class WrongPassword(ResourceError):
    """The name and the password do not belong together."""


class CodeNeeded(ResourceError):
    """The account has a second factor, whose code is missing or wrong."""


def log_in(
    api: Callable[[SecretStr], Api], url: str, user: str, password: SecretStr, code: str = ""
) -> SecretStr:
    """The token of a session, to be ended with `log_out`. Raises WrongPassword or CodeNeeded."""
    body = {"login_id": user, "password": password.get_secret_value(), "token": code}
    try:
        return SecretStr(api(SecretStr("-")).header("POST", "/api/v4/users/login", body, "Token"))
    except ApiError as error:
        if "mfa" in error.code:
            raise CodeNeeded(
                f"mattermost: {user} logs in with a second factor, whose code is missing or wrong; give it with "
                "--mattermost-code"
            ) from None
        if error.status in (400, 401):
            raise WrongPassword(
                f"mattermost: {url} does not take that password of {user} (where people sign in elsewhere, through "
                "GitLab or SAML, give a personal access token instead)"
            ) from None
        raise


def log_out(api: Api) -> None:
    """End the session that `api` has."""
    api.call("POST", "/api/v4/users/logout")


def require_administrator(api: Api) -> str:
    """The name of the account that `api` has a token of; ResourceError unless it is a system administrator's."""
    me = api.call("GET", "/api/v4/users/me")
    if "system_admin" not in me.get("roles", "").split():
        raise ResourceError(
            f"mattermost: {me['username']} is no system administrator; give the token or the log-in of one, or give "
            "that account the role"
        )
    return str(me["username"])


def are_allowed(api: Api) -> bool:
    """Whether people may have personal access tokens."""
    section, setting = _TOKENS
    return bool(api.call("GET", "/api/v4/config")[section][setting])


def allow(api: Api) -> None:
    """Let people have personal access tokens; ResourceError if Mattermost's environment says otherwise."""
    section, setting = _TOKENS
    answer = api.call("PUT", "/api/v4/config/patch", {section: {setting: True}})
    if not answer[section][setting]:
        raise ResourceError(
            "mattermost: MM_SERVICESETTINGS_ENABLEUSERACCESSTOKENS in its environment forbids personal access tokens; "
            "take that out, recreate the container, then run again"
        )


def make(api: Api, description: str) -> tuple[str, SecretStr]:
    """A new token of the account that `api` has a token of: its number, and the token. It never expires."""
    try:
        made = api.call("POST", f"/api/v4/users/{api.me}/tokens", {"description": description})
    except ApiError as error:
        if error.code == _DISABLED:
            raise ResourceError(
                "mattermost: personal access tokens are switched off; switch them on under System Console > "
                "Integrations > Integration Management, then run again"
            ) from None
        raise
    return str(made["id"]), SecretStr(made["token"])


def revoke(api: Api, token: str) -> None:
    """Have Mattermost accept the token of that number no longer; it may be the one that `api` has."""
    api.call("POST", "/api/v4/users/tokens/revoke", {"token_id": token}, absent=("404",))
