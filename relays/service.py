"""The life of a relay process: start, supervision, orderly end. Both relays are this with another source."""

import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import partial
from pathlib import Path

from relays.base import process, systemd
from relays.base.instance_lock import StateDirectory
from relays.base.settings import RelayPaths, Spool, StartError, parse_arguments
from relays.base.status import StatusFile
from relays.base.worker import Worker
from relays.delivery.bot_connection import BotConnection
from relays.delivery.bot_transport import BotTransport
from relays.delivery.dispatcher import Dispatcher
from relays.delivery.metrics import Metrics
from relays.delivery.outbox import Notification, Outbox, insert
from relays.delivery.roots import Roots
from relays.delivery.standing import Poster, Standing
from relays.delivery.tables import OUTBOX
from relays.delivery.transport import Transport, WebhookTransport
from relays.mattermost import markup
from relays.mattermost.bot import BotChannel
from relays.mattermost.bot_session import Bot
from relays.mattermost.client import Hook, IncomingWebhook
from relays.mattermost.message import RELAY, Message
from relays.storage.engine import Database, StorageError
from relays.storage.opening import open_store
from relays.storage.recovery import Rescue
from relays.storage.schema import Tables
from relays.storage.store import Store
from relays.wording import Wording

log = logging.getLogger(__name__)

_TICK_SECONDS = 2.0
# A thousand rows each time: more than a relay of a large site delivers.
_PRUNE_SECONDS = 60.0
_STOP_SECONDS = 5.0
_PATH = 200


def main(
    program: str, build: Callable[[RelayPaths], "Service"], arguments: Sequence[str] | None = None
) -> int:
    """Start the relay that `build` makes from its paths and serve until asked to stop; the exit code."""
    try:
        paths = parse_arguments(program, arguments)
        process.set_up()
        return build(paths).run()
    except StartError as error:
        print(f"{program}: {error}", file=sys.stderr)
        return error.code


def _report_rescue(wording: Wording, channel: str, after_rescue: str, db: Database, rescue: Rescue) -> None:
    if after_rescue:
        db.execute(after_rescue)
    text = markup.fill(
        wording["rescue"],
        waiting=rescue.waiting,
        parked=rescue.parked,
        file=markup.code(str(rescue.kept), _PATH),
    )
    message = Message(RELAY, ":warning:", summary=text, text=text)
    insert(db, Notification(f"rescue:{rescue.kept.name}", channel, message), time.time())


class Service:
    """Store, outbox and dispatcher of a relay, and the workers of its source (`add`).

    `sender` is what posts. `tables` are those of the source, and `after_rescue` is SQL that makes them fit for use
    after a part of their rows was lost (storage.quarantine); for `digest_from` see delivery.digest. `spool` names a
    PostgreSQL database that holds the store, otherwise it is a file in `state`.
    """

    def __init__(
        self,
        state: Path,
        wording: Wording,
        sender: Hook | Bot,
        digest_from: int,
        tables: Tables,
        spool: Spool = Spool(),  # noqa: B008
        after_rescue: str = "",
    ) -> None:
        self.wording = wording
        self._state = StateDirectory(state)
        announce = partial(_report_rescue, wording, sender.channel, after_rescue)
        engine = open_store(state / "relay.db", spool, (OUTBOX, tables), announce, self._state.instance)
        self.store = Store(engine)
        is_bot = isinstance(sender, Bot)
        self.outbox = Outbox(self.store, self._state.instance, digest_from, by_conversation=is_bot)
        self._roots = Roots(self.store, self._state.instance)
        self._sender = sender
        self.metrics = Metrics(
            self.outbox.stats,
            lambda: self.store.failing,
            lambda: self.dispatcher.held(),
        )
        self.metrics.add_gauge(
            "backlog_edits", "Roots of conversations that wait for an edit", self._roots.due
        )
        roots = self._roots if is_bot else None
        self.dispatcher = Dispatcher(self.outbox, self._connect, self.metrics, roots)
        by: Poster = "bot" if is_bot else "hook"
        self.standing = Standing(self.store, self.outbox, self.dispatcher, self.metrics, wording, by)
        self.on_channel: Callable[[str, str], object] = lambda channel, channel_id: None
        """What hears, as a bot, of each channel that is posted in: its name, and which one that is now."""
        self._sources: list[Worker] = []
        self._stop = threading.Event()
        self._exit_code = os.EX_OK
        self._notes: dict[str, tuple[str, Mapping[str, object]]] = {}
        self._status_file = StatusFile()

    def add(self, source: Worker) -> None:
        """A worker that runs as long as the service; its death ends the service."""
        self._sources.append(source)

    def leave(self, exit_code: int) -> None:
        """End the service, from any thread."""
        self._exit_code = exit_code
        self._stop.set()

    def note(self, source: str, text: str, **data: object) -> None:
        """What the status says about a source, in words and as data, until its next note."""
        self._notes[source] = text, data

    def run(self) -> int:
        """Serve until SIGTERM, SIGINT, `leave` or the death of a worker; the exit code."""
        # Waited for in a thread instead of handled: a handler interrupts the main thread anywhere, in a lock as well.
        # Not with sigtimedwait: in CPython 3.11 it returns as if by a signal when SIGCONT finds it past its time.
        process.hold_stop_signals()
        threading.Thread(target=self._wait_for_signal, daemon=True).start()
        self.store.start()
        self.dispatcher.start()
        for source in self._sources:
            source.start()
        systemd.notify("READY=1")
        log.info("started")
        self._supervise()
        systemd.notify("STOPPING=1")
        self._end()
        log.info("stopped exit_code=%d", self._exit_code)
        return self._exit_code

    def health(self) -> tuple[bool, dict[str, object]]:
        """Whether notifications are taken and delivered, and the figures of the outbox, as Standing.health."""
        return self.standing.health(self._is_well())

    def _connect(self, channel: str) -> Transport:
        if isinstance(self._sender, Hook):
            return WebhookTransport(IncomingWebhook(self._sender, channel), self.wording)
        sender = self._sender

        def connect() -> BotConnection:
            bot = BotChannel(sender, channel, self.on_channel)
            return BotConnection(bot, channel, self.outbox, self._roots, self.wording)

        return BotTransport(connect, channel, self._roots)

    def _is_well(self) -> bool:
        return all(worker.healthy for worker in self._workers())

    def _workers(self) -> list[Worker]:
        return [self.store, *self.dispatcher.workers, *self._sources]

    def _wait_for_signal(self) -> None:
        signal.sigwait(process.STOP_SIGNALS)
        self._stop.set()

    def _supervise(self) -> None:
        interval = systemd.watchdog_interval()
        tick = min(_TICK_SECONDS, interval / 3) if interval else _TICK_SECONDS
        prune_at = 0.0
        while not self._stop.wait(tick):
            workers = self._workers()
            if self.store.damaged:
                log.critical("the spool is damaged: starting again, which rescues what can be read")
                self._exit_code = os.EX_IOERR
                return
            if self.store.changed:
                log.critical(
                    "the tables of the spool are not what they were: starting again, which looks at them"
                )
                self._exit_code = os.EX_CONFIG
                return
            if any(worker.failed for worker in workers):
                self.store.suspect()
                self._exit_code = os.EX_SOFTWARE
                return
            is_well = all(worker.healthy for worker in workers)
            line, figures = self.standing.report(is_well, [text for text, _ in self._notes.values()])
            if is_well:
                systemd.notify("WATCHDOG=1", f"STATUS={line}")
            # For those who operate the host; `health` is for everybody who reaches the relay's port.
            self._status_file.write(
                {
                    **figures,
                    "since_start": self.standing.since_start(),
                    "sources": {source: data for source, (_, data) in self._notes.items()},
                }
            )
            with suppress(StorageError):  # the status says so already
                self.dispatcher.look()
            self.dispatcher.renew()
            # While storage fails, as well: a write finds out that it works again.
            if time.monotonic() >= prune_at or self.store.failing:
                prune_at = time.monotonic() + _PRUNE_SECONDS
                self.outbox.prune()
                self._roots.prune()

    def _end(self) -> None:
        # First nothing new comes in, then what is under way goes out, then all of it is on the disk.
        for source in self._sources:
            source.stop()
        for source in self._sources:
            source.join(_STOP_SECONDS)
        self.dispatcher.stop()
        self.store.stop()
        self.store.join(_STOP_SECONDS)
        if not self.store.is_alive():
            self.store.close()
        self._state.close()
