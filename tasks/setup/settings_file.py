"""The settings file as setup writes it: single values are set, all the rest stays as people wrote it."""

from collections.abc import Mapping
from typing import Any

import tomlkit

from tasks.operations.resource import ResourceError

Values = Mapping[str, Mapping[str, Any] | Any]
"""{table: {name: value}}, and {name: value} for what stands before all tables."""


def with_values(text: str, values: Values) -> str:
    """The text with these values, each in the place of what was there under its name, or at the end of its table.

    ResourceError if something that is no table stands where one is to be.
    """
    tables = {name: value for name, value in values.items() if isinstance(value, Mapping)}
    plain = {name: value for name, value in values.items() if name not in tables}
    new = {name: value for name, value in plain.items() if name not in tomlkit.parse(text)}
    # What belongs to no table has to stand before all of them.
    document = tomlkit.parse(f"{tomlkit.dumps(new)}\n{text}" if new else text)
    document.update(plain)
    for name, wanted in tables.items():
        if name not in document:
            document[name] = tomlkit.table()
        table = document[name]
        if not isinstance(table, dict):
            raise ResourceError(f"{name}: must be a table, such as [{name}]; correct the settings file")
        for setting, value in wanted.items():
            table[setting] = value
    return tomlkit.dumps(document)
