"""Figures of a relay for Prometheus, in a registry of its own.

They name channels and kinds of events and count, nothing else: no person, no key, no text of a message, no address, no
secret. Direct messages are of one channel, "@"; one that is nowhere in the site's settings is called by its number,
which also stays when it is renamed. Whoever reaches the port of the GitLab relay may read them, as they may /health.

Counters begin at 0 with the process; what waits is read from the outbox whenever it is asked for.
"""

import time
from collections.abc import Callable, Iterable, Mapping

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.metrics_core import Metric
from prometheus_client.registry import Collector

from relays.delivery.outbox import Stats
from relays.delivery.transport import is_direct
from relays.storage.engine import StorageError

_ACCEPT_BUCKETS = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10)
# From a healthy Mattermost to an outage over a weekend.
_DELIVERY_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 21600, 259200)


def channel_label(channel: str) -> str:
    """What a channel is called in figures: its name, or "@" for the direct channel of any person."""
    return "@" if is_direct(channel) else channel


class Metrics:
    """What a relay counts from its start on, and what is asked for when it is asked.

    `stats` and `failing` report on its outbox and its storage, `held` of the channels that are held up until
    somebody does something, each with the reason.
    """

    def __init__(
        self,
        stats: Callable[[], Stats],
        failing: Callable[[], bool],
        held: Callable[[], Mapping[str, str]] = dict,
    ) -> None:
        self._registry = registry = CollectorRegistry()
        registry.register(_Standing(stats, failing))
        registry.register(_Held(held))
        self.events = Counter(
            "passerelle_events_total",
            "Events received from GitLab, by kind and by what became of them",
            ["kind", "outcome"],
            registry=registry,
        )
        self.refused = Counter(
            "passerelle_refused_total",
            "Requests answered with an error, by reason",
            ["reason"],
            registry=registry,
        )
        self.accepting = Histogram(
            "passerelle_accept_seconds",
            "From the headers of a request to the answer that its event is taken",
            buckets=_ACCEPT_BUCKETS,
            registry=registry,
        )
        self.delivered = Counter(
            "passerelle_delivered_total", "Notifications delivered", ["channel"], registry=registry
        )
        self.digested = Counter(
            "passerelle_digested_total",
            "Delivered notifications that were folded into digests",
            ["channel"],
            registry=registry,
        )
        self.edited = Counter(
            "passerelle_edited_total", "Edits of the roots of conversations", ["channel"], registry=registry
        )
        self.parked = Counter(
            "passerelle_parked_total", "Notifications that Mattermost refused", ["channel"], registry=registry
        )
        self.retries = Counter(
            "passerelle_retries_total",
            "Attempts to post that have to be repeated, by the reason's class",
            ["reason"],
            registry=registry,
        )
        self.delivering = Histogram(
            "passerelle_delivery_seconds",
            "From the storage of a notification to its delivery",
            buckets=_DELIVERY_BUCKETS,
            registry=registry,
        )

    def add_gauge(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        """One more figure, read whenever it is asked for; left out while that raises StorageError."""
        self._registry.register(_Figure(name, documentation, value))

    def exposition(self) -> bytes:
        """All of it in Prometheus's text format."""
        return generate_latest(self._registry)


def total(counter: Counter) -> int:
    """What a counter has counted, whatever the labels."""
    samples = (sample for family in counter.collect() for sample in family.samples)
    return int(sum(sample.value for sample in samples if sample.name.endswith("_total")))


class _Standing(Collector):
    """The state of the outbox at the time of the question."""

    def __init__(self, stats: Callable[[], Stats], failing: Callable[[], bool]) -> None:
        self._stats = stats
        self._failing = failing

    def collect(self) -> Iterable[Metric]:
        try:
            stats = self._stats()
        except StorageError:
            stats = None
        failing = stats is None or self._failing()
        yield _gauge("storage_failing", "1 while nothing can be stored", float(failing))
        if stats is None:
            return
        age = 0.0 if stats.oldest is None else max(0.0, time.time() - stats.oldest)
        yield _gauge("backlog_notifications", "Notifications that wait for delivery", stats.backlog)
        yield _gauge("backlog_oldest_age_seconds", "Age of the oldest of them, 0 if there is none", age)
        yield _gauge("parked_notifications", "Notifications that wait for an operator", stats.parked)
        if stats.last_delivery is not None:
            yield _gauge("last_delivery_timestamp_seconds", "Time of the last delivery", stats.last_delivery)


class _Held(Collector):
    """The channels that are held up at the time of the question."""

    def __init__(self, held: Callable[[], Mapping[str, str]]) -> None:
        self._held = held

    def collect(self) -> Iterable[Metric]:
        family = GaugeMetricFamily(
            "passerelle_channel_held",
            "1 for a channel whose notifications wait until somebody corrects what Mattermost refuses",
            labels=["channel", "reason"],
        )
        for channel, reason in self._held().items():
            family.add_metric([channel, reason], 1.0)
        yield family


class _Figure(Collector):
    """One figure, as it is at the time of the question."""

    def __init__(self, name: str, documentation: str, value: Callable[[], float]) -> None:
        self._name, self._documentation, self._value = name, documentation, value

    def collect(self) -> Iterable[Metric]:
        try:
            yield _gauge(self._name, self._documentation, self._value())
        except StorageError:
            return


def _gauge(name: str, documentation: str, value: float) -> Metric:
    return GaugeMetricFamily(f"passerelle_{name}", documentation, value=value)
