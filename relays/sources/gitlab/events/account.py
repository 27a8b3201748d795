"""Accounts of people."""

from collections.abc import Mapping

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.event_kind import EventKind, gitlab_name
from relays.sources.gitlab.events.common import NAME, first, line
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

# The actions by the names that are documented for system hooks.
_KNOWN: Mapping[str, str] = {
    "user_create": "created",
    "user_destroy": "deleted",
    "user_rename": "renamed",
}


class Account(EventKind):
    """An account comes, goes or changes its name."""

    name = "account"
    gitlab_names = tuple(_KNOWN)
    actions = ("created", "deleted", "renamed")
    triggers = ()

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Whose account came, went or changed its name."""
        names = (payload.text("user_name"), payload.text("name"), payload.text("user_username"))
        accounts = (payload.text("username"), payload.text("user_username"))
        return line(
            wording[f"account.{_KNOWN[gitlab_name(payload)]}"],
            user=markup.bold(first(names) or wording["someone"], NAME),
            account=markup.given(markup.code, first(accounts), NAME),
            former=markup.given(markup.code, payload.text("old_username"), NAME),
        )

    def actions_of(self, payload: Payload) -> tuple[str]:
        return (_KNOWN[gitlab_name(payload)],)
