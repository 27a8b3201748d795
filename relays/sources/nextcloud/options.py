"""How a site wants the documents of a tree told."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum

from relays.mattermost.templates import Templates
from relays.sources.nextcloud.changes import Kind

ANNOUNCED = (Kind.NEW, Kind.MOVED_IN)
BURST_FROM = 20
HIGHEST_BURST_FROM = 10_000
USERNAME = "Nextcloud RH Bot"
FURTHER_USERNAME = "Nextcloud Bot"


class Discretion(StrEnum):
    """What is told of the name of a document, which may be personal data.

    FULL    the name
    MASKED  its first letter and its extension
    COUNT   nothing: only how many documents there are, and in which folder
    """

    FULL = "full"
    MASKED = "masked"
    COUNT = "count"


@dataclass(frozen=True)
class TreeOptions:
    """Of one tree.

    name        of its folder, which a document directly in it lies in
    channel     where it is announced
    footer      the last line of a message
    label       what kind of documents they are, said with the word; empty: none, None: those of the mission
    username    whom the messages are from
    announce    the kinds that are announced
    discretion  of names in the tree
    folders     of names in and below these folders, given by their paths in the tree
    categories  by what the name of a folder holds; in their order, before the built-in ones
    icons       by extension, before the built-in ones
    templates   own sentences and titles (relays.sources.nextcloud.document)
    burst_from  so many documents within a short time are announced together; 0: never
    """

    name: str
    channel: str
    footer: str
    label: str | None = None
    username: str = USERNAME
    announce: frozenset[Kind] = frozenset(ANNOUNCED)
    discretion: Discretion = Discretion.FULL
    folders: Mapping[str, Discretion] = field(default_factory=dict)
    categories: Mapping[str, str] = field(default_factory=dict)
    icons: Mapping[str, str] = field(default_factory=dict)
    templates: Templates = field(default_factory=lambda: Templates({}))
    burst_from: int = BURST_FROM

    def discretion_of(self, path: str) -> Discretion:
        """What the nearest folder above a document says."""
        folder = path
        while folder := folder.rpartition("/")[0]:
            if folder in self.folders:
                return self.folders[folder]
        return self.discretion
