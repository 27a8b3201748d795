"""From what the clocks of a time zone show to a moment, on nights in which they change too.

The time that a night leaves out is when they go on; of one that comes twice it is the first, or the last if asked for.
"""

from datetime import date, datetime, time
from zoneinfo import ZoneInfo


def moment_of(day: date, at: time, zone: ZoneInfo, *, last: bool = False) -> float:
    """When it is that time of that day in a zone, in seconds since the epoch."""
    first = datetime.combine(day, at, zone)
    # Of a time that is left out, the other reading lies before the clocks go on.
    return max(first.timestamp(), first.replace(fold=1).timestamp()) if last else first.timestamp()
