"""What the server answers while its database does not: recorded on 5.37, and quite unlike an outage.

The database is inside this process and cannot be away, so a file `database-down` in the data folder stands for it,
for as long as it is there. Sessions, accounts, settings and webhooks are answered from memory, as by a server that has
been asked for them a moment before.
"""

from __future__ import annotations

from lab.standins.mattermost.state.errors import ApiError

_MISLEADING = {
    ("GET", "/api/v4/teams/name/{team_name}"): ("app.team.get_by_name.app_error", 404),
    # As if for ever, to whoever's session is known already; an answer of 400 and one of 401 were recorded as well.
    ("POST", "/api/v4/posts"): ("api.context.permissions.app_error", 403),
    ("PUT", "/api/v4/posts/{post_id}/patch"): ("api.context.permissions.app_error", 403),
    ("GET", "/api/v4/posts/{post_id}"): ("app.post.get.app_error", 500),
    ("GET", "/api/v4/channels/{channel_id}/posts"): ("app.post.get_posts_since.app_error", 500),
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
