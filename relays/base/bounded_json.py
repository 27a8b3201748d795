"""Reads JSON that somebody else has written without letting it take more memory than there is.

What is read takes up to a hundred times the memory of its text: `[[],[],…]` of 25 MB would be 1.3 GB. So the structure
of a large text is counted first, in a time and a memory that do not depend on what it is. Depth needs no counting:
Python's reader gives up at its limit of recursion.
"""

import json
import sys

# Of what a text comes to, itself included; 10,000 jobs of a pipeline come to some 100 MB.
MOST_BYTES = 128 * 1024 * 1024
# However a text of so many characters is made up, it does not come to that.
_HARMLESS = 256 * 1024
# Even, so that something is left of a piece that ends with half of an escaped character.
_PIECE = 128 * 1024

# In CPython on a 64-bit machine, with its place in what holds it and what is left free for growth.
_CONTAINER = 256
_STRING = 64
_ELEMENT = 72
_MEMBER = 80
_READER = 16 * 1024


class UnreadableError(ValueError):
    """The text is no JSON, or holds a number or a depth that is beyond what is read."""


class HeavyError(Exception):
    """To read the text would take too much memory."""


def read_json(text: str) -> object:
    """What a text says. UnreadableError, HeavyError."""
    if len(text) > _HARMLESS and weight(text) > MOST_BYTES:
        raise HeavyError
    try:
        return json.loads(text)
    except (ValueError, RecursionError):  # numbers of more than 4,300 digits among them
        raise UnreadableError from None


def weight(text: str) -> int:
    """How many bytes of memory a JSON text and what is read from it take at most, together.

    Of what is no JSON, those that are taken until that is found.
    """
    containers = strings = elements = members = 0
    at = inside = 0
    while at < len(text):
        piece = text[at : at + _PIECE]
        if (len(piece) - len(piece.rstrip("\\"))) % 2 and len(piece) == _PIECE:
            piece = piece[:-1]  # goes with what it escapes
        at += len(piece)
        # Without what is escaped, each quotation mark begins or ends a string.
        parts = piece.replace("\\\\", "").replace('\\"', "").split('"')
        outside = "".join(parts[inside::2])
        inside = (inside + len(parts) - 1) % 2
        strings += len(parts) - 1
        containers += outside.count("[") + outside.count("{")
        elements += outside.count(",")
        members += outside.count(":")
    structure = _CONTAINER * containers + _STRING * strings // 2 + _ELEMENT * elements + _MEMBER * members
    # The text, and once more what its strings hold.
    return _READER + 2 * sys.getsizeof(text) + structure
