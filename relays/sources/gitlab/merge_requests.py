"""The relay's memory of open merge requests, by which a push to one of their branches is known to be one.

It holds those that GitLab has sent an event of. GitLab keeps no order among its events, so each is remembered as it was
when it changed last. A branch from before the relay may have one that it has not heard of, until a push to it is
announced.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import NamedTuple

from relays.mattermost import markup
from relays.sources.gitlab.conversations.contribution import Contribution
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.events.common import SHORT_TITLE
from relays.sources.gitlab.storable import storable
from relays.sources.gitlab.timestamps import moment
from relays.storage.engine import Database
from relays.storage.store import Store
from relays.wording import Wording

# Where the relay notes down, in the payload of a push, what is open for its branch.
_KEY = "open_merge_requests"
_OPEN = ("opened", "locked")
_MOST = 3
_LONGEST = 255
_LONGEST_SHA = 64
_LONGEST_ADDRESS = 500
# What nobody has touched for so long is forgotten until somebody does.
_KEEP_SECONDS = 180 * 24 * 3600.0


class MergeRequest(NamedTuple):
    """A merge request; `sha` is the newest commit of its source branch."""

    project: str
    iid: int
    source_project: str
    source_branch: str
    target_branch: str
    sha: str
    title: str
    url: str

    @property
    def reference(self) -> str:
        """What distinguishes it from every other one."""
        return self.reference_of(self.project, str(self.iid))

    @staticmethod
    def reference_of(project: str, iid: str) -> str:
        """The reference of the merge request with this number in a project."""
        return f"{project}!{iid}"

    def is_source_of(self, push: Event) -> bool:
        """Whether it is the source branch that was pushed to."""
        return (self.source_project, self.source_branch) == (push.project, push.branch)

    def is_target_of(self, push: Event) -> bool:
        """Whether it is the target branch that was pushed to."""
        return (self.project, self.target_branch) == (push.project, push.branch)


@dataclass(frozen=True)
class MergeRequests:
    """The tables."""

    store: Store

    def of(self, event: Event) -> list[MergeRequest]:
        """The open ones that a push may be about: from its branch, or to it with the pushed commit. StorageError."""
        if event.name != "push":
            return []
        rows = self.store.read(
            f"SELECT {', '.join(MergeRequest._fields)} FROM merge_requests WHERE is_open"  # noqa: S608
            " AND ((source_project = ? AND source_branch = ?) OR (project = ? AND target_branch = ? AND sha = ?))"
            " ORDER BY project, iid",
            (*_place(event) * 2, storable(event.payload.text("after"), _LONGEST_SHA)),
        )
        return [MergeRequest(*row) for row in rows]

    def may_be_unknown(self, event: Event) -> bool:
        """Whether the branch that is pushed to may have one that was not heard of. StorageError."""
        if event.name != "push" or event.actions != {"update"}:
            return False
        if event.branch == event.payload.text("project", "default_branch"):
            return False  # what is merged into others is another branch
        query = "SELECT 1 FROM branches WHERE project = ? AND branch = ?"
        return not self.store.read(query, _place(event))

    def has_source(self, db: Database, event: Event) -> bool:
        """Whether one has been heard of whose source branch is pushed to, at the moment of a transaction."""
        query = (
            "SELECT 1 FROM merge_requests WHERE is_open AND source_project = ? AND source_branch = ? LIMIT 1"
        )
        return bool(db.execute(query, _place(event)).fetchall())

    def from_branch(self, db: Database, project: str, branch: str, sha: str) -> tuple[str, int] | None:
        """Project and number of the merge request of a branch: an open one, or one that had this commit last."""
        row = db.execute(
            "SELECT project, iid FROM merge_requests WHERE source_project = ? AND source_branch = ?"
            " AND (is_open OR (sha <> '' AND sha = ?)) ORDER BY is_open DESC, project, iid LIMIT 1",
            (storable(project, _LONGEST), storable(branch, _LONGEST), storable(sha, _LONGEST_SHA)),
        ).fetchone()
        return row and (row[0], row[1])

    def place_of(self, db: Database, said: Contribution) -> tuple[str, str, str]:
        """Kind, project and name of the conversation that an event is part of: by its branch, of a merge request."""
        known = said.branch and self.from_branch(db, said.project, said.branch, said.sha)
        return ("merge_request", known[0], str(known[1])) if known else (said.kind, said.project, said.name)

    def remember(self, db: Database, event: Event) -> None:
        """Record how a merge request is, or that a push to a branch was announced, in somebody else's transaction."""
        if event.name == "push" and event.branch != event.payload.text("project", "default_branch"):
            self._remember_branch(db, event)
        if event.name == "merge_request" and event.payload.number("object_attributes", "iid"):
            self._remember(db, event)

    def _remember_branch(self, db: Database, event: Event) -> None:
        now = self.store.now()
        db.execute(
            "INSERT INTO branches (project, branch, seen_at) VALUES (?, ?, ?)"
            " ON CONFLICT (project, branch) DO UPDATE SET seen_at = excluded.seen_at"
            " WHERE branches.seen_at < excluded.seen_at - ?",
            (*_place(event), now, _KEEP_SECONDS / 2),
        )

    def _remember(self, db: Database, event: Event) -> None:
        subject = event.payload.at("object_attributes")
        project, target_branch = _place(event)
        names = (*MergeRequest._fields, "is_open", "changed_at", "seen_at")
        values = MergeRequest(
            project,
            subject.number("iid"),
            storable(source_of(event), _LONGEST),
            storable(subject.text("source_branch"), _LONGEST),
            target_branch,
            storable(subject.text("last_commit", "id"), _LONGEST_SHA),
            storable(subject.text("title"), SHORT_TITLE),
            storable(subject.text("url"), _LONGEST_ADDRESS),
        )
        now = self.store.now()
        db.execute(
            f"INSERT INTO merge_requests ({', '.join(names)}) VALUES ({', '.join('?' * len(names))})"  # noqa: S608
            " ON CONFLICT (project, iid) DO UPDATE SET"
            f" {', '.join(f'{name} = excluded.{name}' for name in names[2:])}"
            " WHERE excluded.changed_at > merge_requests.changed_at OR excluded.changed_at = 0"
            # Of what is said of one second, that it is closed is the last word.
            " OR (excluded.changed_at = merge_requests.changed_at"
            " AND (merge_requests.is_open OR NOT excluded.is_open))",
            (*values, subject.text("state") in _OPEN, moment(subject.text("updated_at")), now),
        )
        for table in ("merge_requests", "branches"):
            db.execute(f"DELETE FROM {table} WHERE seen_at < ?", (now - _KEEP_SECONDS,))  # noqa: S608


def _place(event: Event) -> tuple[str, str]:
    return storable(event.project, _LONGEST), storable(event.branch, _LONGEST)


def source_of(event: Event) -> str:
    """The project that a merge request comes from; empty if that is another one of which GitLab does not say which."""
    subject = event.payload.at("object_attributes")
    is_own = subject.text("source_project_id") == subject.text("target_project_id")
    return subject.text("source", "path_with_namespace") or (event.project if is_own else "")


def announced_with(push: Event, known: Sequence[MergeRequest]) -> list[MergeRequest]:
    """The merge requests of its branch that a push is announced with."""
    return [] if "delete" in push.actions else [each for each in known if each.is_source_of(push)][:_MOST]


def named(push: Event, known: Sequence[MergeRequest]) -> Event:
    """A push with the merge requests noted down that it is announced with."""
    shown = announced_with(push, known)
    if not shown:
        return push
    listed = [{"iid": each.iid, "title": each.title, "url": each.url} for each in shown]
    return replace(push, payload=push.payload.but((_KEY,), listed))


def lines(event: Event, wording: Wording) -> Iterator[markup.Markup]:
    """A line for each merge request that is noted down with a push."""
    for each in event.payload.elements(_KEY):
        shown = markup.plain(f"!{each.text('iid')} {each.text('title')}", SHORT_TITLE)
        yield markup.fill(wording["open_merge_request"], title=markup.link(shown, each.text("url")))
