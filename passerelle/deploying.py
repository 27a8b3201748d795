"""The commands that are runs of pyinfra: deploy, rotate, teardown."""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from passerelle.shared import Failure, described, run, site_option


def _deploy(settings: Path, script: str, site: str | None, *, yes: bool, dry: bool) -> int:
    """Run pyinfra with one of the deploys; its exit code."""
    described(settings, site)
    if not yes and not dry and not sys.stdin.isatty():
        raise Failure("there is nobody to ask: give --yes, or --dry to look only")
    from tasks.typed import pyinfra

    options = [*(["--dry"] if dry else []), *(["-y"] if yes else [])]
    return run(pyinfra(*options, deploy=script, site=site))


def _options(command: Callable[..., Any]) -> Callable[..., Any]:
    """What each run of pyinfra is given: the settings, the site, whether to ask, whether to look only."""
    yes = click.option(
        "-y", "--yes", is_flag=True, help="Do it at once, without showing it first and asking."
    )
    dry = click.option("--dry", is_flag=True, help="Only show what would be done.")
    return site_option(yes(dry(click.pass_obj(command))))


def _deploying(script: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command that is a run of pyinfra with `script`; the function gives it its name and its help."""

    def make(named: Callable[..., Any]) -> click.Command:
        @_options
        def typed(settings: Path, site: str | None, yes: bool, dry: bool) -> int:
            return _deploy(settings, script, site, yes=yes, dry=dry)

        return click.command(named.__name__, help=named.__doc__)(typed)

    return make


@_deploying("deploy.py")
def deploy() -> None:
    """Have the site as the settings describe it.

    It shows what would change, asks, and does it. Run again, it mends what has drifted and otherwise changes nothing.
    """


@click.command()
@_options
def rotate(settings: Path, site: str | None, yes: bool, dry: bool) -> int:
    """Replace every secret, losing no event.

    Those between the applications and the relays and, of the tokens in the settings, those that setup has made.
    """
    described(settings, site)
    from tasks.operations.resource import ResourceError
    from tasks.tokens import ledger, rotation

    try:
        made = ledger.read(settings)
    except ResourceError as error:
        raise Failure(str(error)) from None
    if dry or not made:
        return _deploy(settings, "rotate.py", site, yes=yes, dry=dry)
    if not yes:
        code = _deploy(settings, "rotate.py", site, yes=False, dry=True)
        if code:
            return code
        if not click.confirm("Do it, and renew the tokens that setup has made?", err=True):
            return 0
    return rotation.main(settings, site, lambda: _deploy(settings, "rotate.py", site, yes=True, dry=False))


@_deploying("teardown.py")
def teardown() -> None:
    """Take away what Passerelle has made.

    And nothing else: it shows it first and asks.
    """
