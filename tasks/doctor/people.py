"""Links of the people that the settings name: each is somebody, in GitLab or in Mattermost, who can sign in.

The deploy refuses names that nobody has, but people leave, and are blocked. Mattermost's side of the channels' members
is a link of its own (tasks.doctor.mattermost).
"""

from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import quote

from relays.sources.gitlab.noise import is_bot
from tasks.doctor.chain import Links, Noted, Unclear, noted, unclear
from tasks.doctor.look import Look
from tasks.operations.api import ApiError

links = Links()


@links.add("people.gitlab", "gitlab.token")
def in_gitlab(look: Look) -> Noted | Unclear | None:
    """Whom `gitlab.people` and `gitlab.notify` name is a person of GitLab."""
    wanted = look.site.gitlab
    named = [(f"gitlab.people.{user}", user) for user in wanted.people]
    named += [(f"gitlab.notify.{user}", user) for user in wanted.notify]
    try:
        missing = [*_missing(named, lambda user: _gitlab_fault(look, user))]
    except ApiError as error:
        # Some instances let no token of a project list people.
        if error.status == 403:
            return unclear("people.unseen")
        raise
    return noted("people.gitlab", names=", ".join(missing)) if missing else None


@links.add("people.mattermost", "mattermost.token")
def in_mattermost(look: Look) -> Noted | None:
    """Whom `gitlab.people` and `mattermost.operators` name is a person of Mattermost."""
    named = [(f"gitlab.people.{user} = {name}", name) for user, name in look.site.gitlab.people.items()]
    operators = enumerate(look.site.mattermost.operators, start=1)
    named += [(f"mattermost.operators.#{number} = {name}", name) for number, name in operators]
    missing = [*_missing(named, lambda name: _mattermost_fault(look, name))]
    return noted("people.mattermost", names=", ".join(missing)) if missing else None


@links.add("people.acting", "gitlab.token")
def acting(look: Look) -> Noted | None:
    """Nobody of Mattermost is several users of GitLab, as whom they could act there."""
    wanted = look.site.gitlab
    users: dict[str, list[str]] = {}
    for user, name in wanted.people.items():
        users.setdefault(name, []).append(user)
    several = [f"{name} ({', '.join(each)})" for name, each in users.items() if len(each) > 1]
    return noted("people.acting", names=", ".join(several)) if wanted.write_token and several else None


def _missing(named: list[tuple[str, str]], fault: Callable[[str], str | None]) -> Iterator[str]:
    """Each setting whose name has a fault, with that if the application has a word for it; each name asked for once."""
    faults = {name: fault(name) for _, name in named}
    for setting, name in named:
        if (found := faults[name]) is not None:
            yield f"{setting} ({found})" if found else setting


def _gitlab_fault(look: Look, user: str) -> str | None:
    """Why a user of GitLab is no person who can sign in: "bot", GitLab's word, or empty for nobody."""
    found = look.gitlab.call("GET", f"/api/v4/users?username={quote(user, safe='')}")
    if not found:
        return ""
    if found[0].get("bot") or is_bot(str(found[0].get("username"))):
        return "bot"
    state = str(found[0].get("state", "active"))
    return None if state == "active" else state


def _mattermost_fault(look: Look, name: str) -> str | None:
    """The same of a user of Mattermost."""
    path = f"/api/v4/users/username/{quote(name, safe='')}"
    found: dict[str, Any] | None = look.mattermost.call("GET", path, absent=("404",))
    if found is None:
        return ""
    if found.get("is_bot"):
        return "bot"
    return "deactivated" if found.get("delete_at") else None
