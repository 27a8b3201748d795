"""What becomes of an event, whichever way it came in."""

import asyncio
import logging
from dataclasses import dataclass

from relays.gitlab.events import BUILDERS, kind_of
from relays.gitlab.payload import Payload
from relays.outbox import Notification, Outbox
from relays.store import StorageError
from relays.wording import Wording

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Intake:
    """Turns events into notifications in the line of `channel`."""

    outbox: Outbox
    channel: str
    wording: Wording

    async def take(self, key: str, payload: Payload) -> str:
        """The outcome, once it is durable: accepted, duplicate, filtered, unsupported, or not stored.

        `key` is that of the delivery, the same whenever GitLab sends it again.
        """
        kind = kind_of(payload)
        builder = BUILDERS.get(kind)
        if builder is None:
            log.info("ignored key=%s kind=%.40s reason=unsupported", key, kind)
            return "unsupported"
        message = builder(payload, self.wording)
        if message is None:
            log.info("ignored key=%s kind=%s reason=no news", key, kind)
            return "filtered"
        try:
            new = await asyncio.wrap_future(self.outbox.put([Notification(key, self.channel, message)]))
        except StorageError:
            log.error("refused key=%s kind=%s reason=storage", key, kind)
            return "not stored"
        outcome = "accepted" if new else "duplicate"
        log.info("%s key=%s kind=%s", outcome, key, kind)
        return outcome
