"""How what a lease holds gets into its channel: by an incoming webhook, or as a bot (relays.delivery.bot_transport)."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from relays.delivery import digest
from relays.delivery.digest import DigestEntry, Threads
from relays.delivery.lease import Lease
from relays.delivery.roots import Edit
from relays.mattermost.bot_posts import key_properties
from relays.mattermost.client import IncomingWebhook, PostResult
from relays.wording import Wording


def is_direct(channel: str) -> bool:
    """Whether a channel is the one that a bot shares with a person alone."""
    return channel.startswith("@")


@dataclass(frozen=True)
class Attempt:
    """How an attempt ended: the answer, and the rows that it covers, all of the lease if it is None."""

    answer: PostResult
    covered: Sequence[int] | None = None


class Edits(Protocol):
    """The roots of one channel that do not show what is wanted. Any method may raise StorageError."""

    def claim_edits(self, overdue: float) -> list[Edit]:
        """The next roots to edit, due for so many seconds at least."""

    def edit(self, edits: Sequence[Edit]) -> list[PostResult]:
        """Edit each, and record that if it has been done."""

    def not_edited(self, edit: Edit, answer: PostResult, delay: float) -> None:
        """Leave one until so many seconds later."""

    def waits(self, edit: Edit) -> bool:
        """Whether an edit that has failed is still to be made."""

    def edit_delay(self) -> float | None:
        """Seconds until there is something to edit, None if there is nothing."""


class Transport(Protocol):
    """The way into one channel; for one thread."""

    @property
    def edits(self) -> Edits | None:
        """The edits in the channel, None where nothing is edited."""

    def server_time(self) -> float | None:
        """The time to note of an attempt that begins now; None if there is nothing to note, or not yet."""

    def deliver(self, deliveries: Sequence[Lease]) -> list[Attempt | None]:
        """Post what each lease holds; None where what has to be stored before cannot be, and nothing was said."""

    def close(self) -> None:
        """Close its connections; it is not used any more."""


def message_of(
    entries: Sequence[DigestEntry], wording: Wording, threads: Threads | None = None
) -> dict[str, object]:
    """What one post says of the entries: the message of a single one, or a digest; with `threads`, always a digest."""
    if len(entries) == 1 and threads is None:
        return entries[0].message
    return digest.build(entries, wording, time.time(), threads or digest.NO_THREADS)


class WebhookTransport:
    """Messages and digests by an incoming webhook, which knows no conversations: what is there is posted as it is."""

    def __init__(self, webhook: IncomingWebhook, wording: Wording) -> None:
        self._webhook = webhook
        self._wording = wording
        self.edits = None

    def server_time(self) -> float | None:
        """Nothing is noted: what a webhook has posted cannot be looked for."""
        return None

    def deliver(self, deliveries: Sequence[Lease]) -> list[Attempt | None]:
        """Post the message, or the digest, of each."""
        return [self._post(delivery) for delivery in deliveries]

    def close(self) -> None:
        """Close its connection."""
        self._webhook.close()

    def _post(self, delivery: Lease) -> Attempt:
        message = message_of(delivery.entries, self._wording)
        properties = message.get("props")
        known = properties if isinstance(properties, dict) else {}
        keys = key_properties([entry.key for entry in delivery.entries])
        return Attempt(self._webhook.post({**message, "props": {**known, **keys}}))
