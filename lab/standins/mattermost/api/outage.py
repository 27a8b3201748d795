"""What the server answers while its database does not: recorded on 5.37, and quite unlike an outage.

The database is inside this process and cannot be away, so a file `database-down` in the data folder stands for it,
for as long as it is there. Sessions, accounts, settings and webhooks are answered from memory, as by a server that has
been asked for them a moment before.
"""

from __future__ import annotations

from lab.standins.mattermost.state.errors import ApiError

_MISLEADING = {
    ("GET", "/api/v4/teams/name/{team_name}"): ("app.team.get_by_name.app_error", 404),
    ("POST", "/api/v4/users/login"): ("api.user.login.invalid_credentials_email_username", 401),
}
_FROM_MEMORY = {
    ("GET", "/api/v4/system/ping"),
    ("GET", "/api/v4/users/{user_id}"),
    ("GET", "/api/v4/config"),
    ("GET", "/api/v4/config/environment"),
    ("GET", "/api/v4/config/client"),
    ("POST", "/hooks/{hook_id}"),
}


def refuse(method: str, path: str) -> None:
    """Raise what a route answers without its database; a route that was not recorded answers 500."""
    if path.startswith(("/api/", "/hooks/")) and (method, path) not in _FROM_MEMORY:
        raise ApiError(*_MISLEADING.get((method, path), ("standin.not_recorded.app_error", 500)))
