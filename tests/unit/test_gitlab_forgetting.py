"""What is old is forgotten at each event, so it has to be found without looking at all that is remembered."""

from pathlib import Path
from typing import Any

from relays.delivery.tables import OUTBOX
from relays.sources.gitlab.conversations.table import Conversations
from relays.sources.gitlab.event import read_event
from relays.sources.gitlab.history import History
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.tables import GITLAB
from tests.stores import running_store
from tests.unit.acts_world import merge_request, push

# What is held waits for seconds, and there are few of it.
FEW = ("held",)


class Noting:
    """A database that notes how it would find what is too old."""

    def __init__(self, db: Any) -> None:
        self.db = db
        self.plans: dict[str, str] = {}

    def execute(self, statement: str, values: Any = ()) -> Any:
        words = statement.split()
        if "< ?" in statement and words[0] in ("DELETE", "SELECT"):
            plan = self.db.execute(f"EXPLAIN QUERY PLAN {statement}", values).fetchall()
            self.plans[words[words.index("FROM") + 1]] = " ".join(str(row[-1]) for row in plan)
        return self.db.execute(statement, values)


def test_by_an_index(tmp_path: Path) -> None:
    with running_store(tmp_path, None, OUTBOX, GITLAB) as store:
        memory = History.of(store)
        plans: dict[str, str] = {}

        def work(db: Any) -> None:
            noting: Any = Noting(db)
            for payload in (merge_request("open"), push()):
                memory.merge_requests.remember(noting, read_event(Payload(payload)))
            memory.forget(noting)
            Conversations(store).forget(noting)
            plans.update(noting.plans)

        store.submit(work).result()
    assert {"merge_requests", "branches", "announced", "conversation_states", *FEW} == {*plans}
    assert [name for name, plan in plans.items() if " INDEX " not in plan and name not in FEW] == []
