"""What issues and merge requests have in common in the database: numbers and labels."""

from lab.standins.gitlab.state import clock
from lab.standins.gitlab.state.instance import Instance
from lab.standins.gitlab.state.models import Label, Project

_LABEL_COLOR = "#6699cc"


def next_iid(instance: Instance, table: str, project: Project) -> int:
    """The next number within the project; to be called inside the transaction that uses it."""
    return 1 + instance.store.count(f"SELECT max(iid) FROM {table} WHERE project_id = ?", project.id)  # noqa: S608


def labels(instance: Instance, project: Project, titles: list[str]) -> list[Label]:
    """The project's labels with these titles; missing ones are created, as GitLab does."""
    for title in titles:
        instance.store.run(
            "INSERT OR IGNORE INTO labels (project_id, title, color, created_at) VALUES (?, ?, ?, ?)",
            project.id, title, _LABEL_COLOR, clock.now(),
        )  # fmt: skip
    rows = instance.store.all("SELECT * FROM labels WHERE project_id = ? ORDER BY title", project.id)
    return [label for label in map(Label.of, rows) if label.title in titles]
