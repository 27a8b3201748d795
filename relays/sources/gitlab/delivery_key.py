"""What the headers of a delivery say, whichever way it comes in: what distinguishes it from every other, its event."""

import hashlib
import re
from collections.abc import Mapping

_LONGEST_EVENT = 100
_PLAIN = re.compile(r"[\w.:+/=-]{1,100}", re.ASCII)


def delivery_key(headers: Mapping[str, str], body: bytes | bytearray) -> str:
    """The key under which a delivery is stored once, from its headers (names in lower case) and its body."""
    # Since GitLab 19.0 and 17.4, of the same value; both stay what they are when GitLab sends a delivery again.
    given = headers.get("webhook-id", "").strip() or headers.get("idempotency-key", "").strip()
    if _PLAIN.fullmatch(given):
        return f"gitlab:{given}"
    content = hashlib.sha256(_bytes(given or headers.get("x-gitlab-event-uuid", "")))
    if not given:
        # Deliveries that one event sets off share its id, so the body distinguishes them.
        content.update(body)
    return f"gitlab:sha256:{content.hexdigest()}"


def header_event(headers: Mapping[str, str]) -> str:
    """The event that the headers name, such as `Confidential Note Hook`; no longer than any that GitLab has."""
    return headers.get("x-gitlab-event", "").strip()[:_LONGEST_EVENT]


def _bytes(text: str) -> bytes:
    return text.encode("utf-8", "surrogatepass")
