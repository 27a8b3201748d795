"""A relay whose source is a file of notifications, one in a line: what the delivery does, without any other source.

Run as `python -m tests.relays.speaker --config FILE`, with the settings `news`, the file, and `digest_from`.
"""

import json
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from typing import Any

from relays import service
from relays.base.settings import RelayPaths, read_spool
from relays.base.settings_file import read_settings
from relays.base.worker import Worker
from relays.delivery.outbox import Notification, Outbox
from relays.delivery.sender import read_sender
from relays.delivery.settings import RelaySettings
from relays.mattermost.markup import Label, Markup
from relays.mattermost.message import Attachment, Message
from relays.mattermost.settings import ChannelName
from relays.sources.gitlab.tables import AFTER_RESCUE, GITLAB
from relays.storage.engine import StorageError
from relays.wording import CATALOGUES

_AT_ONCE = 200
_LOOK_SECONDS = 0.02


def said(text: str) -> Message:
    """What a notification says."""
    return Message("GitLab", ":fox_face:", summary=Markup(text), text=Markup(text))


def shown(text: str, written: str | None = None) -> Message:
    """What a root shows: a box, and a text beside it if there is one."""
    box = Attachment("#2EB67D", Label(text), Markup(""), Label(text), [])
    beside = None if written is None else Markup(written)
    return Message("GitLab", ":fox_face:", summary=Markup(text), text=beside, attachment=box)


def notification(line: str) -> Notification:
    """A notification as a line says it."""
    told: dict[str, Any] = json.loads(line)
    return Notification(
        told["key"],
        told["channel"],
        None if told["says"] is None else said(told["says"]),
        told["conversation"],
        None if told["shows"] is None else shown(told["shows"], told.get("written")),
    )


class News(Worker):
    """Puts what the file says into the outbox, from its first line on whenever it starts: keys keep it once."""

    def __init__(self, file: Path, outbox: Outbox) -> None:
        super().__init__("news", 60.0)
        self._file = file
        self._outbox = outbox
        self._over = Event()

    def work(self) -> None:
        """Look for more lines until told to stop."""
        with self._file.open(encoding="utf-8") as file:
            pending = ""
            while not self._over.is_set():
                self.beat()
                lines: list[Notification] = []
                while len(lines) < _AT_ONCE and (read := file.readline()):
                    pending += read
                    if pending.endswith("\n"):
                        lines.append(notification(pending))
                        pending = ""
                if lines:
                    self._put(lines)
                else:
                    self._over.wait(_LOOK_SECONDS)

    def _put(self, lines: Sequence[Notification]) -> None:
        while not self._over.is_set():
            self.beat()
            try:
                self._outbox.put(lambda db: lines).result()
                return
            except StorageError:
                self._over.wait(0.1)

    def stop(self) -> None:
        """End."""
        self._over.set()


class SpeakerSettings(RelaySettings):
    """The file of this relay."""

    channel: ChannelName = "home"
    news: Path


def build(places: RelayPaths) -> service.Service:
    """The relay."""
    settings = read_settings(places.config, SpeakerSettings)
    sender = read_sender(settings, places.credentials, "SPEAKER_WEBHOOK_URL")
    spool = read_spool(places.credentials)
    relay = service.Service(
        places.state,
        CATALOGUES["en"],
        sender,
        settings.digest_from,
        GITLAB,
        spool=spool,
        after_rescue=AFTER_RESCUE,
    )
    relay.add(News(settings.news, relay.outbox))
    return relay


if __name__ == "__main__":
    sys.exit(service.main("passerelle-speaker", build))
