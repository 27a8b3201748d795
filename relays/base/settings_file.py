"""The settings file of a relay, read into its model; whatever is wrong is one line with the remedy."""

import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, TypeVar

from pydantic import ValidationError
from pydantic_core import ErrorDetails

from relays.base.schema import Section
from relays.base.settings import StartError

Settings = TypeVar("Settings", bound=Section)
_Schema = Mapping[str, Any]

_UNKNOWN = ("extra_forbidden", "unexpected_keyword_argument")
# What stands for the name of an entry, where that is what is wrong.
_NAME = "[key]"
# What pydantic says of a text or list that is too short, too long or of another form is worth reading.
_OF_ITS_FORM = ("string_too", "string_pattern", "too_", "value_error")


def read_settings(file: Path, model: type[Settings]) -> Settings:
    """What the file says. StartError if it cannot be read, or for the first thing in it that cannot be used."""
    try:
        values = tomllib.loads(file.read_text(encoding="utf-8-sig"))
    except OSError as error:
        raise StartError(f"--config = {file} cannot be read: {error.strerror}") from None
    except (ValueError, RecursionError) as error:
        raise StartError(f"{file} is not valid TOML: {error}") from None
    try:
        # As JSON, where pydantic can be strict: '80' is no number. A date without quotes is the text that it is.
        return model.model_validate_json(json.dumps(values, default=str), strict=True)
    except ValidationError as error:
        raise StartError(f"{file}: {_fault(model, error.errors(include_url=False)[0])}") from None


def _fault(model: type[Section], error: ErrorDetails) -> str:
    place, kind, value = error["loc"], error["type"], error["input"]
    where = _named([part for part in place if part != _NAME])
    if kind == "missing":
        return f"{where} is missing: add it"
    if kind in _UNKNOWN:
        known = ", ".join(_schema_at(model, place[:-1]).get("properties", ()))
        return f"{where} is unknown: remove it; known are {known}"
    # An address may hold a password.
    shown = "" if _NAME in place or "@" in str(value) else f" = {value!r}"
    if kind.startswith(_OF_ITS_FORM):
        # Of a table or a list, what is said names the part that is wrong.
        said = error["msg"].removeprefix("Value error, ")
        return f"{where}{'' if isinstance(value, dict | list | tuple) else shown}: {said}"
    return f"{where}{shown} {_expected(_schema_at(model, place), where)}"


def _named(place: Sequence[int | str]) -> str:
    """Where in the file that is: [table] key, [[tables]] 1 key."""
    parts = [f"#{part + 1}" if isinstance(part, int) else part for part in place]
    match place:
        case (str(table), int(number), str(), *_):
            return f"[[{table}]] {number + 1} {'.'.join(parts[2:])}"
        case (str(table), str(), *_):
            return f"[{table}] {'.'.join(parts[1:])}"
    return ".".join(parts)


def _expected(schema: _Schema, where: str) -> str:
    """What a value is not, and the remedy."""
    key = where.split()[-1].partition(".")[0]
    if "enum" in schema:
        return f"is not one of {', '.join(schema['enum'])}: choose one of them"
    match schema.get("type"):
        case "integer":
            low, high = (schema.get(long, schema.get(short)) for long, short in _BOUNDS)
            return f"is not a whole number from {low} to {high}: correct it"
        case "boolean":
            return "is not true or false: write one of them, without quotes"
        case "array" if "properties" in schema["items"]:
            return f"is not an array of tables: write [[{key}]]"
        case "array":
            return 'is not a list of texts: write ["…", "…"]'
        case "object" if "properties" in schema:
            return f"is not a table: write [{key}]"
        case "object" if schema.get("additionalProperties", {}).get("type") == "array":
            return 'is not a table of lists: write NAME = ["…", "…"] lines under its name'
        case "object":
            return 'is not a table of texts: write NAME = "…" lines under its name'
    return "is not a text: write it between quotes"


_BOUNDS = (("minimum", "ge"), ("maximum", "le"))


def _schema_at(model: type[Section], place: Sequence[int | str]) -> _Schema:
    """The JSON schema of what stands at a place of the file."""
    whole = model.model_json_schema()
    above: _Schema = {}
    schema: _Schema = whole
    for part in place:
        if part == _NAME:
            inner = above.get("propertyNames", {})
        elif isinstance(part, int):
            inner = schema.get("items", {})
        else:
            inner = schema.get("properties", {}).get(part) or schema.get("additionalProperties") or {}
        above, schema = schema, _resolved(inner, whole)
    return schema


def _resolved(schema: _Schema, whole: _Schema) -> _Schema:
    """What a schema refers to; of a value that may be left out, what it is if it is there."""
    while "$ref" in schema or "anyOf" in schema:
        if "$ref" in schema:
            schema = whole["$defs"][schema["$ref"].rpartition("/")[2]]
        else:
            schema = next(each for each in schema["anyOf"] if each.get("type") != "null")
    return {**schema, "items": _resolved(schema["items"], whole)} if "items" in schema else schema
