"""Events as GitLab sends them."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import requests

from tests.relays.process import TOKEN, Relay

CASES = Path(__file__).parents[1] / "fixtures" / "gitlab-cases"
PAYLOADS = Path(__file__).parents[2] / "tasks" / "samples" / "gitlab"


def body(name: str) -> bytes:
    """The body of a recorded event."""
    return (PAYLOADS / name).read_bytes()


def case(name: str) -> bytes:
    """The body of an event that others have met."""
    return (CASES / f"{name}.json").read_bytes()


def changed(name: str, **changes: Any) -> bytes:
    """A recorded event whose attributes have changed."""
    payload = json.loads(body(f"{name}.json"))
    payload["object_attributes"] = payload.get("object_attributes", {}) | changes
    return json.dumps(payload).encode()


def issue(number: int) -> bytes:
    """The opening of the issue with this number."""
    payload = json.loads(body("issue_open.json"))
    payload["object_attributes"].update(iid=number, title=f"Issue {number}")
    return json.dumps(payload).encode()


def send(
    relay: Relay, content: bytes | Iterable[bytes], headers: dict[str, str] | dict[str, bytes] | None = None
) -> requests.Response:
    """One delivery, over a connection of its own as GitLab makes it."""
    url = f"http://127.0.0.1:{relay.port}/webhook/gitlab"
    known = {"Content-Type": "application/json", "X-Gitlab-Token": TOKEN, "Connection": "close"}
    return requests.post(url, data=content, headers={**known, **(headers or {})}, timeout=20)
