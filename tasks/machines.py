"""One host, one site: machines that are reached under several names are distinguished by what they say."""

from collections.abc import Callable
from dataclasses import dataclass

from pyinfra import host, inventory
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.remote import HostFact
from tasks.operations.resource import ResourceError

# Holds the name of the site, or of the site and the relay host, that was deployed last.
MARK = "/etc/passerelle/site"


@dataclass(frozen=True)
class Identity:
    """What distinguishes a machine, or a container, from every other one that runs, and whose it was so far."""

    machine: tuple[str, ...]
    site: str


class WhoAmI(HostFact[Identity]):
    """The host's identity."""

    def command(self) -> StringCommand:
        # Copies of a virtual machine may share its number, containers the boot, but no two of them both and the root.
        return StringCommand(
            "cat /etc/machine-id 2>/dev/null || echo -; cat /proc/sys/kernel/random/boot_id; stat -c %d:%i /;",
            "cat",
            QuoteString(MARK),
            "2>/dev/null || echo",
        )

    def process(self, output: list[str]) -> Identity:
        """A line for each."""
        # The last one is empty on a host that is nobody's yet.
        *machine, site = [line.strip() for line in [*output, ""][:4]]
        return Identity(tuple(machine), site)


# By what the machine says: the name of the host that was there first in this run.
_seen: dict[tuple[str, ...], str] = {}


def refuse_second_site() -> None:
    """ResourceError if this host is the machine of another one of the settings, in this run or in an earlier one."""
    found = host.get_fact(WhoAmI)
    other = _seen.setdefault(found.machine, host.name)
    earlier = found.site if found.site in {each.name for each in inventory} else host.name
    if other == host.name == earlier:
        return
    first = other if other != host.name else earlier
    moved = f"; if {first} has moved elsewhere, remove {MARK} there" if first == earlier else ""
    raise ResourceError(
        f"host.address of {first} and of {host.name} lead to the same machine, and a host holds one site: correct one "
        f"of them, or make them one site with gitlab.projects and nextcloud.trees{moved}"
    )


def mark() -> dict[str, Callable[[], str]]:
    """The file that says whose the host is, for `text_files`."""
    name = host.name
    return {MARK: lambda: f"{name}\n"}
