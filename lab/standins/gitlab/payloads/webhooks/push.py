"""`Push Hook` and `Tag Push Hook`."""

from typing import Any

from lab.standins.gitlab.payloads.webhooks import common
from lab.standins.gitlab.state.models import Commit, Project, User

BLANK = "0" * 40
"""The object id that stands for a ref which does not exist."""


def build(
    project: Project,
    actor: User,
    *,
    ref: str,
    before: str,
    after: str,
    checkout_sha: str | None,
    message: str | None,
    commits: list[Commit],
    total: int,
) -> dict[str, Any]:
    """The payload for one changed ref; `commits` holds the newest, oldest first, `total` counts all of them."""
    kind = "tag_push" if ref.startswith("refs/tags/") else "push"
    return {
        "object_kind": kind,
        "event_name": kind,
        "before": before,
        "after": after,
        "ref": ref,
        "ref_protected": ref == f"refs/heads/{project.default_branch}",
        "checkout_sha": checkout_sha,
        "message": message,
        "user_id": actor.id,
        "user_name": actor.name,
        "user_username": actor.username,
        "user_email": "",
        "user_avatar": actor.avatar_url,
        "project_id": project.id,
        "project": common.project(project),
        "commits": [
            {
                **common.commit(commit, project),
                "added": commit.added,
                "modified": commit.modified,
                "removed": commit.removed,
            }
            for commit in commits
        ],
        "total_commits_count": total,
        "push_options": {},
        "repository": {
            **common.repository(project),
            "git_http_url": project.http_url,
            "git_ssh_url": project.ssh_url,
            "visibility_level": project.visibility_level,
        },
    }
