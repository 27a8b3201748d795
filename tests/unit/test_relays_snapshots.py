"""Every recorded payload as a reader of the channel sees it, in both languages.

`UPDATE_SNAPSHOTS=1 pytest tests/unit/test_relays_snapshots.py` writes the files anew; read what changed.
"""

import os
from pathlib import Path
from typing import Any

import pytest

from relays.wording import CATALOGUES
from tests.unit.test_relays_messages import FILES, load, tell

SNAPSHOTS = Path(__file__).parent / "snapshots"


def rendered(message: dict[str, Any] | None) -> str:
    """A message in the order in which it is read; zero-width spaces as a middle dot."""
    if message is None:
        return "(no message)"
    lines = [message["text"]] if "text" in message else []
    for box in message.get("attachments", []):
        lines += [f"[{box['color']}] {box['title']}", f"  <{box.get('title_link', '')}>", f"  {box['text']}"]
        lines += [f"  {field['title']}: {field['value']}" for field in box["fields"]]
        lines.append(f"  ({box['fallback']})")
    return "\n".join(lines).replace("\u200b", "·")


@pytest.mark.parametrize("language", CATALOGUES)
def test_messages_read_as_they_did(language: str) -> None:
    text = "".join(f"== {name}\n{rendered(tell(load(name), language))}\n\n" for name in FILES)
    path = SNAPSHOTS / f"gitlab.{language}.txt"
    if os.environ.get("UPDATE_SNAPSHOTS"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text
