"""The webhook and the bot side by side: how long an event takes to its post, and how much one channel takes."""

import json
import statistics
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from bench.load import SIGNING_TOKEN
from bench.report import Row
from tests.relays import events
from tests.relays.bot_sink import BotSink
from tests.relays.conversations import Said, Speaker, write
from tests.relays.process import Relay, wait_for
from tests.waiting import wait_until

WAYS = ("webhook", "bot")

_ONE_BY_ONE = 200
_EVERY_SECONDS = 0.0005
# Into one channel, each third of which changes a root alone; and what a real 5.37 takes for a post (measured).
_POSTED = 2000
_POST_SECONDS = 0.012
_ROUNDS = 3
# How what has gathered is posted, of how many conversations, and whether their roots are there before. Up to 40 of them
# have their news in their threads, more have a digest together.
_BACKLOGS = (
    ("each by itself", "digest_from = 0", 50, False),
    ("as digests", "", 20, False),
    ("as digests", "", 40, False),
    ("as digests", "", 500, False),
    ("as digests, roots there", "", 500, True),
)


@contextmanager
def gitlab_relays(home: Path) -> Iterator[dict[str, tuple[Relay, BotSink]]]:
    """The GitLab relay by either way, each with a Mattermost that answers at once."""
    with ExitStack() as stack:
        yield {way: stack.enter_context(_gitlab_relay(home / way, way)) for way in WAYS}


@contextmanager
def _gitlab_relay(home: Path, way: str) -> Iterator[tuple[Relay, BotSink]]:
    home.mkdir(parents=True)
    sink = BotSink("home", "dev-notifications")
    table, token = sink.bot
    settings = '[listen]\naddress = "127.0.0.1"\nport = 0\n' + (table if way == "bot" else "")
    relay = Relay("gitlab", home, sink.hook_url, settings)
    for name, secret in (("gitlab-signing-token", SIGNING_TOKEN), ("mattermost-bot-token", token)):
        (home / "credentials" / name).write_text(f"{secret}\n")
    relay.start()
    try:
        yield relay, sink
    finally:
        relay.terminate()
        relay.close()
        sink.stop()


def latencies(relays: dict[str, tuple[Relay, BotSink]]) -> Iterator[Row]:
    """From the start of a delivery by GitLab to its post, one event after the other, the ways in turn."""
    took: dict[str, list[float]] = {}
    for number in range(_ONE_BY_ONE):
        for way, (relay, sink) in relays.items():
            for event in (events.issue(number), _closed(number)):
                for what, milliseconds in _seen(relay, sink, event):
                    took.setdefault(f"event of GitLab to {what}, {way}", []).append(milliseconds)
    for what, measured in took.items():
        yield (
            f"{what}, median of {len(measured)}",
            f"{statistics.median(measured):.1f} ms",
            "under 100 ms",
        )
        yield (
            f"{what}, p99 of {len(measured)}",
            f"{statistics.quantiles(measured, n=100)[-1]:.1f} ms",
            "",
        )


def _seen(relay: Relay, sink: BotSink, event: bytes) -> Iterator[tuple[str, float]]:
    """What comes of an event, each with the milliseconds until then."""
    begun, posts, calls = time.monotonic(), len(sink.posts), len(sink.calls)
    assert events.send(relay, event).status_code == 200
    wait_until("posted", lambda: len(sink.posts) > posts, every=_EVERY_SECONDS)
    yield "post", (time.monotonic() - begun) * 1000
    if [*sink.posts.values()][-1].root_id:
        # The reply, and the root that shows what it says.
        wait_until("edited", lambda: len(sink.calls) == calls + 2, every=_EVERY_SECONDS)
        yield "edit of the root", (time.monotonic() - begun) * 1000


def _closed(number: int) -> bytes:
    payload = json.loads(events.issue(number))
    payload["object_attributes"].update(action="close", state="closed")
    return json.dumps(payload).encode()


def throughput(home: Path) -> Iterator[Row]:
    """How much one channel takes by either way, of which the bot makes threads and edits their roots."""
    for number, (how, settings, conversations, rooted) in enumerate(_BACKLOGS):
        what = f"{_POSTED:,} events of {conversations} conversations in one channel, {how}"
        rates: dict[str, list[float]] = {}
        for turn in range(_ROUNDS):
            for way in WAYS:
                place = home / f"{number}-{turn}-{way}"
                posted, edited = _post_all(place, settings, conversations, way, rooted=rooted)
                rates.setdefault(way, []).append(_POSTED / posted)
                if way == "bot":
                    rates.setdefault("bot, edits included", []).append(_POSTED / edited)
        for way, measured in rates.items():
            yield f"{what}, {way}", f"{statistics.median(measured):,.0f}/s", ""
        ratio = statistics.median(rates["bot"]) / statistics.median(rates["webhook"])
        yield f"{what}, bot / webhook", f"{ratio:.2f} ×", "at least 1 ×"


def _post_all(
    home: Path, settings: str, conversations: int, way: str, *, rooted: bool
) -> tuple[float, float]:
    """The seconds until all that is said at once is posted, and until each root shows its last state."""
    (home / "relay").mkdir(parents=True)
    sink = BotSink("dev")
    news = home / "news"
    news.touch()
    relay = Speaker(home / "relay", sink.hook_url, news, sink.bot, settings)
    before = conversations if rooted and way == "bot" else 0
    if before:
        # One by one, for a digest of them would make no roots.
        relay.as_bot("digest_from = 0")
        relay.start()
        write(news, (_said(number, conversations) for number in range(before)))
        wait_for(lambda: relay.settled(before), 60)
        relay.terminate()
        relay.as_bot(settings)
    if way == "webhook":
        relay.by_webhook()
    sink.seconds = _POST_SECONDS
    relay.start()
    started = time.monotonic()
    write(news, (_said(number, conversations) for number in range(before, before + _POSTED)))
    wait_for(lambda: relay.count("outbox WHERE state = 'done'") == before + _POSTED, 300)
    posted = time.monotonic() - started
    if way == "bot":
        wait_for(lambda: relay.settled(before + _POSTED), 60)
    edited = time.monotonic() - started
    relay.terminate()
    relay.close()
    sink.stop()
    return posted, edited


def _said(number: int, conversations: int) -> Said:
    name = f"taaf/passerelle!{number % conversations}"
    says = None if number < conversations or number % 3 == 0 else f"news {number}"
    return Said(f"e-{number}", says, f"state {number} of {name}", name)
