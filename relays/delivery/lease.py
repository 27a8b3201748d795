"""A lease of rows of the outbox: what one post is to cover, and how the attempt to post it ended."""

import time
from collections.abc import Sequence
from dataclasses import dataclass
from enum import Enum

from relays.delivery import digest
from relays.delivery.conversation import Conversation
from relays.delivery.digest import DigestEntry, Threads

# A living relay renews its claims much more often; what a dead one held is free after this.
LEASE_SECONDS = 30.0
LONGEST_DELAY_SECONDS = 3600.0


class LeaseOutcome(Enum):
    """How an attempt to deliver ended; UNTRIED: there was none."""

    DELIVERED = "delivered"
    RETRY = "retry"
    REFUSED = "refused"
    UNTRIED = "untried"


@dataclass(frozen=True)
class Lease:
    """Claimed rows, to be sent now in one post: a message, or a digest of several.

    `attempts` counts those of the first, this one included; `behind` says whether the channel is. `claimed_at` is
    of this process's monotonic clock. For a bot, `conversation` is that of all the rows if they have one, `noted_at`
    the time that was noted of this attempt, None if there was none to note, and `threads` are the conversations of the
    rows if they go into one digest of the channel, None if they do not.
    """

    channel: str
    claim_id: str
    entries: Sequence[DigestEntry]
    attempts: int
    behind: bool
    claimed_at: float
    conversation: Conversation | None = None
    noted_at: float | None = None
    threads: Threads | None = None

    @property
    def was_tried(self) -> bool:
        """Whether there was an attempt of which nobody knows how it ended."""
        return any(entry.attempt_at is not None for entry in self.entries)

    @property
    def said(self) -> list[DigestEntry]:
        """The rows that the post has to say something of."""
        return digest.said(self.entries, self.threads or digest.NO_THREADS)

    @property
    def named(self) -> list[Conversation]:
        """The conversations that a digest of the channel says how they stand."""
        names = dict.fromkeys(entry.conversation for entry in self.said)
        return [self.threads[name] for name in names if name in self.threads] if self.threads else []

    @property
    def is_fresh(self) -> bool:
        """Whether the claim holds for certain, although nobody has renewed it yet."""
        return time.monotonic() - self.claimed_at < LEASE_SECONDS / 2


@dataclass(frozen=True)
class Settlement:
    """How the attempt with a lease ended, and what its rows are from then on.

    `delay` is how long a RETRY waits at least, in seconds. `covered` are the rows that were DELIVERED, all if it is
    None; the others are free again, and were not sent. `uncertain`: what has to be sent again may have been taken all
    the same.
    """

    lease: Lease
    outcome: LeaseOutcome
    reason: str = ""
    delay: float = 0.0
    covered: Sequence[int] | None = None
    uncertain: bool = False
