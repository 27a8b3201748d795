"""What setup asks a person; a script gives the answers as options or variables."""

import shutil
import sys
import textwrap
from collections.abc import Callable, Sequence

import click

from tasks.operations.resource import ResourceError


def is_anybody_there() -> bool:
    """Whether there is a person to ask."""
    return sys.stdin.isatty()


def ask(
    what: str, option: str, default: str | None = None, check: Callable[[str], None] | None = None
) -> str:
    """An answer that `check` takes, which raises a ResourceError for what is wrong with another one."""
    _require(f"{what} is not known", option)
    while True:
        answer = str(click.prompt(what, default=default, err=True)).strip()
        try:
            if check:
                check(answer)
        except ResourceError as error:
            say(str(error))
            continue
        return answer


def ask_secret(what: str, option: str, *, may_be_empty: bool = False) -> str:
    """A secret, which is not shown as it is typed."""
    _require(f"{what} is missing", option)
    default = "" if may_be_empty else None
    return str(click.prompt(what, hide_input=True, default=default, show_default=False, err=True)).strip()


def choose(what: str, among: Sequence[str], option: str) -> str:
    """One of several; the only one without asking."""
    if len(among) == 1:
        return among[0]
    _require(f"{what}: there are several ({', '.join(among)})", option)
    return str(click.prompt(what, type=click.Choice(among), err=True))


def confirm(what: str) -> bool:
    """Yes or no."""
    return click.confirm(what, default=True, err=True)


def say(text: str) -> None:
    """Lines for whoever runs setup; a terminal has them broken between words, and not within."""
    if sys.stderr.isatty():
        width = shutil.get_terminal_size().columns
        text = "\n".join(_wrapped(line, width) for line in text.split("\n"))
    click.echo(text, err=True)


def _wrapped(line: str, width: int) -> str:
    indent = " " * (len(line) - len(line.lstrip()) + 2)
    # An address stays whole, or it could not be opened or copied.
    lines = textwrap.wrap(
        line, width, subsequent_indent=indent, break_long_words=False, break_on_hyphens=False
    )
    return "\n".join(lines)


def _require(what: str, option: str) -> None:
    if not is_anybody_there():
        raise ResourceError(f"{what}, and there is nobody to ask; give {option}")
