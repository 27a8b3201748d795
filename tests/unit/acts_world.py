"""A GitLab relay from what is stored to what is put into the outbox, and the events of one act."""

import itertools
import json
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from relays.delivery.metrics import Metrics
from relays.delivery.outbox import Notification, Outbox
from relays.delivery.tables import OUTBOX
from relays.sources.gitlab import delayed as holding
from relays.sources.gitlab.attempt_journal import AttemptJournal
from relays.sources.gitlab.channel_events import ChannelEvents
from relays.sources.gitlab.conversations.conversing import Conversing
from relays.sources.gitlab.dead_letters import DeadLetters
from relays.sources.gitlab.event_processor import EventProcessor, Tally
from relays.sources.gitlab.history import History
from relays.sources.gitlab.inbox import Delivery, Inbox
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.outcome import Settling
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.silences import Silences
from relays.sources.gitlab.tables import GITLAB
from relays.storage.engine import Database
from relays.storage.store import Store
from tests.stores import running_store
from tests.unit.test_relays_messages import load
from tests.waiting import wait_until

NOTHING = "0" * 40
BASE, HEAD, MERGE = "a" * 40, "b" * 40, "c" * 40
_KEYS = itertools.count()

Payload = dict[str, Any]


class RecordingOutbox(Outbox):
    """An outbox that notes in `posts` what is put into it, once that is committed."""

    def __init__(self, store: Store, instance: str, posts: list[Notification]) -> None:
        super().__init__(store, instance)
        self._posts = posts

    def put(self, make: Callable[[Database], Sequence[Notification]]) -> Future[int]:
        made: list[Notification] = []

        def recording(db: Database) -> Sequence[Notification]:
            made[:] = make(db)
            return made

        # Noted before whoever waits for it goes on, which a callback of the store's own future would not have to be.
        noted: Future[int] = Future()

        def note(done: Future[int]) -> None:
            if error := done.exception():
                noted.set_exception(error)
            else:
                self._posts.extend(made)
                noted.set_result(done.result())

        super().put(recording).add_done_callback(note)
        return noted


@dataclass
class World:
    """The relay; `hear` has it hear events one after the other. Its clock stands still unless a test moves it."""

    store: Store
    folder: Path
    router: Router
    counters: Counter[str] = field(default_factory=Counter)
    now: float = field(default_factory=time.time)
    wake: Callable[[], object] = lambda: None
    conversing: Conversing | None = None
    channel_events: ChannelEvents | None = None
    silences: Silences | None = None
    posts: list[Notification] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.store.now = lambda: self.now  # type: ignore[method-assign]

    def hear(self, *payloads: Payload, keys: Sequence[str] = ()) -> None:
        """Each event is processed before the next one comes, or held back; in the end all that is held is announced."""
        stop = self.start()
        for number, payload in enumerate(payloads):
            self.put(payload, keys[number] if keys else "")
        stop()

    def hear_at_once(self, *payloads: Payload) -> None:
        """All events are there before the first of them is processed; in the end all that is held is announced."""
        Inbox(self.store).put(lambda: [_delivery(payload) for payload in payloads]).result()
        self.start()()

    def put(self, payload: Payload, key: str = "") -> None:
        """Store an event and have it looked into."""
        received = Inbox(self.store)
        received.put(lambda: [_delivery(payload, key)]).result()
        self.wake()
        self._wait_until_looked_into(received)

    def start(self) -> Callable[..., None]:
        """Have what is stored announced; what is given back ends that, once all of it is unless it does not `wait`."""
        received, outbox = Inbox(self.store), RecordingOutbox(self.store, "test", self.posts)
        metrics = Metrics(outbox.stats, lambda: False)
        forgetting = [each.forget for each in (self.conversing, self.channel_events, self.silences) if each]
        settling = Settling(
            received,
            DeadLetters(self.store),
            History.of(self.store),
            self.router.mute,
            self.conversing,
            self.channel_events,
            self.silences,
            forgetting,
        )
        attempt, tally = AttemptJournal(self.folder / "attempt"), Tally(metrics, self.counters)
        processor = EventProcessor(settling, outbox, self.router, attempt, tally)
        self.wake = lambda: received.put(list).result()
        processor.start()

        def stop(wait: bool = True) -> None:
            if wait:
                self._wait_until_looked_into(received)
                self.let_time_pass(holding.LONGEST_SECONDS)
                wait_until("all processed", lambda: received.pending() == 0, 30, 0.01)
            processor.stop()
            processor.join(30)
            assert not processor.is_alive()

        return stop

    def let_time_pass(self, seconds: float) -> None:
        """Move the clock on."""
        self.now += seconds
        self.wake()

    def _wait_until_looked_into(self, received: Inbox) -> None:
        wait_until("looked into", lambda: received.pending() == self.held(), 30, 0.005)

    def held(self) -> int:
        """How many are held back."""
        query = "SELECT count(*) FROM received WHERE delivery_key IN (SELECT delivery_key FROM held)"
        ((number,),) = self.store.read(query)
        return int(number)

    def announced(self, channel: str = "dev") -> list[str]:
        """All that is shown in a channel, message by message."""
        rows = self.store.read("SELECT message FROM outbox WHERE channel = ? ORDER BY id", (channel,))
        return [text.replace("\u200b", "") for (text,) in rows]


@contextmanager
def world(
    folder: Path,
    spool: str | None,
    *routes: Route,
    mute: Mute | None = None,
    default: Route | None = None,
    **more: Any,
) -> Iterator[World]:
    """A relay with these routes, on this spool."""
    with running_store(folder, spool, OUTBOX, GITLAB) as store:
        yield World(store, folder, Router([*routes, default or Route(("dev",))], mute or Mute(), **more))


def _delivery(payload: Payload, key: str = "") -> Delivery:
    return Delivery(key or f"key-{next(_KEYS)}", json.dumps(payload).encode())


def push(
    before: str = BASE, after: str = HEAD, branch: str = "feature/quota", commits: Sequence[str] = ("Fix",)
) -> Payload:
    """A push, with the titles of its commits."""
    payload = load("push_normal") | {"before": before, "after": after, "ref": f"refs/heads/{branch}"}
    commit = payload["commits"][0]
    payload["commits"] = [
        {**commit, "id": after, "title": title.partition("\n")[0], "message": title} for title in commits
    ]
    payload["total_commits_count"] = len(commits)
    return payload


def merge_request(action: str, **attributes: Any) -> Payload:
    """An event of the merge request !8 from feature/quota to main, whose newest commit is HEAD."""
    names = {
        "open": "merge_request_open",
        "merge": "merge_request_merge",
        "approved": "merge_request_approved",
    }
    payload = load(names.get(action, "merge_request_update_empty_changes"))
    payload["changes"] = {}
    payload["object_attributes"]["last_commit"]["id"] = HEAD
    payload["object_attributes"] |= {"merge_params": {}, "action": action} | attributes
    return payload


def new_commits(**attributes: Any) -> Payload:
    """The update of the merge request by a push."""
    return merge_request("update", oldrev=BASE, **attributes)


def merged(**attributes: Any) -> Payload:
    """The merge, with which the source branch is removed."""
    removing = {"merge_params": {"force_remove_source_branch": "1"}, "merge_commit_sha": MERGE}
    return merge_request("merge", **(removing | attributes))


def merge_push(
    title: str = "Merge branch 'feature/quota' into 'main'",
    text: str = "Corrige le calcul du quota\n\nSee merge request taaf/projet-test-taaf!8",
    branch: str = "main",
    after: str = MERGE,
) -> Payload:
    """The push that GitLab sends with a merge."""
    return push(BASE, after, branch, ["Corrige", f"{title}\n\n{text}"])


def branch_gone(before: str = HEAD, branch: str = "feature/quota") -> Payload:
    """The end of a branch."""
    return push(before, NOTHING, branch, [])


def comment(number: int, text: str, user: str = "alex", iid: int = 8, line: int | None = None) -> Payload:
    """A comment on a merge request."""
    payload = load("note_merge_request")
    payload["user"].update(username=user, name=user.title())
    payload["merge_request"].update(iid=iid)
    payload["object_attributes"].update(id=number, note=text)
    if line is not None:
        payload["object_attributes"].update(type="DiffNote", position={"new_path": "a.py", "new_line": line})
    return payload


def approval(user: str = "alex", iid: int = 8) -> Payload:
    """The approval of a merge request."""
    payload = merge_request("approved", iid=iid)
    payload["user"].update(username=user, name=user.title())
    return payload
