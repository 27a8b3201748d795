"""What becomes of an event, whichever way it came in."""

import asyncio
import logging
from dataclasses import dataclass
from functools import partial

from relays.engine import StorageError
from relays.gitlab.dispatch import Dispatcher
from relays.gitlab.event import read_event
from relays.gitlab.payload import Payload
from relays.gitlab.pipelines import Pipelines
from relays.outbox import Notification, Outbox

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Intake:
    """Turns events into notifications in the lines of their channels."""

    outbox: Outbox
    dispatcher: Dispatcher
    pipelines: Pipelines

    async def take(self, key: str, payload: Payload) -> str:
        """The outcome, once it is durable: accepted, duplicate, filtered, unsupported, or not stored.

        `key` is that of the delivery, the same whenever GitLab sends it again.
        """
        event = read_event(payload)
        try:
            event = self.pipelines.compare(event)
            reason, messages = self.dispatcher.dispatch(event)
            notifications = [Notification(key, channel, message) for channel, message in messages.items()]
            also = partial(self.pipelines.remember, event=event)
            stored = notifications or self.pipelines.counts(event)
            new = await asyncio.wrap_future(self.outbox.put(notifications, also=also)) if stored else 0
        except StorageError:
            log.error("refused key=%s kind=%.40s reason=storage", key, event.name)
            return "not stored"
        if not messages:
            log.info("ignored key=%s kind=%.40s reason=%s", key, event.name, reason)
            return "unsupported" if reason == "unsupported" else "filtered"
        outcome = "accepted" if new else "duplicate"
        log.info("%s key=%s kind=%s channels=%s", outcome, key, event.name, ",".join(messages))
        return outcome
