"""Who gets in at the real relay: tokens, signatures, their rotation, replays, and what strangers can fill."""

import base64
import hmac
import re
import socket
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.relays.events import issue, send
from tests.relays.process import TOKEN, Relay, stored, wait_for
from tests.relays.sink import Sink

KEYS = [bytes([65 + number]) * 32 for number in range(3)]
OLD, NEW, STRANGE = ("whsec_" + base64.b64encode(key).decode() for key in KEYS)
STRANGER = {"X-Gitlab-Token": "wrong"}


def signed(content: bytes, token: str, away: float = 0, identity: str = "e-1") -> dict[str, str]:
    """The headers by which GitLab 19 signs a delivery, sent `away` seconds from now."""
    stamp = str(int(time.time() + away))
    key = base64.b64decode(token.removeprefix("whsec_"))
    code = hmac.digest(key, f"{identity}.{stamp}.".encode() + content, "sha256")
    return {
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(code).decode()}",
    }


@pytest.fixture
def relay_with(sink: Sink, tmp_path: Path) -> Iterator[Callable[..., Relay]]:
    """Makes and starts the relay with these settings and signing tokens."""
    made: list[Relay] = []

    def make(settings: str = "", signing: tuple[str, ...] = (NEW,)) -> Relay:
        relay = Relay(
            "gitlab", tmp_path, sink.url, f'{settings}\n[listen]\naddress = "127.0.0.1"\nport = 0\n'
        )
        made.append(relay)
        (tmp_path / "credentials" / "gitlab-signing-token").write_text("\n".join(signing))
        relay.start()
        return relay

    yield make
    for relay in made:
        relay.close()
        for secret in (OLD, NEW, *(base64.b64encode(key).decode() for key in KEYS)):
            assert secret not in relay.text


def test_signed_events_are_announced_once(relay_with: Callable[..., Relay], sink: Sink) -> None:
    relay = relay_with()
    for _ in range(2):
        assert send(relay, issue(1), signed(issue(1), NEW)).text == "accepted\n"
    # As sent by a hook that has a signing token and no secret token.
    assert send(relay, issue(2), {**signed(issue(2), NEW, identity="e-2"), **STRANGER}).status_code == 200
    wait_for(lambda: len(sink.posts) == 2)
    assert [post.key for post in sink.posts] == ["gitlab:e-1", "gitlab:e-2"]


def test_a_wrong_signature_is_refused_though_the_token_is_right(relay_with: Callable[..., Relay]) -> None:
    relay = relay_with()
    for headers in (signed(issue(1), STRANGE), signed(issue(2), NEW), {"webhook-signature": ""}):
        answer = send(relay, issue(1), headers)
        assert (answer.status_code, answer.text) == (401, "wrong signature\n")
    assert send(relay, issue(1), {"webhook-id": "unsigned"}).text == "accepted\n"
    assert stored(relay) == ["gitlab:unsigned"]


def test_a_replay_is_refused_and_distinguished_from_a_forgery(relay_with: Callable[..., Relay]) -> None:
    relay = relay_with()
    for away in (-330, 330):
        answer = send(relay, issue(1), signed(issue(1), NEW, away))
        assert (answer.status_code, answer.text) == (403, "too old\n")
        assert send(relay, issue(1), signed(issue(1), STRANGE, away)).status_code == 401
    behind, ahead = re.findall(
        r"refused reason=age: .* is 3[23]\d s (\w+) .* the clocks of GitLab", relay.text
    )
    assert (behind, ahead) == ("behind", "ahead")
    for number, away in enumerate((-250, 250)):
        assert send(relay, issue(1), signed(issue(1), NEW, away, f"e-{number}")).status_code == 200


def test_a_required_signature_is_required(relay_with: Callable[..., Relay]) -> None:
    relay = relay_with('signature = "required"')
    answer = send(relay, issue(1))
    assert (answer.status_code, answer.text) == (401, "no signature\n")
    assert 'refused reason=signature: there is no webhook-signature, and signature = "required"' in relay.text
    assert send(relay, issue(1), signed(issue(1), NEW)).status_code == 200


def test_a_rotation_refuses_neither_the_old_nor_the_new_secrets(relay_with: Callable[..., Relay]) -> None:
    relay = relay_with(signing=(NEW, "", OLD))
    (relay.home / "credentials" / "gitlab-hook-token").write_text(f"new-token\n\n{TOKEN}\n")
    relay.terminate()
    relay.start()
    for number, (token, signing) in enumerate(((TOKEN, OLD), ("new-token", OLD), ("new-token", NEW))):
        headers = {**signed(issue(number), signing, identity=f"e-{number}"), "X-Gitlab-Token": token}
        assert send(relay, issue(number), headers).status_code == 200
    for token in (TOKEN, "new-token"):
        assert send(relay, issue(9), {"X-Gitlab-Token": token}).status_code == 200
    assert send(relay, issue(9), {"X-Gitlab-Token": f"new-token {TOKEN}"}).status_code == 401
    assert "new-token" not in relay.text


def test_too_large_is_reported_only_to_gitlab(relay_with: Callable[..., Relay]) -> None:
    relay = relay_with("max_body_bytes = 4096")
    large = b"x" * 4097
    assert send(relay, large, {**signed(large, NEW), **STRANGER}).status_code == 413
    assert send(relay, large, {**signed(large, STRANGE), **STRANGER}).status_code == 401
    assert send(relay, large, STRANGER).status_code == 401


def test_slow_senders_are_given_up_with_an_answer(relay_with: Callable[..., Relay]) -> None:
    """Whoever they are; twenty seconds is twice what GitLab gives a delivery."""
    relay = relay_with()
    started = time.monotonic()
    answers = []
    for headers in ({"X-Gitlab-Token": TOKEN}, STRANGER, {**signed(b"{}", NEW), **STRANGER}):
        lines = [f"{name}: {value}\r\n" for name, value in {**headers, "Content-Length": "2"}.items()]
        sender = socket.create_connection(("127.0.0.1", relay.port), timeout=40)
        sender.sendall(f"POST /webhook/gitlab HTTP/1.1\r\nHost: x\r\n{''.join(lines)}\r\n{{".encode())
        answers.append(sender)
    for sender in answers:
        with sender:
            assert sender.recv(4096).startswith(b"HTTP/1.1 408 ")
    assert time.monotonic() - started > 15


def test_strangers_fill_no_memory(relay_with: Callable[..., Relay]) -> None:
    relay = relay_with()
    body = b"x" * 24_000_000
    before = relay.peak_megabytes
    for headers in (STRANGER, {**signed(body, NEW, -400), **STRANGER}):
        assert send(relay, body, headers).status_code in (401, 403)
    assert relay.peak_megabytes - before < 10


def test_strangers_who_claim_to_have_signed_fill_little_memory(relay_with: Callable[..., Relay]) -> None:
    """Their bodies cannot be judged before their end, so only a few of them are taken at once, and no slow ones."""
    relay = relay_with()
    body = b"x" * 10_000_000
    before = relay.peak_megabytes
    headers = {**signed(body, STRANGE), **STRANGER}
    go_on = threading.Event()
    waiting: list[int] = []
    statuses: list[int] = []

    def pieces(number: int) -> Iterator[bytes]:
        yield body[:-1]
        waiting.append(number)
        go_on.wait(30)
        yield body[-1:]

    def stranger(number: int) -> None:
        statuses.append(send(relay, pieces(number), headers).status_code)

    strangers = [threading.Thread(target=stranger, args=(number,)) for number in range(30)]
    for thread in strangers:
        thread.start()
    wait_for(lambda: len(waiting) >= 4)
    # GitLab, whose token is right, does not wait behind them.
    assert send(relay, issue(1), signed(issue(1), NEW)).status_code == 200
    go_on.set()
    for thread in strangers:
        thread.join(30)
    assert len(statuses) == 30
    assert set(statuses) <= {401, 408, 503}
    assert relay.peak_megabytes - before < 100
