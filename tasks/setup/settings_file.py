"""The settings file as setup and rotate write it: single values are set, all the rest stays as people wrote it."""

import json
import re
import tomllib
from collections.abc import Mapping
from typing import Any

from tasks.operations.resource import ResourceError
from tasks.settings import merged

Values = Mapping[str, Mapping[str, Any] | Any]
"""{table: {name: value}}, and {name: value} for what stands before all tables."""


def with_values(text: str, values: Values) -> str:
    """The text with these values, each in the place of what was there under its name, or beneath its table's heading.

    ResourceError for a file that is written in a way in which they cannot be set so.
    """
    before = tomllib.loads(text)
    for name, value in values.items():
        if isinstance(value, Mapping):
            for setting, each in value.items():
                text = _set(text, name, setting, each)
        else:
            text = _set(text, "", name, value)
    try:
        held = tomllib.loads(text) == merged(before, values)
    except tomllib.TOMLDecodeError:
        held = False
    if not held:
        names = ", ".join(
            f"{name}.{setting}" if setting else name
            for name, value in values.items()
            for setting in (value if isinstance(value, Mapping) else [""])
        )
        raise ResourceError(
            f"the settings file cannot be altered as it is written: give each of {names} a line of its own in its "
            "table, then run again"
        )
    return text


def _set(text: str, table: str, setting: str, value: Any) -> str:
    """One of them; what it made of an unusual file is found out afterwards."""
    line = f"{setting} = {json.dumps(value, ensure_ascii=False)}"
    lines = text.splitlines()
    start = _heading(lines, table) if table else 0
    if start is None:
        return "\n".join([*lines, *([""] if lines else []), f"[{table}]", line]) + "\n"
    end = next((at for at in range(start, len(lines)) if lines[at].lstrip().startswith("[")), len(lines))
    for at in range(start, end):
        if re.match(rf"\s*{re.escape(setting)}\s*=", lines[at]):
            lines[at] = line
            return "\n".join(lines) + "\n"
    while end > start and not lines[end - 1].strip():
        end -= 1
    lines.insert(end, line)
    if not table and end + 1 < len(lines) and lines[end + 1].strip():
        lines.insert(end + 1, "")
    return "\n".join(lines) + "\n"


def _heading(lines: list[str], table: str) -> int | None:
    """The number of the line after the table's heading, None if it has none."""
    for at, line in enumerate(lines):
        if re.fullmatch(rf"\s*\[\s*{re.escape(table)}\s*\]\s*(#.*)?", line):
            return at + 1
    return None
