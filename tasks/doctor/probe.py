"""What the host alone can say, as JSON on standard output: run there by its python3, with nothing installed.

It reads, asks and measures, and changes nothing. Secrets do not leave the host: an address of a webhook is given by
its hash and by what Mattermost answers to it. Commands run at the same time, so it takes as long as the slowest.
"""

import hashlib
import http.client
import json
import os
import re
import socket
import ssl
import stat
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

# The environment has no say in which way the relays go, and so none here.
for _name in ("no_proxy", "NO_PROXY"):
    os.environ.pop(_name, None)

_UNIT = (
    *("ActiveState", "SubState", "UnitFileState", "NRestarts", "Result", "MainPID", "Listen"),
    *("ActiveEnterTimestampMonotonic", "ExecMainStatus", "InvocationID"),
)
_TEMPORARY = re.compile(r"^[.~]|\.(?:part|filepart|tmp|crdownload)$|\.octransferid", re.IGNORECASE)
_SETTLED_SECONDS = 300
_SOCKET_SECONDS = 5.0


class _Stay(urllib.request.HTTPRedirectHandler):
    """Follows no redirect."""

    def redirect_request(self, *_: Any) -> None:
        return None


def run(*command: str, at: str = "/", seconds: float = 20) -> tuple[int, str, str]:
    """Exit code, output, errors; 127 without the program, 124 when it took too long."""
    try:
        done = subprocess.run(
            command,
            cwd=at,
            capture_output=True,
            text=True,
            errors="replace",
            timeout=seconds,
            stdin=subprocess.DEVNULL,
            check=False,
        )
    except FileNotFoundError as error:
        return 127, "", str(error)
    except subprocess.TimeoutExpired:
        return 124, "", "no end in time"
    return done.returncode, done.stdout, done.stderr


def compose(infrastructure: str, command: list[str]) -> dict[str, Any]:
    """Whether Docker has Compose, which can read the files of the project: {plugin, code: its exit code, said}.

    `command` is what `docker compose` is to be typed as there.
    """
    if not Path(infrastructure).is_dir():
        return {"plugin": True, "code": 0, "said": ""}
    # Without the plugin Docker complains of the options that it does not know, each release in its own way.
    plugin = run("docker", "compose", "version")[0] == 0
    code, _, errors = run(*command, "config", "--quiet", at=infrastructure)
    return {"plugin": plugin, "code": code, "said": (errors.strip().splitlines() or ["?"])[-1][:400]}


def web(url: str, secrets: bool = False, proxy: str | None = None) -> dict[str, Any]:
    """What a server answers, whose certificate matters if the relays send `secrets` there.

    {name, port, silent: what fails there, or empty; refused: nobody listens on the port; proxy: why the proxy, by which
    alone it is reached, does not lead there; tls: what base.tls.fault wants to know if that fails, or None; status,
    location, date, body: the answer; at: when it came}.
    """
    found: dict[str, Any] = {
        "name": "",
        "port": "",
        "refused": False,
        "proxy": "",
        "tls": None,
        "silent": "",
        "status": 0,
        "location": "",
        "date": "",
        "body": "",
    }
    parts = urlsplit(url)
    host, port = parts.hostname or "", parts.port or (443 if parts.scheme == "https" else 80)
    way = urlsplit(proxy or url)
    through, door = (way.hostname or "", way.port or 80) if proxy else (host, port)
    try:
        socket.getaddrinfo(through, door, type=socket.SOCK_STREAM)
    except OSError as error:
        return {**found, "proxy" if proxy else "name": error.strerror or str(error)}
    try:
        socket.create_connection((through, door), 5).close()
    except OSError as error:
        if proxy:
            return {**found, "proxy": error.strerror or str(error)}
        refused = isinstance(error, ConnectionRefusedError)
        return {**found, "port": error.strerror or str(error), "refused": refused}
    connection = http.client.HTTPConnection(through, door, timeout=8)
    asked = parts._replace(scheme="", netloc="").geturl() or "/"
    if parts.scheme == "https":
        context = trusting() if secrets else ssl._create_unverified_context()  # noqa: S323
        connection = http.client.HTTPSConnection(through, door, timeout=8, context=context)
        if proxy:
            connection.set_tunnel(host, port)
    elif proxy:
        asked = url
    try:
        connection.request("GET", asked)
        answer = connection.getresponse()
        body = answer.read(65536).decode(errors="replace")
    except ssl.SSLError as error:
        fault = [getattr(error, "verify_code", 0), error.reason or "", getattr(error, "verify_message", "")]
        return {**found, "tls": fault}
    except (OSError, http.client.HTTPException) as error:
        if str(error).startswith("\x15\x03"):
            return {**found, "tls": [0, "ANSWERS_TLS", ""]}
        if str(error).startswith("Tunnel connection failed"):
            return {**found, "proxy": str(error)}
        return {**found, "silent": str(error) or type(error).__name__}
    finally:
        connection.close()
    heads = {name.lower(): answer.headers.get(name, "") for name in ("Date", "Location")}
    return {**found, **heads, "status": answer.status, "body": body, "at": time.time()}


def access(path: str) -> str | None:
    """The mode of a file, in octal; None if there is none."""
    try:
        return f"{Path(path).stat().st_mode & 0o7777:o}"
    except OSError:
        return None


def opener(proxy: str | None) -> urllib.request.OpenerDirector:
    """What asks servers as the relays do: whom they trust, by the proxy if there is one, following nothing."""
    ways = {"http": proxy, "https": proxy} if proxy else {}
    return urllib.request.build_opener(
        urllib.request.ProxyHandler(ways), urllib.request.HTTPSHandler(context=trusting()), _Stay()
    )


def webhooks(conf: str, proxy: str | None) -> dict[str, dict[str, Any]]:
    """{NAME: {digest: of the address, answer: status that Mattermost gives to it, error}}."""
    try:
        text = Path(conf).read_text(encoding="utf-8")
    except (OSError, ValueError):
        return {}
    lines = [line.strip().partition("=") for line in text.splitlines() if not line.lstrip().startswith("#")]
    urls = {key.strip(): value.strip().strip("\"'") for key, _, value in lines if value}
    return {name: {"digest": digest(url), **ask(url, proxy)} for name, url in urls.items()}


def digest(url: str) -> str:
    """Says whether two addresses are the same."""
    return hashlib.sha256(url.encode()).hexdigest()[:12]


def ask(url: str, proxy: str | None) -> dict[str, Any]:
    """What a webhook answers to a message for a channel that cannot exist: 404 or 403 if it lives; none is posted."""
    body = json.dumps({"text": "-", "channel": f"passerelle-{uuid.uuid4().hex}"}).encode()
    try:
        question = urllib.request.Request(url, body, {"Content-Type": "application/json"})  # noqa: S310
        with opener(proxy).open(question, timeout=8) as answer:
            return {"answer": answer.status, "error": ""}
    except urllib.error.HTTPError as error:
        return {"answer": error.code, "error": ""}
    except (OSError, ValueError, http.client.HTTPException) as error:
        reason = getattr(error, "reason", error)
        tls = isinstance(reason, ssl.SSLCertVerificationError)
        return {"answer": 0, "error": "TLS" if tls else type(reason).__name__}


def bot(asked: tuple[str, str] | None, proxy: str | None) -> dict[str, Any]:
    """Whose the token in a file is, asked at that address: {access: mode of the file, answer: status, error, id}."""
    found: dict[str, Any] = {"access": None, "answer": 0, "error": "", "id": ""}
    if asked is None:
        return found
    path, url = asked
    found["access"] = access(path)
    try:
        token = Path(path).read_text(encoding="utf-8").strip()
    except (OSError, ValueError):
        return found
    question = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})  # noqa: S310
    try:
        with opener(proxy).open(question, timeout=8) as answer:
            account = json.loads(answer.read(65536))
            return {**found, "answer": answer.status, "id": str(account["id"])}
    except urllib.error.HTTPError as error:
        return {**found, "answer": error.code}
    # The text of an error may hold the header.
    except (OSError, ValueError, KeyError, TypeError, http.client.HTTPException) as error:
        return {**found, "error": type(getattr(error, "reason", error)).__name__}


def trusting() -> ssl.SSLContext:
    """Whom the relays trust, where they are installed (relays.base.tls)."""
    context = ssl.create_default_context()
    certifi = Path("/opt/passerelle/current/lib").glob("python3*/site-packages/certifi/cacert.pem")
    for file in (*certifi, Path("/etc/passerelle/ca.pem")):
        if file.exists():
            context.load_verify_locations(file)
    context.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
    context.verify_flags &= ~ssl.VERIFY_X509_STRICT
    return context


def units(names: list[str]) -> dict[str, dict[str, str]]:
    """What systemd says of each unit, and `uptime`: seconds since it is active."""
    found = {}
    for name in names:
        _, output, _ = run("systemctl", "show", "-p", ",".join(_UNIT), name)
        unit = dict(line.split("=", 1) for line in output.splitlines() if "=" in line)
        since = int(unit.pop("ActiveEnterTimestampMonotonic", None) or 0) / 1e6
        unit["uptime"] = str(int(time.clock_gettime(time.CLOCK_MONOTONIC) - since))
        found[name] = unit
    return found


def journal(unit: str, state: dict[str, str]) -> str:
    """The last error of a unit's process that runs, or what the last one that does not run has said, else systemd.

    A process that could not even be started has said nothing; then what those before it have said is no answer.
    """
    command = ("journalctl", "-b", "-n", "60", "-o", "json", "--no-pager")
    invocation = state.get("InvocationID")
    of = (
        [f"_SYSTEMD_INVOCATION_ID={invocation}", "+", f"INVOCATION_ID={invocation}"]
        if invocation
        else ["-u", unit]
    )
    _, output, _ = run(*command, *of)
    entries = []
    for line in output.splitlines():
        try:
            entry = json.loads(line)
        except ValueError:
            continue
        if isinstance(entry.get("MESSAGE"), str):
            entries.append(entry)
    own = [entry for entry in entries if entry.get("SYSLOG_IDENTIFIER") != "systemd"]
    runs = state.get("ActiveState") == "active"
    errors = [entry for entry in own if runs and int(entry.get("PRIORITY", 6)) <= 4]
    chosen = errors or own or entries
    return str(chosen[-1]["MESSAGE"])[:400] if chosen else ""


def health(port: int | None) -> dict[str, Any]:
    """What the GitLab relay says of itself: {error, figures}; without a port it is not asked."""
    if port is None:
        return {"error": "", "figures": {}}
    answer = web(f"http://127.0.0.1:{port}/health")
    error = answer["port"] or answer["silent"]
    try:
        figures = json.loads(answer["body"]) if not error else {}
    except ValueError:
        figures = {}
    return {"error": error, "figures": figures if isinstance(figures, dict) else {}}


def served(url: str | None) -> dict[str, Any] | None:
    """What is answered, as `web` has it, where slash commands or presses are taken in; None if it is not to be asked.

    The question is none of theirs, so the relay has nothing to do: it says that this is no way to ask.
    """
    return web(url) if url else None


def reach(container: str | None, relay: str | None) -> dict[str, Any]:
    """Whether a container gets through to the relay, if both are given.

    {code: curl's or docker's exit code, said: its last word, why: all that it says on the way, body: the answer}.
    """
    if relay is None or container is None:
        return {"code": 0, "said": "", "why": "", "body": '{"status": ""}'}
    curl = ("curl", "-sSv", "--noproxy", "*", "-m", "5", f"http://{relay}/health")
    code, body, errors = run("docker", "exec", container, *curl)
    said = [line for line in errors.strip().splitlines() if line[:2] not in ("* ", "> ", "< ")]
    return {"code": code, "said": (said or [""])[-1][:200], "why": errors[-2000:], "body": body[:4096]}


def disk(places: list[str]) -> dict[str, list[int | None]]:
    """{place: [bytes free, bytes in all, how many files more]} of those that exist; None: any number."""
    found: dict[str, list[int | None]] = {}
    for place in places:
        try:
            seen = os.statvfs(place)
        except OSError:
            continue
        files = seen.f_favail if seen.f_files else None
        found[place] = [seen.f_bavail * seen.f_frsize, seen.f_blocks * seen.f_frsize, files]
    return found


def tree(place: str | None, folders: list[str]) -> dict[str, Any]:
    """Owner and mode of the tree and its folders, its file system, how many folders and settled documents it has.

    `files` says whether the folder that it is to be in exists, `there` whether it does itself.
    """
    root = Path(place or "/nowhere/nowhere")
    if not root.is_dir():
        return {"files": root.parent.is_dir(), "there": False}
    at = {name: root / name for name in ["", *folders]}
    found = {name: path.stat() if path.is_dir() else None for name, path in at.items()}
    directories = documents = 0
    newest = time.time() - _SETTLED_SECONDS
    for folder, below, files in os.walk(root):
        below[:] = [name for name in below if not name.startswith(".")]
        directories += 1
        for name in files:
            try:
                seen = (Path(folder) / name).lstat()
            except OSError:
                continue
            if stat.S_ISREG(seen.st_mode) and seen.st_ctime < newest and not _TEMPORARY.search(name):
                documents += 1
    return {
        "files": True,
        "there": True,
        "owner": root.parent.stat().st_uid,
        "access": {
            name: None if seen is None else [f"{seen.st_mode & 0o7777:o}", seen.st_uid]
            for name, seen in found.items()
        },
        "type": file_system(str(root)),
        "directories": directories,
        "documents": documents,
    }


def file_system(path: str) -> str:
    """The type of the file system that holds a path."""
    best, found = "", ""
    with Path("/proc/self/mountinfo").open(encoding="utf-8", errors="replace") as file:
        for line in file:
            before, _, after = line.partition(" - ")
            mount = before.split()[4].replace("\\040", " ")
            if f"{path}/".startswith(mount.rstrip("/") + "/") and len(mount) >= len(best):
                best, found = mount, after.split()[0]
    return found


def limits() -> dict[str, int]:
    """The kernel's limits of inotify."""
    found = {}
    for name in ("max_user_watches", "max_user_instances", "max_queued_events"):
        try:
            found[name] = int(Path(f"/proc/sys/fs/inotify/{name}").read_text())
        except (OSError, ValueError):
            continue
    return found


def bound(pid: str, inside: str, tree: str | None) -> bool | None:
    """Whether a process sees the tree itself at `inside`; None if that cannot be known."""
    try:
        seen, there = Path(f"/proc/{int(pid)}/root{inside}").stat(), Path(tree or "/nowhere").stat()
    except (OSError, ValueError):
        return None
    return (seen.st_dev, seen.st_ino) == (there.st_dev, there.st_ino)


def deaf(path: str | None) -> str | None:
    """Why nobody takes a connection at this socket, empty if somebody does; None if it is not to be asked."""
    if path is None:
        return None
    with socket.socket(socket.AF_UNIX) as connection:
        connection.settimeout(_SOCKET_SECONDS)
        try:
            connection.connect(path)
        except OSError as error:
            return error.strerror or str(error)
    return ""


def status(file: str) -> dict[str, Any]:
    """What a relay says of itself (relays.base.status); empty while it says nothing."""
    try:
        found: dict[str, Any] = json.loads(Path(file).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return found


def main() -> None:
    """The questions are the first argument, JSON; the answers are printed."""
    asked = json.loads(sys.argv[1])
    infrastructure = asked["infrastructure"]
    states = units(asked["units"])
    # A connection would start a relay that is stopped: its port belongs to systemd.
    runs = states[asked["server"]].get("ActiveState") == "active"
    chat = asked["chat_proxy"]
    with ThreadPoolExecutor(16) as pool:
        started: dict[str, Future[Any]] = {
            "compose": pool.submit(compose, infrastructure, asked["compose"]),
            "webhooks": pool.submit(webhooks, asked["webhooks_conf"], chat),
            "health": pool.submit(health, asked["port"] if runs else None),
            "reach": pool.submit(reach, asked["gitlab_container"], asked["relay"] if runs else None),
            "disk": pool.submit(disk, asked["places"]),
            "tree": pool.submit(tree, asked["tree"], asked["folders"]),
            "limits": pool.submit(limits),
            "command": pool.submit(served, asked["command"] if runs else None),
            "action": pool.submit(served, asked["action"] if runs else None),
            "bot": pool.submit(bot, asked["bot"], chat),
        }
        pages = {name: pool.submit(web, *page) for name, page in asked["pages"].items()}
        journals = {
            name: pool.submit(journal, name, state)
            for name, state in states.items()
            if name.endswith(".service")
        }
    answers: dict[str, Any] = {name: answer.result() for name, answer in started.items()}
    answers["web"] = {name: answer.result() for name, answer in pages.items()}
    answers["journal"] = {name: answer.result() for name, answer in journals.items()}
    answers["units"] = states
    answers["access"] = access(asked["webhooks_conf"])
    answers["release"] = Path("/opt/passerelle/current/complete").exists()
    pid = states[asked["watcher"]].get("MainPID", "")
    answers["status"] = status(asked["status"])
    answers["gitlab_status"] = status(asked["gitlab_status"])
    answers["deaf"] = deaf(asked["documents"])
    answers["bound"] = bound(pid, asked["bound"], asked["tree"])
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
