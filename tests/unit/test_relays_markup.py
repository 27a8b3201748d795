"""Text from outside stays text, whatever it is."""

import re
import time
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relays.mattermost import markup

ZERO_WIDTH_SPACE = "\u200b"

# What Mattermost's markup, its mentions and Slack's forms are made of, mixed with anything.
PIECES = st.sampled_from(
    [
        *(
            "@all",
            "@channel",
            "@here",
            "@user",
            "<!channel>",
            "<!here>",
            "<@user>",
            "<http://evil|text>",
            "[a](http://b)",
        ),
        *(
            "`",
            "``",
            "```",
            "*",
            "**",
            "_",
            "~",
            "~~",
            "#",
            "\\",
            "|",
            "<",
            ">",
            "!",
            "[",
            "]",
            "(",
            ")",
            ":",
            "://",
        ),
        *(
            "\n",
            "\r\n",
            "\t",
            "\0",
            "\x7f",
            "\u2028",
            "\u202e",
            "\u2066",
            "\ud800",
            "\u200b",
            "&#64;all",
            "&commat;all",
            " ",
        ),
        *("- ", "1. ", "www.", "http:", "mailto:"),
    ]
)
TEXTS = st.lists(PIECES | st.text(max_size=5), max_size=12).map("".join)


def unescaped(text: str) -> str:
    """The text without what is escaped by a backslash."""
    return re.sub(r"\\[\\`*_\[\]]", "", text)


def assert_tame(text: str) -> None:
    """One line, nothing invisible that acts, nothing that Slack's mentions are made of."""
    assert not re.search("[\x00-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", text)
    assert not re.search(r"<[!@]", text)


def assert_inert(text: str) -> None:
    """Nothing that mentions a person, a channel or a topic, and no bare link."""
    assert_tame(text)
    assert not re.search(rf"[@~#<](?!{ZERO_WIDTH_SPACE})", text)
    assert "://" not in text
    assert not re.search(rf"\b(mailto|tel|https?|ftp):[^\s{ZERO_WIDTH_SPACE}]", text)
    assert not re.search(r"&#?\w+;", text, re.ASCII)
    assert not re.search(r"\bwww\d{0,3}\.", text, re.IGNORECASE)
    assert "](" not in text


@given(TEXTS)
def test_plain_text_has_no_markup(text: str) -> None:
    shown = markup.plain(text, 200)
    assert_inert(shown)
    assert not re.search(r"[\\`*\[\]]|(?<![^\W_])_|_(?![^\W_])", unescaped(shown))
    # No heading, quote, list, rule, table or indented code at the start of a block.
    assert re.match(rf"\w|\\|{ZERO_WIDTH_SPACE}", shown)
    assert not re.match(r"\d+[.)]", shown)


@given(TEXTS)
def test_labels_are_inert(text: str) -> None:
    assert_inert(markup.label(text, 200))


@given(TEXTS)
def test_a_code_span_holds_its_text(text: str) -> None:
    shown = markup.code(text, 200)
    assert_tame(shown)
    opening = re.match("`+", shown)
    assert opening
    runs = [match for match in re.finditer("`+", shown) if len(match.group()) == len(opening.group())]
    # CommonMark: the span ends at the first run of backticks as long as the one that opened it.
    assert [match.span() for match in runs] == [opening.span(), (len(shown) - opening.end(), len(shown))]


@given(TEXTS, st.integers(1, 30))
def test_texts_are_cut(text: str, limit: int) -> None:
    shown = markup.label(text, limit).replace(ZERO_WIDTH_SPACE, "")
    assert 1 <= len(shown) <= limit or ZERO_WIDTH_SPACE in text


@given(st.text(st.characters(categories=["L", "N"]), min_size=1, max_size=50))
def test_ordinary_text_is_not_touched(text: str) -> None:
    assert str(markup.plain(text, 50)) == str(markup.label(text, 50)) == text
    assert markup.code(text, 50) == f"`{text}`"
    assert markup.bold(text, 50) == f"**{text}**"


@pytest.mark.parametrize(
    ("text", "plain", "code"),
    [
        ("Fiches_Paie", "Fiches_Paie", "`Fiches_Paie`"),
        ("projet-test-taaf", "projet-test-taaf", "`projet-test-taaf`"),
        ("feat: ajout (v2.1)", "feat: ajout (v2.1)", "`feat: ajout (v2.1)`"),
        ("_x_ *y* `z`", "\\_x\\_ \\*y\\* \\`z\\`", "`` _x_ *y* `z` ``"),
        ("a`b`.pdf", "a\\`b\\`.pdf", "``a`b`.pdf``"),
        ("@all", f"{ZERO_WIDTH_SPACE}@{ZERO_WIDTH_SPACE}all", "`@all`"),
        ("R&D &commat;all", f"R&D &{ZERO_WIDTH_SPACE}commat;all", "`R&D &commat;all`"),
        ("Map<String|Int>", f"Map<{ZERO_WIDTH_SPACE}String|Int>", "`Map<String|Int>`"),
        ("1. titre", f"{ZERO_WIDTH_SPACE}1. titre", "`1. titre`"),
        ("  a\r\n\tb  ", "a b", "`a b`"),
        ("fac\u202egpj.exe", "facgpj.exe", "`facgpj.exe`"),
        ("👩\u200d💼", f"{ZERO_WIDTH_SPACE}👩\u200d💼", "`👩\u200d💼`"),
        ("\0\n", f"{ZERO_WIDTH_SPACE}?", "`?`"),
        ("ferm\udce9", "ferm\ufffd", "`ferm\ufffd`"),
    ],
)
def test_examples(text: str, plain: str, code: str) -> None:
    assert markup.plain(text, 100) == plain
    assert markup.code(text, 100) == code


@given(TEXTS)
def test_code_spans_that_turn_out_to_be_text_are_inert(text: str) -> None:
    shown = markup.inside_out(markup.code(text, 200))
    assert not re.search(rf"[@~#<](?!{ZERO_WIDTH_SPACE})", shown)
    assert shown.replace(ZERO_WIDTH_SPACE, "") == markup.code(text, 200).replace(ZERO_WIDTH_SPACE, "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("@a `@b` @c", "@a `@|b` @c"),
        ("``@a`@b`` @c", "``@|a`@|b`` @c"),
        ("\\`@a` @b", "\\`@a` @b"),
        ("\\``@a` @b", "\\``@|a` @b"),
        ("`@a\\` @b", "`@|a\\` @b"),
        ("`@a\n@b` @c", "`@|a\n@|b` @c"),
        ("```@a` @b", "```@a` @b"),
        ("`@a`` `@b``` @c`", "`@|a`` `@b``` @c`"),
        ("", ""),
    ],
)
def test_only_what_is_in_code_spans_is_turned_out(text: str, expected: str) -> None:
    assert markup.inside_out(text) == expected.replace("|", ZERO_WIDTH_SPACE)


@pytest.mark.parametrize(
    "text",
    [
        "a < b",
        "<b>",
        "<a|b>",
        "x<",
        "HEAD~1",
        "~/.ssh",
        "~",
        "C#",
        "#12",
        "a#b",
        "#!/bin/sh",
        "# titre",
        "x~y~z",
    ],
)
def test_code_that_names_nothing_is_copied_as_it_is(text: str) -> None:
    assert markup.code(text, 100) == f"`{text}`"


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("~dev", "`~\u2060dev`"),
        ("(~dev) -~_x é~1", "`(~\u2060dev) -~\u2060_x é~\u20601`"),
        ("~~dev", "`~~\u2060dev`"),
        ("#topic ##é", "`#\u2060topic ##\u2060é`"),
        ("/#a ²#b", "`/#\u2060a ²#\u2060b`"),
    ],
)
def test_code_names_no_channel_and_no_topic(text: str, code: str) -> None:
    assert markup.code(text, 100) == code


@pytest.mark.parametrize(
    ("name", "shown"),
    [
        ("thumbsup", ":thumbsup:"),
        ("+1", ":+1:"),
        ("flag_fr", ":flag_fr:"),
        ("all: @all", "`all: @all`"),
        ("Pouce", "`Pouce`"),
        ("x" * 61, f"`{'x' * 59}…`"),
        ("", "`?`"),
    ],
)
def test_emoji(name: str, shown: str) -> None:
    assert markup.emoji(name, 60) == shown


@pytest.mark.parametrize(
    ("values", "filled"),
    [
        ({"who": "A", "where": "B", "count": 0}, "A: 0 (in B)!"),
        ({"who": "A", "where": None, "count": 1}, "A: 1!"),
        ({"who": "A", "where": "B", "count": None}, "A (in B)!"),
        ({"who": "[x]", "where": "{y}", "count": None}, "[x] (in {y})!"),
    ],
)
def test_what_is_not_known_takes_its_part_of_the_wording_with_it(values: dict[str, Any], filled: str) -> None:
    template = "{who}[: {count}][ (in {where})]!"
    assert markup.fill(template, **values) == filled
    assert markup.fill_label(template, **values) == filled


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        ("a | b", True),
        ("a | b > c", True),
        ("<a> | b", True),
        ("a < b | c", True),
        ("<a|b>", False),
        ("`Map<String|Int>`", False),
        ("a < b\n| c || d\n> e", False),
        ("> <a>\n| b |", True),
        ("<a>\n| b >", False),
    ],
)
def test_what_slack_would_take_for_a_link_is_none(text: str, kept: bool) -> None:
    shown = markup.without_slack_links(markup.Markup(text))
    assert (shown == text) == kept
    assert shown.replace("\u2223", "|") == text
    # As Mattermost has it for attachments, which is the wider of the two.
    assert not re.search(r"<([^<|]+)\|([^>]+)>", shown)


@pytest.mark.parametrize("text", ["", " \n", "\0", "\u202e", "\t\0 "])
def test_nothing_to_show_is_nothing(text: str) -> None:
    assert markup.given(markup.plain, text, 60) is None


@pytest.mark.parametrize("text", ["?", " ?", "x", "0"])
def test_what_can_be_shown_is_something(text: str) -> None:
    assert markup.given(markup.plain, text, 60) == markup.plain(text, 60)


def test_what_cannot_be_shown_costs_nothing() -> None:
    begun = time.process_time()
    assert markup.plain("x" * 30_000_000, 100).endswith("xx…")
    assert time.process_time() - begun < 1


@pytest.mark.parametrize(
    ("url", "kept"),
    [
        ("https://git.taaf.internal/a/b/-/merge_requests/8", True),
        ("http://git.taaf.internal/x?y=(z)#n", True),
        ("javascript:alert(1)", False),
        ("https://a b", False),
        ("https://a\nb", False),
        ('https://a"onclick', False),
        ("https://" + "a" * 600, False),
        ("https://a/\0", False),
        ("https://a/\u202e", False),
        ("https://a/\u200b", False),
        ("https://a/\ud800", False),
        ("", False),
    ],
)
def test_addresses(url: str, kept: bool) -> None:
    assert markup.link_target(url) == (url if kept else "")
