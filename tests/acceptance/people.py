"""What people do with the three applications, over HTTP and git, and what they then read in the chat."""

import base64
import hashlib
import json
import os
import socket
import ssl
import subprocess
import tempfile
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote
from xml.etree import ElementTree

import requests

from relays.base.tls import TlsAdapter, context
from tasks.members import Members, find_members
from tasks.operations.api import ApiError
from tasks.site import Site
from tests.waiting import wait_until

Record = Callable[[str, str], None]
"""Takes what was asked and what was answered."""


def _forget(asked: str, answered: str) -> None:
    """Nobody wants to know."""


def marker() -> str:
    """A word that no other message holds."""
    return f"essai-{uuid.uuid4().hex[:10]}"


class Person:
    """Somebody with a browser: a session that reaches the site's names, straight or through `proxy`."""

    def __init__(self, site: Site, proxy: str | None, record: Record = _forget):
        self.proxy, self._record = proxy, record
        self.session = requests.Session()
        self.session.trust_env = False
        self.session.mount("https://", TlsAdapter(site.host.ca))
        if proxy:
            self.session.proxies = {"http": proxy, "https": proxy}

    def send(self, method: str, url: str, **options: Any) -> requests.Response:
        """The answer; an HTTP error raises."""
        answer = self.session.request(method, url, timeout=60, **options)
        body = json.dumps(options["json"], ensure_ascii=False) if options.get("json") else ""
        self._record(f"{method} {url} {body}".strip(), f"{answer.status_code} {answer.text}")
        answer.raise_for_status()
        return answer


class Chat(Person):
    """Mattermost, read as the deploy's account."""

    def __init__(self, site: Site, proxy: str | None, record: Record = _forget):
        super().__init__(site, proxy, record)
        self._site = site.mattermost
        self.session.headers["Authorization"] = f"Bearer {site.mattermost.token.get_secret_value()}"

    def api(self, method: str, path: str, body: Any = None) -> Any:
        """The decoded answer of an API call."""
        return self.send(method, f"{self._site.url}/api/v4{path}", json=body).json()

    def channel(self, name: str) -> dict[str, Any]:
        """The channel of the site's team."""
        found: dict[str, Any] = self.api("GET", f"/teams/name/{self._site.team}/channels/name/{name}")
        return found

    def posts(self, channel: str, limit: int = 200) -> list[dict[str, Any]]:
        """The newest posts of a channel, oldest first."""
        found: list[dict[str, Any]] = []
        path = f"/channels/{self.channel(channel)['id']}/posts"
        for page in range((limit + 199) // 200):
            answer = self.api("GET", f"{path}?page={page}&per_page=200")
            found += [answer["posts"][identity] for identity in answer["order"]]
            if len(answer["order"]) < 200:
                break
        return found[::-1]

    def about(self, channel: str, text: str, limit: int = 200) -> list[dict[str, Any]]:
        """The posts of a channel whose text or attachments hold `text`."""
        return [post for post in self.posts(channel, limit) if text in shown(post)]

    def delete(self, post: dict[str, Any]) -> None:
        """Take a test message away again."""
        self.api("DELETE", f"/posts/{post['id']}")


def shown(post: dict[str, Any]) -> str:
    """All that a reader sees of a post, its inert characters (U+200B) left out."""
    parts = [post.get("message", "")]
    for attachment in post.get("props", {}).get("attachments") or []:
        parts += [str(attachment.get(key, "")) for key in ("pretext", "title", "text", "footer")]
        parts += [f"{field.get('title')}: {field.get('value')}" for field in attachment.get("fields") or []]
    return "\n".join(parts).replace("\u200b", "")


class Forge(Person):
    """GitLab, as the deploy's account."""

    def __init__(self, site: Site, proxy: str | None, record: Record = _forget):
        super().__init__(site, proxy, record)
        self.url, self.project, self._site = site.gitlab.url, site.gitlab.project, site
        self._authorities = _authorities(site)
        self._token = site.gitlab.token.get_secret_value()
        self.session.headers["PRIVATE-TOKEN"] = self._token

    def api(self, method: str, path: str, body: Any = None, project: str | None = None) -> Any:
        """The decoded answer of an API call; PROJECT in the path stands for `project`, the site's first one if None."""
        path = path.replace("PROJECT", f"projects/{quote(project or self.project, safe='')}")
        answer = self.send(method, f"{self.url}/api/v4/{path}", json=body)
        return answer.json() if answer.content else None

    def hooks(self, project: str | None = None) -> list[dict[str, Any]]:
        """The hooks of `project`, or of the site's first one."""
        found: list[dict[str, Any]] = self.api("GET", "PROJECT/hooks", project=project)
        return found

    def members(self) -> Members:
        """What the site's patterns find."""
        asked: Any = _Asked(self)
        return find_members(self._site, asked)

    @property
    def projects(self) -> list[str]:
        """All that are to have a hook of their own."""
        return [*self._site.projects, *self.members().projects]

    def git(self, *command: str, at: Path) -> str:
        """Run git as this account. The credentials go by the environment, where `ps` does not show them."""
        basic = base64.b64encode(f"oauth2:{self._token}".encode()).decode()
        options = {"http.extraHeader": f"Authorization: Basic {basic}", "user.name": "Camille Morel"}
        options |= {"user.email": "camille.morel@example.org", "init.defaultBranch": "main"}
        if self.proxy:
            options["http.proxy"] = self.proxy
        environment = {**os.environ, "GIT_CONFIG_COUNT": str(len(options)), "GIT_TERMINAL_PROMPT": "0"}
        environment["GIT_SSL_CAINFO"] = self._authorities.name
        for number, (key, value) in enumerate(options.items()):
            environment |= {f"GIT_CONFIG_KEY_{number}": key, f"GIT_CONFIG_VALUE_{number}": value}
        done = subprocess.run(
            ["git", *command], cwd=at, env=environment, capture_output=True, text=True, check=False
        )
        self._record(f"$ git {' '.join(command)}", done.stdout + done.stderr)
        assert done.returncode == 0, f"git {command[0]}: {done.stderr}"
        return done.stdout

    def clone(self, at: Path) -> Path:
        """A working copy of the site's first project."""
        self.git("clone", "--quiet", f"{self.url}/{self.project}.git", "copy", at=at)
        return at / "copy"

    def commit(self, copy: Path, branch: str, text: str, file: str = "essai.txt") -> None:
        """Commit a line to a file on a branch, which is made if need be, and push it."""
        exists = self.git("ls-remote", "--heads", "origin", branch, at=copy).strip()
        self.git("checkout", "--quiet", *([branch] if exists else ["-b", branch]), at=copy)
        with (copy / file).open("a") as target:
            target.write(f"{text}\n")
        self.git("add", file, at=copy)
        self.git("commit", "--quiet", "-m", text, at=copy)
        self.git("push", "--quiet", "origin", branch, at=copy)


class _Asked:
    """GitLab as the deploy's functions ask it, by the way that the account of the checks has to it."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge

    def call(self, method: str, path: str, absent: tuple[str, ...] = ()) -> Any:
        """The decoded answer; None for a 404 that is `absent`."""
        try:
            return self._forge.api(method, path.removeprefix("/api/v4/"))
        except requests.HTTPError as error:
            status = error.response.status_code
            if status == 404 and "404" in absent:
                return None
            raise ApiError(f"gitlab: {method} {path}: HTTP {status}", status) from None

    def pages(self, path: str) -> list[Any]:
        """All entries of a list."""
        found, number = list[Any](), 1
        while entries := self.call("GET", f"{path}{'&' if '?' in path else '?'}page={number}&per_page=100"):
            found, number = found + entries, number + 1
        return found


class Cloud(Person):
    """Nextcloud, as the admin whose files hold the HR tree."""

    def __init__(self, site: Site, proxy: str | None, record: Record = _forget):
        super().__init__(site, proxy, record)
        wanted = site.nextcloud
        assert wanted.app_password, "set nextcloud.app_password: the checks upload a document as the admin"
        self._dav, self._user, self._tree = f"{wanted.url}/remote.php/dav", wanted.admin, wanted.tree
        self.session.auth = (wanted.admin, wanted.app_password.get_secret_value())

    def address(self, path: str) -> str:
        """The address of a document of the tree."""
        return f"{self._dav}/files/{self._user}/{quote(f'{self._tree}/{path}')}"

    def put(self, path: str, content: bytes) -> None:
        """Upload in one request, as the web page does with a small file."""
        self.send("PUT", self.address(path), data=content, headers={"X-OC-Mtime": "1577836800"})

    def put_in_chunks(self, path: str, chunks: list[bytes]) -> None:
        """Upload in pieces that the server then joins (chunked upload version 2)."""
        folder = f"{self._dav}/uploads/{self._user}/web-file-upload-{uuid.uuid4().hex}"
        target = {"Destination": self.address(path)}
        self.send("MKCOL", folder, headers=target)
        for number, chunk in enumerate(chunks, 1):
            self.send("PUT", f"{folder}/{number}", data=chunk, headers=target)
        self.send(
            "MOVE", f"{folder}/.file", headers={**target, "OC-Total-Length": str(sum(map(len, chunks)))}
        )

    def put_in_bulk(self, files: dict[str, bytes]) -> None:
        """Upload several files in one request, as the desktop client does."""
        boundary = uuid.uuid4().hex
        body = b""
        for path, content in files.items():
            head = [
                f"--{boundary}",
                f"Content-Length: {len(content)}",
                f"X-File-MD5: {_md5(content)}",
                "X-File-Mtime: 1577836800",
                f"X-File-Path: /{self._tree}/{path}",
            ]
            body += "\r\n".join(head).encode() + b"\r\n\r\n" + content + b"\r\n"
        body += f"--{boundary}--\r\n".encode()
        headers = {"Content-Type": f"multipart/related; boundary={boundary}"}
        self.send("POST", f"{self._dav}/bulk", data=body, headers=headers)

    def folders(self) -> list[str]:
        """What Nextcloud lists directly below the tree."""
        answer = self.send("PROPFIND", self.address(""), headers={"Depth": "1"})
        paths = [element.text or "" for element in ElementTree.fromstring(answer.content).iter("{DAV:}href")]  # noqa: S314
        return [unquote(path.rstrip("/").rpartition("/")[2]) for path in paths]

    def delete(self, path: str) -> None:
        """Put a document into the trash."""
        self.send("DELETE", self.address(path))


def _md5(content: bytes) -> str:
    return hashlib.md5(content, usedforsecurity=False).hexdigest()


def _authorities(site: Site) -> "tempfile._TemporaryFileWrapper[str]":
    """A file of all that git is to trust, as long as it is held: git adds nothing to the file that it is given."""
    file = tempfile.NamedTemporaryFile("w", suffix=".pem")  # noqa: SIM115 - it outlives this function
    file.writelines(map(ssl.DER_cert_to_PEM_cert, context(site.host.ca).get_ca_certs(binary_form=True)))
    file.flush()
    return file


class Tunnel:
    """A SOCKS proxy that leads through the host's SSH: names are those that the host knows."""

    def __init__(self, ssh: dict[str, Any]):
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            self._port = int(probe.getsockname()[1])
        self.address = f"socks5h://127.0.0.1:{self._port}"
        self._command = ["ssh", "-N", "-D", f"127.0.0.1:{self._port}", "-p", str(ssh["ssh_port"])]
        self._command += ["-l", ssh["ssh_user"], "-o", "BatchMode=yes", "-o", "ExitOnForwardFailure=yes"]
        if "ssh_key" in ssh:
            self._command += ["-i", ssh["ssh_key"]]
        if "ssh_known_hosts_file" in ssh:
            self._command += ["-o", f"UserKnownHostsFile={ssh['ssh_known_hosts_file']}"]
        self._command.append(ssh["ssh_hostname"])
        self._process: subprocess.Popen[bytes] | None = None

    def open(self) -> None:
        """Open it, or open it again after the host has gone away; returns when it can be used."""
        self.close()
        self._process = subprocess.Popen(self._command)
        wait_until("ssh to the host", self._listens)

    def _listens(self) -> bool:
        assert self._process is not None
        assert self._process.poll() is None, "ssh to the host failed; see its message above"
        with socket.socket() as probe:
            return probe.connect_ex(("127.0.0.1", self._port)) == 0

    def close(self) -> None:
        """Close it, if it is open."""
        if self._process is not None:
            self._process.terminate()
            self._process.wait()


@contextmanager
def through_ssh(ssh: dict[str, Any]) -> Iterator[Tunnel]:
    """An open tunnel."""
    tunnel = Tunnel(ssh)
    tunnel.open()
    try:
        yield tunnel
    finally:
        tunnel.close()
