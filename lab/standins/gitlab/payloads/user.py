"""A user as the API shows it."""

from lab.standins.gitlab.state.models import User


def brief(user: User, web_root: str) -> dict[str, object]:
    """A user as other records embed it."""
    return {
        "id": user.id,
        "username": user.username,
        "public_email": "",
        "name": user.name,
        "state": "active",
        "locked": False,
        "avatar_url": user.avatar_url,
        "web_url": f"{web_root}/{user.username}",
    }
