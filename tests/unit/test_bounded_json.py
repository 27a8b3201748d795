"""JSON of others: read, or refused before it takes the memory, whatever it is made of."""

import json
import time
import tracemalloc

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from relays.base import bounded_json
from relays.base.bounded_json import HeavyError, UnreadableError, decoded, read_json, weight
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
    "texts of wide escapes": many('"a\\ud83d\\ude00"'),
    "texts of half-wide escapes": many('"a\\u20ac"'),
    "one text with a wide escape": '"' + "a" * SIZE + '\\ud83d\\ude00"',
    "one text with a half-wide escape": '"' + "a" * SIZE + '\\u20ac"',
    "one text with a narrow escape": '"' + "a" * SIZE + '\\u00e9"',
    "one half-wide text with a narrow escape": '"€' + "a" * SIZE + '\\n"',
    "one wide text with a narrow escape": '"😀' + "a" * SIZE + '\\n"',
    "one wide text, behind an escape": '"\\n' + "a" * SIZE + '😀"',
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
    content = SHAPES[name].encode()
    tracemalloc.start()
    try:
        try:
            value = json.loads(decoded(content))
        except ValueError:
            value = None
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    del value
    assert weight(content) >= peak + len(content)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("name", SHAPES)
def test_the_weight_takes_little_time_and_memory(name: str) -> None:
    content = SHAPES[name].encode()
    begun = time.thread_time()
    weight(content)
    assert time.thread_time() - begun < 1
    tracemalloc.start()
    weight(content)
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
    content = json.dumps(value, ensure_ascii=ascii).encode()
    whole = weight(content)
    before = bounded_json._PIECE
    bounded_json._PIECE = piece
    try:
        assert weight(content) == whole
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
            assert read_json(text.encode()) == payload, (path.name, key)
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
        "\ufeff{}",
    ],
    ids=lambda text: text[:12],
)
def test_what_is_no_json_is_unreadable(text: str) -> None:
    with pytest.raises(UnreadableError):
        read_json(text.encode("utf-8", "surrogatepass"))


@pytest.mark.parametrize(
    "text", ["[" + "[]," * 8_000_000 + "[]]", '["' + "😀" * 20_000_000 + '"]'], ids=["lists", "emoji"]
)
def test_what_would_take_too_much_memory_is_not_read(text: str) -> None:
    with pytest.raises(HeavyError):
        read_json(text.encode("utf-8", "surrogatepass"))


def test_numbers_that_are_read() -> None:
    assert read_json(b"[" + b"9" * 4300 + b", 1e400, -0.0]") == [int("9" * 4300), float("inf"), 0]
