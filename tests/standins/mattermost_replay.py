"""Sends recorded exchanges to a stand-in and says where its answers differ from the recorded ones.

Ids differ between the two servers: an id in a recorded answer is paired with the one in the same place of
ours and has to stay its pair. Times differ: what matters is whether they are zero.
"""

from __future__ import annotations

import json
import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.standins.mattermost_server import PASSWORD, MattermostServer

RECORDINGS = Path(__file__).parents[1] / "fixtures" / "mattermost-recordings"

Exchange = dict[str, Any]

_ID = re.compile(r"[A-Za-z0-9]{26}")
_ANY_ID = re.compile(r"\b[A-Za-z0-9]{26}\b")
_UNCOMPARED_HEADERS = {"Content-Length", "X-Request-Id", "X-Version-Id"}
_UNCOMPARED_KEYS = {"_subset", "request_id", "detailed_error"}


def recording(name: str) -> dict[str, Any]:
    """The one recording whose file name begins with ``name``."""
    [path] = RECORDINGS.glob(f"{name}-*.json")
    loaded: dict[str, Any] = json.loads(path.read_text())
    return loaded


@dataclass
class Replay:
    """The pairs of ids found so far, and the tokens of the recorded identities."""

    ids: dict[str, str] = field(default_factory=dict)
    tokens: dict[str, str] = field(default_factory=dict)

    def send(self, server: MattermostServer, exchange: Exchange, identity: str) -> requests.Response:
        """Send a recorded request as this identity; remember the tokens that the answer gives out."""
        recorded = exchange["request"]
        body = recorded["body"]
        data = (body if isinstance(body, str) else json.dumps(body)) if body is not None else ""
        data = self._ours(data.replace("REDACTED_PASSWORD", PASSWORD))
        headers = dict(recorded["headers"])
        if "REDACTED" in headers.get("Authorization", ""):
            headers["Authorization"] = f"Bearer {self.tokens[identity]}"
        path = self._ours(recorded["path"]).replace("REDACTED_SESSION_TOKEN", self.tokens.get(identity, ""))
        # The recorder had to write the invalid bytes of one body as U+FFFD.
        content = data.encode().replace("\ufffd".encode(), b"\xff")
        answer = server.http.request(
            recorded["method"], server.url + path, data=content, headers=headers, timeout=20
        )
        self._remember_tokens(exchange, answer)
        return answer

    def _ours(self, text: str) -> str:
        return _ANY_ID.sub(lambda match: self.ids.get(match[0], match[0]), text)

    def _remember_tokens(self, exchange: Exchange, answer: requests.Response) -> None:
        if "Token" in answer.headers:
            self.tokens[answer.json()["username"]] = answer.headers["Token"]
        recorded = exchange["response"]["body"]
        if isinstance(recorded, dict) and "token" in recorded and answer.ok:
            names = {"REDACTED_PAT": "pat", "REDACTED_BOT_TOKEN": "bot"}
            self.tokens[names.get(recorded["token"]) or str(recorded.get("description"))] = answer.json()[
                "token"
            ]

    def compare(
        self, exchange: Exchange, answer: requests.Response, *, ignored: frozenset[str] = frozenset()
    ) -> list[str]:
        """The differences between the recorded answer and ours; ``ignored`` are keys not to look at."""
        recorded = exchange["response"]
        if answer.status_code != recorded["status"]:
            return [f"status {answer.status_code}, recorded {recorded['status']}: {answer.text[:300]}"]
        found = self._headers(recorded["headers"], answer)
        body = recorded["body"]
        if isinstance(body, str):
            if answer.text.strip() != body.strip():
                found.append(f"body {answer.text[:100]!r}, recorded {body[:100]!r}")
            return found
        strict = not (isinstance(body, dict) and "_subset" in body)
        return found + self.values(body, answer.json(), "", strict=strict, ignored=ignored)

    def _headers(self, recorded: dict[str, str], answer: requests.Response) -> list[str]:
        found = []
        for name, value in recorded.items():
            ours = answer.headers.get(name)
            same = ours is not None if value.startswith("REDACTED") else ours == value
            if name not in _UNCOMPARED_HEADERS and not same:
                found.append(f"header {name}: {ours!r}, recorded {value!r}")
        return found

    def values(
        self, recorded: Any, ours: Any, where: str, *, strict: bool, ignored: frozenset[str] = frozenset()
    ) -> list[str]:
        """The differences of two JSON values; with ``strict`` our objects may have no further keys."""
        if isinstance(recorded, dict) and isinstance(ours, dict):
            recorded = {self.ids.get(key, key): value for key, value in recorded.items()}
            keys = recorded.keys() - _UNCOMPARED_KEYS - ignored
            extra = ours.keys() - recorded.keys() - _UNCOMPARED_KEYS if strict else set()
            found = [f"{where}.{key}: not recorded" for key in sorted(extra)]
            for key in sorted(keys):
                if strict and key not in ours:
                    found.append(f"{where}.{key}: missing")
                    continue
                inside = {"strict": strict, "ignored": ignored}
                found += self.values(recorded[key], ours.get(key), f"{where}.{key}", **inside)  # type: ignore[arg-type]
            return found
        if isinstance(recorded, list) and isinstance(ours, list) and len(recorded) == len(ours):
            pairs = zip(recorded, ours, strict=True)
            return [
                difference
                for at, (one, other) in enumerate(pairs)
                for difference in self.values(one, other, f"{where}[{at}]", strict=strict, ignored=ignored)
            ]
        same = recorded == ours
        if where.endswith(("_at", ".last_password_update")):
            same = bool(recorded) == bool(ours)
        elif isinstance(recorded, str) and _ID.fullmatch(recorded):
            same = self.ids.setdefault(recorded, str(ours)) == ours
        elif isinstance(recorded, str) and recorded.startswith("REDACTED"):
            same = bool(ours)
        return [] if same else [f"{where or 'body'}: {ours!r}, recorded {recorded!r}"]
