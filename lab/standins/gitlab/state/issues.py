"""Issues."""

from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Issue


def by_id(instance: Instance, issue_id: int) -> Issue:
    """The issue with this id, which exists."""
    row = instance.store.first("SELECT * FROM issues WHERE id = ?", issue_id)
    assert row is not None
    return Issue.of(row)
