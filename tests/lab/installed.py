"""The program as it is installed: the built wheel in a bare virtual environment, outside of the checkout."""

import os
import re
import subprocess
import sys
import venv
from pathlib import Path

import pytest

from tests.lab.runs import ROOT


def install(place: Path) -> Path:
    """The program, installed there from a wheel that is built for it."""
    wheel = built(place)
    # What is tested, and not what was released meanwhile; without the hashes, which the wheel itself has none of.
    locked = re.findall(r"^([\w.-]+==[^ ;]+)", (ROOT / "requirements/dev.txt").read_text(), re.MULTILINE)
    (place / "constraints.txt").write_text("\n".join(locked))
    venv.create(place / "venv")
    _pip(place, str(wheel))
    return place / "venv/bin/passerelle"


def built(place: Path) -> Path:
    """The wheel of the program, in that folder, where no other one is."""
    build = [sys.executable, "-P", "-m", "hatchling", "build", "-t", "wheel", "-d", str(place)]
    subprocess.run(build, cwd=ROOT, capture_output=True, check=True)
    (wheel,) = place.glob("*.whl")
    return wheel


def add_extra(program: Path, *packages: str) -> None:
    """Install what one of its commands asks for."""
    _pip(program.parents[2], *packages)


def _pip(place: Path, *packages: str) -> None:
    pip = [sys.executable, "-m", "pip", "--python", str(place / "venv/bin/python")]
    # What is imported is compiled then.
    options = ["-q", "--disable-pip-version-check", "--no-compile", "-c", str(place / "constraints.txt")]
    subprocess.run([*pip, "install", *options, *packages], check=True)


@pytest.fixture(scope="session")
def program(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The installed program."""
    return install(tmp_path_factory.mktemp("installed"))


def clean(home: Path, **variables: str) -> dict[str, str]:
    """The variables of somebody who has never used Passerelle, and whose home that is."""
    left = {
        name: value
        for name, value in os.environ.items()
        if not name.startswith(("PASSERELLE_", "PYTHON", "XDG_", "SSH_", "VIRTUAL_ENV"))
    }
    return {**left, "HOME": str(home), "TERM": "dumb", **variables}
