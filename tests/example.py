"""The example deploy of docs/operations.md, which is run as it stands there."""

import re
from pathlib import Path

REFERENCE = Path(__file__).parents[1] / "docs/operations.md"


def example() -> str:
    """Its text."""
    found = re.search(r"^```python\n(\"\"\"deploy\.py.*?)^```", REFERENCE.read_text("utf-8"), re.S | re.M)
    assert found is not None
    return found[1]
