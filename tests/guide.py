"""The operators' guides, and the blocks of commands in them."""

import re
from pathlib import Path

DOCS = Path(__file__).parents[1] / "docs"
FRENCH, ENGLISH = DOCS / "exploitation.fr.md", DOCS / "operate.md"
# Where a block is to be run, as the French guide calls it.
_MACHINES = {"workstation": "poste", "host": "hôte"}


def blocks(guide: Path) -> list[tuple[str, str]]:
    """The machine ("poste" or "hôte") and the commands of each block."""
    found = re.findall(
        r"^```bash (\w+)\n(.*?)^```$", guide.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE
    )
    return [(_MACHINES.get(machine, machine), commands) for machine, commands in found]
