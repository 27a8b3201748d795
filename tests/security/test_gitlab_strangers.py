"""Strangers at the GitLab relay: however many, whatever they send, GitLab is answered, and their memory is bounded."""

import select
import socket
import time

import pytest

from tests.postgresql import also_on_postgresql, on_both_spools
from tests.relays.process import Relay
from tests.security.bounds import MOST_MEGABYTES, Bounds
from tests.security.senders import ANSWERED_SECONDS, Good, strangers
from tests.security.strangers import KINDS

NUMBER = 2000
SECONDS = 10.0


@pytest.mark.exhaustive
@on_both_spools
@pytest.mark.parametrize("kind", KINDS)
def test_strangers(signing: Relay, bounds: Bounds, kind: str) -> None:
    good = Good()
    with strangers(signing, kind, NUMBER):
        good.send_for(signing, SECONDS)
    attack = f"{NUMBER} strangers: {kind}"
    bounds.exactly(attack, "statuses of good events", {200}, set(good.statuses))
    bounds.at_most(attack, "seconds to the slowest good answer", ANSWERED_SECONDS, good.slowest)
    bounds.at_most(attack, "peak memory in MB", MOST_MEGABYTES, signing.peak_megabytes)


@also_on_postgresql
def test_a_large_body_has_to_come_at_a_rate(signing: Relay, bounds: Bounds) -> None:
    """Of a sender who has shown no secret; whoever shows the token has the twenty seconds of every body."""
    begun = time.monotonic()
    with socket.create_connection(("127.0.0.1", signing.port), timeout=20) as stranger:
        for piece in KINDS["made-up signatures, slow bodies of 20 MB"]():
            stranger.sendall(piece * (1 if len(piece) > 1 else 20_000))
            readable, _, _ = select.select([stranger], [], [], 0.1)
            if readable:
                break
        answer = stranger.recv(4096)
    attack = "a body of 20 MB that comes at 200 kB/s"
    bounds.exactly(attack, "answer", 408, int(answer.split(b" ")[1]))
    bounds.at_most(attack, "seconds to it", 5.0, time.monotonic() - begun)
