"""Who somebody of Mattermost is in GitLab, and what they may do there: by GitLab's API, with a token of the site's.

    GET /users?username=…                     the account of that name
    GET /users?search=…                       that of an e-mail address, as far as it is shown
    GET /projects/:id/members/all/:user_id    the role in a project, of its groups as well

They are the same person as for direct messages (conversations.identities): as the site says, else by the same address,
else by the same name, unless the addresses are known to differ. A role is asked for each time, for it may be taken from
somebody.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from relays.sources.gitlab.noise import is_bot
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.people import UserNames
from relays.sources.gitlab.reader import Ask
from relays.sources.gitlab.reminders.reading import uses
from relays.sources.gitlab.rest import PlaceApi, Server, UnknownError

# Access levels; from Reporter on all of a project may be read (GitLab's code of 17.4 to 19.4).
_GUEST, _REPORTER = 10, 20
DEVELOPER, MAINTAINER = 30, 40


@dataclass(frozen=True)
class Account:
    """A user of GitLab who can sign in."""

    id: int
    username: str


@dataclass(frozen=True)
class Access:
    """What somebody may read of a project: its issues, those that are confidential and theirs, its merge requests."""

    issues: bool = False
    confidential: bool = False
    merge_requests: bool = False
    pipelines: bool = False

    @property
    def anything(self) -> bool:
        """Whether there is something."""
        return self.issues or self.merge_requests


def named_account(server: Server, people: UserNames, name: str, ask: Ask) -> Account | None:
    """The account that the site says is that of whoever has this name in Mattermost. GitLabError."""
    named = [user for user, other in people.items() if other == name]
    found = _users(server, "username", named[0], ask) if named else []
    return next(filter(None, map(_account, found)), None)


def find_account(server: Server, people: UserNames, name: str, email: str, ask: Ask) -> Account | None:
    """The account of whoever has this name and address in Mattermost; None if it is not beyond doubt. GitLabError."""
    if name in people.values():
        return named_account(server, people, name, ask)
    # Whoever bears this name in GitLab is somebody else in Mattermost, as the site says.
    foreign = {user.lower() for user in people}
    by_email = [
        each
        for each in (_users(server, "search", email, ask) if "@" in email else [])
        if each.text("public_email").lower() == email.lower()
    ]
    by_name = [
        each
        for each in _users(server, "username", name, ask)
        if each.text("username").lower() == name and not ("@" in email and "@" in each.text("public_email"))
    ]
    for found in (by_email, by_name):
        if len(found) == 1 and found[0].text("username").lower() not in foreign:
            return _account(found[0])
    return None


def _users(server: Server, by: str, value: str, ask: Ask) -> list[Payload]:
    query: Mapping[str, str | int] = {by: value, "per_page": 20}
    found = ask(lambda: server.get("users", query, "users", ""))
    return [Payload(each) for each in found if isinstance(each, dict)] if isinstance(found, list) else []


def _account(user: Payload) -> Account | None:
    username = user.text("username")
    usable = user.text("state") == "active" and not user.flag("bot") and not is_bot(username)
    return Account(user.number("id"), username) if usable and user.number("id") else None


def role_in(api: PlaceApi, account: Account, ask: Ask) -> int:
    """The access level of an account in a project, that of its groups as well; 0 for none. GitLabError."""
    try:
        member = Payload(ask(lambda: api.one(f"members/all/{account.id}", {}, "members", "")))
    except UnknownError:
        return 0
    counts = member.number("id") == account.id and member.text("state") in ("", "active")
    return member.number("access_level") if counts else 0


def access_to(api: PlaceApi, project: Payload, account: Account, ask: Ask) -> Access:
    """What an account may read of a project that GitLab describes so; nothing in case of doubt. GitLabError."""
    level = role_in(api, account, ask)
    visibility = project.text("visibility")
    # What is internal is for everybody who is signed in, but those whom GitLab calls external, which it does not show.
    is_open = visibility == "public" or (visibility == "internal" and level >= _GUEST)

    def reads(feature: str, role: int) -> bool:
        shown = project.text(f"{feature}_access_level")
        return uses(project, feature) and (level >= role or (is_open and shown == "enabled"))

    return Access(
        issues=reads("issues", _GUEST),
        confidential=level >= _GUEST,
        merge_requests=reads("merge_requests", _REPORTER),
        pipelines=uses(project, "builds") and level >= _REPORTER,
    )
