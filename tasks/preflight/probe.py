"""What a host has of what a deploy needs, as JSON on standard output: run there by its python3, with nothing installed.

It reads and asks, and changes nothing.
"""

import errno
import json
import os
import re
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any


def run(*command: str) -> tuple[int, str, str]:
    """Exit code, output, errors; 127 without the program."""
    try:
        done = subprocess.run(
            command, capture_output=True, text=True, errors="replace", stdin=subprocess.DEVNULL, check=False
        )
    except FileNotFoundError as error:
        return 127, "", str(error)
    return done.returncode, done.stdout, done.stderr


def systemd() -> dict[str, str]:
    """{version: of the systemd that runs, empty if none does; said: why not}."""
    code, output, errors = run("systemctl", "show", "--property=Version", "--value")
    said = (errors.strip().splitlines() or [""])[0]
    return {"version": "" if code else output.strip(), "said": said[:200]}


def temporary() -> str:
    """Why there is no folder for temporary files, empty if there is one."""
    try:
        tempfile.gettempdir()
    except OSError as error:
        return str(error)[:200]
    return ""


def place(path: str) -> dict[str, Any]:
    """What a file at `path` would find: {at: the part that exists, folder, writable, readonly, noexec, free, files}.

    `free` are bytes, `files` how many more there may be, None where that has no limit.
    """
    at = Path(path)
    while not at.exists() and at != at.parent:
        at = at.parent
    room = os.statvfs(at)
    return {
        "at": str(at),
        "folder": at.is_dir(),
        "writable": os.access(at, os.W_OK),
        "readonly": bool(room.f_flag & os.ST_RDONLY),
        "noexec": bool(room.f_flag & os.ST_NOEXEC),
        "free": room.f_bavail * room.f_frsize,
        "files": room.f_favail if room.f_files else None,
    }


def is_taken(port: int) -> bool:
    """Whether no socket unit could listen on a port; asked as systemd would, and given back at once."""
    for family, address in ((socket.AF_INET6, "::"), (socket.AF_INET, "0.0.0.0")):  # noqa: S104
        try:
            with socket.socket(family, socket.SOCK_STREAM) as probe:
                probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
                if family == socket.AF_INET6:
                    probe.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
                probe.bind((address, port))
        except OSError as error:
            if error.errno == errno.EADDRINUSE:
                return True
            continue  # there is no IPv6
        return False
    return False


def listening_units(port: int, *units: str) -> list[str]:
    """Those of the units, given by names or patterns, that are active sockets on a port."""
    _, output, _ = run("systemctl", "show", "--property=Id,ActiveState,Listen", *units)
    found = []
    for block in output.split("\n\n"):
        lines = block.splitlines()
        listens = any(re.search(rf":{port} \(Stream\)$", line) for line in lines)
        if listens and "ActiveState=active" in lines:
            found += [line.removeprefix("Id=") for line in lines if line.startswith("Id=")]
    return found


def programs_on(port: int) -> list[str]:
    """`NAME (pid N)` of the processes that hold a port."""
    inodes = set()
    for table in ("tcp", "tcp6"):
        try:
            rows = Path(f"/proc/net/{table}").read_text().splitlines()[1:]
        except OSError:
            continue
        fields = [row.split() for row in rows]
        # Of a connection the other end is said, of a port that is held nothing is.
        held = [
            row for row in fields if int(row[1].rpartition(":")[2], 16) == port and set(row[2]) <= set("0:")
        ]
        inodes |= {f"socket:[{row[9]}]" for row in held}
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            holds = any(str(link.readlink()) in inodes for link in (process / "fd").iterdir())
            if holds:
                found.append(f"{(process / 'comm').read_text().strip()} (pid {process.name})")
        except OSError:
            continue
    return found


def holder(port: int, own: list[str]) -> str:
    """Who else holds a port; empty if it is free, or held by one of the socket units `own`."""
    if not is_taken(port) or set(listening_units(port, *own)) & set(own):
        return ""
    return (listening_units(port, "*.socket") or programs_on(port) or ["another program"])[0]


def main() -> None:
    """The questions are the first argument, JSON; the answers are printed."""
    asked = json.loads(sys.argv[1])
    answers = {
        "python": f"{sys.version_info[0]} {sys.version_info[1]} {os.uname().machine}",
        "systemd": systemd(),
        "missing": [name for name in asked["programs"] if shutil.which(name) is None],
        "temporary": temporary(),
        "places": {path: place(path) for path in asked["places"]},
        "installed": Path(asked["release"], "complete").exists(),
        "holder": holder(asked["port"], asked["own"]),
    }
    print(json.dumps(answers))


if __name__ == "__main__":
    main()
