"""All that the relay remembers of what it has heard and told."""

from dataclasses import dataclass

from relays.engine import Database
from relays.gitlab.announced import Announced
from relays.gitlab.holding import Holding
from relays.gitlab.merge_requests import MergeRequests
from relays.gitlab.pipelines import Pipelines
from relays.store import Store


@dataclass(frozen=True)
class Memory:
    """The tables, each of which is used in the transaction that takes an event."""

    pipelines: Pipelines
    merge_requests: MergeRequests
    announced: Announced
    holding: Holding

    @classmethod
    def of(cls, store: Store) -> "Memory":
        """What is remembered in a store."""
        return cls(Pipelines(store), MergeRequests(store), Announced(store), Holding(store))

    def forget(self, db: Database) -> None:
        """Remove what is so old that nothing more will come of it."""
        self.announced.forget(db)
        self.holding.forget(db)
