"""GitLab's personal access tokens: the first by its console, further ones by its API; the end of one."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import SecretStr
from pyinfra.api import StringCommand

from tasks.operations.api import Api, ApiError
from tasks.operations.remote import last_line, run_quietly
from tasks.operations.resource import ResourceError

NAME = "Passerelle (setup)"
"""What the token is called there."""

SELF = "/api/v4/personal_access_tokens/self"
DAYS = 365
"""How long a token lives: as long as GitLab lets it."""

# JSON in a heredoc that nothing is put into: nothing of it is taken for Ruby.
_SCRIPT = """
require 'json'
asked = JSON.parse(<<'ASKED')
{asked}
ASKED
admins = User.admins.active.order(:id)
user = asked['user'] ? admins.find_by_username(asked['user']) : admins.first
abort 'no administrator of that name' if user.nil?
current = Gitlab::CurrentSettings.current_application_settings
days = [asked['days'], current.try(:max_personal_access_token_lifetime)].compact.min
scopes = current.try(:admin_mode) ? %w[api admin_mode] : %w[api]
token = user.personal_access_tokens.create(name: asked['name'], scopes: scopes, expires_at: days.days.from_now.to_date)
abort token.errors.full_messages.join(', ') unless token.persisted?
described = {{ url: Gitlab.config.gitlab.url, version: Gitlab::VERSION, user: user.username, user_id: user.id,
               id: token.id, expires_at: token.expires_at, token: token.token }}
puts "passerelle #{{described.to_json}}"
"""
_ANSWER = "passerelle {"


def make_by_console(container: str, name: str, user: str | None) -> dict[str, Any]:
    """A token of an administrator, without `user` the first one, with the least that the deploy needs.

    {url, version, user, user_id, id, expires_at, token}; the first two are of GitLab itself. It takes up to a minute.
    """
    asked = json.dumps({"name": name, "user": user, "days": DAYS})
    # The script and its answer, which is the secret, on standard input and output alone.
    ok, output = run_quietly(
        StringCommand("docker exec -i", container, "gitlab-rails runner -"), stdin=_SCRIPT.format(asked=asked)
    )
    lines = output.splitlines()
    answer = next((line for line in lines if line.startswith(_ANSWER)), None)
    if answer is None:
        if not ok and "no administrator" in output:
            raise ResourceError(f"gitlab: it has no administrator {user or ''}; name one with --gitlab-admin")
        raise ResourceError(
            f"gitlab: its console makes no token ({last_line(output)}); make one in GitLab "
            "(an administrator's, scope api) and give it with --gitlab-token-file"
        )
    described: dict[str, Any] = json.loads(answer.removeprefix("passerelle "))
    return described


def details(api: Api) -> dict[str, Any]:
    """What GitLab says of the token that `api` has; empty of one that is no personal access token."""
    found = api.call("GET", SELF, absent=("404",))
    return found if isinstance(found, dict) else {}


def make(api: Api) -> tuple[dict[str, Any], SecretStr]:
    """Another token like the one that `api` has, which must be an administrator's; what GitLab says of it."""
    like = details(api)
    until = (datetime.now(UTC) + timedelta(days=DAYS)).date()
    body = {"name": like["name"], "scopes": like["scopes"], "expires_at": str(until)}
    made: dict[str, Any] = api.call("POST", f"/api/v4/users/{like['user_id']}/personal_access_tokens", body)
    return made, SecretStr(made.pop("token"))


def revoke(api: Api, number: str) -> None:
    """Have GitLab accept the token of ours with that number no longer; it may be the one that `api` has.

    Where the site has another GitLab by now, a token of that number is somebody else's.
    """
    at = f"/api/v4/personal_access_tokens/{number}"
    try:
        found = api.call("GET", at, absent=("404",))
    except ApiError as error:
        if error.status != 401:
            raise
        details(
            api
        )  # raises if it is the token of `api` that is refused; else this is what 404 is to administrators
        return
    if found is not None and found["name"] == NAME and not found["revoked"]:
        api.call("DELETE", at, absent=("404",))
