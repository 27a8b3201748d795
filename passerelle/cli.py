"""The program: its commands, and its exit code, whichever way it ends."""

import sys
import tomllib
from pathlib import Path

import click

from passerelle.deploying import deploy, rotate, teardown
from passerelle.looking import doctor, drift, sites, status
from passerelle.place import ROOT, choose_settings, home
from passerelle.setup import setup
from passerelle.trying import check, lab

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


for _command in (setup, deploy, drift, doctor, check, rotate, teardown, status, sites, lab):
    cli.add_command(_command)


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
