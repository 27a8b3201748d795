"""How occ speaks: option parsing, error blocks and tables in the manner of symfony/console."""

import argparse
import json
import locale  # noqa: F401 - argparse asks for it late, when occ may no longer read the interpreter's folder
from collections.abc import Mapping, Sequence
from typing import NoReturn

from lab.standins.nextcloud.state.instance import Setting


class CommandFailed(Exception):
    """The command cannot be run or completed; `usage` is its synopsis where the command line is at fault."""

    def __init__(self, message: str, usage: str | None = None) -> None:
        super().__init__(message)
        self.usage = usage


class Parser(argparse.ArgumentParser):
    """Arguments of one command. Unknown options are a CommandFailed."""

    def __init__(self, command: str, synopsis: str) -> None:
        super().__init__(prog=command, add_help=False, allow_abbrev=False)
        self._synopsis = f"{command} {synopsis}".strip()
        self.add_argument("-v", "-vv", "-vvv", "--verbose", action="store_true")
        for ignored in (
            ("-q", "--quiet"),
            ("-n", "--no-interaction"),
            ("--ansi",),
            ("--no-ansi",),
            ("--no-warnings",),
        ):
            self.add_argument(*ignored, action="store_true")

    def parse(self, arguments: Sequence[str]) -> argparse.Namespace:
        """Parse, or raise CommandFailed."""
        parsed, rest = self.parse_known_args(arguments)
        for unknown in rest:
            if unknown.startswith("-"):
                raise CommandFailed(
                    f'The "{unknown.partition("=")[0]}" option does not exist.', self._synopsis
                )
        if rest:
            raise CommandFailed(f'Too many arguments to "{self.prog}" command.', self._synopsis)
        return parsed

    def error(self, message: str) -> NoReturn:
        raise CommandFailed(message[0].upper() + message[1:] + ".", self._synopsis)


def error_block(message: str) -> str:
    """A message as symfony/console shows an exception: indented, between blank lines of its width."""
    lines = message.splitlines()
    width = max(len(line) for line in lines) + 4
    framed = [" " * width, *(f"  {line}  ".ljust(width) for line in lines), " " * width]
    return "\n".join(["", *framed, ""])


def table(headers: Sequence[str], row: Sequence[str]) -> str:
    """A table with one row."""
    widths = [max(len(header), len(cell)) for header, cell in zip(headers, row, strict=True)]
    rule = "+" + "+".join("-" * (width + 2) for width in widths) + "+"

    def line(cells: Sequence[str]) -> str:
        return (
            "|" + "|".join(f" {cell.ljust(width)} " for cell, width in zip(cells, widths, strict=True)) + "|"
        )

    return "\n".join([rule, line(headers), rule, line(row), rule])


def listing(items: Mapping[str, Setting], output: str) -> str:
    """Named values in the format asked for with --output: plain, json or json_pretty."""
    if output == "json":
        return json.dumps(items, separators=(",", ":"))
    if output == "json_pretty":
        return json.dumps(items, indent=4)
    return "\n".join(f"  - {key}: {_plain(value)}" for key, value in items.items())


def _plain(value: Setting) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
