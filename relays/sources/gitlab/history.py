"""All that the relay remembers of what it has received and announced."""

from dataclasses import dataclass

from relays.sources.gitlab.announcements import Announced
from relays.sources.gitlab.delayed import DelayedDeliveries
from relays.sources.gitlab.merge_requests import MergeRequests
from relays.sources.gitlab.pipeline_history import PipelineHistory
from relays.storage.engine import Database
from relays.storage.store import Store


@dataclass(frozen=True)
class History:
    """The tables, each of which is used in the transaction that takes an event."""

    pipelines: PipelineHistory
    merge_requests: MergeRequests
    announced: Announced
    holding: DelayedDeliveries

    @classmethod
    def of(cls, store: Store) -> "History":
        """What is remembered in a store."""
        return cls(PipelineHistory(store), MergeRequests(store), Announced(store), DelayedDeliveries(store))

    def forget(self, db: Database) -> None:
        """Remove what is so old that nothing more will come of it."""
        self.announced.forget(db)
        self.holding.forget(db)
