"""passerelle status: what scripts/status.sh on the host says of the containers, the relays and the pages."""

from pyinfra.api import QuoteString, StringCommand

from tasks.connection import connected
from tasks.context import infrastructure
from tasks.failures import reported
from tasks.operations.remote import run_quietly
from tasks.operations.resource import ResourceError
from tasks.root import become_root
from tasks.settings import pick

_COMMAND = "status.sh"


def main(wanted: str | None = None) -> int:
    """Show it; 0: all is well, 2: something is not, 1: it could not be looked at, and why."""
    return reported(lambda: _show(wanted))


def _show(wanted: str | None) -> int:
    from inventory import hosts, sites

    name = pick(sites, wanted)
    target = next(entry for entry in hosts if entry[0] == name)
    with connected(target):
        become_root()
        path = f"{infrastructure(sites[name])}/scripts/{_COMMAND}"
        there, _ = run_quietly(StringCommand("test -f", QuoteString(path)))
        if not there:
            raise ResourceError(f"host: there is no {path}: nothing is deployed yet; run: passerelle deploy")
        well, output = run_quietly(StringCommand("bash", QuoteString(path)))
    print(output.strip())
    return 0 if well else 2
