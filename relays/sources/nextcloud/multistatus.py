"""The XML of a WebDAV answer about many resources, taken in pieces: what it takes in memory does not grow with it.

Nothing in it is followed: no document type, so no entities and no expansion, and nothing that is deeper or longer than
what WebDAV gives.
"""

import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit
from xml.parsers import expat

_DAV = "DAV:"
_DEEPEST = 32
_LONGEST_TEXT = 16_384
_LONGEST_TAG = 128 * 1024
_MOST_NAMES = 200


class ForeignError(Exception):
    """It is not what was asked for."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A resource: its name as its address has it and as it is shown, and its properties by their names."""

    raw_name: str
    name: str
    is_folder: bool
    values: Mapping[str, str]


class Multistatus:
    """Gives `found` each resource: the one that was asked about first, and then those in it."""

    def __init__(self, found: Callable[[Listed], None]) -> None:
        self._found = found
        self._parser = expat.ParserCreate(namespace_separator=" ")
        self._parser.buffer_text = True
        self._parser.StartElementHandler = self._start
        self._parser.EndElementHandler = self._end
        self._parser.CharacterDataHandler = self._read
        self._parser.StartDoctypeDeclHandler = self._refuse
        self._parser.StartNamespaceDeclHandler = lambda prefix, address: self._note(f"{prefix} {address}")
        self._taken = 0
        self._names: set[str] = set()
        self._depth = 0
        self._own: list[str] | None = None
        self._text: list[str] = []
        self._length = 0
        self._forget()

    def take(self, piece: bytes) -> None:
        """The next piece of the answer. ForeignError, or what `found` raises."""
        try:
            self._parser.Parse(piece, False)
        except expat.ExpatError:
            raise ForeignError from None
        self._taken += len(piece)
        # The parser holds a tag or a comment until it ends, and begins it anew with each piece.
        if self._taken - self._parser.CurrentByteIndex > _LONGEST_TAG:
            raise ForeignError

    def end(self) -> None:
        """All has been taken. ForeignError if that was not all of it."""
        try:
            self._parser.Parse(b"", True)
        except expat.ExpatError:
            raise ForeignError from None
        if self._own is None:
            raise ForeignError

    def _forget(self) -> None:
        self._href = ""
        self._status = ""
        self._shown: dict[str, str] = {}
        self._values: dict[str, str] = {}
        self._is_collection = self._is_folder = False

    def _note(self, *names: str) -> None:
        # The parser remembers each to its end.
        self._names.update(names)
        if len(self._names) > _MOST_NAMES:
            raise ForeignError

    def _start(self, tag: str, attributes: dict[str, str]) -> None:
        self._note(tag, *attributes)
        self._depth += 1
        if self._depth > _DEEPEST:
            raise ForeignError
        self._text.clear()
        self._length = 0
        match tag.split(" "):
            case ["DAV:", "response"]:
                self._forget()
            case ["DAV:", "propstat"]:
                self._values, self._status, self._is_collection = {}, "", False
            case ["DAV:", "collection"]:
                self._is_collection = True

    def _read(self, text: str) -> None:
        self._length += len(text)
        if self._length > _LONGEST_TEXT:
            raise ForeignError
        self._text.append(text)

    def _end(self, tag: str) -> None:
        self._depth -= 1
        text = "".join(self._text)
        name = tag.rpartition(" ")[2]
        if tag == f"{_DAV} href" and not self._href:
            self._href = text
        elif tag == f"{_DAV} status":
            self._status = text
        elif tag == f"{_DAV} propstat":
            if " 200 " in self._status:
                self._shown, self._is_folder = self._values, self._is_collection
        elif tag == f"{_DAV} response":
            self._report()
        elif text.strip():
            self._values[name] = text
        self._text.clear()

    def _report(self) -> None:
        segments = urlsplit(self._href).path.rstrip("/").split("/")
        name = unquote(segments[-1], errors="surrogateescape")
        is_below = self._own is not None and segments[:-1] == self._own
        if not name or "/" in name or (self._own is not None and not is_below):
            raise ForeignError
        if self._own is None:
            self._own = segments
        self._found(Listed(name, unicodedata.normalize("NFC", name), self._is_folder, self._shown))

    def _refuse(self, *declared: object) -> None:
        raise ForeignError
