"""Spans of time as people write them: `90min`, `12h`, `2d`."""

import re

_SPAN = re.compile(r"([0-9]{1,4})(min|m|h|d|j)")
_SECONDS = {"m": 60, "min": 60, "h": 3600, "d": 86400, "j": 86400}


def seconds_of(span: str) -> float:
    """How long a span of time like `2h` is; 0 for none."""
    found = _SPAN.fullmatch(span)
    return float(int(found[1]) * _SECONDS[found[2]]) if found else 0.0
