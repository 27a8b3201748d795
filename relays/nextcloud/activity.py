"""Who did what to a file, from the Activity API of Nextcloud.

    GET /ocs/v2.php/apps/activity/api/v2/activity/all   what concerns an account, here the newest first

Measured on Nextcloud 32, or read in the code of its activity app:

- The row is there when the upload has its answer, and paths are those in the files of who asks, shares included.
- Neighbouring rows of one actor come merged: `objects` holds all their files, by number.
- `subject_rich` names the actor unless it is the one who asks. Who gave a nickname has no `user`; whom a link without
  a nickname or occ stands for is not named at all. `files:scan` leaves no row.
- What moves in is `file_changed`. A link's uploads and those of occ are listed by the filter `all` only.
- Nothing to tell is 304; 204 if the account has switched off all activities.
"""

import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from relays.nextcloud.cloud import Cloud, CloudError

_API = "/ocs/v2.php/apps/activity/api/v2/activity/all"
_ACCOUNT = "/ocs/v2.php/cloud/user"
_PAGE_ROWS = 200
# More than this lies too far back to be what is asked about.
_MOST_PAGES = 5

# Others, such as comments and shares, name a file as well, and somebody who did not bring it.
_DELETED = "file_deleted"
_BROUGHT = ("file_created", "file_changed", "file_restored", "public_links_upload")
# Of a folder: that it moved, with all that is in it.
_MOVED = ("file_changed", "file_restored")


@dataclass(frozen=True)
class Deed:
    """What somebody did to a file: `who` is empty if nobody is named, `at` seconds since the epoch."""

    path: str
    number: int
    who: str
    at: float
    is_deletion: bool
    is_move: bool


_EXPECTED = (HTTPStatus.OK, HTTPStatus.NOT_MODIFIED, HTTPStatus.NO_CONTENT, HTTPStatus.NOT_FOUND)


class Activity:
    """The activity of the account that `cloud` is asked as. CloudError if it cannot be read."""

    def __init__(self, cloud: Cloud) -> None:
        self._cloud = cloud
        self._own: tuple[str, str] | None = None

    def deeds(self) -> Iterator[list[Deed]]:
        """Page after page of deeds, the newest first."""
        own = self._own = self._own or self._ask_own()
        since = 0
        for _ in range(_MOST_PAGES):
            query: dict[str, str | int] = {"format": "json", "sort": "desc", "limit": _PAGE_ROWS}
            answer = self._cloud.ask(
                "GET", _API, _EXPECTED, query=query | ({"since": since} if since else {})
            )
            if answer.status == HTTPStatus.NOT_MODIFIED:
                return
            _refuse(answer.status)
            rows = _data(answer.content)
            if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
                raise _foreign()
            yield [deed for row in rows for deed in _deeds(row, own)]
            given = answer.headers.get("X-Activity-Last-Given", "")
            if not re.fullmatch("[0-9]{1,18}", given) or int(given) == since:
                return
            since = int(given)

    def _ask_own(self) -> tuple[str, str]:
        """The account as the rows call it, and its display name."""
        answer = self._cloud.ask("GET", _ACCOUNT, (HTTPStatus.OK,), query={"format": "json"})
        data = _data(answer.content)
        number = data.get("id") if isinstance(data, dict) else None
        if not isinstance(number, str):
            raise _foreign()
        name = data.get("display-name")
        return number, name if isinstance(name, str) and name else number


def _foreign() -> CloudError:
    return CloudError("the answer is not Nextcloud's", "correct nextcloud.url")


def _refuse(status: int) -> None:
    if status == HTTPStatus.NOT_FOUND:
        raise CloudError(
            "HTTP 404",
            "enable the app Activity, or remove nextcloud.relay_password and run the deploy again",
            404,
        )
    if status == HTTPStatus.NO_CONTENT:
        raise CloudError(
            "no activity is recorded", "switch on the activity of files in the settings of the account", 204
        )


def _data(content: bytes) -> Any:
    try:
        return json.loads(content)["ocs"]["data"]
    except (ValueError, RecursionError, KeyError, TypeError):
        raise _foreign() from None


def _deeds(row: Mapping[str, Any], own: tuple[str, str]) -> Iterator[Deed]:
    kind, files = row.get("type"), row.get("objects")
    # Without objects, PHP gives an empty list.
    if kind not in (_DELETED, *_BROUGHT) or not isinstance(files, dict):
        return
    try:
        at = datetime.fromisoformat(row["datetime"]).timestamp()
    except (KeyError, TypeError, ValueError, OverflowError):
        return
    who = _who(row, own)
    for number, path in files.items():
        if number.isascii() and number.isdecimal() and len(number) < 19 and isinstance(path, str):
            yield Deed(path, int(number), who, at, kind == _DELETED, kind in _MOVED)


def _who(row: Mapping[str, Any], own: tuple[str, str]) -> str:
    user, subject = row.get("user"), row.get("subject_rich")
    named = subject[1] if isinstance(subject, list) and len(subject) == 2 else {}
    people = [
        (each.get("id"), each.get("name"))
        for key, each in (named.items() if isinstance(named, dict) else ())
        if re.fullmatch("user[0-9]*", key) and isinstance(each, dict)
    ]
    # What several did to one file is merged too; then it is the one whom the row is of.
    names = [name for number, name in people if number == user or len(people) == 1]
    if names and isinstance(names[0], str):
        return names[0]
    if not isinstance(user, str):
        return ""
    return own[1] if user == own[0] else user
