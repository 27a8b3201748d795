"""A dispatcher on a store, and a Mattermost that gives the answers that were laid out for it."""

from collections.abc import Sequence
from dataclasses import dataclass, field

from relays.delivery.dispatcher import Dispatcher
from relays.delivery.lease import Lease
from relays.delivery.metrics import Metrics
from relays.delivery.outbox import Notification, Outbox
from relays.delivery.roots import Edit, Roots
from relays.delivery.transport import Attempt
from relays.mattermost.client import Meaning, PostResult
from relays.mattermost.markup import Markup
from relays.mattermost.message import Message
from relays.storage.store import Store

POSTED = PostResult(Meaning.POSTED)


def message(text: str) -> Message:
    return Message("bot", ":robot:", summary=Markup(text), text=Markup(text))


class Way:
    """The way into a channel: gives the answers that were laid out for it, and then takes everything."""

    def __init__(self, channel: str, site: "Site") -> None:
        self.channel = channel
        self.closed = 0
        self.edits = self if site.edits else None
        self._site = site

    def server_time(self) -> float | None:
        return 1.0

    def deliver(self, deliveries: Sequence[Lease]) -> list[Attempt | None]:
        assert not self.closed
        attempts: list[Attempt | None] = []
        for delivery in deliveries:
            answer = self._site.answers.pop(0) if self._site.answers else POSTED
            if answer.meaning is Meaning.POSTED:
                self._site.taken.extend((self.channel, entry.key) for entry in delivery.entries)
            attempts.append(Attempt(answer))
        return attempts

    def claim_edits(self, overdue: float) -> list[Edit]:
        return self._site.roots.claim(self.channel, 8, overdue)

    def edit(self, edits: Sequence[Edit]) -> list[PostResult]:
        answers = [self._site.answers.pop(0) if self._site.answers else POSTED for _ in edits]
        for edit, answer in zip(edits, answers, strict=True):
            if answer.meaning is Meaning.POSTED:
                self._site.taken.append((self.channel, f"edit of {edit.conversation.name}"))
                self._site.roots.edited(edit)
        return answers

    def waits(self, edit: Edit) -> bool:
        return self._site.roots.waits(edit)

    def not_edited(self, edit: Edit, answer: PostResult, delay: float) -> None:
        self._site.delays.append(delay)
        self._site.roots.not_edited(edit, self._site.edited_again, uncertain=answer.uncertain)

    def edit_delay(self) -> float | None:
        return self._site.roots.delay_of(self.channel)

    def close(self) -> None:
        self.closed += 1


@dataclass
class Site:
    """A dispatcher on a store, and what Mattermost was given by it."""

    store: Store
    edits: bool = True
    edited_again: float = 0.0
    """How many seconds after it has failed an edit is made again."""
    ways: list[Way] = field(default_factory=list)
    taken: list[tuple[str, str]] = field(default_factory=list)
    answers: list[PostResult] = field(default_factory=list)
    delays: list[float] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.outbox = Outbox(self.store, "host")
        self.roots = Roots(self.store, "host")
        self.metrics = Metrics(self.outbox.stats, lambda: False, lambda: self.dispatcher.held())
        roots = self.roots if self.edits else None
        self.dispatcher = Dispatcher(self.outbox, self.connect, self.metrics, roots)

    def connect(self, channel: str) -> Way:
        self.ways.append(Way(channel, self))
        return self.ways[-1]

    def put(self, key: str, channel: str = "dev") -> None:
        self.outbox.put(lambda db: [Notification(key, channel, message(key))]).result()

    def want_edit(self, channel: str = "dev") -> None:
        """A root is there that does not show what is wanted."""
        root = Notification("root", channel, None, "x!1", message("open"))
        self.outbox.put(lambda db: [root]).result()
        self.store.submit(
            lambda db: db.execute(
                "UPDATE conversation SET post_id = 'p', shown = 'other', due_at = touched_at"
            )
        ).result()

    def lines(self) -> list[str]:
        return [worker.name.removeprefix("dispatcher ") for worker in self.dispatcher.workers]
