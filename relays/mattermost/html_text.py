"""What is left of HTML that stands in Markdown: its text, its lines and its pictures; of its comments nothing."""

import html
import re
from collections.abc import Iterator
from dataclasses import dataclass

# Comments first; one that is not closed goes on to the end.
_TAG = re.compile(r"<!--.*?(?:-->|\Z)|</?[A-Za-z][^<>]*>|<[!?][^<>]*>", re.DOTALL)
_ENDS_LINE = re.compile(r"<(?:br|/p|/div|/li|/tr|/summary|/h[1-6])\b", re.IGNORECASE)
_IMAGE = re.compile(r"<img\b", re.IGNORECASE)
_ATTRIBUTE = re.compile(r"\b(src|alt)\s*=\s*(?:\"([^\"]*)\"|'([^']*)')", re.IGNORECASE)


@dataclass(frozen=True)
class Picture:
    """An image: what it is said to show, and where it is."""

    alt: str
    address: str


def pieces(source: str) -> Iterator[str | Picture]:
    """The texts, each of one line, line breaks, and pictures, in their order."""
    end = 0
    for tag in _TAG.finditer(source):
        yield from _lines(source[end : tag.start()])
        end = tag.end()
        if _IMAGE.match(tag.group()):
            known = {name.lower(): html.unescape(a or b) for name, a, b in _ATTRIBUTE.findall(tag.group())}
            yield Picture(known.get("alt", ""), known.get("src", ""))
        elif _ENDS_LINE.match(tag.group()):
            yield "\n"
    yield from _lines(source[end:])


def _lines(text: str) -> Iterator[str]:
    for piece in re.split(r"(\n)", html.unescape(text)):
        if piece:
            yield piece
