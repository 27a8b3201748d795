"""Asking the integration that a slash command or a button leads to."""

from __future__ import annotations

import http.client
import urllib.error
import urllib.request
from collections.abc import Mapping
from dataclasses import dataclass

from lab.standins.mattermost.state import commands

_SECONDS = 30.0
_LARGEST = 1024 * 1024
# Whatever the environment says of proxies: both servers are in the lab.
_OPENER = urllib.request.build_opener(urllib.request.ProxyHandler({}))


@dataclass(frozen=True)
class Reply:
    """What an integration answered; a status of 0 is none."""

    status: int = 0
    content_type: str = ""
    body: bytes = b""


def ask(url: str, data: bytes | None, headers: Mapping[str, str], allowed: str) -> Reply:
    """Ask it, beside the loop; no request is made to an address that is not `allowed`."""
    if not commands.may_be_reached(url, allowed):
        return Reply()
    sent = {"Accept": "application/json", "User-Agent": "Mattermost-Bot/1.1", **headers}
    try:
        with _OPENER.open(urllib.request.Request(url, data, sent), timeout=_SECONDS) as answer:  # noqa: S310
            return Reply(answer.status, answer.headers.get("Content-Type", ""), answer.read(_LARGEST))
    except urllib.error.HTTPError as error:
        return Reply(error.code)
    except (OSError, http.client.HTTPException):
        return Reply()
