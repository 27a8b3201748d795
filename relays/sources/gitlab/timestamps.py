"""Points in time as GitLab writes them, which is in three ways."""

import re
from datetime import UTC, datetime

# "2026-11-20 08:23:05 UTC", "2026-11-20T08:23:05.123Z", "2026-11-20 09:23:05 +0100"
_ZONE = re.compile(r"\s+(?=[+-]\d)")


def moment(text: str) -> float:
    """Seconds since the epoch, 0 if the text is no point in time."""
    try:
        found = datetime.fromisoformat(_ZONE.sub("", text.removesuffix(" UTC")))
        return max(0.0, (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp())
    except (ValueError, OverflowError):
        return 0.0
