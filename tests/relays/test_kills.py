"""Mattermost away, both relays busy and killed twice: everything arrives, in order."""

import re
from pathlib import Path

from tests.relays.events import issue, send
from tests.relays.process import Relay, stored, wait_for
from tests.relays.sink import Sink

EVENTS = 200
FILES = 50


def test_nothing_is_lost_when_both_relays_are_killed_during_an_outage(
    gitlab: Relay, one_by_one: Relay, tree: Path, sink: Sink
) -> None:
    sink.stop()
    gitlab.start()
    one_by_one.start()
    wait_for(lambda: "watching tree" in one_by_one.text)
    for number in range(EVENTS):
        assert send(gitlab, issue(number), {"webhook-id": f"e-{number}"}).status_code == 200
        if number % (EVENTS // FILES) == 0:
            part = tree / "Contrats" / f"{number:032x}.ocTransferId{number}.part"
            part.write_bytes(b"contract")
            part.rename(part.with_name(f"document-{number}.pdf"))
        if number in (70, 140):
            # The uploads go on while the relay is down.
            one_by_one.kill()
            gitlab.kill()
            gitlab.start()
        if number in (85, 155):
            one_by_one.start()
    wait_for(lambda: len(stored(one_by_one)) == FILES)
    sink.start()
    wait_for(lambda: len(sink.keys) >= EVENTS + FILES, seconds=60)
    gitlab.terminate()
    one_by_one.terminate()

    assert [key for key in sink.keys if key.startswith("gitlab:")] == [f"gitlab:e-{n}" for n in range(EVENTS)]
    announced = [name for post in sink.posts for name in re.findall("`(document-[0-9]+).pdf`", post.shown)]
    assert sorted(announced) == sorted(f"document-{n}" for n in range(0, EVENTS, EVENTS // FILES))
    assert len(sink.posts) < 60
