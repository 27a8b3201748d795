"""The relay's memory of how the last pipeline of each branch ended.

GitLab 19 says itself whether a pipeline is "fixed", "broken" or "still_failing" compared with the one before it; for
those that do not, this does. A pipeline that is retried ends once more under its number, at a later time. GitLab keeps
no order among its events and may send one twice, so only what ended earlier is compared with.
"""

from dataclasses import dataclass
from typing import NamedTuple

from relays.sources.gitlab.event import Event, read_event
from relays.sources.gitlab.storable import storable
from relays.sources.gitlab.timestamps import moment
from relays.storage.engine import Database
from relays.storage.store import Store

_LONGEST = 300

_COMPARED = {
    ("failed", "success"): "fixed",
    ("success", "failed"): "broken",
    ("failed", "failed"): "still_failing",
}


@dataclass(frozen=True)
class PipelineHistory:
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
            "SELECT pipeline, finished_at, status FROM pipelines WHERE project = ? AND ref = ?", _place(event)
        )
        end, last = _end(event), _End(*rows[0]) if rows else None
        outcome = _COMPARED.get((last.status, end.status)) if last and end.follows(last) else None
        return (
            read_event(event.payload.but(("object_attributes", "ref_status_name"), outcome), event.header)
            if outcome
            else event
        )

    def remember(self, db: Database, event: Event) -> None:
        """Record how a pipeline ended, in somebody else's transaction."""
        if self.counts(event):
            number, finished_at, status = _end(event)
            db.execute(
                "INSERT INTO pipelines (project, ref, pipeline, finished_at, status) VALUES (?, ?, ?, ?, ?)"
                " ON CONFLICT (project, ref) DO UPDATE SET pipeline = excluded.pipeline, status = excluded.status,"
                " finished_at = excluded.finished_at WHERE excluded.pipeline > pipelines.pipeline"
                " OR (excluded.pipeline = pipelines.pipeline AND (excluded.finished_at > pipelines.finished_at"
                " OR excluded.finished_at = 0 OR pipelines.finished_at = 0))",
                (*_place(event), number, finished_at, status),
            )


class _End(NamedTuple):
    """How a pipeline ended and when; 0 if that is not known."""

    number: int
    finished_at: float
    status: str

    def follows(self, other: "_End") -> bool:
        """Whether this end is a later one than the other, as far as is known."""
        if self.number != other.number:
            return self.number > other.number
        if self.finished_at and other.finished_at:
            return self.finished_at > other.finished_at
        return self.status != other.status


def _place(event: Event) -> tuple[str, str]:
    names = event.project, event.payload.text("object_attributes", "ref")
    return storable(names[0], _LONGEST), storable(names[1], _LONGEST)


def _end(event: Event) -> _End:
    pipeline = event.payload.at("object_attributes")
    return _End(pipeline.number("id"), moment(pipeline.text("finished_at")), pipeline.text("status"))
