"""The reminder of a document that nobody has taken: one in its thread, and none for what needs none."""

from collections.abc import Callable

import pytest

from tests.relays.bot_sink import BotSink
from tests.relays.documented import CHANNEL, Pair, chat, pair
from tests.relays.pressing import buttons, press
from tests.relays.process import wait_for

__all__ = ["chat", "pair"]

REMINDS = 'remind_after = "2d"'
SAID = "⏰ Annoncé il y a 2 j, ce document n'a encore été pris en charge par personne."
DAY = 86400


def age(relays: Pair, days: float) -> None:
    """As if all documents had been announced so much earlier."""
    relays.rows(f"UPDATE document_threads SET since = since - {days * DAY}")  # noqa: S608


def settled(relays: Pair) -> None:
    """Wait until nothing waits to be said, and what is old enough has been looked at."""
    due = f"reminds AND since < unixepoch() - {2 * DAY}"
    waits = f"SELECT 1 FROM document_threads WHERE {due} UNION ALL SELECT 1 FROM outbox WHERE state = 'ready'"  # noqa: S608
    wait_for(lambda: not relays.rows(waits))


@pytest.mark.parametrize("down", [False, True])
def test_it_is_reminded_of_once(pair: Callable[..., Pair], chat: BotSink, down: bool) -> None:
    """Although the relay is killed before and after, and where its time comes while the relay is down."""
    relays = pair(REMINDS)
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    age(relays, 1.9)
    settled(relays)
    assert chat.replies(root) == []
    if down:
        relays.nextcloud.kill()
    age(relays, 0.2)
    if down:
        relays.nextcloud.start()
    wait_for(lambda: [each.shown for each in chat.replies(root)] == [SAID])
    relays.nextcloud.kill()
    age(relays, 5)
    relays.nextcloud.start()
    young = relays.bring("Contrats/sacha.pdf")
    settled(relays)
    assert [each.shown for each in chat.replies(root)] == [SAID]
    assert chat.replies(young) == []
    assert buttons(root), "it can still be taken"


def test_what_needs_none_is_not_reminded_of(pair: Callable[..., Pair], chat: BotSink) -> None:
    """What somebody has taken, what is gone from the tree, and not one of them when another one is due."""
    relays = pair(REMINDS)
    relays.start()
    roots = {name: relays.bring(f"Contrats/{name}.pdf") for name in ("taken", "gone", "waits")}
    press(relays.gitlab, chat, roots["taken"], "take")
    (relays.tree / "Contrats/gone.pdf").unlink()
    wait_for(lambda: len(relays.rows("SELECT 1 FROM documents WHERE conversation <> ''")) == 2)
    age(relays, 2.1)
    wait_for(lambda: chat.replies(roots["waits"]))
    settled(relays)
    assert {name: len(chat.replies(root)) for name, root in roots.items()} == {
        "taken": 0,
        "gone": 0,
        "waits": 1,
    }


def test_a_new_version_reminds_no_second_time(pair: Callable[..., Pair], chat: BotSink) -> None:
    relays = pair(REMINDS)
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    age(relays, 2.1)
    wait_for(lambda: len(chat.replies(root)) == 1)
    (relays.tree / "Contrats/alex.pdf").write_bytes(b"another version")
    wait_for(lambda: len(chat.replies(root)) == 2)
    age(relays, 9)
    settled(relays)
    assert [each.shown.split(" ")[0] for each in chat.replies(root)] == ["⏰", "🔄"]


def test_each_tree_has_its_own_time_and_none_is_made_up_for_later(
    pair: Callable[..., Pair], chat: BotSink
) -> None:
    """Of a tree without the setting, no reminders gather for the day on which the site gives it one."""
    relays = pair()
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    age(relays, 30)
    relays.nextcloud.terminate()
    relays.nextcloud.configure(f"{relays.nextcloud.settings}\n{REMINDS}\n")
    relays.nextcloud.start()
    young = relays.bring("Contrats/sacha.pdf")
    relays.nextcloud.terminate()
    relays.nextcloud.configure(relays.nextcloud.settings.replace(REMINDS, ""))
    relays.nextcloud.start()
    wait_for(lambda: relays.rows("SELECT 1 FROM document_threads WHERE reminds") == [])
    relays.nextcloud.terminate()
    age(relays, 3)
    relays.nextcloud.configure(f"{relays.nextcloud.settings}\n{REMINDS}\n")
    relays.nextcloud.start()
    last = relays.bring("Contrats/noa.pdf")
    age(relays, 2.1)
    wait_for(lambda: chat.replies(last))
    settled(relays)
    assert [chat.replies(each) for each in (root, young)] == [[], []]
    assert len(chat.roots(CHANNEL)) == 3


def test_without_buttons_no_reminders_gather_for_the_day_on_which_they_are_back(
    pair: Callable[..., Pair], chat: BotSink
) -> None:
    relays = pair(REMINDS)
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    with_buttons = relays.nextcloud.settings
    signed = with_buttons.partition("[buttons]\n")[2].partition("[[trees]]")[0]
    relays.nextcloud.terminate()
    relays.nextcloud.configure(with_buttons.replace(f"[buttons]\n{signed}", "").replace(REMINDS, ""))
    relays.nextcloud.start()
    assert buttons(relays.bring("Contrats/sacha.pdf")) == {}
    relays.nextcloud.terminate()
    age(relays, 30)
    relays.nextcloud.configure(with_buttons)
    relays.nextcloud.start()
    last = relays.bring("Contrats/noa.pdf")
    age(relays, 2.1)
    wait_for(lambda: chat.replies(last))
    settled(relays)
    assert chat.replies(root) == []
