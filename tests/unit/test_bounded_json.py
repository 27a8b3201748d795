"""JSON of others: read, or refused before it takes the memory, whatever it is made of."""

import json
import sys
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relays.base import bounded_json
from relays.base.bounded_json import HeavyError, UnreadableError, read_json, weight
from tests.relays.events import PAYLOADS

SIZE = 2_000_000


def many(piece: str) -> str:
    """A list of so much of a piece."""
    return f"[{','.join([piece] * (SIZE // (len(piece) + 1)))}]"


SHAPES = {
    "empty lists": many("[]"),
    "empty objects": many("{}"),
    "lists in lists": many("[[[[[]]]]]"),
    "deep lists": many("[" * 900 + "]" * 900),
    "small objects": many('{"a":1}'),
    "objects in objects": many('{"a":{"b":{"c":{}}}}'),
    "deep objects": many('{"a":' * 800 + "1" + "}" * 800),
    "numbers": many("1234"),
    "small numbers": many("1"),
    "fractions": many("1.5"),
    "texts": many('"ab"'),
    "empty texts": many('""'),
    "texts of escapes": many('"\\u0041\\n\\"\\\\"'),
    "wide texts": many('"é"').replace("é", "😀", 1),
    "one text": '"' + "a" * SIZE + '"',
    "one wide text": f'"{"😀" * (SIZE // 4)}"',
    "one text of backslashes": '"' + "\\\\" * (SIZE // 2) + '"',
    "one text of quotation marks": '"' + '\\"' * (SIZE // 2) + '"',
    "one number": "0." + "1" * SIZE,
    "words": many("null"),
    "one object": "{" + ",".join(f'"{number:x}":{number}' for number in range(SIZE // 14)) + "}",
    "one object of one key": "{" + ",".join(['"a":1'] * (SIZE // 6)) + "}",
    "objects of many keys": many("{" + ",".join(f'"k{number}":{number}' for number in range(50)) + "}"),
    "large keys": "{" + ",".join(f'"{number:0100x}":[]' for number in range(SIZE // 110)) + "}",
    "brackets in a text": f'"{"[{,:" * (SIZE // 4)}"',
    "a list that ends too early": many("[]")[:-1],
    "lists behind a text that does not end": many("[]")[:-1] + ',"',
}


@pytest.mark.sampled(4)
@pytest.mark.parametrize("name", SHAPES)
def test_the_weight_is_no_less_than_what_is_taken(name: str) -> None:
    text = SHAPES[name]
    tracemalloc.start()
    try:
        try:
            value = json.loads(text)
        except ValueError:
            value = None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del value
    assert weight(text) >= peak + sys.getsizeof(text)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", SHAPES)
def test_the_weight_takes_little_time_and_memory(name: str) -> None:
    text = SHAPES[name]
    begun = time.thread_time()
    weight(text)
    assert time.thread_time() - begun < 1
    tracemalloc.start()
    weight(text)
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert peak < 20_000_000


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda children: st.lists(children) | st.dictionaries(st.text(), children),
    max_leaves=30,
)


@settings(max_examples=200)
@given(JSON, st.integers(1, 20).map(lambda half: 2 * half), st.booleans())
def test_the_pieces_that_are_counted_are_those_of_the_whole(value: object, piece: int, ascii: bool) -> None:
    text = json.dumps(value, ensure_ascii=ascii)
    whole = weight(text)
    before = bounded_json._PIECE
    bounded_json._PIECE = piece
    try:
        assert weight(text) == whole
    finally:
        bounded_json._PIECE = before


def test_what_gitlab_sends_is_read_whatever_its_length() -> None:
    """A megabyte of the jobs of a pipeline, of what a push changes, of labels."""
    for path in sorted(PAYLOADS.glob("[a-z]*.json")):
        payload = json.loads(path.read_text())
        lists = [key for key, value in payload.items() if isinstance(value, list) and value]
        for key in lists:
            payload[key] *= 1_000_000 // len(json.dumps(payload[key])) + 1
            text = json.dumps(payload)
            assert read_json(text) == payload, (path.name, key)
            payload[key] = payload[key][:1]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "no JSON",
        "{",
        '{"a": }',
        "[1,]",
        "1" * 5000,
        '{"iid": ' + "9" * 4301 + "}",
        "[" * 100_000,
        '{"a":' * 5000,
        "\ud800",
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_json_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_json(text)


@pytest.mark.parametrize(
    "text", ["[" + "[]," * 8_000_000 + "[]]", '["' + "😀" * 20_000_000 + '"]'], ids=["lists", "emoji"]
)
def test_what_would_take_too_much_memory_is_not_read(text: str) -> None:
    with pytest.raises(HeavyError):
        read_json(text)


def test_numbers_that_are_read() -> None:
    assert read_json("[" + "9" * 4300 + ", 1e400, -0.0]") == [int("9" * 4300), float("inf"), 0]
