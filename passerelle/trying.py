"""The commands that try it all: check on a live site, lab on an embedded one."""

import sys
from pathlib import Path

import click

from passerelle.place import ROOT, enter
from passerelle.shared import described, need, run, site_option


@click.command(context_settings={"ignore_unknown_options": True})
@site_option
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
    described(settings, site)
    need("pytest", "testinfra", "hypothesis", packages="pytest pytest-testinfra hypothesis 'requests[socks]'")
    command = [sys.executable, "-m", "pytest", "-c", str(ROOT / "pyproject.toml"), f"--rootdir={ROOT}"]
    command += [str(ROOT / "tests/acceptance"), "--evidence", report, "--junitxml", f"{report}/junit.xml"]
    command += [*(["--site", site] if site else []), *pytest]
    code = run(command)
    # pytest: 1 says that checks have failed, and every other one that they have not been run.
    return {0: 0, 1: 2}.get(code, 1)


@click.command()
@click.argument("what", type=click.Choice(["up", "down", "demo"]), default="up")
def lab(what: str) -> int:
    """Bring up an embedded stack to try it all on.

    Or show it at work (demo), or remove it (down). It needs a Docker engine on this machine, or Debian and root to
    install one.
    """
    need("docker", packages="docker")
    enter()
    from lab.__main__ import main

    return main([what])
