"""The relay's memory of how the last pipeline of each branch ended.

GitLab 19 says itself whether a pipeline is "fixed", "broken" or "still_failing" compared with the one before it; for
those that do not, this does. GitLab keeps no order among its events, so only an older pipeline is compared with.
"""

from dataclasses import dataclass

from relays.engine import Database
from relays.gitlab.event import Event, read_event
from relays.store import Store

_LONGEST = 300

_COMPARED = {
    ("failed", "success"): "fixed",
    ("success", "failed"): "broken",
    ("failed", "failed"): "still_failing",
}


@dataclass(frozen=True)
class Pipelines:
    """The table."""

    store: Store

    def counts(self, event: Event) -> bool:
        """Whether an event is the end of a pipeline that later ones are compared with.

        Canceled pipelines, those of merge requests and children of other pipelines are not.
        """
        return (
            event.name == "pipeline"
            and not event.actions.isdisjoint(("success", "failed"))
            and not event.payload.mapping("source_pipeline")
            and not event.payload.mapping("merge_request")
        )

    def compare(self, event: Event) -> Event:
        """The event with what it amounts to, as far as it is known; StorageError."""
        if not self.counts(event) or event.payload.text("object_attributes", "ref_status_name"):
            return event
        rows = self.store.read(
            "SELECT pipeline, status FROM pipelines WHERE project = ? AND ref = ?", _place(event)
        )
        status, number = _state(event)
        outcome = _COMPARED.get((rows[0][1], status)) if rows and rows[0][0] < number else None
        return (
            read_event(event.payload.but(("object_attributes", "ref_status_name"), outcome))
            if outcome
            else event
        )

    def remember(self, db: Database, event: Event) -> None:
        """Record how a pipeline ended, in somebody else's transaction."""
        if self.counts(event):
            status, number = _state(event)
            db.execute(
                "INSERT INTO pipelines (project, ref, pipeline, status) VALUES (?, ?, ?, ?)"
                " ON CONFLICT (project, ref) DO UPDATE SET pipeline = excluded.pipeline, status = excluded.status"
                " WHERE excluded.pipeline > pipelines.pipeline",
                (*_place(event), number, status),
            )


def _place(event: Event) -> tuple[str, str]:
    # Longer ones, which are none of GitLab's, PostgreSQL's index would refuse.
    return event.project[:_LONGEST], event.payload.text("object_attributes", "ref")[:_LONGEST]


def _state(event: Event) -> tuple[str, int]:
    pipeline = event.payload.at("object_attributes")
    return pipeline.text("status"), pipeline.number("id")
