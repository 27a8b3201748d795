"""What is to be gone from the host: services and paths."""

from collections.abc import Collection, Sequence

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.remote import HostFact
from tasks.operations.resource import Commands, resource, show
from tasks.operations.unit import Units


class Present(HostFact[list[str]]):
    """Those of `paths` that exist, links that lead nowhere included."""

    default = list

    def command(self, paths: Sequence[str]) -> StringCommand:
        return StringCommand(
            "for p in",
            *[QuoteString(path) for path in paths],
            '; do { test -e "$p" || test -L "$p"; } && echo "$p"; done || true',
        )

    def process(self, output: list[str]) -> list[str]:
        """A path a line."""
        return output


class Matching(HostFact[list[str]]):
    """What is there of the shell patterns `patterns`, which hold no blank."""

    default = list

    def command(self, patterns: Sequence[str]) -> str:
        return f'for p in {" ".join(patterns)}; do test -e "$p" && echo "$p"; done || true'

    def process(self, output: list[str]) -> list[str]:
        """A path a line."""
        return output


@resource
def nothing_but(patterns: Sequence[str], kept: Collection[str]) -> Commands:
    """Of what the shell patterns match, which hold no blank, have nothing but `kept`.

    Files are removed, and folders that are empty then; one that is not is an error.
    """
    left = [path for path in host.get_fact(Matching, patterns=list(patterns)) if path not in kept]
    show([f"- {path}" for path in left])
    if left:
        deepest_first = sorted(left, key=lambda path: path.count("/"), reverse=True)
        yield StringCommand("rm -f -d --", *[QuoteString(path) for path in deepest_first])


@resource
def no_service(units: Sequence[str]) -> Commands:
    """Have none of the units running, started at boot or known to systemd."""
    files = [f"/etc/systemd/system/{unit}" for unit in units]
    found = host.get_fact(Units, units=list(units))
    there = host.get_fact(Present, paths=files)
    running = [unit for unit in units if found[unit].get("ActiveState") == "active"]
    show([f"~ {unit}: active -> stopped" for unit in running] + [f"- {path}" for path in there])
    if running or there:
        quoted = [QuoteString(unit) for unit in units]
        yield StringCommand("systemctl disable --now -q", *quoted, "2>/dev/null || true")
        yield StringCommand("rm -f", *[QuoteString(path) for path in files])
        yield StringCommand("systemctl daemon-reload; systemctl reset-failed", *quoted, "2>/dev/null || true")


@resource
def no_paths(paths: Sequence[str], empty_folders: Sequence[str] = ()) -> Commands:
    """Have none of the paths, with all that is below them, nor those of `empty_folders` that are empty then."""
    there = host.get_fact(Present, paths=list(paths))
    show([f"- {path}" for path in there])
    if there:
        yield StringCommand("rm -rf", *[QuoteString(path) for path in there])
        for folder in empty_folders:
            yield StringCommand(
                "rmdir --ignore-fail-on-non-empty", QuoteString(folder), "2>/dev/null || true"
            )
