"""The activity app: a row for each account that an action on a file concerns, and the rows as its API lists them.

Measured on Nextcloud 32.0.1, or read in the code of its activity app: an account's own actions have subjects of
their own, paths are those in its own files, and neighbouring rows are merged (`activity_rows`). Who has no account has
no `user` either, and if they gave a nickname it is kept as it came in the header, escaped for HTML. What has no actor
at all (occ, a link without a nickname) is of the type public_links_upload when it is created, which only the filter
`all` lists. What comes from the files of another account is `file_changed` with the words of something created. A
version that is restored, and what is moved out of the files of an account, have no row.
"""

import html
import time
from dataclasses import dataclass
from typing import Literal

from lab.standins.nextcloud.state import store, users
from lab.standins.nextcloud.state.activity_rows import Row, merged
from lab.standins.nextcloud.state.instance import Instance

Action = Literal["created", "arrived", "changed", "moved", "renamed", "deleted", "restored"]

LARGEST_PAGE = 200
_TYPES = {"created": "file_created", "deleted": "file_deleted", "restored": "file_restored"}
_PUBLIC = "public_links_upload"


class ForeignRow(Exception):
    """`since` is the number of another account's row."""


@dataclass(frozen=True)
class Actor:
    """Who acts: an account, somebody who gave a nickname (as the header has it), or nobody that is known."""

    uid: str = ""
    nickname: str = ""


@dataclass(frozen=True)
class Page:
    """Rows, merged, the number of the last one of them, whether there are more, and the first one there is.

    The latter is said only where `since` is the number of no row.
    """

    rows: list[Row]
    last: int
    has_more: bool
    first_known: int | None


def record(
    instance: Instance, owner: str, actor: Actor, action: Action, path: str, fileid: int, former: str = ""
) -> None:
    """Notify everybody who has the file in his files: its owner, and those it is shared with."""
    with store.connect(instance) as connection:
        views = {owner: path.removeprefix("files")}
        shares = connection.execute(
            "SELECT recipient, path FROM shares WHERE owner = ? AND recipient != ''", (owner,)
        ).fetchall()
        for share in shares:
            if path.startswith(share["path"] + "/"):
                views[share["recipient"]] = "/" + path[share["path"].rfind("/") + 1 :]
        for account, view in views.items():
            by = "self" if actor.uid == account else "by"
            public = action == "created" and actor == Actor()
            connection.execute(
                "INSERT INTO activity (timestamp, type, subject, user, nickname, affected, file, former, fileid)"
                " VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)",
                (
                    int(time.time()),
                    _PUBLIC if public else _TYPES.get(action, "file_changed"),
                    "created_public" if public else f"{'created' if action == 'arrived' else action}_{by}",
                    actor.uid,
                    html.escape(actor.nickname).replace("&#x27;", "&#039;"),
                    account,
                    view,
                    former.removeprefix("files"),
                    fileid,
                ),
            )


def read(
    instance: Instance, account: str, *, since: int, limit: int, ascending: bool, everything: bool
) -> Page:
    """Rows after (or before, unless `ascending`) the one numbered `since`.

    A `since` that is nobody's starts from the beginning (measured for one above the newest).

    Raises:
        ForeignRow: see there.
    """
    names = users.names(instance)
    order, comparison = ("ASC", ">") if ascending else ("DESC", "<")
    with store.connect(instance) as connection:
        found = connection.execute("SELECT affected FROM activity WHERE activity_id = ?", (since,)).fetchone()
        if found is not None and found["affected"] != account:
            raise ForeignRow
        condition = f"AND activity_id {comparison} {since:d}" if found is not None else ""
        condition += "" if everything else f" AND type != '{_PUBLIC}'"
        rows = connection.execute(
            f"SELECT * FROM activity WHERE affected = ? {condition} ORDER BY activity_id {order} LIMIT ?",  # noqa: S608
            (account, min(limit, LARGEST_PAGE) + 1),
        ).fetchall()
    page = rows[: min(limit, LARGEST_PAGE)]
    single = [
        Row(
            row["activity_id"],
            row["timestamp"],
            row["type"],
            row["subject"],
            row["user"],
            _shown(row["user"], row["nickname"], names),
            (row["fileid"], row["file"]),
            row["former"],
        )
        for row in page
    ]
    return Page(
        list(merged(single)),
        page[-1]["activity_id"] if page else 0,
        len(rows) > len(page),
        page[0]["activity_id"] if page and found is None else None,
    )


def _shown(uid: str, nickname: str, names: dict[str, str]) -> tuple[str, str] | None:
    """Number and name of an actor as a parameter of a sentence, None for nobody."""
    if nickname:
        return (f"{nickname} (remote user)",) * 2
    return (uid, names.get(uid, uid)) if uid else None
