"""Every recorded payload as a reader of the channel sees it, in both languages.

`UPDATE_SNAPSHOTS=1 pytest tests/unit/test_relays_snapshots.py` writes the files anew; read what changed. Those of a new
payload are written by the first run, but not where CI is set: they belong in the commit.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from relays.wording import CATALOGUES
from tests.unit.test_relays_messages import FILES, dispatch, load

SNAPSHOTS = Path(__file__).parent / "snapshots"
UPDATE = bool(os.environ.get("UPDATE_SNAPSHOTS"))


def rendered(reason: str, message: dict[str, Any] | None) -> str:
    """A message in the order in which it is read, and why it is muted by default; zero-width spaces as a dot."""
    lines = [f"(not told by default: {reason})"] if reason else []
    if message is None:
        return "\n".join((*lines, "(no message)\n"))
    lines += [message["text"]] if "text" in message else []
    for box in message.get("attachments", []):
        lines += [f"[{box['color']}] {box['title']}", f"  <{box.get('title_link', '')}>", f"  {box['text']}"]
        lines += [f"  {field['title']}: {field['value']}" for field in box["fields"]]
        lines.append(f"  ({box['fallback']})")
    return "\n".join(lines).replace("\u200b", "·") + "\n"


@pytest.mark.parametrize("language", CATALOGUES)
@pytest.mark.parametrize("name", FILES)
def test_a_message_reads_as_it_did(name: str, language: str) -> None:
    reason, _ = dispatch(load(name), language)
    _, message = dispatch(load(name), language, everything=True)
    text = rendered(reason, message.payload() if message else None)
    path = SNAPSHOTS / language / f"{name}.txt"
    if UPDATE or not (path.exists() or os.environ.get("CI")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_no_snapshot_is_left_over() -> None:
    wanted = {SNAPSHOTS / language / f"{name}.txt" for language in CATALOGUES for name in FILES}
    # Those of conversations and reminders have tests of their own.
    others = ("conversations", "reminders")
    there = {path for path in SNAPSHOTS.rglob("*") if path.is_file() and path.parent.name not in others}
    left_over = there - wanted
    if UPDATE:
        for path in left_over:
            path.unlink()
        left_over = set()
    assert not left_over
