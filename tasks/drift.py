"""passerelle drift: each difference between the sites and their description, changing nothing; for cron.

Exit code 0: none; 2: there are some, printed as expected and actual; 1: it is not known, and why. Of several sites
those that can be looked at are reported nevertheless. What bears our names and is somebody else's is named as left
alone; the deploy does nothing about it, so it is no difference.
"""

import json
import re
import sys
from collections import defaultdict
from dataclasses import dataclass

from tasks.typed import dry_run

# As tasks.operations.resource prints a difference (show) and what is left alone (note).
DIFFERENCE = re.compile(r"\s+\[(?P<host>[^]]+)\]\s+(?P<sign>[+~!-]) (?P<text>.*)")

# As tasks.failure_isolation ends a run.
_SUMMARY = re.compile(r"\d+ of \d+ hosts failed:.*", re.DOTALL)

_QUOTED = r"'(?:[^'\\]|\\.)*'|\"(?:[^\"\\]|\\.)*\""
_CHANGED = re.compile(rf"(?P<what>.*?): (?P<actual>{_QUOTED}|[^:'\"]*) -> (?P<expected>.*)")


@dataclass(frozen=True)
class Difference:
    """What differs on a host, what it should be, what it is; both are empty of what is left alone."""

    host: str
    what: str
    expected: str = ""
    actual: str = ""

    @property
    def is_left_alone(self) -> bool:
        """Whether the deploy does nothing about it."""
        return not self.expected


def parse(line: str) -> Difference | None:
    """What a line of the dry run says, None if it says nothing."""
    found = DIFFERENCE.fullmatch(line.rstrip())
    if found is None:
        return None
    host, sign, text = found.group("host", "sign", "text")
    if sign == "!":
        return Difference(host, text)
    if sign == "+":
        return Difference(host, text, "is there", "is missing")
    if sign == "-":
        return Difference(host, text, "is not there", "is there")
    if changed := _CHANGED.fullmatch(text):
        return Difference(host, changed["what"], changed["expected"], changed["actual"])
    what, _, actual = text.rpartition(": ")
    return Difference(host, what or actual, "as described", actual if what else "differs")


def main(site: str | None = None) -> int:
    """Compare, print, answer the exit code; with `site` that one alone."""
    done = dry_run(site)
    try:
        plan = json.loads(done.stdout)["plan"]
    except (ValueError, KeyError):
        plan = None
    if plan is None:
        print(reasons(done.stderr) or "pyinfra gave no plan", file=sys.stderr)
        return 1
    found = list(filter(None, map(parse, done.stderr.splitlines())))
    differences = [each for each in found if not each.is_left_alone]
    # Several operations may come across the same thing.
    left_alone = list(dict.fromkeys(each for each in found if each.is_left_alone))
    _print([*differences, *left_alone])
    # An operation without a line of its own, such as one of pyinfra's, counts as well.
    changing = {(host, operation["name"]) for operation in plan for host in operation["hosts_with_change"]}
    if changing and not differences:
        for host, name in sorted(changing):
            print(f"{host}: {name} would change something")
    alone = f", {len(left_alone)} left alone" if left_alone else ""
    print(f"{len(differences) or len(changing)} difference(s){alone}")
    if done.returncode:
        summary = _SUMMARY.search(done.stderr)
        print(summary[0].strip() if summary else done.stderr.strip(), file=sys.stderr)
        return 1
    return 2 if differences or changing else 0


def reasons(output: str) -> str:
    """What pyinfra has said beside the steps that it takes."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return "\n".join([line for line in lines if not line.startswith("-->")] or lines)


def _print(differences: list[Difference]) -> None:
    by_host: dict[str, list[Difference]] = defaultdict(list)
    for difference in differences:
        by_host[difference.host].append(difference)
    for host, found in by_host.items():
        print(host)
        for difference in found:
            print(f"  {difference.what}")
            if difference.is_left_alone:
                print("    left alone")
                continue
            print(f"    expected  {difference.expected}")
            print(f"    actual    {difference.actual}")
