"""Addresses of servers as people write them into settings: what is meant, or why it cannot be."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, BeforeValidator

# A name in DNS or in ~/.ssh/config.
_NAME = re.compile(r"[A-Za-z0-9_]([A-Za-z0-9_.-]*[A-Za-z0-9_.])?")
_LONGEST_NAME, _LONGEST_LABEL = 253, 63
# Not a character of any address or token, and of a header it would be the end.
UNPRINTABLE = re.compile(r"[^\x21-\x7e]")


def is_name(value: str) -> bool:
    """Whether a text is the name of a machine."""
    labels = value.removesuffix(".").split(".")
    fits = all(0 < len(label) <= _LONGEST_LABEL for label in labels) and len(value) <= _LONGEST_NAME
    return fits and _NAME.fullmatch(value) is not None


def is_web_address(url: str) -> bool:
    """Whether a text is the address of a server, http or https."""
    try:
        parts = urlsplit(url)
        _ = parts.port  # a ValueError if it is none
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.hostname)


def base_url(value: str) -> str:
    """The address of a server without a slash at its end; ValueError if it is none."""
    if UNPRINTABLE.search(value):
        raise ValueError("must hold no spaces, control characters or letters beyond ASCII")
    try:
        parts = urlsplit(value)
        _ = parts.port
    except ValueError:
        raise ValueError("must be the address of the server, such as http://chat.example.org") from None
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError("must be the address of the server, such as http://chat.example.org")
    if ":" not in parts.hostname and not is_name(parts.hostname):
        raise ValueError("must hold the name or the address of the server, which this is not")
    if parts.username or parts.password:
        raise ValueError("must not hold a user name or a password")
    return value.rstrip("/")


def _proxy(value: str) -> str:
    if not value.lower().startswith("http://") or urlsplit(value).path.strip("/"):
        raise ValueError("must be the address of an HTTP proxy, such as http://proxy.example.org:3128")
    return base_url(value)


def _text(value: object) -> object:
    """Leave out the spaces around a text; refuse what no name, address or path may hold."""
    if not isinstance(value, str):
        return value
    if "\0" in value:
        raise ValueError("must hold no NUL")
    return value.strip()


Trimmed = BeforeValidator(_text)
BaseUrl = Annotated[str, Trimmed, AfterValidator(base_url)]
ProxyUrl = Annotated[str, Trimmed, AfterValidator(_proxy)]
