"""Comments."""

from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Issue, MergeRequest, Note


def of(instance: Instance, noteable: Issue | MergeRequest) -> list[Note]:
    """The comments on something, oldest first."""
    rows = instance.store.all(
        "SELECT * FROM notes WHERE noteable_type = ? AND noteable_id = ? ORDER BY id",
        type(noteable).__name__, noteable.id,
    )  # fmt: skip
    return [Note.of(row) for row in rows]
