"""Deliveries as GitLab makes them, signed, each over a new connection, as many as a server takes (by wrk)."""

import base64
import hmac
import json
import os
import subprocess
import time
import uuid
from dataclasses import dataclass
from pathlib import Path

from tests.relays.events import body
from tests.relays.process import TOKEN

SIGNING_TOKEN = "whsec_" + base64.b64encode(b"a signing token of the benchmark").decode()
CONNECTIONS = 32
EVENT = body("issue_open.json")

_SCRIPT = Path(__file__).with_name("load.lua")
_LARGEST_RATE = 30_000


@dataclass(frozen=True)
class Load:
    """What one run came to: answers 2xx a second, how many there were, and how long they took."""

    rate: float
    answers: int
    median_ms: float
    p99_ms: float


def prepare(home: Path, seconds: float) -> None:
    """Sign as many deliveries as any server could take in so many seconds, for one `run`."""
    (home / "event.json").write_bytes(EVENT)
    key = base64.b64decode(SIGNING_TOKEN.removeprefix("whsec_"))
    stamp = int(time.time())
    with (home / "requests").open("w") as file:
        for _ in range(int(_LARGEST_RATE * (seconds + 1))):
            identity = uuid.uuid4()
            code = hmac.digest(key, f"{identity}.{stamp}.".encode() + EVENT, "sha256")
            file.write(f"{identity} {stamp} v1,{base64.b64encode(code).decode()}\n")


def run(home: Path, port: int, seconds: float, connections: int = CONNECTIONS) -> Load:
    """Load the server on a loopback port; AssertionError if it refuses or drops anything."""
    command = [
        "wrk",
        "--threads=1",
        f"--connections={connections}",
        f"--duration={seconds:.0f}",
        "--timeout=20",
    ]
    command += [f"--script={_SCRIPT}", f"http://127.0.0.1:{port}/"]
    given = {"PASSERELLE_BODY": "event.json", "PASSERELLE_REQUESTS": "requests", "PASSERELLE_TOKEN": TOKEN}
    output = subprocess.run(
        command, cwd=home, env=os.environ | given, check=True, capture_output=True, text=True
    )
    report = json.loads(output.stdout.splitlines()[-1])
    assert not report["refused"], f"{report['refused']} of {report['answers']} refused\n{output.stdout}"
    assert not report["broken"], f"{report['broken']} connections broken\n{output.stdout}"
    return Load(
        report["answers"] / report["seconds"], report["answers"], report["median_ms"], report["p99_ms"]
    )
