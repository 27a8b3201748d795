"""python -m tasks.settings_page: write the list of all settings into docs/settings.md, from the models of the site."""

import json
from collections.abc import Iterator, Mapping
from typing import Any

from group_data.all import TAAF
from tasks.generated import DOCS, item, replaced
from tasks.site import Site

PAGE = DOCS / "settings.md"
_TYPES = {"boolean": "boolean", "string": "text", "object": "table"}

Schema = Mapping[str, Any]


def settings() -> Iterator[tuple[str, str, Schema, bool]]:
    """(table, name, JSON schema, whether it must be given) of every setting; the table `""` is the top of the file."""
    whole = Site.model_json_schema()

    def walk(table: str, model: Schema) -> Iterator[tuple[str, str, Schema, bool]]:
        inner = []
        for name, schema in model["properties"].items():
            below, definition = _below(table, name, schema, whole)
            if definition is None:
                yield table, name, _resolved(schema, whole), name in model.get("required", [])
                continue
            inner.append((below, definition))
            if table or below.startswith("[["):
                yield table, name, schema, name in model.get("required", [])
        for below, definition in inner:
            yield from walk(below, definition)

    yield from walk("", whole)


def page(text: str) -> str:
    """The page with the list as the models have it now; `text` is the page as it is."""
    return replaced(text, _listed(), "tasks.settings_page")


def _listed() -> str:
    tables: dict[str, dict[str, tuple[Schema, bool]]] = {}
    for table, name, schema, required in settings():
        tables.setdefault(table, {})[name] = (schema, required)
    known: dict[str, str] = {}
    parts = []
    for table, entries in tables.items():
        lines, repeated = [], dict[str, list[str]]()
        # What a site has to say, or the TAAF says, comes first.
        for name, (schema, required) in sorted(entries.items(), key=lambda entry: not entry[1][1]):
            default = _default(table, name, schema)
            same = known.setdefault(json.dumps([name, schema, default], sort_keys=True), table)
            if same == table:
                lines.append(_entry(name, schema, default, required))
            else:
                repeated.setdefault(same, []).append(f"`{name}`")
        for same, names in repeated.items():
            lines.append(item(f"as in `{same}`: {', '.join(names)}"))
        parts.append(f"### {f'`{table}`' if table else 'Above all tables'}\n\n" + "\n".join(lines))
    return "\n\n".join(parts)


def _below(table: str, name: str, schema: Schema, whole: Schema) -> tuple[str, Schema | None]:
    """The table that a setting is, or a list of which it is, with its model; None if it is none."""
    path = f"{table.strip('[]')}.{name}".lstrip(".")
    # A table that may be left out is one of two things, nothing being the other.
    either = [each for each in schema.get("anyOf", ()) if "$ref" in each]
    for found, heading in (
        *((each, f"[{path}]") for each in (schema, *either)),
        (schema.get("items", {}), f"[[{path}]]"),
    ):
        model = _resolved(found, whole)
        if "properties" in model:
            return heading, model
    return "", None


def _resolved(schema: Schema, whole: Schema) -> Schema:
    """The schema with what it refers to in its place."""
    if "$ref" in schema:
        target = whole["$defs"][schema["$ref"].rpartition("/")[2]]
        return {**target, **{key: value for key, value in schema.items() if key != "$ref"}}
    parts: dict[str, Any] = {
        key: _resolved(schema[key], whole)
        for key in ("items", "additionalProperties")
        if isinstance(schema.get(key), Mapping)
    }
    if "anyOf" in schema:
        parts["anyOf"] = [_resolved(each, whole) for each in schema["anyOf"]]
    return {**schema, **parts}


def _default(table: str, name: str, schema: Schema) -> Any:
    """What holds if a site says nothing: the TAAF's value, or the model's default."""
    value: Any = None if table.startswith("[[") else TAAF
    for key in (*filter(None, table.strip("[]").split(".")), name):
        value = value.get(key) if isinstance(value, Mapping) else None
    return schema.get("default") if value is None else value


def _entry(name: str, schema: Schema, default: Any, required: bool) -> str:
    given = "; required" if required and default is None else ""
    if default not in (None, [], "") and not isinstance(default, Mapping):
        given = f"; default `{_toml(default)}`"
    return item(f"**`{name}`** ({_type(schema)}{given}): {schema['description']}")


def _toml(value: object) -> str:
    return json.dumps(value, ensure_ascii=False)


def _type(schema: Schema) -> str:
    given = [each for each in schema.get("anyOf", []) if each.get("type") != "null"]
    if given:
        return _type(given[0])
    if "enum" in schema:
        return " or ".join(f"`{_toml(each)}`" for each in schema["enum"])
    if schema.get("format") == "password":
        return "secret text"
    if schema.get("format") == "path":
        return "path of a file"
    if schema.get("type") == "integer":
        least, most = (
            schema.get(long, schema.get(short)) for long, short in (("minimum", "ge"), ("maximum", "le"))
        )
        return "number" if least is None else f"number from {least} to {most}"
    if schema.get("type") == "array":
        return _many(schema["items"])
    return "table" if "$ref" in schema else _TYPES[schema["type"]]


def _many(items: Schema) -> str:
    if "enum" in items:
        return "list of " + ", ".join(f"`{_toml(each)}`" for each in items["enum"])
    return "list of tables" if "$ref" in items or "properties" in items else "list of texts"


if __name__ == "__main__":
    PAGE.write_text(page(PAGE.read_text(encoding="utf-8")), encoding="utf-8")
