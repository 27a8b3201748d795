"""How a site wants the documents of a tree told."""

from dataclasses import dataclass

from relays.nextcloud.news import Kind

ANNOUNCED = (Kind.NEW, Kind.MOVED_IN)


@dataclass(frozen=True)
class Telling:
    """Of one tree. `name` is its folder's, which a document directly in it lies in."""

    name: str
    channel: str
    footer: str
    announce: frozenset[Kind] = frozenset(ANNOUNCED)
