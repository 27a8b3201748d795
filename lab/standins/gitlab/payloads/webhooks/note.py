"""`Note Hook` and `Confidential Note Hook`."""

from hashlib import sha1
from typing import Any

from lab.standins.gitlab.payloads.webhooks import common
from lab.standins.gitlab.state.clock import hook_time
from lab.standins.gitlab.state.models import Note, Project, User


def build(
    actor: User,
    note: Note,
    project: Project,
    *,
    companion: dict[str, dict[str, Any]],
    page: str,
    confidential: bool,
    action: str | None = "create",
) -> dict[str, Any]:
    """The payload for a comment; `companion` is what it stands on, under the key of its kind, shown at `page`."""
    return {
        "object_kind": "note",
        "event_type": "confidential_note" if confidential else "note",
        "user": common.user(actor),
        "project_id": project.id,
        "project": common.project(project),
        "object_attributes": {
            "attachment": None,
            "author_id": note.author_id,
            "change_position": None,
            "commit_id": None,
            "created_at": hook_time(note.created_at),
            "discussion_id": sha1(f"note-{note.id}".encode(), usedforsecurity=False).hexdigest(),
            "id": note.id,
            "internal": note.internal,
            "line_code": None,
            "note": note.body,
            "noteable_id": note.noteable_id,
            "noteable_type": note.noteable_type,
            "original_position": None,
            "position": None,
            "project_id": note.project_id,
            "resolved_at": None,
            "resolved_by_id": None,
            "resolved_by_push": None,
            "st_diff": None,
            "system": False,
            "type": None,
            "updated_at": hook_time(note.updated_at),
            "updated_by_id": None,
            "description": note.body,
            "url": f"{page}#note_{note.id}",
            **({"action": action} if action else {}),
        },
        "repository": common.repository(project),
        **companion,
    }
