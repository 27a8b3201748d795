"""How delivery stands at a moment: in figures, for monitoring, and in a line, for the people of a site."""

from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from datetime import UTC, datetime
from typing import Literal

from relays.delivery.dispatcher import Dispatcher
from relays.delivery.metrics import Metrics, total
from relays.delivery.outbox import Outbox, Stats
from relays.storage.engine import StorageError
from relays.storage.store import Store
from relays.wording import Wording, age, held_up

Poster = Literal["bot", "hook"]


class Standing:
    """Of the outbox in a store and its dispatcher, in the words of a site where a bot posts, or an incoming webhook."""

    def __init__(
        self,
        store: Store,
        outbox: Outbox,
        dispatcher: Dispatcher,
        metrics: Metrics,
        wording: Wording,
        poster: Poster,
    ) -> None:
        self._store = store
        self._outbox = outbox
        self._dispatcher = dispatcher
        self._metrics = metrics
        self._wording = wording
        self._poster = poster
        self.channel_name: Callable[[str], str] = str
        """What people call a channel of the outbox; it may raise StorageError."""

    def health(self, well: bool, *, named: bool = False) -> tuple[bool, dict[str, object]]:
        """Whether notifications are taken and delivered, as far as it is `well` otherwise, and the figures of it.

        A channel that is held up makes it "degraded": nothing is lost, and somebody has to do something in Mattermost
        or on the way to it. `retrying` are the channels that wait for Mattermost by itself.

        Channels are called as in the outbox, where one that is nowhere in the site's settings has a number, unless they
        are to be `named` as people call them: what a private one is called is not for everybody who reads a page.
        """
        return self._figures(self._look(), well, named=named)

    def report(self, well: bool, notes: Sequence[str]) -> tuple[str, dict[str, object]]:
        """How it stands in a line, behind these `notes`, and the figures of `health`, named, at the same moment."""
        found = self._look()
        return self._line(found, notes), self._figures(found, well, named=True)[1]

    def _look(self) -> Stats | StorageError:
        try:
            return self._outbox.stats()
        except StorageError as error:
            return error

    def _figures(
        self, found: Stats | StorageError, well: bool, *, named: bool
    ) -> tuple[bool, dict[str, object]]:
        stats = None if isinstance(found, StorageError) else found
        well = well and stats is not None and not self._store.failing
        oldest = stats.oldest if stats else None
        last = stats.last_delivery if stats else None
        held, retrying = self._dispatcher.held(), self._dispatcher.retrying()
        return well, {
            "status": "failing" if not well else "degraded" if held else "ok",
            "held": self._named(held) if named else held,
            "retrying": self._named(retrying) if named else retrying,
            "backlog": stats.backlog if stats else None,
            "oldest_age_seconds": None if oldest is None else round(max(0.0, self._store.now() - oldest), 3),
            "parked": stats.parked if stats else None,
            "last_delivery": last and datetime.fromtimestamp(last, UTC).isoformat(timespec="milliseconds"),
        }

    def since_start(self) -> dict[str, int]:
        """What was counted since the start."""
        return {
            "received": total(self._metrics.events),
            "refused": total(self._metrics.refused),
            "delivered": total(self._metrics.delivered),
        }

    def _line(self, stats: Stats | StorageError, notes: Sequence[str]) -> str:
        if isinstance(stats, StorageError):
            return self._wording["status.storage"].format(reason=stats)
        if self._store.failing:
            return self._wording["status.storage"].format(reason=self._store.reason)
        return self._wording["status.separator"].join(
            filter(None, (*notes, self._counted(), *self._said(stats)))
        )

    def _counted(self) -> str:
        figures = ", ".join(
            self._wording[f"status.{name}"].format(count=count)
            for name, count in self.since_start().items()
            if count
        )
        return self._wording["status.since_start"].format(figures=figures) if figures else ""

    def _said(self, stats: Stats) -> list[str]:
        said = [self._wording["status.idle"]]
        if stats.oldest is not None:
            said = [self._wording["status.backlog"].format(count=stats.backlog, age=self._ago(stats.oldest))]
        said += [
            self._wording["status.retrying"].format(reason=reason)
            for reason in dict.fromkeys(self._dispatcher.retrying().values())
        ]
        held = self._named(self._dispatcher.held())
        said += [held_up(self._wording, channel, why, self._poster) for channel, why in held.items()]
        if stats.parked:
            said.append(self._wording["status.parked"].format(count=stats.parked))
        if stats.last_delivery is not None:
            said.append(self._wording["status.last"].format(age=self._ago(stats.last_delivery)))
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
        return age(self._wording, self._store.now() - moment)
