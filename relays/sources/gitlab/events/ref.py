"""What a push does to a branch or a tag."""

from relays.sources.gitlab.events.common import is_nothing
from relays.sources.gitlab.payload import Payload


def action_of(payload: Payload) -> str:
    """create, delete, or update: also where the payload does not say what was there before."""
    if is_nothing(payload.text("after")):
        return "delete"
    return "create" if is_nothing(payload.text("before")) else "update"


def is_moved(payload: Payload) -> bool:
    """Whether it was at another commit before, for certain."""
    before, after = payload.text("before"), payload.text("after")
    return bool(before and after) and before != after
