"""Who takes a document by the word in its thread, which Mattermost names from 11.6 on."""

import re
from collections.abc import Callable

import pytest

from tests.relays.bot_sink import BotSink
from tests.relays.documented import CHANNEL, Pair, chat, pair
from tests.relays.pressing import buttons, press
from tests.relays.process import wait_for
from tests.relays.slash import BOB, ask
from tests.relays.test_documents_taken import ALL, TAKEN, WHEN, names, taken, taken_by

__all__ = ["chat", "pair"]


def test_the_word_does_what_the_button_does(pair: Callable[..., Pair], chat: BotSink) -> None:
    """In the thread of a document, which Mattermost names from 11.6 on; elsewhere it says where."""
    relays = pair()
    relays.start()
    root = relays.bring("Contrats/alex.pdf")
    elsewhere = "Ce fil n'est pas celui d'un document : il n'y a rien à prendre en charge."
    where = {"channel_name": CHANNEL, "channel_id": chat.ids[CHANNEL]}
    assert ask(relays.gitlab, "take", **where) == elsewhere
    assert ask(relays.gitlab, "take", root_id="anotherpost", **where) == elsewhere
    assert ask(relays.gitlab, "take", root_id=root.id, **where) == TAKEN
    taken(root)


@pytest.mark.parametrize("restart", [False, True], ids=["", "over a kill"])
def test_the_word_takes_a_document_from_before_there_were_buttons(
    pair: Callable[..., Pair], chat: BotSink, restart: bool
) -> None:
    """Its first post has no button, and says who has taken it all the same, whatever version comes."""
    relays = pair(f'remind_after = "1h"\nannounce = {ALL}')
    with_buttons = relays.nextcloud.settings
    relays.nextcloud.configure(re.sub(r"\[buttons\](\n[^\[\n]+)+", "", with_buttons))
    relays.start()
    root, gone = relays.bring("Contrats/alex.pdf"), relays.bring("Contrats/sacha.pdf")
    assert buttons(root) == {}
    where = {"channel_name": CHANNEL, "channel_id": chat.ids[CHANNEL]}
    (relays.tree / "Contrats/sacha.pdf").unlink()
    wait_for(lambda: "retiré" in gone.shown)
    relays.nextcloud.terminate()
    relays.nextcloud.configure(with_buttons)
    relays.nextcloud.start()
    elsewhere = "Ce fil n'est pas celui d'un document : il n'y a rien à prendre en charge."
    assert ask(relays.gitlab, "take", root_id=gone.id, **where) == elsewhere
    assert ask(relays.gitlab, "take", root_id=root.id, **where) == TAKEN
    if restart:
        relays.nextcloud.kill()
        relays.nextcloud.start()
    taken(root)
    by = taken_by(root)
    assert re.fullmatch(f"par alice, le {WHEN}", by)
    again = ask(relays.gitlab, "take", root_id=root.id, **where)
    assert re.fullmatch(f"🙋 Vous avez déjà pris ce document en charge, le {WHEN}.", again)
    assert relays.rows("SELECT count(*) FROM document_threads WHERE reminds") == [(0,)]
    (relays.tree / "Contrats/alex.pdf").write_bytes(b"another version")
    wait_for(lambda: "Nouvelle version" in root.shown)
    assert (taken_by(root), names(root)) == (by, [])


def test_the_word_takes_nothing_in_the_thread_of_another_channel(
    pair: Callable[..., Pair], chat: BotSink
) -> None:
    """Mattermost asks nobody in whose channel the thread is that a command says it is in; nor is it said who has it."""
    relays = pair()
    relays.start()
    root, other = relays.bring("Contrats/alex.pdf"), relays.bring("Contrats/sacha.pdf")
    assert press(relays.gitlab, chat, other, "take") == TAKEN
    taken(other)
    elsewhere = "This thread is not that of a document: there is nothing to take."
    for document in (root, other):
        for channel in ("home", "dev"):
            where = {"channel_name": channel, "channel_id": chat.ids[channel], "user_id": BOB}
            assert ask(relays.gitlab, "take", root_id=document.id, **where) == elsewhere
    assert relays.rows("SELECT count(*) FROM document_threads WHERE taken_at IS NOT NULL") == [(1,)]
    where = {"channel_name": CHANNEL, "channel_id": chat.ids[CHANNEL], "root_id": root.id}
    chat.healthy = False
    assert "rien n'a été fait" in ask(relays.gitlab, "take", **where)
    chat.healthy = True
    assert ask(relays.gitlab, "take", **where) == TAKEN
