"""Earlier contents of a file, who wrote them, and their return.

Measured: a version is named by its date; the content that the file has is among them. Its author is the account that
wrote it, and there is none where a stranger or nobody did. A version that is restored takes the file away and comes
into its place (DELETE, MOVED_TO, ATTRIB), with its date and its author; there is no row of activity.
"""

from lab.standins.nextcloud.state import disk, filecache, shares, store
from lab.standins.nextcloud.state.errors import DavError
from lab.standins.nextcloud.state.filecache import Entry
from lab.standins.nextcloud.state.home import Home


def find(user: Home, number: str) -> tuple[Home, Entry]:
    """The file with a number, whoever of those that share with the account has it."""
    for owner in {user.owner, *(share.owner for share in shares.received(user.instance, user.owner))}:
        with filecache.opened(user.instance, owner) as cache:
            entry = cache.by_number(int(number)) if number.isdecimal() else None
        if entry is not None:
            return Home(user.instance, owner, user.actor), entry
    raise DavError(404, "NotFound", "Node not found")


def restore(home: Home, entry: Entry, version: str) -> None:
    """Bring an earlier content back. Raises DavError 404 for none of that date."""
    kept = home.version(entry.path, int(version) if version.isdecimal() else 0)
    if not kept.is_file():
        raise DavError(404, "NotFound", "Node not found")
    home.keep_version(entry.path)
    target = home.folder / entry.path
    disk.remove(target)
    kept.rename(target)
    disk.set_mtime(target, int(version))
    with filecache.opened(home.instance, home.owner) as cache:
        cache.record(entry.path, written=True)
        cache.propagate(entry.path)


def known(home: Home, entry: Entry) -> dict[int, tuple[int, str]]:
    """Size and author of every content of a file by its date, that of today included."""
    with store.connect(home.instance) as connection:
        rows = connection.execute(
            "SELECT timestamp, size, author FROM versions WHERE fileid = ? ORDER BY timestamp",
            (entry.fileid,),
        ).fetchall()
    # What came onto the disk otherwise has no author.
    return {entry.mtime: (entry.size, "")} | {row["timestamp"]: (row["size"], row["author"]) for row in rows}
