"""Reading what GitLab sends, any key of which may be missing, null or of another type."""

import re
from collections.abc import Mapping, Sequence

from relays.mattermost import invisible

# Half of a pair of surrogates: JSON may hold one, UTF-8 and so the store cannot.
_LONE = re.compile("[\ud800-\udfff]")
_LARGEST = 2**63 - 1  # that the store can hold


class Payload:
    """A JSON value, read along a path of keys; what is not there reads as nothing."""

    def __init__(self, value: object) -> None:
        self._value = value

    def at(self, *path: str) -> "Payload":
        """What is under the keys."""
        value = self._value
        for key in path:
            value = value.get(key) if isinstance(value, Mapping) else None
        return Payload(value)

    def text(self, *path: str) -> str:
        """The text or number there as a text, else an empty one, which also stands for one that shows nothing."""
        value = self.at(*path)._value
        if isinstance(value, int) and not isinstance(value, bool):
            return str(value)
        return _LONE.sub("\ufffd", value) if isinstance(value, str) and invisible.shows(value) else ""

    def number(self, *path: str) -> int:
        """The whole number there, else 0, which also stands for one of more than 64 bits."""
        value = self.at(*path)._value
        if not isinstance(value, int) or isinstance(value, bool) or abs(value) > _LARGEST:
            return 0
        return value

    def flag(self, *path: str) -> bool:
        """Whether there is a true."""
        return self.at(*path)._value is True

    def mapping(self, *path: str) -> Mapping[str, object]:
        """The object there, else an empty one."""
        value = self.at(*path)._value
        return value if isinstance(value, Mapping) else {}

    def elements(self, *path: str) -> list["Payload"]:
        """The elements of the list there, else none."""
        value = self.at(*path)._value
        return [Payload(element) for element in value] if isinstance(value, list) else []

    def length(self, *path: str) -> int:
        """The number of elements of the list there, else 0."""
        value = self.at(*path)._value
        return len(value) if isinstance(value, list) else 0

    def but(self, path: Sequence[str], value: object) -> "Payload":
        """The same with another value under the keys."""
        first, *rest = path
        below = self.at(first).but(rest, value)._value if rest else value
        return Payload({**self.mapping(), first: below})
