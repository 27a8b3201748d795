"""Pushes to a branch."""

from relays import markup
from relays.gitlab.events.common import BRANCH, ICON, NAME, PROJECT, USERNAME, project_of, user_of
from relays.gitlab.payload import Payload
from relays.message import Message
from relays.wording import Wording


def build(payload: Payload, wording: Wording) -> Message:
    """Who pushed how many commits to which branch, or created, deleted, moved it."""
    # GitLab sends the twenty newest commits and the true number of them.
    commits = max(payload.number("total_commits_count"), payload.length("commits"))
    text = markup.fill(
        wording[f"push.{_change(payload, commits)}"],
        user=markup.bold(user_of(payload, wording), NAME),
        commits=commits,
        project=markup.bold(project_of(payload, wording), PROJECT),
        branch=markup.code(payload.text("ref").removeprefix("refs/heads/"), BRANCH),
    )
    return Message(username=USERNAME, icon_emoji=ICON, text=text)


def _change(payload: Payload, commits: int) -> str:
    if is_nothing(payload.text("after")):
        return "deleted"
    if commits:
        return "commits"
    return "created" if is_nothing(payload.text("before")) else "moved"


def is_nothing(revision: str) -> bool:
    """Whether a revision stands for a branch or tag that is not there (any more)."""
    # Forty zeros, sixty-four in a SHA-256 repository.
    return bool(revision) and not revision.strip("0")
