"""A folder tree in a Nextcloud user's files, made in its container and registered with occ.

How occ answers was measured on Nextcloud 32.0.1: a scan that fails ends with 0 all the same.
"""

import base64
import json
import re
import stat
from collections.abc import Callable
from hashlib import sha256
from itertools import pairwise
from pathlib import Path

from paramiko import Transport
from pydantic import SecretStr
from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.api import Api
from tasks.operations.compose import run_in
from tasks.operations.remote import HostFact, run_quietly
from tasks.operations.resource import Commands, ResourceError, change, resource

OWNER = "www-data"
MODE = "755"
# What a tree looked like when it was last scanned: a run that died in between is noticed by the next.
_SCANNED = "/var/lib/passerelle/nextcloud-scanned"


# By the bits of a mode that say it; `stat` words it in the language of the container.
_KINDS = {stat.S_IFDIR: "directory", stat.S_IFREG: "file", stat.S_IFLNK: "link"}


def account_api(
    url: str,
    user: str,
    password: SecretStr,
    *,
    transport: Callable[[], Transport] | None,
    ca: Path | None,
    proxy: str | None = None,
    near: str = "",
) -> Api:
    """Nextcloud at that address with an app password of the account, which is the relay's; the rest is as Api's."""
    basic = base64.b64encode(f"{user}:{password.get_secret_value()}".encode()).decode()
    return Api(
        "nextcloud",
        url,
        SecretStr(basic),
        header="Authorization",
        scheme="Basic ",
        setting="relay_password",
        transport=transport,
        ca=ca,
        proxy=proxy,
        near=near,
    )


class Folders(HostFact[dict[str, str]]):
    """{path: "TYPE|MODE|OWNER|GROUP|INODE"} of those of `paths` that exist in a container.

    Under an empty path stands why one of them, or the container, could not be looked at.
    """

    default = dict

    def command(self, container: str, paths: list[str]) -> StringCommand:
        # Not `docker compose exec`, which takes several times as long.
        # What it complains of comes in pieces, so it is held back until the rows are through.
        return StringCommand(
            "{ e=$(docker exec -e LC_ALL=C",
            container,
            "stat -c '%f|%a|%U|%G|%i|%n' --",
            *[QuoteString(path) for path in paths],
            "2>&1 >&3); } 3>&1; printf '%s\\n' \"$e\"",
        )

    def process(self, output: list[str]) -> dict[str, str]:
        """The lines of stat by their last field."""
        rows = [line.split("|", 5) for line in output if line.count("|") >= 5]
        from_stat = [line for line in output if line.startswith("stat:")]
        # Docker may warn of this and that; where nothing else comes, what it says is why.
        reasons = from_stat or ([] if rows else output[-1:])
        hidden = [line for line in reasons if not re.search("No such file|Not a directory", line)]
        found = {path: "|".join([_kind(mode), *rest]) for mode, *rest, path in rows}
        return found | ({"": hidden[0]} if hidden else {})


def _kind(mode: str) -> str:
    """What a mode in hexadecimal digits, with its type, is of."""
    return _KINDS.get(stat.S_IFMT(int(mode, 16)), "something else")


class Scanned(HostFact[str]):
    """The digest of a tree when it was scanned last."""

    def command(self, mark: str) -> str:
        return f"cat {mark} 2>/dev/null || true"


@resource
def folder_tree(
    container: str,
    data_directory: str,
    user: str,
    tree: str,
    folders: list[str],
) -> Commands:
    """Have `tree` with `folders` among the user's files, owned by the web server and known to Nextcloud.

    `container` is Nextcloud's, by its id.
    """
    files = f"{data_directory.rstrip('/')}/{user}/files"
    paths = [f"{files}/{tree}", *[f"{files}/{tree}/{name}" for name in folders]]
    found = host.get_fact(Folders, container=container, paths=[files, *paths])
    if "" in found:
        raise ResourceError(
            f"nextcloud: the folders of {user} cannot be looked at: {found['']}; mend that, then run again"
        )
    if files not in found:
        # A tree made before the installation would make it fail: "files already exist for this user".
        raise ResourceError(
            f"nextcloud: {user} has no files in {data_directory} yet; finish the installation or have {user} "
            "log in once, check nextcloud.admin, the owner of the tree and nextcloud.data_directory, then run again"
        )
    if paths[0] not in found and tree in team_folders(
        *run_in(container, "php", "occ", "groupfolders:list", "--output=json", user=OWNER)
    ):
        raise ResourceError(
            f"nextcloud: {tree} is a Team folder, whose documents are not among {user}'s files on the disk; name "
            "another folder, or watch it over WebDAV: nextcloud.source"
        )
    lines = []
    for path in paths:
        kind, _, access = found.get(path, "absent|").partition("|")
        access = access.rpartition("|")[0]
        if kind not in ("directory", "absent"):
            raise ResourceError(
                f"nextcloud: {path} is a {kind}, not a folder; move it away in Nextcloud, then run again"
            )
        if kind == "absent":
            lines.append(f"+ folder {path.removeprefix(files + '/')} of {user}")
        elif access != f"{MODE}|{OWNER}|{OWNER}":
            lines.append(f"~ folder {path.removeprefix(files + '/')}: {access} -> {MODE}|{OWNER}|{OWNER}")
    if not lines and host.get_fact(Scanned, mark=scanned(user, tree)) != _digest(found, paths):
        lines = [f"~ {tree}: not registered -> registered with occ files:scan"]
    yield from change(lines, lambda: _make(container, user, tree, paths))


def _digest(found: dict[str, str], paths: list[str]) -> str:
    inodes = "\n".join(f"{path} {found.get(path, '').rpartition('|')[2]}" for path in paths)
    return sha256(inodes.encode()).hexdigest()


def scanned(user: str, tree: str) -> str:
    """The file on the host that says what a tree looked like when it was scanned last."""
    return f"{_SCANNED}-{sha256(f'{user}/{tree}'.encode()).hexdigest()[:12]}"


def _make(container: str, user: str, tree: str, paths: list[str]) -> None:
    ok, output = run_in(container, "install", "-d", "-o", OWNER, "-g", OWNER, "-m", MODE, "--", *paths)
    if not ok:
        raise ResourceError(f"nextcloud: the folders cannot be made: {output.strip()[-300:]}")
    scan(container, f"{user}/files/{tree}")
    found = host.get_fact(Folders, container=container, paths=paths)
    mark = scanned(user, tree)
    ok, output = run_quietly(
        StringCommand("install -d -m 755 /var/lib/passerelle && echo", _digest(found, paths), ">", mark)
    )
    if not ok:
        raise ResourceError(f"host: {mark} cannot be written: {output.strip()[-300:]}")


def scan(container: str, path: str) -> None:
    """Have Nextcloud register what is on its disk below `path` (USER/files/…); ResourceError if it did not."""
    ok, output = run_in(container, "php", "occ", "files:scan", f"--path={path}", user=OWNER)
    if fault := scan_fault(ok, output):
        raise ResourceError(f"nextcloud: occ files:scan --path={path}: {fault}")


def team_folders(ok: bool, output: str) -> set[str]:
    """The folders that Team folders (once Group folders) take the names of, from what occ printed.

    None where the app is not there, for then occ knows no such command.
    """
    listed = re.search(r"^\[.*\]", output, re.DOTALL | re.MULTILINE)  # PHP may warn before it
    try:
        folders = json.loads(listed[0]) if ok and listed else []
    except ValueError:
        return set()
    # Its name has been written in both ways; it may lie in other folders.
    names = (str(each.get("mount_point") or each.get("mountPoint") or "") for each in folders)
    return {name.strip("/").partition("/")[0] for name in names} - {""}


def scan_fault(ok: bool, output: str) -> str | None:
    """Why a scan did not register anything, from what occ printed; None if it did."""
    complaint = re.search(
        r".*(Path not found|Unknown user|Error \w+ scan|Cannot write into|maintenance|no commands? defined).*",
        output,
        re.IGNORECASE,
    )
    counts = _counts(output)
    if complaint:
        return complaint.group(0).strip()
    if not ok:
        return output.strip()[-300:] or "it failed and said nothing"
    if counts.get("Folders", 0) == 0:
        return "it went through no folder"
    errors = counts.get("Errors", 0)
    return f"{errors} errors" if errors else None


def _counts(output: str) -> dict[str, int]:
    """The one row of occ's table by its headings; the columns differ between releases, and PHP may warn before it."""
    rows = [
        [cell.strip() for cell in line.strip("| ").split("|")] for line in output.splitlines() if "|" in line
    ]
    for headings, row in pairwise(rows):
        if "Folders" in headings:
            return {name: int(cell) for name, cell in zip(headings, row, strict=False) if cell.isdecimal()}
    return {}
