"""The activity app: a row for each account that an action on a file concerns, and the rows as its API lists them.

Measured on Nextcloud 32.0.1, or read in the code of its activity app: an account's own actions have subjects of
their own, paths are those in its own files, and neighbouring rows of one actor come merged, up to five, with all
their files in `objects`. Who has no account has no `user` either; what has no actor at all (occ, a file drop without
a nickname) is of the type public_links_upload, which only the filter `all` lists.
"""

import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, Literal

from lab.standins.nextcloud import accounts, database
from lab.standins.nextcloud.config import Site

Action = Literal["created", "changed", "moved", "renamed", "deleted", "restored"]

LARGEST_PAGE = 200
_TYPES = {"created": "file_created", "deleted": "file_deleted", "restored": "file_restored"}
_PUBLIC = "public_links_upload"
_SECONDS_TO_MERGE = 3 * 3600
_MOST_MERGED = 5


class ForeignRow(Exception):
    """`since` is the number of another account's row."""


@dataclass(frozen=True)
class Actor:
    """Who acts: an account, somebody who gave a nickname, or nobody that is known."""

    uid: str = ""
    nickname: str = ""


@dataclass
class Row:
    """A row, or several merged ones; the number is that of the last of them."""

    id: int
    at: int
    type: str
    subject: str
    user: str
    shown: str
    files: list[tuple[int, str]]
    former: str
    newest: int = field(init=False)

    def __post_init__(self) -> None:
        self.newest = self.at


def record(
    site: Site, owner: str, actor: Actor, action: Action, path: str, fileid: int, former: str = ""
) -> None:
    """Tell everybody who has the file in his files: its owner, and those it is shared with."""
    with database.connect(site) as connection:
        views = {owner: path.removeprefix("files")}
        shares = connection.execute(
            "SELECT recipient, path FROM shares WHERE owner = ? AND recipient != ''", (owner,)
        ).fetchall()
        for share in shares:
            if path.startswith(share["path"] + "/"):
                views[share["recipient"]] = "/" + path[share["path"].rfind("/") + 1 :]
        nobody = actor == Actor()
        for account, view in views.items():
            own = actor.uid == account
            subject = "created_public" if nobody else f"{action}_{'self' if own else 'by'}"
            connection.execute(
                "INSERT INTO activity (timestamp, type, subject, user, nickname, affected, file, former, fileid)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    int(time.time()),
                    _PUBLIC if nobody else _TYPES.get(action, "file_changed"),
                    subject,
                    actor.uid,
                    actor.nickname,
                    account,
                    view,
                    former.removeprefix("files"),
                    fileid,
                ),
            )


def read(
    site: Site, account: str, *, since: int, limit: int, ascending: bool, everything: bool
) -> tuple[list[Row], int]:
    """Rows after (or before, unless `ascending`) the one numbered `since`, merged, and the last one's number.

    A `since` that is nobody's starts from the beginning (measured for one above the newest).

    Raises:
        ForeignRow: see there.
    """
    names = accounts.names(site)
    order, comparison = ("ASC", ">") if ascending else ("DESC", "<")
    with database.connect(site) as connection:
        found = connection.execute("SELECT affected FROM activity WHERE activity_id = ?", (since,)).fetchone()
        if found is not None and found["affected"] != account:
            raise ForeignRow
        condition = f"AND activity_id {comparison} {since:d}" if found is not None else ""
        condition += "" if everything else f" AND type != '{_PUBLIC}'"
        rows = connection.execute(
            f"SELECT * FROM activity WHERE affected = ? {condition} ORDER BY activity_id {order} LIMIT ?",  # noqa: S608
            (account, min(limit, LARGEST_PAGE)),
        ).fetchall()
    single = [
        Row(
            row["activity_id"],
            row["timestamp"],
            row["type"],
            row["subject"],
            row["user"],
            f"{row['nickname']} (remote user)" if row["nickname"] else names.get(row["user"], row["user"]),
            [(row["fileid"], row["file"])],
            row["former"],
        )
        for row in rows
    ]
    return list(_merged(single)), single[-1].id if single else 0


def _merged(rows: Sequence[Row]) -> Iterator[Row]:
    last: Row | None = None
    for row in rows:
        if (
            last is not None
            and (last.subject, last.user, last.shown, last.former) == (row.subject, row.user, row.shown, "")
            and abs(last.at - row.at) <= _SECONDS_TO_MERGE
            and len({*last.files, *row.files}) <= _MOST_MERGED
        ):
            row.files = [*row.files, *(file for file in last.files if file not in row.files)]
            row.newest = max(row.at, last.newest)
        elif last is not None:
            yield last
        last = row
    if last is not None:
        yield last


def shown(row: Row, base: str) -> dict[str, Any]:
    """A row as the API gives it, in English; `base` is the address of the site."""
    (fileid, path), *_ = row.files
    verb = row.subject.partition("_")[0]
    many = len(row.files) > 1
    rich = {
        f"file{number if many else ''}": _rich_file(identity, name, base)
        for number, (identity, name) in enumerate(row.files, 1)
    }
    names = ", ".join(f"{{{key}}}" for key in rich)
    if row.former:
        rich = {
            "newfile": _rich_file(fileid, path, base),
            "oldfile": _rich_file(fileid, row.former, base),
        }
        names = "{oldfile} to {newfile}"
    if row.subject == "created_public":
        text = f"{names} was created in a public folder"
    elif row.subject.endswith("_self"):
        text = f"You {verb} {names}"
    else:
        text = f"{{user}} {verb} {names}"
        rich["user"] = {"type": "user", "id": row.user or row.shown, "name": row.shown}
    return {
        "activity_id": row.id,
        "app": "files_sharing" if row.type == _PUBLIC else "files",
        "type": row.type,
        "user": row.user,
        "subject": text,
        "subject_rich": [text, rich],
        "message": "",
        "message_rich": ["", []],
        "object_type": "files",
        "object_id": fileid,
        "object_name": path,
        "objects": {str(identity): name for identity, name in row.files},
        "link": f"{base}/index.php/apps/files/?dir={path.rpartition('/')[0] or '/'}",
        "icon": f"{base}/apps/files/img/change.svg",
        "datetime": datetime.fromtimestamp(row.newest, UTC).isoformat(),
    }


def _rich_file(fileid: int, path: str, base: str) -> dict[str, str]:
    return {
        "type": "file",
        "id": str(fileid),
        "name": path.rpartition("/")[2],
        "path": path.strip("/"),
        "link": f"{base}/index.php/f/{fileid}",
    }
