"""Pushes to a branch."""

from collections.abc import Iterator

from relays.mattermost import markup
from relays.mattermost.message import Message
from relays.sources.gitlab.conversations.contribution import Contribution
from relays.sources.gitlab.event_kind import EventKind
from relays.sources.gitlab.events.common import (
    BRANCH,
    NAME,
    PROJECT,
    commit_line,
    is_nothing,
    lines,
    project_of,
    title_of_commit,
    user_of,
)
from relays.sources.gitlab.events.ref import action_of, is_moved
from relays.sources.gitlab.payload import Payload
from relays.wording import Wording

_MOST_COMMITS = 5


class Push(EventKind):
    """A push to a branch."""

    name = "push"
    gitlab_names = ("push",)
    actions = ("create", "update", "delete")
    triggers = ("push_events",)
    author_at = ("user_username",)
    branch_at = ("ref",)

    def build(self, payload: Payload, wording: Wording) -> Message:
        """Who pushed how many and which commits to which branch, or created, deleted, moved it."""
        commits = _commits(payload)
        first = markup.fill(
            wording[f"push.{_change(payload, commits)}"],
            user=markup.bold(user_of(payload, wording), NAME),
            commits=commits,
            project=markup.given(markup.bold, project_of(payload, wording), PROJECT),
            branch=markup.given(markup.code, _branch(payload), BRANCH),
        )
        return lines(first, list(_list(payload, wording, commits)))

    def actions_of(self, payload: Payload) -> tuple[str]:
        return (action_of(payload),)

    def contribution(self, payload: Payload, project: str, actions: frozenset[str]) -> Contribution | None:
        if actions != {"update"}:
            return None
        branch, counts = _branch(payload), {"pushes": 1, "commits": _commits(payload)}
        return Contribution(
            "", project, "", counts=counts, insists=True, branch=branch, sha=payload.text("after")
        )

    def reply(self, payload: Payload, wording: Wording) -> Message | None:
        commits = _commits(payload)
        first = markup.fill(
            wording["reply.push" if commits else "reply.push.moved"],
            user=markup.bold(user_of(payload, wording), NAME),
            commits=commits,
        )
        return lines(first, list(_list(payload, wording, commits)))


def _commits(payload: Payload) -> int:
    # GitLab sends the twenty newest commits and the true number of them.
    return max(payload.number("total_commits_count"), payload.length("commits"))


def _list(payload: Payload, wording: Wording, commits: int) -> Iterator[markup.Markup]:
    """The newest commits, the latest first, and how many more there are."""
    newest = payload.elements("commits")[: -_MOST_COMMITS - 1 : -1]
    for commit in newest:
        shown = commit_line(commit.text("id"), commit.text("url"), title_of_commit(commit))
        if shown is not None:
            author = markup.given(markup.plain, commit.text("author", "name"), NAME)
            yield markup.fill(wording["push.commit"], commit=shown, author=author)
    if newest and commits > len(newest):
        more = markup.fill(wording["push.more"], commits=commits - len(newest))
        yield markup.Markup(f"- {markup.link(more, _comparison(payload))}")


def _comparison(payload: Payload) -> str:
    """The address of all that was pushed; for a new branch there is nothing to compare with."""
    before, after, project = payload.text("before"), payload.text("after"), payload.text("project", "web_url")
    return f"{project}/-/compare/{before}...{after}" if project and after and not is_nothing(before) else ""


def _change(payload: Payload, commits: int) -> str:
    action = action_of(payload)
    if action == "update":
        # Without a new commit the branch went back, which takes force.
        return "commits" if commits else "moved" if is_moved(payload) else "other"
    if action == "create":
        return "new_commits" if commits else "created"
    return "deleted"


def _branch(payload: Payload) -> str:
    return payload.text("ref").removeprefix("refs/heads/")
