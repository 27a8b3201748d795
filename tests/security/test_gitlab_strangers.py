"""Strangers at the GitLab relay: however many, whatever they send, GitLab is answered, and their memory is bounded."""

import pytest

from tests.postgresql import on_both_spools
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
