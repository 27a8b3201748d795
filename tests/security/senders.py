"""GitLab among attackers: senders who show the token, or sign and show none, and how long their answers take."""

import base64
import hmac
import json
import os
import subprocess
import sys
import time
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.client import HTTPConnection, HTTPException
from multiprocessing import get_context
from multiprocessing.context import SpawnProcess

from tests.relays.events import issue
from tests.relays.process import PROJECT, TOKEN, Relay
from tests.security.conftest import SIGNING_TOKEN

# Whatever strangers do.
ANSWERED_SECONDS = 1.0
# Whatever GitLab does itself: half of what it waits.
BESIDE_SECONDS = 5.0
GITLAB_SECONDS = 10.0
# Others are on other machines: what they do must not take the processor away from what is measured.
NICE = 15


def signature(content: bytes) -> dict[str, str]:
    """The headers of a right signature, for a delivery of its own."""
    identity, stamp = str(uuid.uuid4()), str(int(time.time()))
    key = base64.b64decode(SIGNING_TOKEN.removeprefix("whsec_"))
    code = hmac.digest(key, f"{identity}.{stamp}.".encode() + content, "sha256")
    return {
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": f"v1,{base64.b64encode(code).decode()}",
    }


def deliver(port: int, content: bytes, headers: dict[str, str], seconds: float = GITLAB_SECONDS) -> int:
    """Send a delivery as GitLab does, which waits so long for the answer: its status, 0 without any."""
    connection = HTTPConnection("127.0.0.1", port, timeout=seconds)
    try:
        connection.request("POST", "/webhook/gitlab", content, {"Connection": "close", **headers})
        return connection.getresponse().status
    except (OSError, HTTPException):
        return 0
    finally:
        connection.close()


@dataclass
class Good:
    """Small events that were sent one after the other."""

    statuses: list[int] = field(default_factory=list)
    slowest: float = 0.0

    def send(self, relay: Relay, headers: dict[str, str], content: bytes = issue(1)) -> None:
        """One more."""
        begun = time.monotonic()
        self.statuses.append(deliver(relay.port, content, headers))
        self.slowest = max(self.slowest, time.monotonic() - begun)

    def send_for(self, relay: Relay, seconds: float) -> None:
        """For so long, in turn with the token, and signed without it."""
        until = time.monotonic() + seconds
        while time.monotonic() < until:
            content = issue(len(self.statuses))
            key = {"Idempotency-Key": f"good-{len(self.statuses)}"}
            token = {"X-Gitlab-Token": TOKEN, **key}
            self.send(relay, token if len(self.statuses) % 2 else signature(content), content)
            time.sleep(0.02)  # the pace of a busy GitLab


def _nicely(work: Callable[..., None], *arguments: object) -> None:
    os.nice(NICE)
    work(*arguments)


@contextmanager
def elsewhere(work: Callable[..., None], *arguments: object) -> Iterator[SpawnProcess]:
    """A process of its own that does the work, for it would keep the test from its own; ended with the block."""
    process = get_context("spawn").Process(target=_nicely, args=(work, *arguments), daemon=True)
    process.start()
    try:
        yield process
    finally:
        process.kill()
        process.join()


@contextmanager
def strangers(relay: Relay, kind: str, number: int) -> Iterator[None]:
    """So many strangers of a kind (tests.security.strangers) while the block lasts."""
    command = ["nice", f"-n{NICE}", sys.executable, "-m", "tests.security.strangers"]
    command += [str(relay.port), kind, str(number)]
    process = subprocess.Popen(command, cwd=PROJECT, stdout=subprocess.PIPE)
    assert process.stdout is not None
    try:
        assert process.stdout.readline() == b"there\n"
        yield
        assert process.poll() is None
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


def nested(size: int, piece: str) -> bytes:
    """An event of about `size` bytes that holds a piece of JSON again and again."""
    event = json.loads(issue(1))
    event["pieces"] = "PIECES"
    before, after = json.dumps(event).split('"PIECES"')
    return f"{before}[{','.join([piece] * (size // (len(piece) + 1)))}]{after}".encode()
