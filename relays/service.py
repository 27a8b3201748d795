"""The life of a relay process: start, supervision, orderly end. Both relays are this with another source."""

import logging
import os
import signal
import sqlite3
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
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
from relays.delivery.metrics import Metrics, total
from relays.delivery.outbox import Notification, Outbox, Stats, insert
from relays.delivery.roots import Roots
from relays.delivery.tables import OUTBOX
from relays.delivery.transport import Transport, WebhookTransport
from relays.mattermost import markup
from relays.mattermost.bot import BotChannel
from relays.mattermost.bot_session import Bot
from relays.mattermost.client import Hook, IncomingWebhook
from relays.mattermost.message import RELAY, Message
from relays.storage.engine import Database, Engine, StorageError, first_line
from relays.storage.leave_shared import move_former
from relays.storage.migrate_to_shared import move_outbox
from relays.storage.postgresql import PostgreSQL
from relays.storage.quarantine import Announce, is_there, prepare
from relays.storage.recovery import Rescue
from relays.storage.schema import SchemaError, Tables
from relays.storage.sqlite import SQLite
from relays.storage.store import Store
from relays.wording import Wording, age, held_up

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


def _open(file: Path, spool: Spool, parts: Sequence[Tables], announce: Announce, instance: str) -> Engine:
    engine = _open_present(file, spool.address, parts, announce)
    move_former(spool.former, engine, parts, instance)
    return engine


def _open_present(file: Path, spool: str | None, parts: Sequence[Tables], announce: Announce) -> Engine:
    if spool is None or is_there(file):
        try:
            prepare(file, parts, announce)
        except SchemaError as error:
            raise StartError(f"{file} cannot be used: {error}") from None
        except (OSError, sqlite3.Error) as error:
            raise StartError(
                f"{file} cannot be opened ({first_line(error)}): see to its disk; nothing is lost",
                os.EX_IOERR,
            ) from None
        own = SQLite(file, *parts)
        if spool is None:
            return own
        own.close()
    engine = PostgreSQL(spool, *parts)
    try:
        move_outbox(file, engine, parts)
    except (StorageError, sqlite3.Error, *engine.errors) as error:
        raise StartError(
            f"{file} cannot be moved into the spool ({first_line(error)}): correct what it names, or move it away",
            os.EX_IOERR,
        ) from None
    return engine


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
        engine = _open(state / "relay.db", spool, (OUTBOX, tables), announce, self._state.instance)
        self.store = Store(engine)
        is_bot = isinstance(sender, Bot)
        self.outbox = Outbox(self.store, self._state.instance, digest_from, by_conversation=is_bot)
        self._roots = Roots(self.store, self._state.instance)
        self._sender = sender
        self.metrics = Metrics(
            self.outbox.stats,
            lambda: self.store.failing,
            lambda: self._named(self.dispatcher.held()),
        )
        self.metrics.add_gauge(
            "backlog_edits", "Roots of conversations that wait for an edit", self._roots.due
        )
        roots = self._roots if is_bot else None
        self.dispatcher = Dispatcher(self.outbox, self._connect, self.metrics, roots)
        self.on_channel: Callable[[str, str], object] = lambda channel, channel_id: None
        """What hears, as a bot, of each channel that is posted in: its name, and which one that is now."""
        self.channel_name: Callable[[str], str] = str
        """What people call a channel of the outbox; it may raise StorageError."""
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
        """Whether notifications are taken and delivered, and the figures of the outbox.

        A channel that is held up makes it "degraded": nothing is lost, and somebody has to do something in Mattermost
        or on the way to it. `retrying` are the channels that wait for Mattermost by itself.
        """
        well = not self.store.failing and all(worker.healthy for worker in self._workers())
        try:
            stats = self.outbox.stats()
        except StorageError:
            well, stats = False, None
        oldest = stats.oldest if stats else None
        last = stats.last_delivery if stats else None
        held = self._named(self.dispatcher.held())
        return well, {
            "status": "failing" if not well else "degraded" if held else "ok",
            "held": held,
            "retrying": self._named(self.dispatcher.retrying()),
            "backlog": stats.backlog if stats else None,
            "oldest_age_seconds": None if oldest is None else round(max(0.0, self.store.now() - oldest), 3),
            "parked": stats.parked if stats else None,
            "last_delivery": last and datetime.fromtimestamp(last, UTC).isoformat(timespec="milliseconds"),
        }

    def status(self) -> dict[str, object]:
        """The figures of `health`, what was counted since the start and what the sources note, for StatusFile."""
        _, figures = self.health()
        return {
            **figures,
            "since_start": {name: int(count) for name, count in self._counts().items()},
            "sources": {source: data for source, (_, data) in self._notes.items()},
        }

    def _connect(self, channel: str) -> Transport:
        if isinstance(self._sender, Hook):
            return WebhookTransport(IncomingWebhook(self._sender, channel), self.wording)
        sender = self._sender

        def connect() -> BotConnection:
            bot = BotChannel(sender, channel, self.on_channel)
            return BotConnection(bot, channel, self.outbox, self._roots, self.wording)

        return BotTransport(connect, channel, self._roots)

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
            if all(worker.healthy for worker in workers):
                systemd.notify("WATCHDOG=1", f"STATUS={self._status_line()}")
            self._status_file.write(self.status())
            with suppress(StorageError):  # the status says so already
                self.dispatcher.look()
            self.dispatcher.renew()
            # While storage fails, as well: a write finds out that it works again.
            if time.monotonic() >= prune_at or self.store.failing:
                prune_at = time.monotonic() + _PRUNE_SECONDS
                self.outbox.prune()
                self._roots.prune()

    def _status_line(self) -> str:
        try:
            stats = self.outbox.stats()
        except StorageError as error:
            return self.wording["status.storage"].format(reason=error)
        if self.store.failing:
            return self.wording["status.storage"].format(reason=self.store.reason)
        return self.wording["status.separator"].join(
            filter(None, (*self._noted(), self._counted(), *self._standing(stats)))
        )

    def _noted(self) -> list[str]:
        return [text for text, _ in self._notes.values()]

    def _counts(self) -> dict[str, int]:
        return {
            "received": total(self.metrics.events),
            "refused": total(self.metrics.refused),
            "delivered": total(self.metrics.delivered),
        }

    def _counted(self) -> str:
        figures = ", ".join(
            self.wording[f"status.{name}"].format(count=count)
            for name, count in self._counts().items()
            if count
        )
        return self.wording["status.since_start"].format(figures=figures) if figures else ""

    def _standing(self, stats: Stats) -> list[str]:
        said = [self.wording["status.idle"]]
        if stats.oldest is not None:
            said = [self.wording["status.backlog"].format(count=stats.backlog, age=self._ago(stats.oldest))]
        said += [
            self.wording["status.retrying"].format(reason=reason)
            for reason in dict.fromkeys(self.dispatcher.retrying().values())
        ]
        by = "bot" if isinstance(self._sender, Bot) else "hook"
        held = self._named(self.dispatcher.held())
        said += [held_up(self.wording, channel, why, by) for channel, why in held.items()]
        if stats.parked:
            said.append(self.wording["status.parked"].format(count=stats.parked))
        if stats.last_delivery is not None:
            said.append(self.wording["status.last"].format(age=self._ago(stats.last_delivery)))
        return said

    def _named(self, reasons: Mapping[str, str]) -> dict[str, str]:
        """Reasons by the names of channels. One that is known by name and by number has one of its reasons."""
        named = {}
        for channel, reason in reasons.items():
            name = channel
            with suppress(StorageError):
                name = self.channel_name(channel)
            named[name] = reason
        return named

    def _ago(self, moment: float) -> str:
        return age(self.wording, self.store.now() - moment)

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
