"""What the commands share: the settings that they are for, the sites, a command that has the terminal."""

import os
import subprocess
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from passerelle.place import choose_settings, enter, home, is_described

_ANSWERS = "PASSERELLE_SETUP_"


def variable_of(answer: str) -> str:
    """The variable with that answer for setup."""
    return f"{_ANSWERS}{answer.replace('-', '_').upper()}"


def take_answers() -> dict[str, str]:
    """Take the variables with answers for setup out of the environment; they are no settings."""
    return {name: os.environ.pop(name) for name in list(os.environ) if name.startswith(_ANSWERS)}


class Failure(click.ClickException):
    """What ends a command, in a line that says what to do."""

    def show(self, file: Any = None) -> None:
        """The line alone."""
        click.echo(self.message, err=True)


def names(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """For the shell's completion."""
    take_answers()
    choose_settings(context.find_root().params.get("settings"))
    try:
        return [name for name in all_sites() if name.startswith(begun)]
    except click.ClickException:
        return []


site_option = click.option(
    "--site", metavar="NAME", shell_complete=names, help="Of several sites the one that is meant."
)
"""The option of every command that may be for one site alone."""


def all_sites() -> dict[str, Any]:
    """The sites of the settings; Failure, saying what is wrong with them."""
    enter()
    from group_data.all import TAAF
    from tasks.settings import load
    from tasks.site import SiteError

    try:
        return dict(load(TAAF))
    except SiteError as error:
        raise Failure(str(error)) from None


def described(settings: Path, site: str | None) -> None:
    """Failure if there are no settings, or none of that site."""
    take_answers()
    if not is_described(settings):
        raise Failure(f"there are no settings, neither here nor in {home()}; run: passerelle setup")
    enter()
    if site:
        from tasks.settings import pick
        from tasks.site import SiteError

        try:
            pick(all_sites(), site)
        except SiteError as error:
            raise Failure(str(error)) from None


def run(command: list[str]) -> int:
    """The exit code of a command that has this terminal; KeyboardInterrupt once it has ended, if that was asked for."""
    with subprocess.Popen(command) as run:
        try:
            return run.wait()
        except KeyboardInterrupt:
            run.wait()  # it has heard of it as well, and ends in its own way
            raise


def need(*modules: str, packages: str) -> None:
    """Failure if one of the modules is not installed; `packages` are those that have them."""
    if any(find_spec(module) is None for module in modules):
        raise Failure(
            f"this needs packages that are not installed; run: {sys.executable} -m pip install {packages}"
        )
