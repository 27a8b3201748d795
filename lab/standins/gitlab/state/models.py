"""The records that payloads, API answers and pages are made of."""

import json
import re
import sqlite3
from dataclasses import dataclass
from hashlib import sha256
from typing import Any, Self

VISIBILITY_LEVELS = {"private": 0, "internal": 10, "public": 20}
DRAFT = re.compile(r"^\s*(\[draft\]|\(draft\)|draft:)", re.IGNORECASE)
_JSON_COLUMNS = {"assignee_ids", "reviewer_ids", "labels", "attributes", "custom_headers"}
_FLAG_COLUMNS = {"archived", "confidential", "internal", "remove_source_branch"}


class Record:
    """A row of the database as a typed value."""

    @classmethod
    def of(cls, row: sqlite3.Row) -> Self:
        """Build the value from a row that holds a column for each of its fields."""
        columns = dict(row)
        columns |= {name: json.loads(columns[name]) for name in columns.keys() & _JSON_COLUMNS}
        columns |= {name: bool(columns[name]) for name in columns.keys() & _FLAG_COLUMNS}
        return cls(**columns)


@dataclass(frozen=True)
class User(Record):
    """Somebody who acts."""

    id: int
    username: str
    name: str
    email: str

    @property
    def only_in(self) -> int | None:
        """The number of the project that the account is of, if it is that of a project's access token."""
        found = re.fullmatch(r"project_(\d+)_bot_[0-9a-f]+", self.username)
        return int(found[1]) if found else None

    @property
    def avatar_url(self) -> str:
        """Gravatar address, as GitLab derives it when no picture was uploaded."""
        return (
            f"https://secure.gravatar.com/avatar/{sha256(self.email.encode()).hexdigest()}?s=80&d=identicon"
        )


@dataclass(frozen=True)
class Project(Record):
    """A project with what is needed of its namespace."""

    id: int
    namespace_id: int
    namespace_name: str
    namespace_path: str
    namespace_kind: str
    name: str
    path: str
    description: str | None
    visibility: str
    default_branch: str
    creator_id: int
    created_at: str
    archived: bool
    web_root: str
    ssh_host: str

    @property
    def full_path(self) -> str:
        """Namespace and path, as in addresses."""
        return f"{self.namespace_path}/{self.path}"

    @property
    def web_url(self) -> str:
        """The project's page."""
        return f"{self.web_root}/{self.full_path}"

    @property
    def http_url(self) -> str:
        """Where `git clone` finds it."""
        return f"{self.web_url}.git"

    @property
    def ssh_url(self) -> str:
        """The SSH address; nothing listens there in the lab."""
        return f"git@{self.ssh_host}:{self.full_path}.git"

    @property
    def visibility_level(self) -> int:
        """0 private, 10 internal, 20 public."""
        return VISIBILITY_LEVELS[self.visibility]


@dataclass(frozen=True)
class Label(Record):
    """A label of a project."""

    id: int
    project_id: int
    title: str
    color: str
    created_at: str


@dataclass(frozen=True)
class Issue(Record):
    """An issue; `labels` holds titles."""

    id: int
    iid: int
    project_id: int
    title: str
    description: str | None
    state: str
    confidential: bool
    author_id: int
    assignee_ids: list[int]
    labels: list[str]
    updated_by_id: int | None
    created_at: str
    updated_at: str
    closed_at: str | None
    due_date: str | None


@dataclass(frozen=True)
class MergeRequest(Record):
    """A merge request; `labels` holds titles, `source_sha` the head of the source branch when last seen."""

    id: int
    iid: int
    project_id: int
    title: str
    description: str | None
    state: str
    source_branch: str
    target_branch: str
    source_sha: str
    remove_source_branch: bool
    author_id: int
    assignee_ids: list[int]
    reviewer_ids: list[int]
    labels: list[str]
    updated_by_id: int | None
    created_at: str
    updated_at: str
    closed_at: str | None
    merged_at: str | None
    merge_user_id: int | None
    merge_commit_sha: str | None

    @property
    def draft(self) -> bool:
        """Whether the title marks it as a draft."""
        return DRAFT.match(self.title) is not None


@dataclass(frozen=True)
class Milestone(Record):
    """A milestone of a project."""

    id: int
    iid: int
    project_id: int
    title: str
    description: str | None
    state: str
    due_date: str | None
    start_date: str | None
    created_at: str
    updated_at: str


@dataclass(frozen=True)
class Pipeline(Record):
    """A pipeline of a commit on a branch."""

    id: int
    iid: int
    project_id: int
    sha: str
    ref: str
    status: str
    source: str
    created_at: str
    updated_at: str


@dataclass(frozen=True)
class Note(Record):
    """A comment on an issue or a merge request."""

    id: int
    project_id: int
    noteable_type: str
    noteable_id: int
    author_id: int
    body: str
    internal: bool
    created_at: str
    updated_at: str


@dataclass(frozen=True)
class Hook(Record):
    """A project webhook; `attributes` holds everything that GitLab shows back as it was set."""

    id: int
    project_id: int
    url: str
    token: str | None
    signing_token: str | None
    custom_headers: dict[str, str]
    attributes: dict[str, Any]
    created_at: str


@dataclass(frozen=True)
class Commit:
    """A commit with the files it touches against its first parent."""

    id: str
    parent_ids: list[str]
    author_name: str
    author_email: str
    authored_date: str
    committer_name: str
    committer_email: str
    committed_date: str
    message: str
    added: list[str]
    modified: list[str]
    removed: list[str]

    @property
    def title(self) -> str:
        """The first line of the message."""
        return self.message.strip().split("\n", 1)[0]
