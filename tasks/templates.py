"""The files of `files/`, filled in here, so that what must be on the host is known before it is touched."""

from pathlib import Path
from typing import Any

from jinja2 import Environment, FileSystemLoader, StrictUndefined

FILES = Path(__file__).parent.parent / "files"


def _unit_path(value: str) -> str:
    """A path inside a systemd unit, where % and \\ have a meaning (systemd.unit(5))."""
    return value.replace("\\", "\\\\").replace("%", "%%")


def _shell(value: str) -> str:
    """One word of a shell command, whatever it holds."""
    return "'" + value.replace("'", "'\\''") + "'"


_environment = Environment(
    loader=FileSystemLoader([FILES, FILES / "systemd"]),
    undefined=StrictUndefined,
    keep_trailing_newline=True,
    trim_blocks=True,
    lstrip_blocks=True,
    autoescape=False,  # noqa: S701 - no HTML among them; each kind of file has its own filter
)
_environment.filters |= {
    "unit_path": _unit_path,
    "shell": _shell,
}


def render(name: str, **values: Any) -> str:
    """The file `files/NAME.j2` with `values`; an unknown name in it raises jinja2.UndefinedError."""
    return _environment.get_template(f"{name}.j2").render(**values)
