"""No text costs more to put into a message than its length: a sender who makes it up must not hold the relay up."""

import time
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relays.mattermost import invisible, markup
from tests.unit.test_relays_markup import PIECES

LENGTH = 30_000
# What is linear takes some milliseconds for so much; what grows with the square, several seconds and more.
MOST_SECONDS = 1.0

MARKUP = markup.Markup("x")
FUNCTIONS: dict[str, Callable[[str], object]] = {
    "plain": lambda text: markup.plain(text, len(text)),
    "bold": lambda text: markup.bold(text, len(text)),
    "code": lambda text: markup.code(text, len(text)),
    "label": lambda text: markup.label(text, len(text)),
    "from_label": lambda text: markup.from_label(markup.Label(text)),
    "emoji": lambda text: markup.emoji(text, len(text)),
    "given": lambda text: markup.given(markup.plain, text, len(text)),
    "printable": markup.printable,
    "part": markup.part,
    "line_start": lambda text: markup.line_start(markup.Markup(text)),
    "without_slack_links": lambda text: markup.without_slack_links(markup.Markup(text)),
    "mention": markup.mention,
    "link": lambda text: (markup.link(markup.Markup(text), "http://x"), markup.link(MARKUP, text)),
    "link_target": lambda text: (markup.link_target(text), markup.link_target(f"http://{text}")),
    "fill": lambda text: markup.fill("{text} {text}", text=markup.Markup(text)),
    "fill_label": lambda text: markup.fill_label("{text} {text}", text=markup.Label(text)),
    "inside_out": markup.inside_out,
    "whole": markup.whole,
    "shows": invisible.shows,
    "shown": invisible.shown,
}
UNITS = [
    *("`", "``a`", "`a``", "\\`", "\\", "@`", "<`", "[", "](", "]\0(", "@\0", "_", "*_", "&a", "&amp;"),
    *(
        "www",
        "www1",
        "http:",
        "1",
        "1.",
        "a:",
        " ",
        "\u200b",
        "\u200b ",
        "\u202ea",
        "\ud800",
        "\n",
        "\0",
        "a",
    ),
]


def run(function: str, text: str) -> float:
    """The seconds of work that it costs."""
    begun = time.thread_time()
    FUNCTIONS[function](text)
    return time.thread_time() - begun


def test_every_public_function_is_looked_at() -> None:
    public = {
        name
        for name, value in vars(markup).items()
        if callable(value)
        and getattr(value, "__module__", "") == markup.__name__
        and not name.startswith("_")
    }
    assert public - {"Markup", "Label"} <= FUNCTIONS.keys()


@pytest.mark.sampled(2)
@pytest.mark.parametrize("function", FUNCTIONS)
def test_a_piece_again_and_again(function: str) -> None:
    for unit in UNITS:
        text = (unit * LENGTH)[:LENGTH]
        for whole in (
            text,
            f"a{text}b",
            f"`{text}",
            f"{text}\\",
            text[: LENGTH // 2] + "x" + text[LENGTH // 2 :],
        ):
            assert run(function, whole) < MOST_SECONDS, unit


def test_fences_of_every_length() -> None:
    for runs in (range(1, 440), range(440, 0, -1), [*range(1, 310), *range(310, 0, -1)]):
        text = "a".join("`" * length for length in runs)
        assert run("inside_out", text) < MOST_SECONDS


@settings(max_examples=30)
@given(
    st.sampled_from(sorted(FUNCTIONS)), st.lists(PIECES, min_size=1, max_size=6), st.lists(PIECES, max_size=3)
)
def test_any_pieces_again_and_again(function: str, pieces: list[str], other: list[str]) -> None:
    text = "".join(pieces)
    repeated = text * (LENGTH // len(text))
    assert run(function, repeated + "".join(other)) < MOST_SECONDS
    assert run(function, "".join(other) + repeated) < MOST_SECONDS
