"""A comment as the API shows it."""

from typing import Any

from lab.standins.gitlab.payloads import user
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Note


def to_json(instance: Instance, note: Note) -> dict[str, Any]:
    """A comment as the API shows it."""
    author = instance.users.get(note.author_id)
    return {
        "id": note.id,
        "type": None,
        "body": note.body,
        "author": user.brief(author, instance.config.external_url) if author else None,
        "created_at": note.created_at,
        "updated_at": note.updated_at,
        "system": False,
        "noteable_id": note.noteable_id,
        "noteable_type": note.noteable_type,
        "project_id": note.project_id,
        "resolvable": False,
        "internal": note.internal,
        "confidential": note.internal,
    }
