"""Hosts that say more than they are asked: what a login prints before a command, and what Docker warns of."""

import json
import os
import subprocess
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from pyinfra.api import QuoteString, StringCommand

from tasks.operations.remote import framed

# What runs before each command, as a start file of the login's shell does.
LOGINS: Mapping[str, str] = {
    "silent": "",
    "greeting": "echo 'Bienvenue sur taaf'; echo; echo '  * Documentation'",
    "greeting without a line end": "printf '\\033]0;taaf\\007'",
    "greeting in Latin-1": "printf 'Bienvenue \\340 tous\\n'",
    "greeting of the form of an answer": "echo 'text=1'; echo '{\"id\": 1}'; echo yes; echo error no-docker",
    "complaint": "echo 'mesg: ttyname failed: Inappropriate ioctl for device' >&2",
    "complaint of the form of an answer": "echo 'error no-docker' >&2; echo 7 >&2",
    "farewell": "trap 'echo; echo Au revoir; echo logout >&2' EXIT",
    "other language": "export LANG=fr_FR.UTF-8 LC_ALL=fr_FR.UTF-8 LANGUAGE=fr",
}


def run(command: str, login: str = "", tools: Path | None = None) -> subprocess.CompletedProcess[bytes]:
    """What sshd hands back of `command`, as pyinfra sends it; `tools` is a folder of programs found first."""
    before = f"{login}\n" if login else ""
    environment = {**os.environ, "PATH": f"{tools}:{os.environ['PATH']}" if tools else os.environ["PATH"]}
    return subprocess.run(
        ["bash", "-c", f'{before}sh -c "$1"', "bash", command],
        env=environment,
        capture_output=True,
        check=False,
    )


def fed(script: str, command: str, stdin: str) -> subprocess.CompletedProcess[bytes]:
    """The same with a standard input; `script` runs the command, which is its first argument."""
    return subprocess.run(
        ["bash", "-c", script, "bash", command], input=stdin.encode(), capture_output=True, check=False
    )


def printed(text: str) -> list[str]:
    """The lines that a fact's command hands to its `process`, where it prints this text."""
    return (
        run(framed(StringCommand("printf %s", QuoteString(text))).get_raw_value())
        .stdout.decode()
        .splitlines()
    )


def program(folder: Path, name: str, script: str) -> None:
    """Put a program there that is this shell script."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@dataclass(frozen=True)
class Made:
    """A container that Compose has made."""

    id: str
    service: str = "nextcloud"
    project: str = "infrastructure"
    folder: str | None = ""
    state: str = "running"
    number: str | None = "1"
    oneoff: str = "False"
    files: str | None = None
    environment: str | None = None


def docker(folder: Path, made: list[Made], warning: str = "", *, gone: str = "") -> None:
    """A `docker` that has these containers and warns at each call; the one with the id `gone` is just being removed."""
    rows = "\n".join(f"{each.id} {each.folder}" for each in [*made, *([Made(gone)] if gone else [])])
    reported = "\n".join(
        json.dumps({**asdict(each), "image": "x", "mounts": [{"Source": "/srv", "Destination": "/data"}]})
        for each in made
    )
    script = rf"""
test -z '{warning}' || echo '{warning}' >&2
case "$1" in
ps) cat <<'END'
{rows}
END
;;
inspect) cat <<'END'
{reported}
END
test -z '{gone}' || {{ echo 'Error: No such object: {gone}' >&2; exit 1; }}
;;
exec) shift; while test "$1" = -e; do export "$2"; shift 2; done; shift; exec "$@" ;;
esac"""
    program(folder, "docker", script)
