"""Things that people do to documents in a Nextcloud, and what its activity says of them, whatever Nextcloud it is."""

import hashlib
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import quote

import requests

TREE = "Documents_RH"


@dataclass
class Cloud:
    """A Nextcloud at `url`, with the passwords of its accounts, and the tokens of links to folders of the tree."""

    url: str
    passwords: Mapping[str, str]
    links: dict[str, str] = field(default_factory=dict)

    def dav(self, user: str, method: str, path: str, **options: Any) -> requests.Response:
        """A request of an account on its files; `to` is where something is moved or copied."""
        headers = dict(options.pop("headers", {}))
        if to := options.pop("to", None):
            headers["Destination"] = f"{self.url}/remote.php/dav/files/{user}/{quote(to)}"
        return self.ask(
            user, method, f"/remote.php/dav/files/{user}/{quote(path)}", headers=headers, **options
        )

    def ask(self, user: str, method: str, address: str, **options: Any) -> requests.Response:
        """A request of an account, or of a stranger."""
        auth = (user, self.passwords[user]) if user else None
        headers = {
            "OCS-APIRequest": "true",
            "X-Requested-With": "XMLHttpRequest",
            **options.pop("headers", {}),
        }
        answer = requests.request(
            method, self.url + address, auth=auth, headers=headers, timeout=60, **options
        )
        answer.raise_for_status()
        return answer

    def upload(self, user: str, path: str, content: str = "content", mtime: int | None = None) -> None:
        """As the web interface does with a small file."""
        headers = {"X-OC-Mtime": str(mtime)} if mtime else {}
        self.dav(user, "PUT", path, data=content.encode(), headers=headers)

    def upload_in_chunks(self, user: str, path: str, content: str = "content") -> None:
        """As the web interface does with a large file."""
        transfer = f"/remote.php/dav/uploads/{user}/web-{abs(hash((user, path, content)))}"
        target = {"Destination": f"{self.url}/remote.php/dav/files/{user}/{quote(path)}"}
        self.ask(user, "MKCOL", transfer, headers=target)
        for number, chunk in enumerate((content[:3], content[3:]), 1):
            self.ask(user, "PUT", f"{transfer}/{number}", data=chunk.encode(), headers=target)
        self.ask(user, "MOVE", f"{transfer}/.file", headers=target)

    def upload_in_bulk(self, user: str, paths: Sequence[str], content: str = "content") -> None:
        """As the desktop client does with many small files."""
        part = content.encode()
        body = b"".join(
            b"--b\r\nX-File-Path: /%s\r\nX-OC-Mtime: 1500000000\r\nX-File-MD5: %s\r\nContent-Length: %d\r\n\r\n%s\r\n"
            % (
                path.encode(),
                hashlib.md5(part, usedforsecurity=False).hexdigest().encode(),
                len(part),
                part,
            )
            for path in paths
        )
        headers = {"Content-Type": "multipart/related; boundary=b"}
        self.ask(user, "POST", "/remote.php/dav/bulk", data=body + b"--b--\r\n", headers=headers)

    def link(self, folder: str, permissions: int) -> str:
        """The token of a link to a folder: 4 to drop files, 15 to change them."""
        form = {"path": f"/{TREE}/{folder}", "shareType": 3, "permissions": permissions}
        address = "/ocs/v2.php/apps/files_sharing/api/v1/shares?format=json"
        return str(self.ask("admin", "POST", address, data=form).json()["ocs"]["data"]["token"])

    def drop(
        self, folder: str, name: str, nickname: str = "", content: str = "content", permissions: int = 15
    ) -> None:
        """As a stranger does with a link."""
        key = f"{folder} {permissions}"
        token = self.links.get(key) or self.links.setdefault(key, self.link(folder, permissions))
        headers = {"X-NC-Nickname": nickname} if nickname else {}
        self.ask(
            "", "PUT", f"/public.php/dav/files/{token}/{quote(name)}", data=content.encode(), headers=headers
        )

    def restore(self, user: str, name: str) -> None:
        """Take what was deleted last under a name back from the trash of an account."""
        base = f"/remote.php/dav/trashbin/{user}"
        listed = self.ask(user, "PROPFIND", f"{base}/trash").text
        found = re.findall(rf"<d:href>({base}/trash/{re.escape(quote(name))}\.d(\d+))/?</d:href>", listed)
        newest, _ = max(found, key=lambda each: int(each[1]))
        target = {"Destination": f"{self.url}{base}/restore/{quote(name)}"}
        self.ask(user, "MOVE", newest, headers=target)

    def restore_version(self, user: str, path: str) -> None:
        """Have the oldest version of a file in its place again."""
        number = self.number(user, path)
        base = f"/remote.php/dav/versions/{user}"
        listed = self.ask(user, "PROPFIND", f"{base}/versions/{number}").text
        found = re.findall(rf"<d:href>({base}/versions/{number}/(\d+))</d:href>", listed)
        oldest, _ = min(found, key=lambda each: int(each[1]))
        self.ask(user, "MOVE", oldest, headers={"Destination": f"{self.url}{base}/restore/target"})

    def number(self, user: str, path: str) -> int:
        """The number of a file."""
        body = (
            b'<?xml version="1.0"?><d:propfind xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns"><d:prop>'
            b"<oc:fileid/></d:prop></d:propfind>"
        )
        found = re.search(
            "<oc:fileid>([0-9]+)<", self.dav(user, "PROPFIND", path, data=body, headers={"Depth": "0"}).text
        )
        assert found
        return int(found[1])

    def rows(self, since: int, limit: int = 200) -> tuple[list[dict[str, Any]], int]:
        """The activity of the administrator after a row, and the last row of it."""
        query = f"?format=json&sort=asc&since={since}&limit={limit}"
        answer = self.ask("admin", "GET", f"/ocs/v2.php/apps/activity/api/v2/activity/all{query}")
        if answer.status_code == 304:
            return [], since
        rows: list[dict[str, Any]] = answer.json()["ocs"]["data"]
        return rows, int(answer.headers["X-Activity-Last-Given"])

    def newest(self) -> int:
        """The number of the administrator's last row."""
        query = "?format=json&sort=desc&limit=1"
        answer = self.ask("admin", "GET", f"/ocs/v2.php/apps/activity/api/v2/activity/all{query}")
        return int(answer.headers.get("X-Activity-Last-Given", "0"))


def reported(rows: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """What rows of files say, with the numbers of files replaced by their order."""
    numbers: dict[str, str] = {}

    def number(given: str) -> str:
        return numbers.setdefault(given, str(len(numbers) + 1))

    found = []
    for row in rows:
        if row["type"] == "shared":
            continue
        template, rich = row["subject_rich"]
        objects = {
            number(each): path for each, path in sorted(row["objects"].items(), key=lambda item: int(item[0]))
        }
        people = {key: (each["id"], each["name"]) for key, each in rich.items() if key.startswith("user")}
        found.append(
            {
                "type": row["type"],
                "user": row["user"],
                "icon": row["icon"].rpartition("/")[2],
                "objects": objects,
                "former": {
                    number(each["id"]): each["path"]
                    for key, each in sorted(rich.items())
                    if key.startswith("oldfile")
                },
                "people": {key: list(each) for key, each in sorted(people.items())},
                "names_first": bool(re.search(r"\{user1?\}", template)),
            }
        )
    return found


Step = Callable[[Cloud], object]
CONTRATS, CONGES = f"{TREE}/Contrats", f"{TREE}/Conges"

SCENES: dict[str, Sequence[Step]] = {
    "uploads": [
        lambda cloud: cloud.upload("admin", f"{CONGES}/a.pdf"),
        lambda cloud: cloud.upload("bob", f"{CONGES}/b.pdf"),
        lambda cloud: cloud.upload("carol", f"{CONGES}/c.pdf", mtime=1500000000),
        lambda cloud: cloud.upload_in_chunks("bob", f"{CONGES}/d.pdf"),
    ],
    "bulk": [lambda cloud: cloud.upload_in_bulk("bob", [f"{CONGES}/k{number}.txt" for number in range(7)])],
    "overwritten by several": [
        lambda cloud: cloud.upload("admin", f"{CONGES}/o.pdf", "1"),
        lambda cloud: cloud.upload("bob", f"{CONGES}/o.pdf", "22"),
        lambda cloud: cloud.upload("carol", f"{CONGES}/o.pdf", "333"),
        lambda cloud: cloud.upload("bob", f"{CONGES}/o.pdf", "4444"),
    ],
    "overwritten by the owner as well": [
        lambda cloud: cloud.upload("admin", f"{CONGES}/o.pdf", "1"),
        lambda cloud: cloud.upload("bob", f"{CONGES}/o.pdf", "22"),
        lambda cloud: cloud.upload("admin", f"{CONGES}/o.pdf", "333"),
    ],
    "overwritten by nobody": [
        lambda cloud: cloud.upload("carol", f"{CONTRATS}/m.pdf", "1"),
        lambda cloud: cloud.drop("Contrats", "m.pdf", content="22"),
        lambda cloud: cloud.upload("bob", f"{CONTRATS}/m.pdf", "333"),
        lambda cloud: cloud.drop("Contrats", "m.pdf", content="4444"),
    ],
    "overwritten by a stranger with a nickname": [
        lambda cloud: cloud.upload("carol", f"{CONTRATS}/m.pdf", "1"),
        lambda cloud: cloud.upload("carol", f"{CONTRATS}/m.pdf", "22"),
        lambda cloud: cloud.drop("Contrats", "m.pdf", "Zo%C3%A9", "333"),
        lambda cloud: cloud.drop("Contrats", "m.pdf", content="4444"),
    ],
    "dropped": [
        lambda cloud: cloud.drop("Contrats", "anonymous.pdf", permissions=4),
        lambda cloud: cloud.drop("Contrats", "cv.pdf", "L%C3%A9a%20D'Arc%20%26%20<b>", permissions=4),
    ],
    "moved and renamed": [
        lambda cloud: cloud.upload("bob", f"{CONGES}/a.pdf"),
        lambda cloud: cloud.upload("carol", f"{CONGES}/b.pdf"),
        lambda cloud: cloud.dav("bob", "MOVE", f"{CONGES}/a.pdf", to=f"{CONGES}/renamed.pdf"),
        lambda cloud: cloud.dav("carol", "MOVE", f"{CONGES}/renamed.pdf", to=f"{CONTRATS}/renamed.pdf"),
        lambda cloud: cloud.dav("carol", "MOVE", f"{CONGES}/b.pdf", to=f"{CONTRATS}/b.pdf"),
    ],
    "exchanged": [
        lambda cloud: cloud.upload("bob", f"{CONGES}/a.pdf", "a"),
        lambda cloud: cloud.upload("bob", f"{CONGES}/b.pdf", "bb"),
        lambda cloud: cloud.dav("carol", "MOVE", f"{CONGES}/a.pdf", to=f"{CONGES}/t.pdf"),
        lambda cloud: cloud.dav("carol", "MOVE", f"{CONGES}/b.pdf", to=f"{CONGES}/a.pdf"),
        lambda cloud: cloud.dav("carol", "MOVE", f"{CONGES}/t.pdf", to=f"{CONGES}/b.pdf"),
    ],
    "moved over another": [
        lambda cloud: cloud.upload("bob", f"{CONGES}/a.pdf", "a"),
        lambda cloud: cloud.upload("carol", f"{CONGES}/b.pdf", "bb"),
        lambda cloud: cloud.dav("bob", "MOVE", f"{CONGES}/a.pdf", to=f"{CONGES}/b.pdf"),
    ],
    "copied": [
        lambda cloud: cloud.upload("bob", f"{CONGES}/a.pdf"),
        lambda cloud: cloud.dav("carol", "COPY", f"{CONGES}/a.pdf", to=f"{CONGES}/copy.pdf"),
        lambda cloud: cloud.dav("bob", "MKCOL", f"{CONGES}/Lot"),
        lambda cloud: cloud.upload("bob", f"{CONGES}/Lot/x.pdf"),
        lambda cloud: cloud.dav("carol", "COPY", f"{CONGES}/Lot", to=f"{CONGES}/Lot2"),
    ],
    "moved in by the owner": [
        lambda cloud: cloud.dav("admin", "MKCOL", "Perso/Lot"),
        lambda cloud: cloud.upload("admin", "Perso/Lot/x.pdf"),
        lambda cloud: cloud.upload("admin", "Perso/in.pdf"),
        lambda cloud: cloud.dav("admin", "MOVE", "Perso/in.pdf", to=f"{CONGES}/in.pdf"),
        lambda cloud: cloud.dav("admin", "MOVE", "Perso/Lot", to=f"{CONGES}/Lot"),
    ],
    "moved in by a recipient, and out again": [
        lambda cloud: cloud.upload("bob", "own.pdf"),
        lambda cloud: cloud.dav("bob", "MKCOL", "Lot"),
        lambda cloud: cloud.upload("bob", "Lot/x.pdf"),
        lambda cloud: cloud.dav("bob", "MOVE", "own.pdf", to=f"{CONGES}/own.pdf"),
        lambda cloud: cloud.dav("bob", "MOVE", "Lot", to=f"{CONGES}/Lot"),
        lambda cloud: cloud.dav("bob", "MOVE", f"{CONGES}/own.pdf", to="out.pdf"),
    ],
    "deleted and restored": [
        lambda cloud: cloud.upload("admin", f"{CONGES}/a.pdf"),
        lambda cloud: cloud.dav("carol", "MKCOL", f"{CONGES}/Lot"),
        lambda cloud: cloud.upload("carol", f"{CONGES}/Lot/x.pdf"),
        lambda cloud: cloud.dav("bob", "DELETE", f"{CONGES}/a.pdf"),
        lambda cloud: cloud.dav("bob", "DELETE", f"{CONGES}/Lot"),
        lambda cloud: cloud.restore("admin", "a.pdf"),
        lambda cloud: cloud.restore("bob", "Lot"),
    ],
    "deleted and uploaded again": [
        lambda cloud: cloud.upload("bob", f"{CONGES}/a.pdf", "1"),
        lambda cloud: cloud.dav("bob", "DELETE", f"{CONGES}/a.pdf"),
        lambda cloud: cloud.upload("carol", f"{CONGES}/a.pdf", "22"),
    ],
    "a version restored": [
        lambda cloud: cloud.upload("bob", f"{CONGES}/v.pdf", "1", mtime=1500000000),
        lambda cloud: cloud.upload("carol", f"{CONGES}/v.pdf", "22", mtime=1500000100),
        lambda cloud: cloud.restore_version("admin", f"{CONGES}/v.pdf"),
    ],
}
