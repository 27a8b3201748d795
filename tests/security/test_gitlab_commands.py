"""Strangers where slash commands and presses are taken: they are refused, and hold up neither GitLab nor Mattermost."""

import asyncio
import contextlib
import json
import socket
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.relays import slash
from tests.relays.bot_sink import BotSink
from tests.relays.commanded import bot, chat
from tests.relays.events import body
from tests.relays.pressing import SETTING, request_of
from tests.relays.process import TOKEN, Relay, undelivered, wait_for
from tests.relays.sink import Sink
from tests.relays.slash import form
from tests.security.bounds import MOST_MEGABYTES, Bounds
from tests.security.senders import ANSWERED_SECONDS, Good, deliver, elsewhere

__all__ = ["bot", "chat"]

STRANGERS = 500
PRESSES = 10_000
GUESSES = 300


@pytest.fixture
def asked(gitlab_with: Callable[[str], Relay], sink: Sink) -> Relay:
    """The GitLab relay with a slash command, started."""
    relay = gitlab_with(slash.settings(sink.url.rpartition("/hooks/")[0]))
    slash.hand_token(relay.home)
    relay.start()
    return relay


@pytest.fixture
def pressed(bot: Callable[..., Relay]) -> Relay:
    """The GitLab relay with a slash command and buttons, started."""
    relay = bot(commands=SETTING)
    relay.start()
    return relay


KINDS = {
    "commands": ("command", "application/x-www-form-urlencoded"),
    "presses": ("action", "application/json"),
}


def head(kind: str, length: int) -> bytes:
    path, media_type = KINDS[kind]
    return (
        f"POST /mattermost/{path} HTTP/1.1\r\nHost: x\r\nContent-Length: {length}\r\n"
        f"Content-Type: {media_type}\r\n\r\n"
    ).encode()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("length", [60_000, 10_000_000])
def test_bodies_that_do_not_end(pressed: Relay, bounds: Bounds, length: int, kind: str) -> None:
    """As many connections as there are, each with almost all of a body."""
    asked = pressed
    good = Good()
    with contextlib.ExitStack() as stack:
        for _ in range(STRANGERS):
            stranger = stack.enter_context(socket.create_connection(("127.0.0.1", asked.port), timeout=20))
            with contextlib.suppress(OSError):  # made room for another one, or had its answer
                stranger.sendall(head(kind, length) + b"x" * min(length - 1, 60_000))
        for _ in range(20):
            good.send(asked, {"X-Gitlab-Token": TOKEN})
            begun = time.monotonic()
            assert "Passerelle" in slash.ask(asked, "status")
            good.slowest = max(good.slowest, time.monotonic() - begun)
    attack = f"{STRANGERS} {kind} of {length:,} bytes that do not end"
    bounds.exactly(attack, "statuses of good events", {200}, set(good.statuses))
    bounds.at_most(attack, "seconds to the slowest good answer", ANSWERED_SECONDS, good.slowest)
    bounds.at_most(attack, "peak memory in MB", MOST_MEGABYTES, asked.peak_megabytes)


def test_guessed_tokens(asked: Relay, bounds: Bounds) -> None:
    """Each is refused, and they do not fill the journal."""
    statuses = {
        slash.post(asked, urlencode(form("status", token=f"{n:026d}")).encode()).status_code
        for n in range(GUESSES)
    }
    attack = f"{GUESSES} guessed tokens of the command"
    bounds.exactly(attack, "answers", {401}, statuses)
    bounds.at_most(attack, "lines of the journal", 25, asked.text.count("refused "))
    assert "tout fonctionne" in slash.ask(asked, "status")


def _press(port: int, content: bytes, number: int, done: str) -> None:
    """So many presses of strangers', as many at once as there are connections; what they are answered."""

    async def press(share: int) -> Counter[bytes]:
        answers = Counter[bytes]()
        for _ in range(share):
            try:
                reader, writer = await asyncio.open_connection("127.0.0.1", port)
                writer.write(
                    head("presses", len(content)).replace(b"Host", b"Connection: close\r\nHost") + content
                )
                answer = await asyncio.wait_for(reader.read(), 30)
                writer.close()
                answers[answer.split(b" ")[1]] += 1
            except (TimeoutError, OSError, IndexError):
                answers[b"none"] += 1
        return answers

    async def all_of_them() -> None:
        shares = await asyncio.gather(*(press(number // STRANGERS) for _ in range(STRANGERS)))
        Path(done).write_text(" ".join(f"{k.decode()}={v}" for k, v in sum(shares, Counter()).items()))

    asyncio.run(all_of_them())


@pytest.mark.exhaustive
def test_presses_that_nobody_signed(pressed: Relay, chat: BotSink, bounds: Bounds, tmp_path: Path) -> None:
    """Ten thousand, five hundred at once, by who has seen everything of a button but its signature."""
    deliver(pressed.port, body("merge_request_open.json"), {"X-Gitlab-Token": TOKEN})
    wait_for(lambda: chat.roots("dev") and undelivered(pressed) == 0)
    press = request_of(chat, chat.roots("dev")[0], "mute")
    press["context"] |= {"signature": "0" * 64}
    chat.managers.add((slash.DEV, slash.ALICE))
    done = tmp_path / "done"
    good = Good()
    with elsewhere(_press, pressed.port, json.dumps(press).encode(), PRESSES, str(done)):
        while not done.exists():
            good.send(pressed, {"X-Gitlab-Token": TOKEN})
            time.sleep(0.02)
    attack = f"{PRESSES:,} presses that nobody signed, {STRANGERS} at once"
    bounds.exactly(attack, "statuses of good events", {200}, set(good.statuses))
    bounds.at_most(attack, "seconds to the slowest good answer", ANSWERED_SECONDS, good.slowest)
    bounds.at_most(attack, "peak memory in MB", MOST_MEGABYTES, pressed.peak_megabytes)
    bounds.at_most(attack, "lines of the journal", 25, pressed.text.count("refused "))
    bounds.exactly(
        attack,
        "questions to Mattermost about people",
        [],
        [each for each in chat.asked if slash.ALICE in each],
    )
    assert f"200={PRESSES}" == done.read_text()
    assert not any("silence" in each.shown for each in chat.written("dev")), "nothing is muted"
