"""How a site wants the documents of a tree announced."""

import os
import re
from enum import StrEnum
from functools import cached_property
from pathlib import PurePath
from typing import Annotated

from pydantic import AfterValidator, Field

from relays.base.schema import Line, Number, Section, ShortName, Shown
from relays.base.spans import seconds_of
from relays.mattermost.settings import ChannelName
from relays.mattermost.templates import Templates, fault
from relays.sources.nextcloud.changes import Kind

USERNAME = "Nextcloud RH Bot"
FURTHER_USERNAME = "Nextcloud Bot"
ANNOUNCED = (Kind.NEW, Kind.MOVED_IN)
_SHORTEST_SECONDS, _LONGEST_SECONDS = 3600.0, 60 * 86400.0
TEMPLATES = tuple(name for kind in Kind for name in (kind.value, f"{kind}.title", f"{kind}.heading"))


class Discretion(StrEnum):
    """What is shown of the name of a document, which may be personal data.

    FULL    the name
    MASKED  its first letter and its extension
    COUNT   nothing: only how many documents there are, and in which folder
    """

    FULL = "full"
    MASKED = "masked"
    COUNT = "count"


def _folder_path(value: str) -> str:
    if not all(value.split("/")) or {".", ".."} & set(value.split("/")):
        raise ValueError("must be the path of a folder in the tree, such as Contrats/2025")
    return value


def _extension(value: str) -> str:
    if not re.fullmatch(r"[a-z0-9]{1,16}", value):
        raise ValueError("must be an extension in small letters, without its dot")
    return value


def _root(value: str) -> str:
    root = os.path.normpath(value)
    if not PurePath(root).is_absolute() or root in ("/", "//"):
        raise ValueError("is not the absolute path of a folder: correct it")
    return root


def _check_wording(wording: dict[str, str]) -> dict[str, str]:
    for name, source in wording.items():
        known = f"there is no {name}; known are {', '.join(TEMPLATES)}" if name not in TEMPLATES else None
        if reason := known or fault(name, source, ()):
            raise ValueError(f"the template {name} cannot be used: {reason}")
    return wording


def _remind_after(value: str) -> str:
    if not _SHORTEST_SECONDS <= seconds_of(value) <= _LONGEST_SECONDS:
        raise ValueError('must be a span of time from "1h" to "60d", such as "12h" or "2d"')
    return value


RemindAfter = Annotated[str, AfterValidator(_remind_after)]
FolderPath = Annotated[str, AfterValidator(_folder_path)]
Extension = Annotated[str, AfterValidator(_extension)]
Username = Annotated[Shown, Field(max_length=64)]


class Options(Section):
    """What a site says of a tree, and the relay reads as it is."""

    label: Annotated[Line, Field(max_length=64)] | None = Field(
        default=None,
        description='what the documents are, said with the word ("Nouveau document RH déposé"); without it, RH for the '
        "first tree, nothing for others",
    )
    username: Username | None = Field(
        default=None,
        description=f"whom messages are from; without it, {USERNAME}, of further trees {FURTHER_USERNAME}",
    )
    announce: tuple[Kind, ...] | None = Field(
        default=None,
        description="which changes are announced: `new` and `moved_in` documents, another `version` (other content) "
        "and `deleted` ones; without it, the first two, and where a bot posts also `version`, in the document's thread",
    )
    discretion: Discretion = Field(
        default=Discretion.FULL,
        description="how much is shown of names, which can be personal data: `full`, `masked` (first letter and "
        "extension) or `count` (only how many documents, in which folder)",
    )
    folder_discretion: dict[FolderPath, Discretion] = Field(
        default={},
        description='the same for single folders of the tree and what is below them: `Fiches_Paie = "count"`',
    )
    categories: dict[Annotated[str, Field(min_length=1)], ShortName] = Field(
        default={}, description="what is shown for a part of a folder's name; before the built-in ones"
    )
    icons: dict[Extension, ShortName] = Field(
        default={}, description="what is shown for an extension; before the built-in ones"
    )
    wording: Annotated[dict[str, str], AfterValidator(_check_wording)] = Field(
        default={},
        description="own sentences, titles and headings of bursts, Jinja2 templates: `new`, `new.title`, "
        "`new.heading`, `moved_in`…",
    )
    remind_after: RemindAfter | None = Field(
        default=None,
        description="a document that nobody has taken for so long, from `1h` to `60d`, is reminded of in its thread, "
        "once; needs `mattermost.buttons`; without it, none is",
    )
    burst_from: Annotated[Number, Field(ge=0, le=10_000)] = Field(
        default=20,
        description="so many documents within ten seconds are announced together, by folder; `0`: never",
    )


class TreeOptions(Options):
    """A tree as the relay watches it."""

    tree: Annotated[str, AfterValidator(_root)] = Field(description="absolute path of its root")
    username: Username = Field(default=USERNAME, description="whom messages are from")
    channel: ChannelName = Field(
        default="", description="where it is announced; without it, that of the webhook"
    )
    footer: Line = Field(default="", description="last line of a message")
    in_files: str = Field(
        default="",
        description="where it is in the account's files; empty: not there, so nothing can be asked about it",
    )

    @property
    def name(self) -> str:
        """Of its folder, which a document directly in it lies in."""
        return PurePath(self.tree).name

    @property
    def remind_seconds(self) -> float | None:
        """After how long a document is reminded of, None if none is."""
        return None if self.remind_after is None else seconds_of(self.remind_after)

    @property
    def announced(self) -> tuple[Kind, ...]:
        """The kinds that are."""
        return ANNOUNCED if self.announce is None else self.announce

    @cached_property
    def templates(self) -> Templates:
        """The site's own sentences and titles (relays.sources.nextcloud.document)."""
        return Templates(self.wording)

    def discretion_of(self, path: str) -> Discretion:
        """What the nearest folder above a document says."""
        folder = path
        while folder := folder.rpartition("/")[0]:
            if folder in self.folder_discretion:
                return self.folder_discretion[folder]
        return self.discretion
