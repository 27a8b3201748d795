"""Who did what to a file, from the Activity API of Nextcloud.

    GET /ocs/v2.php/apps/activity/api/v2/activity/all   what concerns an account, here the oldest first

Measured on Nextcloud 32, or read in the code of its activity app:

- The row is there when the upload has its answer, and paths are those in the files of who asks, shares included.
- Neighbouring rows come merged, with the time of the newest: several files of one actor, all in `objects` by number,
  or several actors of one file. Of these, `user` is the newest if the oldest come first; if that one is not known it
  is empty, and the others are named all the same.
- `subject_rich` names the actor unless it is the one who asks. Who gave a nickname has no `user`; whom a link without
  a nickname or occ stands for is not named at all. A nickname is written down as the browser sent it, percent-encoded,
  escaped for HTML and followed by "(remote user)", in whatever language.
- What moves in is `file_changed`; if it comes from the files of somebody else, only its icon says that it is no change.
- What is done to a folder has a row for the folder and none for what is in it. `files:scan`, a version that is
  restored, and what a recipient moves out of a share leave no row at all.
- A link's uploads and those of occ are listed by the filter `all` only.
- Nothing new is 304; 204 if the account has switched off all activities. To go on after a row that is not there any
  more starts again from the first one, which a header says; after one of another account it is 403.
"""

import html
import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from email.utils import parsedate_to_datetime
from enum import Enum, auto
from http import HTTPStatus
from typing import Any
from urllib.parse import unquote_to_bytes

from relays.base.bounded_json import HeavyError, read_json
from relays.sources.nextcloud.cloud import Cloud, CloudError, CloudResponse

_API = "/ocs/v2.php/apps/activity/api/v2/activity/all"
_ACCOUNT = "/ocs/v2.php/cloud/user"
_PAGE_ROWS = 200
_LONGEST_NAME = 4096
# Percent-encoded, with up to twelve characters for one.
_LONGEST_NICKNAME = 600

_EXPECTED = (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND)


class Act(Enum):
    """What can be done to a file or a folder. ARRIVED: it came from the files of somebody else."""

    CREATED = auto()
    ARRIVED = auto()
    CHANGED = auto()
    MOVED = auto()
    RESTORED = auto()
    DELETED = auto()


# Others, such as comments and shares, name a file as well, and somebody who did nothing to it.
_ACTS = {
    "file_created": Act.CREATED,
    "public_links_upload": Act.CREATED,
    "file_changed": Act.CHANGED,
    "file_restored": Act.RESTORED,
    "file_deleted": Act.DELETED,
}


@dataclass(frozen=True)
class Actor:
    """Who it was: the account, empty if there is none, and the name, empty if it is not known."""

    account: str = ""
    name: str = ""

    @property
    def is_guest(self) -> bool:
        """Whether all that is known is a nickname that somebody gave."""
        return bool(self.name) and not self.account


NOBODY = Actor()


@dataclass(frozen=True)
class Deed:
    """What somebody did to the file or folder with a number: where it is then, and where it was before it MOVED.

    It was done between `not_before` and `at`, in whole seconds since the epoch: merged rows have one time. Of an
    account's own deeds the actor has no name.
    """

    act: Act
    number: int
    path: str
    former: str
    actor: Actor
    at: float
    not_before: float


class LostError(Exception):
    """Nextcloud does not know the row to go on after."""


class Activity:
    """The activity of the account that `cloud` is asked as. CloudError if it cannot be read."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud

    def own_name(self) -> str:
        """The name of the account as it is shown now."""
        answer = self._cloud.ask("GET", _ACCOUNT, (HTTPStatus.OK,), query={"format": "json"})
        data = _data(answer.content)
        if not isinstance(data, dict) or not isinstance(data.get("id"), str):
            raise _foreign()
        name = data.get("display-name")
        return name if isinstance(name, str) else ""

    def begin(self, seconds: float) -> int:
        """The row to go on after to read what was done in the last seconds; 0 if there is none before that."""
        answer = self._ask({"sort": "desc"})
        try:
            # Rows bear whole seconds.
            since = math.floor(parsedate_to_datetime(answer.headers["Date"]).timestamp() - seconds)
        except (KeyError, ValueError):
            raise _foreign() from None
        position = 0
        for row in _rows(answer):
            position = _number(row.get("activity_id"))
            if (_time(row) or 0.0) < since:
                return position
        # These may be all there are; otherwise the others lie too far back to be what is meant.
        return position if "Link" in answer.headers else 0

    def after(self, position: int) -> Iterator[tuple[int, list[Deed]]]:
        """Page after page of what was done after a row, each with the row to go on after. LostError."""
        before = 0.0
        while True:
            answer = self._ask({"sort": "asc", "since": position}, (*_EXPECTED, HTTPStatus.FORBIDDEN))
            if answer.status == HTTPStatus.NOT_MODIFIED:
                return
            if answer.status == HTTPStatus.FORBIDDEN or (
                position and "X-Activity-First-Known" in answer.headers
            ):
                raise LostError
            rows = _rows(answer)
            last = _number(answer.headers.get("X-Activity-Last-Given"))
            if last <= position:
                raise _foreign()
            position = last
            deeds: list[Deed] = []
            for row in rows:
                deeds += _deeds(row, before)
                before = max(before, _time(row) or 0.0)
            yield position, deeds

    def _ask(self, query: Mapping[str, str | int], expected: tuple[int, ...] = _EXPECTED) -> CloudResponse:
        answer = self._cloud.ask(
            "GET", _API, expected, query={"format": "json", "limit": _PAGE_ROWS, **query}
        )
        if answer.status == HTTPStatus.NOT_FOUND:
            raise CloudError(
                "HTTP 404",
                "enable the app Activity, or remove nextcloud.relay_password and run the deploy again",
                404,
            )
        if answer.status == HTTPStatus.NO_CONTENT:
            raise CloudError(
                "no activity is recorded",
                "switch on the activity of files in the settings of the account",
                204,
            )
        return answer


def _foreign() -> CloudError:
    return CloudError("the answer is not Nextcloud's", "correct nextcloud.url")


def _data(content: bytes) -> Any:
    try:
        answer: Any = read_json(content)
        return answer["ocs"]["data"]
    except (ValueError, HeavyError, KeyError, TypeError):
        raise _foreign() from None


def _rows(answer: CloudResponse) -> list[dict[str, Any]]:
    if answer.status == HTTPStatus.NOT_MODIFIED:
        return []
    rows = _data(answer.content)
    if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
        raise _foreign()
    return rows


def _number(given: object) -> int:
    if not re.fullmatch("[0-9]{1,18}", str(given), re.ASCII):
        raise _foreign()
    return int(str(given))


def _time(row: Mapping[str, Any]) -> float | None:
    try:
        return datetime.fromisoformat(row["datetime"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return None


def _deeds(row: Mapping[str, Any], before: float) -> Iterator[Deed]:
    """What a row says; the one before it is of the time `before`."""
    act, files, at = _ACTS.get(str(row.get("type"))), row.get("objects"), _time(row)
    # Without objects, PHP gives an empty list.
    if act is None or not isinstance(files, dict) or at is None:
        return
    template, named = _subject(row)
    not_before = before if len(files) > 1 or "user1" in named else at
    former = {each.get("id"): each.get("path") for key, each in named.items() if key.startswith("oldfile")}
    if former:
        act = Act.MOVED
    elif act is Act.CHANGED and str(row.get("icon")).rpartition("/")[2].startswith("add"):
        act = Act.ARRIVED
    actor = _actor(row.get("user"), template, named)
    numbers = [each for each in files if re.fullmatch("[0-9]{1,18}", each, re.ASCII)]
    # What is made later has a higher number, so that a folder comes before what is in it.
    for number in sorted(numbers, key=int):
        path, place = files[number], former.get(number)
        if isinstance(path, str):
            came_from = f"/{place}" if isinstance(place, str) else ""
            yield Deed(act, int(number), path, came_from, actor, at, not_before)


def _subject(row: Mapping[str, Any]) -> tuple[str, dict[str, dict[str, Any]]]:
    match row.get("subject_rich"):
        case [str(template), dict(named)]:
            return template, {key: each for key, each in named.items() if isinstance(each, dict)}
    return "", {}


def _actor(account: object, template: str, named: Mapping[str, Mapping[str, Any]]) -> Actor:
    people = {key: each for key, each in named.items() if re.fullmatch("user[0-9]*", key)}
    if isinstance(account, str) and account:
        names = [each.get("name") for each in people.values() if each.get("id") == account]
        return Actor(account, names[0] if names and isinstance(names[0], str) else "")
    # Unless the sentence begins with a name, those that it holds are of others, who came before.
    newest = people.get("user") or people.get("user1")
    name = newest.get("name") if newest and re.search(r"\{user1?\}", template) else None
    return Actor("", _nickname(name)) if isinstance(name, str) else NOBODY


def _nickname(written: str) -> str:
    """What somebody called themselves, without what Nextcloud adds."""
    given = html.unescape(re.sub(r" \([^()]*\)$", "", written[:_LONGEST_NAME]))
    is_cut = len(given) > _LONGEST_NICKNAME
    if is_cut:
        given = re.sub("%[0-9A-Fa-f]?$", "", given[:_LONGEST_NICKNAME])
    decoded = unquote_to_bytes(given.encode(errors="replace"))
    try:
        return decoded.decode().strip()
    except UnicodeDecodeError as error:
        # Cut within a letter, or never encoded.
        is_whole = not is_cut or error.end < len(decoded)
        return (given if is_whole else decoded[: error.start].decode()).strip()
