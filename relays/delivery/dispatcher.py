"""The dispatcher: takes notifications from the outbox to Mattermost, one line of them per channel.

A channel's line stands still while Mattermost is away, and goes on by itself: nothing overtakes, nothing is lost,
and other channels are not held up. Only a message that Mattermost refuses for what it is leaves the line.
A line that is behind goes out as digests (relays.delivery.digest), as a bot those of several conversations at the same
time (relays.delivery.bot_transport), of which each keeps its order.

How a channel is reached is its transport's affair (relays.delivery.transport). Roots of conversations are edited when
the line has nothing to say, so that each is edited once for all that has changed; in a line that is never empty, after
some seconds, in turns with what it says.
"""

import threading
import time
from collections.abc import Callable

from relays.base.worker import Worker
from relays.delivery.channel_worker import ChannelWorker
from relays.delivery.lease import LEASE_SECONDS
from relays.delivery.metrics import Metrics, channel_label
from relays.delivery.outbox import Outbox
from relays.delivery.roots import Roots
from relays.delivery.transport import Transport, is_direct

# How long a line that has nothing to do is kept, unless it is in the way of others.
_KEPT_SECONDS = 60.0
# How many persons are written to at the same time: each line is a thread, of which a process may have so many
# (TasksMax of the unit), and a morning's reminders may be for everybody.
_MOST_DIRECT = 200
_RENEW_SECONDS = LEASE_SECONDS / 3
# What is under way at a stop gets this long; Mattermost may need longer, then the message is sent again at the start.
_FAREWELL_SECONDS = 3.0


class Dispatcher:
    """Delivers what is in the outbox. `connect` makes the transport into a channel, which edits `roots` if any."""

    def __init__(
        self,
        outbox: Outbox,
        connect: Callable[[str], Transport],
        metrics: Metrics,
        roots: Roots | None = None,
    ) -> None:
        self._outbox = outbox
        self._connect = connect
        self._metrics = metrics
        self._roots = roots
        self._lines: dict[str, ChannelWorker] = {}
        self._guard = threading.Lock()
        self._stopping = False
        self._is_crowded = False
        self._renew_at = 0.0

    @property
    def workers(self) -> list[Worker]:
        """One thread for each channel that has had something to deliver within the last minute.

        Of persons so many at most; the others wait for one of these to end, and for the next `look`.
        """
        with self._guard:
            return list(self._lines.values())

    def held(self) -> dict[str, str]:
        """What is held up until somebody does something, each with the reason; nothing is lost meanwhile.

        By channel as metrics.channel_label has it; of several persons one reason is as good as the other.
        """
        return self._reasons(lambda line: line.held)

    def retrying(self) -> dict[str, str]:
        """In the same way, what Mattermost has not taken the last time and is tried again until it does."""
        return self._reasons(lambda line: line.retrying)

    def _reasons(self, of: Callable[[ChannelWorker], str]) -> dict[str, str]:
        with self._guard:
            lines = list(self._lines.items())
        return {channel_label(channel): reason for channel, line in lines if (reason := of(line))}

    def start(self) -> None:
        """Deliver what a previous process left, and from now on what comes."""
        self._outbox.subscribe(self.wake)
        for channel in self._outbox.recover():
            self.wake(channel)
        if self._roots:
            self._roots.recover()
        self.look()

    def wake(self, channel: str) -> None:
        """There is something new for the channel."""
        with self._guard:
            if self._stopping:
                return
            line = self._lines.get(channel)
            if line is None and is_direct(channel) and self._has_most_direct():
                self._is_crowded = True
                return
            if line is None:
                transport = self._connect(channel)
                line = ChannelWorker(channel, self._outbox, transport, self._metrics, self._let_go)
                self._lines[channel] = line
                line.start()
            # Before anybody lets go of it, which is why this is done under the guard.
            line.wake()

    def _has_most_direct(self) -> bool:
        return sum(map(is_direct, self._lines)) >= _MOST_DIRECT

    def look(self) -> None:
        """Find what no line is there for: what another process has put back into one, or what there was no room for."""
        self._is_crowded = False  # that is found anew
        channels = self._outbox.waiting_channels()
        if self._roots:
            channels += self._roots.waiting_channels()
        for channel in channels:
            if channel not in self._lines:
                self.wake(channel)

    def _let_go(self, line: ChannelWorker) -> bool:
        """Forget a line that has nothing to do; False if it is kept, or there is something new for it after all."""
        with self._guard:
            in_the_way = self._is_crowded and is_direct(line.channel)
            if line.has_news or not (in_the_way or line.idle_seconds >= _KEPT_SECONDS):
                return False
            del self._lines[line.channel]
            return True

    def renew(self) -> None:
        """Keep what is under way claimed; to be called every few seconds."""
        if time.monotonic() >= self._renew_at:
            self._renew_at = time.monotonic() + _RENEW_SECONDS
            with self._guard:
                under_way = [lease for line in self._lines.values() for lease in line.deliveries]
                edits = [edit.claim_id for line in self._lines.values() for edit in line.edits]
            if under_way:
                self._outbox.renew(under_way)
            if self._roots and edits:
                self._roots.renew(edits)

    def stop(self) -> None:
        """End after the deliveries that are under way, or without them if they take long."""
        with self._guard:
            self._stopping = True
        for line in self.workers:
            line.stop()
        until = time.monotonic() + _FAREWELL_SECONDS
        for line in self.workers:
            line.join(max(0.0, until - time.monotonic()))
