"""The commands of the program. Each calls what does the work, in tasks/ and lab/, or runs pyinfra."""

import os
import subprocess
import sys
import tomllib
from collections.abc import Callable
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import click

from passerelle.place import ROOT, choose_settings, enter, home, is_described
from passerelle.setup import PREFIX, setup

EXIT_CODES = """\b
Exit codes:
  0    done; nothing differs, nothing is broken
  1    it could not be done, and why; a wrong option, too
  2    drift: something differs; doctor: a link is broken;
       status: something is wrong; check: a check has failed
  130  interrupted

\b
Completion, in the start file of bash (likewise zsh, fish):
  eval "$(_PASSERELLE_COMPLETE=bash_source passerelle)"
"""


class Failure(click.ClickException):
    """What ends a command, in a line that says what to do."""

    def show(self, file: Any = None) -> None:
        """The line alone."""
        click.echo(self.message, err=True)


def _version() -> str:
    text = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    return str(tomllib.loads(text)["project"]["version"])


@click.group(epilog=EXIT_CODES, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(_version(), prog_name="passerelle")
@click.option(
    "--settings",
    type=click.Path(path_type=Path),
    metavar="FILE",
    help="The settings; without it, the file that PASSERELLE_SETTINGS names, passerelle.toml here, or "
    f"{home()}.",
)
@click.pass_context
def cli(context: click.Context, settings: Path | None) -> None:
    """GitLab and Nextcloud announced in Mattermost: provisioning, relays, proof.

    `passerelle setup` asks what it has to know, makes what is missing and deploys; the other commands work on the
    site, or the sites, that the settings describe.
    """
    context.obj = choose_settings(settings)


cli.add_command(setup)


def _names(context: click.Context, parameter: click.Parameter, begun: str) -> list[str]:
    """For the shell's completion."""
    choose_settings(context.find_root().params.get("settings"))
    try:
        return [name for name in _sites() if name.startswith(begun)]
    except click.ClickException:
        return []


_site = click.option(
    "--site", metavar="NAME", shell_complete=_names, help="Of several sites the one that is meant."
)


def _sites() -> dict[str, Any]:
    """The sites of the settings; Failure, saying what is wrong with them."""
    enter()
    from group_data.all import TAAF
    from tasks.settings import load
    from tasks.site import SiteError

    try:
        return dict(load(TAAF))
    except SiteError as error:
        raise Failure(str(error)) from None


def _described(settings: Path, site: str | None) -> None:
    """Failure if there are no settings, or none of that site."""
    for answer in [name for name in os.environ if name.startswith(PREFIX)]:
        del os.environ[answer]  # they are setup's, and no settings
    if not is_described(settings):
        raise Failure(f"there are no settings, neither here nor in {home()}; run: passerelle setup")
    enter()
    if site:
        from tasks.settings import pick
        from tasks.site import SiteError

        try:
            pick(_sites(), site)
        except SiteError as error:
            raise Failure(str(error)) from None


def _run(command: list[str]) -> int:
    """The exit code of a command that has this terminal; KeyboardInterrupt once it has ended, if that was asked for."""
    with subprocess.Popen(command) as run:
        try:
            return run.wait()
        except KeyboardInterrupt:
            run.wait()  # it has heard of it as well, and ends in its own way
            raise


def _deploy(settings: Path, script: str, site: str | None, *, yes: bool, dry: bool) -> int:
    """Run pyinfra with one of the deploys; its exit code."""
    _described(settings, site)
    from tasks.typed import pyinfra

    options = [*(["--dry"] if dry else []), *(["-y"] if yes else [])]
    return _run(pyinfra(*options, deploy=script, site=site))


def _deploying(script: str) -> Callable[[Callable[..., Any]], click.Command]:
    """A command that is a run of pyinfra with `script`; the function gives it its name and its help."""

    def make(named: Callable[..., Any]) -> click.Command:
        @_site
        @click.option("-y", "--yes", is_flag=True, help="Do it at once, without showing it first and asking.")
        @click.option("--dry", is_flag=True, help="Only show what would be done.")
        @click.pass_obj
        def run(settings: Path, site: str | None, yes: bool, dry: bool) -> int:
            return _deploy(settings, script, site, yes=yes, dry=dry)

        return cli.command(named.__name__, help=named.__doc__)(run)

    return make


@_deploying("deploy.py")
def deploy() -> None:
    """Have the site as the settings describe it.

    It shows what would change, asks, and does it. Run again, it mends what has drifted and otherwise changes nothing.
    """


@cli.command()
@_site
@click.option("-y", "--yes", is_flag=True, help="Do it at once, without showing it first and asking.")
@click.option("--dry", is_flag=True, help="Only show what would be done.")
@click.pass_obj
def rotate(settings: Path, site: str | None, yes: bool, dry: bool) -> int:
    """Replace every secret, losing no event.

    Those between the applications and the relays and, of the tokens in the settings, those that setup has made.
    """
    _described(settings, site)
    from tasks.tokens import ledger, rotation

    if dry or not ledger.read(settings):
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


@cli.command()
@_site
@click.pass_obj
def drift(settings: Path, site: str | None) -> int:
    """Show what differs from the settings.

    Each difference as expected and actual; nothing is changed. For cron, too: exit code 2 says that something differs.
    """
    _described(settings, site)
    from tasks import drift

    return drift.main(site)


@cli.command()
@_site
@click.pass_obj
def doctor(settings: Path, site: str | None) -> int:
    """Find the first broken link, and its remedy.

    It follows the way of an event and of a document between the applications, and changes nothing.
    """
    _described(settings, site)
    from tasks.doctor import diagnosis

    return diagnosis.main(site)


@cli.command()
@_site
@click.pass_obj
def status(settings: Path, site: str | None) -> int:
    """Show containers, relays and pages.

    As scripts/status.sh on the host does, which this runs.
    """
    _described(settings, site)
    from tasks import status

    return status.main(site)


@cli.command()
@click.pass_obj
def sites(settings: Path) -> None:
    """List the sites that the settings describe."""
    _described(settings, None)
    for name, site in _sites().items():
        hosts = ", ".join(machine.address for machine in (site.host, *site.relay_hosts))
        channels = [site.mattermost.gitlab_webhook.channel, *(tree.channel for tree in site.trees)]
        told = " ".join(f"#{channel}" for channel in dict.fromkeys(channels))
        click.echo(f"{name}  on {hosts}  {site.mattermost.url}/{site.mattermost.team}  {told}")


@cli.command(context_settings={"ignore_unknown_options": True})
@_site
@click.option(
    "--evidence",
    type=click.Path(path_type=Path),
    default=Path("evidence"),
    show_default=True,
    help="Folder of the report.",
)
@click.argument("pytest", nargs=-1, type=click.UNPROCESSED)
@click.pass_obj
def check(settings: Path, site: str | None, evidence: Path, pytest: tuple[str, ...]) -> int:
    """Run the acceptance checklist on the live site.

    The report says what was seen.

    PYTEST are further options of pytest, such as -k gitlab, or --disruptive, which also stops and kills what is checked
    and sets it right again.
    """
    report = str(evidence.absolute())
    _described(settings, site)
    _need(
        "pytest", "testinfra", "hypothesis", packages="pytest pytest-testinfra hypothesis 'requests[socks]'"
    )
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), f"--rootdir={ROOT}"]
    command += [str(ROOT / "tests/acceptance"), "--evidence", report, "--junitxml", f"{report}/junit.xml"]
    command += [*(["--site", site] if site else []), *pytest]
    code = _run(command)
    # pytest: 1 says that checks have failed, and every other one that they have not been run.
    return {0: 0, 1: 2}.get(code, 1)


@cli.command()
@click.argument("what", type=click.Choice(["up", "down", "demo"]), default="up")
def lab(what: str) -> int:
    """Bring up an embedded stack to try it all on.

    Or show it at work (demo), or remove it (down). It needs a Docker engine on this machine, or Debian and root to
    install one.
    """
    _need("docker", packages="docker")
    enter()
    from lab.__main__ import main

    return main([what])


def _need(*modules: str, packages: str) -> None:
    """Failure if one of the modules is not installed; `packages` are those that have them."""
    if any(find_spec(module) is None for module in modules):
        raise Failure(
            f"this needs packages that are not installed; run: {sys.executable} -m pip install {packages}"
        )


def main() -> None:
    """The program; every way out has its exit code."""
    try:
        code = cli.main(prog_name="passerelle", standalone_mode=False)
    except click.ClickException as error:
        error.show()
        code = 1
    except (click.Abort, KeyboardInterrupt):
        click.echo("\ninterrupted", err=True)
        code = 130
    sys.exit(code if isinstance(code, int) else 0)
