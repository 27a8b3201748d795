"""The tree renamed, removed and made again, in turn and under load: what is new in the new one is announced once."""

import random
import shutil
import threading
from pathlib import Path

from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.test_nextcloud import known, start, upload
from tests.relays.test_nextcloud_bursts import announced

ROUNDS = 6
TRIPS = 20


def serve(relay: Relay, stopping: threading.Event) -> None:
    """Start the relay again whenever it ends, as systemd does."""
    while not stopping.is_set():
        if relay.ended:
            assert relay.wait() == 75
            relay.start()
        stopping.wait(0.01)


def test_a_tree_that_is_replaced_again_and_again(one_by_one: Relay, tree: Path, sink: Sink) -> None:
    expected = []
    start(one_by_one)
    stopping = threading.Event()
    systemd = threading.Thread(target=serve, args=(one_by_one, stopping))
    systemd.start()
    try:
        for number in range(ROUNDS):
            old = tree.with_name(f"old-{number}")
            # Some documents reach the old tree at the last moment and go over into the new one, as known ones do.
            for late in range(10):
                upload(tree / "Contrats" / f"late-{number}-{late}.pdf")
                expected.append(f"Contrats/late-{number}-{late}.pdf")
            tree.rename(old)
            if number % 2:
                (tree / "Contrats").mkdir(parents=True)
                for document in (old / "Contrats").iterdir():
                    document.rename(tree / "Contrats" / document.name)
            else:
                shutil.copytree(old, tree, copy_function=shutil.copy2)
            for new in range(100):
                upload(tree / "Contrats" / f"new-{number}-{new}.pdf")
                expected.append(f"Contrats/new-{number}-{new}.pdf")
            upload(old / f"elsewhere-{number}.pdf")
            if number % 3 == 2:
                wait_for(lambda: len(announced(one_by_one, sink)) == len(expected), 60, "all documents")
                shutil.rmtree(old)
        wait_for(lambda: len(announced(one_by_one, sink)) == len(expected), 60, "all documents")
    finally:
        stopping.set()
        systemd.join()
    assert sorted(announced(one_by_one, sink)) == sorted(expected)
    assert known(one_by_one) == {"Contrats/ancien.pdf", *expected}


def test_a_tree_that_is_away_for_moments_under_load(one_by_one: Relay, tree: Path, sink: Sink) -> None:
    chance = random.Random(4)
    for number in range(2000):
        upload(tree / "Conges" / f"old-{number}.pdf")
    start(one_by_one)
    stopping = threading.Event()
    systemd = threading.Thread(target=serve, args=(one_by_one, stopping))
    systemd.start()
    expected = []
    try:
        for number in range(TRIPS):
            away = tree.rename(tree.with_name("away"))
            for late in range(chance.randrange(50)):
                upload(away / "Contrats" / f"{number}-{late}.pdf")
                expected.append(f"Contrats/{number}-{late}.pdf")
            if number % 5 == 4:
                wait_for(lambda: "replaced tree" in one_by_one.text)
            away.rename(tree)
            for new in range(chance.randrange(50)):
                upload(tree / "Conges" / f"{number}-{new}.pdf")
                expected.append(f"Conges/{number}-{new}.pdf")
            (tree / f"lot-{number}").mkdir()
        wait_for(lambda: len(announced(one_by_one, sink)) == len(expected), 90, "all documents")
    finally:
        stopping.set()
        systemd.join()
    assert sorted(announced(one_by_one, sink)) == sorted(expected)
