"""The text nodes of a Markdown message, as Mattermost's server parses it.

Mentions are looked for in text nodes only. The server's parser knows blocks (quotes, lists, indented and
fenced code) and of the inline elements code spans, escapes, character references, links, images, bare
URLs and emoji; it does not know emphasis, headings, tables or HTML, which therefore are text. Written
from the measured cases of Mattermost 5.37. Link reference definitions are not known here: they count as
text.
"""

from __future__ import annotations

import html
import re
import string
from collections.abc import Iterator

FENCE = re.compile(r" {0,3}(`{3,}(?=[^`]*$)|~{3,})")
QUOTE = re.compile(r" {0,3}> ?")
LIST_ITEM = re.compile(r" {0,3}(?:[-+*]|\d{1,9}[.)])(?: +|$)")
INDENT = re.compile(r" *")


def texts(markdown: str) -> Iterator[str]:
    """The runs of adjacent text nodes, in order."""
    for paragraph in _paragraphs(markdown.expandtabs(4).splitlines()):
        yield from filter(None, _Inlines(paragraph).runs())


def _paragraphs(lines: list[str]) -> Iterator[str]:
    paragraph: list[str] = []
    at = 0
    while at < len(lines):
        line = lines[at]
        at += 1
        indented = len(INDENT.match(line)[0]) >= 4  # type: ignore[index]
        if not line.strip():
            yield from _joined(paragraph)
        elif indented and not paragraph:
            continue
        elif not indented and (fence := FENCE.match(line)):
            yield from _joined(paragraph)
            _, at = fenced(lines, at, fence[1])
        elif not indented and (start := QUOTE.match(line) or LIST_ITEM.match(line)):
            yield from _joined(paragraph)
            inner, at = container(lines, at, start)
            yield from _paragraphs(inner)
        else:
            paragraph.append(line.strip())
    yield from _joined(paragraph)


def _joined(paragraph: list[str]) -> Iterator[str]:
    if paragraph:
        yield "\n".join(paragraph)
        paragraph.clear()


def fenced(lines: list[str], at: int, fence: str) -> tuple[list[str], int]:
    """The lines of the code that the fence in the line before ``at`` opens, and where what follows begins."""
    closing = re.compile(rf" {{0,3}}{re.escape(fence[0])}{{{len(fence)},}} *$")
    for end in range(at, len(lines)):
        if closing.match(lines[end]):
            return lines[at:end], end + 1
    return lines[at:], len(lines)


def container(lines: list[str], at: int, start: re.Match[str]) -> tuple[list[str], int]:
    """The lines inside the quote or list item that the line before ``at`` opens, and where it ends."""
    quote = ">" in start[0]
    inner = [start.string[start.end() :]]
    while at < len(lines):
        line = lines[at]
        if quote and (again := QUOTE.match(line)):
            inner.append(line[again.end() :])
        elif not quote and (not line.strip() or line.startswith(" " * start.end())):
            inner.append(line[start.end() :])
        elif line.strip() and inner[-1].strip() and not _starts_block(line):
            inner.append(line.strip())
        else:
            break
        at += 1
    return inner, at


def _starts_block(line: str) -> bool:
    return bool(FENCE.match(line) or QUOTE.match(line) or LIST_ITEM.match(line))


_SPECIAL = re.compile(r"[\n\\`&!\[\]wW:]")
_REFERENCE = re.compile(r"&(#[xX][0-9a-fA-F]{1,8}|#[0-9]{1,8}|[A-Za-z][A-Za-z0-9]*);")
_LINK_END = re.compile(
    r"\(\s*(?:<[^<>\n]*>|(?:\\.|[^\s()\\]|\((?:\\.|[^\s()\\])*\))*)"
    r"(?:\s+=\d*(?:x\d*)?)?"
    r"(?:\s+(?:\"(?:\\.|[^\"\\])*\"|'(?:\\.|[^'\\])*'|\((?:\\.|[^()\\])*\)))?\s*\)",
    re.DOTALL,
)
_EMOJI = re.compile(r":[a-zA-Z0-9_+-]+:")
_WWW = re.compile(r"www\d{0,3}\.[^\s_]+\S*", re.IGNORECASE)
_SCHEME = re.compile(r"(?:https?|ftp|mailto|tel|gemini)$", re.IGNORECASE)
_URL_REST = re.compile(r"://[^\W_][^\s<>]*")


class _Inlines:
    """One paragraph, read from left to right. ``None`` in ``_nodes`` is a node that is not text."""

    def __init__(self, paragraph: str) -> None:
        self._raw = paragraph
        self._at = 0
        self._nodes: list[str | None] = []
        self._brackets: list[int] = []

    def runs(self) -> Iterator[str]:
        """The runs of adjacent text nodes."""
        while self._at < len(self._raw):
            self._step()
        run = ""
        for node in self._nodes:
            if node is None:
                yield run
                run = ""
            else:
                run += node
        yield run

    def _take(self, node: str | None, length: int) -> None:
        self._nodes.append(node)
        self._at += length

    def _step(self) -> None:
        rest = self._raw[self._at :]
        match rest[0]:
            case "\n":
                self._take(None, 1)
            case "\\":
                escaped = len(rest) > 1 and rest[1] in string.punctuation
                self._take(rest[1] if escaped else "\\", 2 if escaped else 1)
            case "`":
                self._backticks(rest)
            case "&":
                found = _REFERENCE.match(rest)
                character = html.unescape(found[0]) if found else ""
                known = found is not None and character != found[0]
                self._take(character if known else "&", len(found[0]) if found and known else 1)
            case "!" | "[":
                image = rest.startswith("![")
                if image or rest[0] == "[":
                    self._brackets.append(len(self._nodes))
                length = 2 if image else 1
                self._take(rest[:length], length)
            case "]":
                self._close_bracket()
            case "w" | "W" if not self._brackets and self._starts_word() and (url := _WWW.match(rest)):
                self._take(None, len(url[0]))
            case ":" if not self._brackets and self._url(rest):
                pass
            case ":" if emoji := _EMOJI.match(rest):
                self._take(None, len(emoji[0]))
            case _:
                special = _SPECIAL.search(rest, 1)
                end = special.start() if special else len(rest)
                self._take(rest[:end], end)

    def _backticks(self, rest: str) -> None:
        opening = re.match("`+", rest)[0]  # type: ignore[index]
        closing = re.compile(rf"(?<!`){opening}(?!`)").search(rest, len(opening))
        if closing:
            self._take(None, closing.end())
        else:
            self._take(opening, len(opening))

    def _starts_word(self) -> bool:
        return self._at == 0 or self._raw[self._at - 1] in " \n\t*_~)<(>"

    def _url(self, rest: str) -> bool:
        """Take ``://…`` together with the scheme at the end of the text before it."""
        before = self._nodes[-1] if self._nodes else None
        scheme = _SCHEME.search(before) if before else None
        url = _URL_REST.match(rest)
        if before is None or scheme is None or url is None:
            return False
        self._nodes[-1] = before[: scheme.start()]
        self._take(None, len(url[0].rstrip("?!.,:*_~'\"")))
        return True

    def _close_bracket(self) -> None:
        """A link or image: its text stays, its target and title do not. Otherwise a plain bracket."""
        end = _LINK_END.match(self._raw, self._at + 1)
        opening = self._brackets.pop() if self._brackets else None
        if opening is None or end is None:
            self._take("]", 1)
            return
        if self._nodes[opening] == "[":
            self._brackets.clear()
        self._nodes[opening] = None
        self._take(None, end.end() - self._at)
