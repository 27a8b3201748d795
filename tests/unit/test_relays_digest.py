"""Digests: what fits in one, what it says, and that nothing in it acts."""

import time
from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relays.delivery import digest
from relays.delivery.conversation import Conversation
from relays.delivery.digest import DigestEntry
from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.wording import CATALOGUES
from tests.unit.test_relays_markup import TEXTS, assert_inert

NOON = datetime(2025, 12, 1, 12, 0).timestamp()


def entry(number: int, summary: str = "something", at: float = NOON, **message: object) -> DigestEntry:
    """A notification that waits."""
    sent = {"username": "bot", "icon_emoji": ":robot:", "text": "long", **message}
    return DigestEntry(number, f"key-{number}", sent, Markup(summary), at)


def text_of(entries: list[DigestEntry], language: str = "fr", now: float = NOON) -> str:
    return str(digest.build(entries, CATALOGUES[language], now)["text"])


@pytest.mark.parametrize(
    ("language", "heading"),
    [
        ("fr", "📚 **2 notifications** en attente, de 12:00 à 12:32"),
        ("en", "📚 **2 notifications** were waiting, from 12:00 to 12:32"),
    ],
)
def test_it_says_how_many_when_and_what(language: str, heading: str) -> None:
    entries = [entry(1, "**A** opened"), entry(2, "**B** closed", NOON + 1920)]
    assert digest.build(entries, CATALOGUES[language], NOON + 3600) == {
        "username": "bot",
        "icon_emoji": ":robot:",
        "text": f"{heading}\n\n- 12:00 **A** opened\n- 12:32 **B** closed",
    }


def test_the_day_is_announced_if_it_is_another_one() -> None:
    entries = [entry(1), entry(2, at=NOON + 86400)]
    text = text_of(entries, now=NOON + 86400)
    assert text.startswith("📚 **2 notifications** en attente, de 01/12/2025 12:00 à 02/12/2025 12:00\n")
    assert "- 02/12/2025 12:00 something" in text
    assert "- 01/12/2025 12:00 something" in text_of(entries[:1], now=NOON + 86400)


def test_only_what_has_the_same_sender_is_folded_together() -> None:
    entries = [entry(1), entry(2), entry(3, username="other"), entry(4)]
    assert digest.fitting(entries) == 2
    assert digest.fitting([entry(1), entry(2, icon_emoji=":fox_face:")]) == 1


def test_lines_keys_and_characters_have_their_limits() -> None:
    assert digest.fitting([entry(number) for number in range(200)]) == 50
    long_keys = [DigestEntry(1, "k" * 107, entry(1).message, Markup("x"), NOON)] * 100
    assert digest.fitting(long_keys) == 50
    assert digest.fitting([DigestEntry(1, "k" * 400, entry(1).message, Markup("x"), NOON)] * 100) == 14
    # One that fits in none is a message of its own.
    assert digest.fitting([entry(1, "x" * 20_000), entry(2)]) == 1


@given(st.integers(1, 1200).flatmap(lambda size: st.lists(st.just("🦊" * size), min_size=1, max_size=60)))
def test_long_summaries_stay_within_what_mattermost_takes(summaries: list[str]) -> None:
    yesterday = time.time() - 86400
    entries = [entry(number, summary, yesterday) for number, summary in enumerate(summaries)]
    count = digest.fitting(entries)
    text = text_of(entries[:count], now=time.time())
    assert len(text) <= 14_000
    assert text.count("\n") == (count + 1 if count > 1 else 0)
    # What was left out would have gone beyond a limit.
    assert count == len(entries) or count == 50 or len(text) + len(summaries[0]) > 13_500


@given(st.lists(TEXTS, min_size=2, max_size=5))
def test_nothing_in_it_acts(texts: list[str]) -> None:
    entries = [entry(number, markup.plain(text, 100)) for number, text in enumerate(texts)]
    text = text_of(entries[: digest.fitting(entries)])
    lines = text.split("\n")
    assert len(lines) == len(texts) + 2
    for line in lines:
        assert_inert(line)


def thread(name: str, summary: str, post: str | None = "post") -> Conversation:
    """A conversation with its root, or without."""
    return Conversation("dev", name, "{}", "key", summary, post, None, None, None, None, NOON)


OF = {"a!1": thread("a!1", "🟢 **One**"), "a!2": thread("a!2", "🟣 **Two**", None)}


def of(conversation: str, number: int, summary: str = "something", *, silent: bool = False) -> DigestEntry:
    """A notification of a conversation, or of none."""
    return replace(entry(number, summary, NOON + 60 * number), conversation=conversation, silent=silent)


def test_what_conversations_have_to_say_stands_below_them() -> None:
    entries = [
        of("a!1", 1, "**A** pushed"),
        of("", 2, "**B** tagged"),
        of("a!2", 3, "the root", silent=True),
        of("a!1", 4, "the root", silent=True),
        of("a!2", 5, "**C** merged"),
        of("a!1", 6, "**D** approved"),
    ]
    said = digest.said(entries, OF)
    assert [each.id for each in said] == [1, 2, 3, 5, 6]
    assert str(digest.build(said, CATALOGUES["fr"], NOON, OF)["text"]).split("\n") == [
        "📚 **5 notifications** en attente, de 12:01 à 12:06",
        "",
        "- 🟢 **One**",
        "    - 12:01 **A** pushed",
        "    - 12:06 **D** approved",
        "- 12:02 **B** tagged",
        "- 🟣 **Two**",
        "    - 12:05 **C** merged",
    ]


def test_a_conversation_that_only_has_a_root_to_show_is_said_where_there_is_none() -> None:
    rooted, new = of("a!1", 1, silent=True), of("a!2", 2, silent=True)
    assert digest.said([rooted, new], OF) == [new]
    assert digest.build([new], CATALOGUES["en"], NOON, OF)["text"] == "- 🟣 **Two**"
    # Once is enough, in one digest and in those that follow.
    assert digest.said([new, of("a!2", 3, silent=True)], OF) == [new]
    assert digest.said([new], {"a!2": replace(OF["a!2"], shown="{}")}) == []
    assert digest.said([new], {"a!2": replace(OF["a!2"], shown="{before}")}) == [new]
    # Below their root, or where nothing is known of it, both are shown by that.
    assert digest.said([rooted, new]) == []


def test_what_is_not_said_takes_no_room() -> None:
    silent = [of("a!1", number, silent=True) for number in range(100)]
    assert digest.fitting([*silent, *(of("a!2", 100 + number) for number in range(60))], OF) == 150
    assert digest.fitting(silent, OF) == 100


def test_what_conversations_are_called_takes_room() -> None:
    threads = {f"a!{number}": thread(f"a!{number}", "x" * 900) for number in range(50)}
    entries = [of(f"a!{number % 50}", number) for number in range(100)]
    count = digest.fitting(entries, threads)
    text = str(digest.build(entries[:count], CATALOGUES["fr"], NOON, threads)["text"])
    assert 13_000 < len(text) <= 14_000
    assert digest.fitting(entries) == 50


@given(st.lists(TEXTS, min_size=2, max_size=5))
def test_nothing_in_a_digest_of_conversations_acts(texts: list[str]) -> None:
    threads = {text: thread(text, markup.plain(text, 100)) for text in texts}
    entries = [of(text, number, markup.plain(text, 100)) for number, text in enumerate(texts)]
    for line in str(digest.build(entries, CATALOGUES["fr"], NOON, threads)["text"]).split("\n"):
        assert_inert(line)
