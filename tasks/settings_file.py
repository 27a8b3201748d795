"""The settings file as it lies on this machine: read, and replaced, with what is said of one that cannot be."""

import codecs
import os
import stat
import tempfile
import tomllib
from pathlib import Path
from typing import Any

from tasks.site import SiteError


def read_file(path: Path) -> dict[str, Any]:
    """What the file says; SiteError if others may read it, or it cannot be understood."""
    if not path.is_file():
        raise SiteError(f"{path} is not a file; name the file that holds the settings")
    # Settings hold tokens, so their file is the owner's alone.
    if stat.S_IMODE(path.stat().st_mode) & 0o077:
        raise SiteError(f"{path} holds secrets and other users may read it; run: chmod 600 {path}")
    try:
        return tomllib.loads(read_text(path))
    except (ValueError, RecursionError) as error:
        # A value is never part of what the parser says, but for a character of it.
        raise SiteError(
            f"{path} is not valid TOML: {error}; texts stand between quotes, tables between [ and ]"
        ) from None


def read_text(path: Path) -> str:
    """The text of a settings file, without the mark that some editors begin UTF-8 with; SiteError for why not."""
    try:
        content = path.read_bytes()
    except OSError as error:
        raise SiteError(f"{path} cannot be read ({error.strerror}); correct its owner or its mode") from None
    if content.startswith((codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)) or b"\0" in content[:2]:
        raise SiteError(f"{path} is written in UTF-16; save it as UTF-8")
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SiteError(f"{path}, line {line}: is not UTF-8; save the file as UTF-8") from None


def replace_file(path: Path, text: str) -> None:
    """Have `text` in a file that is the user's alone: whole or not at all, and never open to others.

    OSError, which names the file, if that cannot be.
    """
    target = path.resolve()
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        handle, draft = tempfile.mkstemp(prefix=f".{target.name}.", dir=target.parent)  # 0600
        try:
            with os.fdopen(handle, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                os.fsync(file.fileno())
            Path(draft).replace(target)
        except BaseException:
            Path(draft).unlink(missing_ok=True)
            raise
    except OSError as error:
        raise OSError(error.errno, error.strerror or str(error), str(path)) from None
