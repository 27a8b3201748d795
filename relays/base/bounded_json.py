"""Reads JSON that somebody else has written without letting it take more memory than there is.

What is read takes up to a hundred times the memory of its text: `[[],[],…]` of 25 MB would be 1.3 GB. So the structure
of a large text is counted first, in a time and a memory that do not depend on what it is. Depth needs no counting:
Python's reader gives up at its limit of recursion.
"""

import json
import re
from codecs import iterdecode

# Of what a text comes to, itself included; 10,000 jobs of a pipeline come to some 100 MB.
MOST_BYTES = 128 * 1024 * 1024
# However a text of so many bytes is made up, it does not come to that.
_HARMLESS = 256 * 1024
# Even, so that something is left of a piece that ends with half of an escaped character.
_PIECE = 128 * 1024

# In CPython on a 64-bit machine, with its place in what holds it and what is left free for growth.
_CONTAINER = 256
_STRING = 64
_ELEMENT = 72
_MEMBER = 80
_READER = 16 * 1024

# A string takes as many bytes for each of its characters as its widest one needs: characters beyond U+FFFF and beyond
# U+00FF, as they are in UTF-8 and as JSON escapes them.
_WIDE, _WIDE_ESCAPE = re.compile(rb"[\xf0-\xf7]"), re.compile(rb"\\u[dD][89a-fA-F]")
_HALF_WIDE, _HALF_WIDE_ESCAPE = re.compile(rb"[\xc4-\xef]"), re.compile(rb"\\u(?!00)")
_NOT_FIRST_OF_A_CHARACTER = bytes(range(0x80, 0xC0))


class UnreadableError(ValueError):
    """The text is no JSON, or holds a number or a depth that is beyond what is read."""


class HeavyError(Exception):
    """To read the text would take too much memory."""


def read_json(content: bytes | bytearray) -> object:
    """What a text in UTF-8 says. UnreadableError, HeavyError."""
    if len(content) > _HARMLESS and weight(content) > MOST_BYTES:
        raise HeavyError
    try:
        return json.loads(decoded(content))
    except (ValueError, RecursionError):  # numbers of more than 4,300 digits among them
        raise UnreadableError from None


def decoded(content: bytes | bytearray) -> str:
    """A text in UTF-8, piece by piece: as a whole it would take up to six times its memory meanwhile. ValueError."""
    pieces = (bytes(content[at : at + _PIECE]) for at in range(0, len(content), _PIECE))
    return "".join(iterdecode(pieces, "utf-8"))


def weight(content: bytes | bytearray) -> int:
    """How many bytes of memory a JSON text in UTF-8 and what is read from it take at most, together.

    Of what is no JSON, those that are taken until that is found.
    """
    containers = strings = elements = members = characters = 0
    at = inside = begun = longest = 0
    while at < len(content):
        piece = content[at : at + _PIECE]
        if (len(piece) - len(piece.rstrip(b"\\"))) % 2 and len(piece) == _PIECE:
            piece = piece[:-1]  # goes with what it escapes
        at += len(piece)
        # One byte a character from here on, and without what is escaped, so that each quotation mark begins or ends a
        # string.
        piece = piece.translate(None, _NOT_FIRST_OF_A_CHARACTER)
        characters += len(piece)
        parts = piece.replace(b"\\\\", b"  ").replace(b'\\"', b"  ").split(b'"')
        lengths = [len(part) for part in parts[1 - inside :: 2]]
        if inside:
            lengths[0] += begun
        longest = max(longest, *lengths, 0)
        outside = b"".join(parts[inside::2])
        inside = (inside + len(parts) - 1) % 2
        begun = lengths[-1] if inside else 0
        strings += len(parts) - 1
        containers += outside.count(b"[") + outside.count(b"{")
        elements += outside.count(b",")
        members += outside.count(b":")
    structure = _CONTAINER * containers + _STRING * strings // 2 + _ELEMENT * elements + _MEMBER * members
    text = _width(content, _WIDE, _HALF_WIDE)
    in_strings = max(text, _width(content, _WIDE_ESCAPE, _HALF_WIDE_ESCAPE))
    # A string with something escaped grows while it is read, by a quarter at a time, and is copied where it gets wider.
    growing = 5 * (max(1, in_strings // 2) + in_strings) * longest // 4 - in_strings * longest
    growth = growing if b"\\" in content else 0
    return _READER + len(content) + characters * (text + in_strings) + growth + structure


def _width(content: bytes | bytearray, wide: re.Pattern[bytes], half_wide: re.Pattern[bytes]) -> int:
    """How many bytes a character takes if the text holds a character that is so wide."""
    if wide.search(content):
        return 4
    return 2 if half_wide.search(content) else 1
