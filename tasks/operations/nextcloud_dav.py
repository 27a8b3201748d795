"""A folder tree among a Nextcloud user's files, made over WebDAV, where the files are on no disk of the host."""

import re
from urllib.parse import quote

from tasks.operations.api import Api, ApiError
from tasks.operations.resource import Commands, ResourceError, change, note, resource

_ASKED = (
    '<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns">'
    "<d:prop><d:resourcetype/><oc:permissions/></d:prop></d:propfind>"
)
_FOLDER = re.compile(r"<(\w+:)?collection\b")
_PERMISSIONS = re.compile(r"<(?:\w+:)?permissions>(?P<letters>[A-Z]*)<")
# Of oc:permissions: folders may be made in it.
_MAKES_FOLDERS = "K"


@resource
def dav_folder_tree(api: Api, user: str, tree: str, folders: list[str]) -> Commands:
    """Have `tree` with `folders` among the files of the user, whose password `api` has.

    What is missing in a tree in which that user may make no folder, such as one that is shared to be read, is named
    and left alone.
    """
    found = {path: _look(api, user, path) for path in (tree, *(f"{tree}/{name}" for name in folders))}
    for path, properties in found.items():
        if properties is not None and not _FOLDER.search(properties):
            raise ResourceError(
                f"nextcloud: {path} of {user} is no folder; move it away in Nextcloud, then run again"
            )
    missing = [path for path, properties in found.items() if properties is None]
    if found[tree] is not None and not _may_make(found[tree] or ""):
        note([f"folder {path} of {user}: it is missing, and {user} may make none there" for path in missing])
        return
    yield from change([f"+ folder {path} of {user}" for path in missing], lambda: _make(api, user, missing))


def _look(api: Api, user: str, path: str) -> str | None:
    return api.properties(_address(user, path), _ASKED)


def _may_make(properties: str) -> bool:
    said = _PERMISSIONS.search(properties)
    return said is None or _MAKES_FOLDERS in said["letters"]


def _make(api: Api, user: str, paths: list[str]) -> None:
    for path in paths:
        try:
            api.call("MKCOL", _address(user, path))
        except ApiError as error:
            if error.status != 405:  # somebody has just made it
                raise


def _address(user: str, path: str) -> str:
    return f"/remote.php/dav/files/{quote(user)}/{quote(path)}"
