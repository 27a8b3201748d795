"""JSON and number formatting as Go does them, where the difference can be seen from outside."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from typing import Any, Final


class _NotJson:
    """The kind of NOT_JSON."""


NOT_JSON: Final = _NotJson()
"""What ``loads`` returns for text that is no JSON (None is JSON)."""


def loads(data: bytes) -> Any:
    """Decode JSON as Mattermost does, or NOT_JSON.

    The first value counts and the rest is ignored; invalid UTF-8 and lone surrogates become U+FFFD; raw
    control characters inside strings are taken (measured on Mattermost 5.37).
    """
    text = data.decode(errors="replace").lstrip(" \t\r\n")
    try:
        value, _ = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return NOT_JSON
    return _without_surrogates(value)


def _no_constant(name: str) -> Any:
    raise ValueError(name)


_DECODER = json.JSONDecoder(strict=False, parse_constant=_no_constant)
_SURROGATE = re.compile("[\ud800-\udfff]")


def _without_surrogates(value: Any) -> Any:
    if isinstance(value, str):
        return _SURROGATE.sub("\ufffd", value)
    if isinstance(value, list):
        return [_without_surrogates(item) for item in value]
    if isinstance(value, dict):
        return {_without_surrogates(key): _without_surrogates(item) for key, item in value.items()}
    return value


_ESCAPED = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def dumps(value: Any) -> str:
    """Encode as encoding/json: keys sorted, no spaces, ``<``, ``>`` and ``&`` escaped to six characters."""
    return json.dumps(value, ensure_ascii=False, sort_keys=True, separators=(",", ":")).translate(_ESCAPED)


def sprint(value: Any) -> str:
    """Format a decoded JSON value with ``%v``: numbers are float64, so 1234567 reads 1.234567e+06."""
    if isinstance(value, str):
        return value
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float):
        return _float(float(value))
    if isinstance(value, list):
        return f"[{' '.join(sprint(item) for item in value)}]"
    if isinstance(value, dict):
        return f"map[{' '.join(f'{key}:{sprint(value[key])}' for key in sorted(value))}]"
    return "<nil>"


def _float(number: float) -> str:
    """The shortest digits that give the number back, as %g: an exponent from 1e+06 and below 1e-04."""
    sign, digits, exponent = Decimal(repr(number)).normalize().as_tuple()
    assert isinstance(exponent, int)
    power = len(digits) + exponent - 1
    if -4 <= power < 6:
        return f"{Decimal(repr(number)).normalize():f}"
    mantissa = "".join(map(str, digits))
    fraction = f".{mantissa[1:]}" if mantissa[1:] else ""
    return f"{'-' * sign}{mantissa[0]}{fraction}e{power:+03d}"
