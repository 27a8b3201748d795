"""Text of which nothing shows counts as empty, whatever it is made of; text of which anything shows does not."""

import unicodedata

import pytest

from relays.mattermost import invisible, markup
from relays.mattermost.message import Sentence
from relays.mattermost.templates import Templates
from relays.sources.gitlab.payload import Payload

NOTHING = {
    "Hangul fillers": "\u3164\u115f\u1160\uffa0",
    "Braille without a dot": "\u2800",
    "zero-width": "\u200b\u200c\u200d\u2060\ufeff",
    "soft hyphens": "\u00ad",
    "directions": "\u200e\u200f\u061c\u202a\u202e\u2066\u2069",
    "variation selectors": "\ufe00\ufe0f\U000e0100\U000e01ef",
    "tags": "\U000e0001\U000e0041\U000e007f",
    "invisible operators": "\u2061\u2062\u2063\u2064",
    "Khmer and Mongolian": "\u17b4\u17b5\u180b\u180e\u180f",
    "joiners of other scripts": "\u034f\U00016fe4",
    "shorthand and music": "\U0001bca0\U0001d159\U0001d173\U0001d17a",
    "hieroglyphs": "\U00013430\U00013441\U00013442",
    "spaces": " \u00a0\u1680\u2000\u200a\u2028\u2029\u202f\u205f\u3000",
    "controls": "\0\t\r\n\x1b\x7f\x85\x9f",
    "annotations": "\ufff9\ufffa\ufffb",
    "not characters": "\ufdd0\ufffe\uffff\U0010ffff",
    "none": "",
}
SOMETHING = [
    "a",
    "é",
    "字",
    "ہ",
    "0",
    ".",
    "-",
    "👩\u200d💼",
    "❤\ufe0f",
    "\ufffd",
    "\u0301",
    "\u3164a",
    "\u200f א",
]


@pytest.mark.parametrize("text", NOTHING.values(), ids=NOTHING.keys())
def test_what_shows_nothing_counts_as_empty(text: str) -> None:
    for each in (text, text * 50, *text):
        assert not invisible.shows(each)
        # Left out where an empty text is, and a mark where something has to stand.
        assert Payload({"title": each}).text("title") == ""
        assert markup.label(each, 20) == "?"
        assert markup.code(each, 20) == "`?`"


@pytest.mark.parametrize("text", SOMETHING)
def test_what_shows_anything_is_kept(text: str) -> None:
    assert invisible.shows(text)
    assert Payload({"title": text}).text("title") == text
    assert markup.label(text, 20).strip("\u200b") == " ".join(text.split())


def test_all_of_unicode_is_as_its_categories_say() -> None:
    """Marks that stand before Arabic numbers and the like format, and are seen."""
    formats = {chr(code) for code in range(0x110000) if unicodedata.category(chr(code)) in ("Cc", "Cf")}
    seen = {character for character in formats if invisible.shows(character)}
    assert all(unicodedata.bidirectional(character) in ("AN", "AL", "L") for character in seen)
    assert len(seen) < 20
    letters = (chr(code) for code in range(0x110000) if unicodedata.category(chr(code))[0] in "LNPS")
    hidden = {character for character in letters if not invisible.shows(character)}
    assert hidden <= set("\u115f\u1160\u3164\uffa0\u2800\U00013441\U00013442\U0001d159")


def test_what_shows_is_not_hidden_behind_what_does_not() -> None:
    assert markup.label("\u200b" * 300 + "titre", 20) == "titre"
    assert markup.label("\u2800" * 30 + "titre" + "\u3164" * 30 + "long", 8) == "titre l…"


def test_a_sentence_of_a_site_that_shows_nothing_is_not_taken() -> None:
    said = Sentence(markup.Markup("said"), markup.Label("said"))
    assert Templates({"open": "\u3164{{ payload.none }}"}).say("open", {"payload": {}}, said) == said
