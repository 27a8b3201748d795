"""What can happen to a document, whatever finds it out."""

from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """The kinds of news; their values are what the settings call them.

    NEW       a document that was not there: uploaded, copied, made from a template, or found after a pause
    MOVED_IN  one that came whole from elsewhere, another watched tree included: moved, or restored from the trash,
              which look alike on the disk
    VERSION   other content in the place of a known document: saved again, replaced, an old version restored
    DELETED   a known document that is not there any more: deleted, or moved out, which look alike as well
    """

    NEW = "new"
    MOVED_IN = "moved_in"
    VERSION = "version"
    DELETED = "deleted"


@dataclass(frozen=True)
class News:
    """What happened to a document. `path` is relative to the tree, `when` local time; `who` and `link` may be empty.

    `is_guest`: `who` is what somebody without an account called themselves.
    """

    kind: Kind
    path: str
    size: int
    when: datetime
    who: str = ""
    link: str = ""
    is_guest: bool = False
