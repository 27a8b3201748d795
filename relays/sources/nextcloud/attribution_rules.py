"""Who did what is announced of a document: the answer, from what is known to have been done.

A name is given for a deed of this very document that explains how it is now, or for none. What cannot be distinguished
from a deed itself is distinguished from what Nextcloud shows of the document:

- A folder that came or was copied has one row. What is in it came along if it was uploaded before that, by whomever;
  what was put into the folder since has rows of its own, or none at all if it was put there by hand.
- A version that is restored has no row, and merged rows do not say when, so the author of the content has to be the
  one who changed it last, where that is not clear from the times.
"""

import math
from dataclasses import dataclass
from enum import Enum, auto

from relays.sources.nextcloud.activity import Act, Deed
from relays.sources.nextcloud.activity_log import ActivityLog
from relays.sources.nextcloud.changes import Kind

# Nextcloud may touch a document once more after its row is written.
_TOUCH_SECONDS = 1.0


class Lack(Enum):
    """What has to be asked before there can be an answer.

    LISTING  whether Nextcloud shows the document, with which number, and when it was uploaded
    AUTHOR   the account that wrote its content
    """

    LISTING = auto()
    AUTHOR = auto()


@dataclass(frozen=True)
class Question:
    """About a document at a path of the account's files, in a tree of them.

    `is_replaced`: another file took the place of the one that was known. What was done before `since` made what was
    known before. `changed` is when it was changed last as the disk has it, None if that is not known; `modified` is the
    date that Nextcloud shows. `number`, `uploaded` and `author` as Nextcloud has them, None if that was not asked yet.
    """

    tree: str
    path: str
    kind: Kind
    is_replaced: bool = False
    since: float = 0.0
    changed: float | None = None
    modified: int = 0
    number: int | None = None
    uploaded: int | None = None
    author: str | None = None


@dataclass(frozen=True)
class Found:
    """The deed that the news are about, and the number of the document, 0 if it is not known or gone."""

    deed: Deed
    number: int = 0


@dataclass(frozen=True)
class Lacking:
    """What is lacking, and the number of the document that it is asked about, 0 if that is not known."""

    what: Lack
    number: int = 0


def answer(ledger: ActivityLog, question: Question) -> Found | Lacking | None:
    """What the news are about, or what is lacking to know; None if nothing was done, so far."""
    match question.kind:
        case Kind.DELETED:
            deed = ledger.end_of(question.path, question.number, question.tree)
            return Found(deed) if deed is not None and _is_after(deed, question.since) else None
        case Kind.VERSION:
            return _of_version(ledger, question)
        case _:
            return _of_arrival(ledger, question)


def seconds_back(changed_ns: int, modified_ns: int) -> float:
    """How much older than the last change of a file on disk the deed may be that explains it."""
    # Whoever writes changes both times; a date that is set afterwards, as clients want it, only one of them.
    is_written = modified_ns % 1_000_000_000 != 0 and changed_ns - modified_ns < 500_000_000
    return 0.0 if is_written else _TOUCH_SECONDS


def _of_version(ledger: ActivityLog, question: Question) -> Found | Lacking | None:
    chapters = [each for each in ledger.story(question.path, question.number) if each.is_own]
    if question.is_replaced:
        # A version that is restored replaces the file as well, and has no row.
        if all(each.deed.act is Act.CHANGED for each in chapters):
            return None
        newest = chapters[0].deed
    else:
        contents = [each.deed for each in chapters if each.deed.act is not Act.MOVED]
        if not contents:
            return None
        newest = contents[0]
    if not _is_after(newest, question.since):
        return None
    is_timed = question.changed is not None and newest.not_before >= math.floor(question.since)
    if is_timed or question.is_replaced:
        return Found(newest, newest.number)
    if question.author is None:
        return Lacking(Lack.AUTHOR, newest.number)
    is_author = question.author != "" and question.author == newest.actor.account
    return Found(newest, newest.number) if is_author else None


def _of_arrival(ledger: ActivityLog, question: Question) -> Found | Lacking | None:
    chapters = list(ledger.story(question.path, question.number))
    place = next((place for place, each in enumerate(chapters) if each.brings(question.tree)), None)
    if place is None:
        return None
    arrival = chapters[place]
    newest = next((each.deed for each in chapters[: place + 1] if each.is_own), None)
    if newest is not None and not _is_after(newest, question.since):
        return None
    if arrival.is_own:
        return Found(arrival.deed, arrival.deed.number)
    # What had a story before the folder moved was in it.
    return _of_folder(arrival.deed, question, any(each.is_own for each in chapters[place:]))


def _of_folder(deed: Deed, question: Question, is_known: bool) -> Found | Lacking | None:
    changed = question.changed
    if changed is None:
        is_part = _is_after(deed, question.since)
    elif deed.act is not Act.CREATED and math.floor(changed) < deed.at:
        return Found(deed, question.number or 0)
    else:
        # What comes with a folder that moves keeps its time, what is copied has that of the copy.
        is_part = math.floor(changed) <= deed.at
    if not is_part:
        return None
    if is_known:
        return Found(deed, question.number or 0)
    if question.uploaded is None:
        return Lacking(Lack.LISTING)
    return Found(deed, question.number or 0) if 0 < question.uploaded < deed.at else None


def _is_after(deed: Deed, since: float) -> bool:
    return deed.at >= math.floor(since)
