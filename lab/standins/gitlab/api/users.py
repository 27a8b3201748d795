"""Who calls, and who there is."""

from starlette.responses import JSONResponse, Response

from lab.standins.gitlab.api.call import Call
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


def index(call: Call) -> Response:
    """`GET /users`, by `username`, which is the whole name, or `search`, which nobody's address is shown by."""
    username, wanted = call.text("username"), (call.text("search") or "").lower()
    found = [
        user
        for user in call.instance.users.all()
        if username is None or user.username.lower() == username.lower()
        if wanted in f"{user.username} {user.name}".lower()
    ]
    return call.page([brief(user, call.instance.config.external_url) for user in found])
