"""The doctor as typed, on the lab."""

import subprocess
import sys
from dataclasses import dataclass

from tests.acceptance.people import Forge, marker
from tests.lab.runs import ROOT, environment
from tests.waiting import wait_until


@dataclass(frozen=True)
class Diagnosis:
    """How the doctor ended, and all that it printed."""

    code: int
    output: str

    @property
    def first(self) -> str:
        """The code of the first finding; empty if there is none."""
        heading = next(iter(self.output.splitlines()), "")
        return heading.rpartition("[")[2].rstrip("]") if heading.startswith("❌") else ""

    @property
    def remedy(self) -> str:
        """The remedy of the first finding."""
        return next((line for line in self.output.splitlines() if "Remède" in line), "")


def doctor(**settings: str) -> Diagnosis:
    """Run it with `settings` on top of the lab's."""
    done = subprocess.run(
        [sys.executable, "-m", "passerelle", "doctor"],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
    return Diagnosis(done.returncode, done.stdout + done.stderr)


def open_issue(forge: Forge) -> None:
    """An event; once it is delivered, the failures of earlier ones are history."""
    forge.api("POST", "PROJECT/issues", {"title": marker()})


def wait_until_sound() -> None:
    """Until nothing is broken: a relay tries again after a while, GitLab follows its settings after another."""

    def look() -> bool:
        last = doctor()
        if last.code:
            print(last.output)
        return last.code == 0

    wait_until("the doctor is content", look, seconds=120, every=1)
