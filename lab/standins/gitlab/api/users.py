"""Who calls, and with which token."""

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.api.endpoint import token_of
from lab.standins.gitlab.payloads.user import brief


def current(call: Call) -> Response:
    """`GET /user`."""
    user = call.user
    row = call.instance.store.first(
        "SELECT id FROM namespaces WHERE kind = 'user' AND path = ?", user.username
    )
    return JSONResponse(
        {
            **brief(user, call.instance.config.external_url),
            "email": user.email,
            "commit_email": user.email,
            "is_admin": user.id == 1,
            "bot": False,
            "external": False,
            "can_create_project": True,
            "two_factor_enabled": False,
            "namespace_id": row["id"] if row else None,
        }
    )


def token(call: Call) -> Response:
    """`GET /personal_access_tokens/self`."""
    row = call.instance.users.token(token_of(call.request) or "")
    return JSONResponse(
        {
            "id": row["id"],
            "name": "automation",
            "revoked": False,
            "created_at": row["created_at"],
            "scopes": [row["scope"]],
            "user_id": call.user.id,
            "active": True,
            "expires_at": None,
        }
    )
