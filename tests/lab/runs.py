"""Runs of the deploy in the lab, as typed, and the parameters of its long tables."""

import json
import os
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from lab import state

ROOT = Path(__file__).parent.parent.parent


@dataclass(frozen=True)
class Run:
    """A finished deploy: its exit code, all that it printed, and how many operations changed or failed."""

    code: int
    output: str
    changed: int = 0
    failed: int = 0


def environment(**settings: str) -> dict[str, str]:
    """Variables for a command that is to find the lab's site, with `settings` (gitlab__token="…") on top."""
    variables = {f"PASSERELLE_{name}".upper(): value for name, value in settings.items()}
    return {**os.environ, "PASSERELLE_SETTINGS": str(state.SETTINGS), **variables}


def pyinfra(*options: str, deploy: str = "deploy.py", **settings: str) -> Run:
    """Run a deploy as typed, with `settings` on top of the lab's."""
    command = [
        str(Path(sys.executable).with_name("pyinfra")),
        "--json",
        *options,
        "inventory.py",
        deploy,
    ]
    done = subprocess.run(
        command, cwd=ROOT, env=environment(**settings), capture_output=True, text=True, check=False
    )
    try:
        reported = json.loads(done.stdout)
    except ValueError:
        return Run(done.returncode, done.stderr + done.stdout)
    totals = (reported.get("results") or {}).get("totals") or {}
    return Run(done.returncode, done.stderr, totals.get("success", 0), totals.get("error", 0))


def deploy(**settings: str) -> Run:
    """A deploy that must succeed."""
    run = pyinfra("-y", **settings)
    assert run.code == 0, run.output
    return run


def dry(**settings: str) -> Run:
    """What a deploy would change; nothing is touched."""
    run = pyinfra("--dry", **settings)
    assert run.code == 0, run.output
    return run
