"""Paths in URLs and which file names Nextcloud refuses."""

import unicodedata
from urllib.parse import unquote_to_bytes

_FORBIDDEN_NAMES = frozenset({".htaccess"})
_FORBIDDEN_EXTENSIONS = (".filepart", ".part")
_MAX_BYTES = 250


def refusal(name: str) -> str | None:
    """Nextcloud's message for a name it refuses, None for one it takes (measured on Nextcloud 32.0.1)."""
    if not name.strip():
        return "Empty filename is not allowed"
    if len(name.encode()) > _MAX_BYTES:
        return "Filename is too long"
    if name.lower() in _FORBIDDEN_NAMES:
        return "Filename is a reserved word"
    for extension in _FORBIDDEN_EXTENSIONS:
        if name.lower().endswith(extension):
            return f'"{extension}" is a forbidden file type.'
    if any(ord(character) < 32 for character in name):
        return "Filename contains at least one invalid character"
    if "\\" in name:
        return '"\\" is not allowed inside a file or folder name.'
    return None


def segments(raw_path: bytes) -> list[str]:
    """Decoded segments of a URL path: NFC, `.` and empty ones dropped.

    A path that is no UTF-8 is taken for Latin-1 (measured).

    Raises:
        ValueError: a `..` segment.
    """
    decoded = unquote_to_bytes(raw_path)
    try:
        text = decoded.decode()
    except UnicodeDecodeError:
        text = decoded.decode("latin-1")
    parts = [part for part in unicodedata.normalize("NFC", text).split("/") if part not in {"", "."}]
    if ".." in parts:
        raise ValueError("Path contains invalid segments")
    return parts
