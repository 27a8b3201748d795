"""Relay hosts that are listed no longer: a relay left running there would go on delivering from the shared spool."""

from collections.abc import Iterable, Mapping

from pyinfra.api import Host, StringCommand
from pyinfra.api.exceptions import ConnectError

from tasks.marks import RECORD
from tasks.operations.remote import run_quietly
from tasks.operations.resource import Commands, ResourceError, change, each, note, resource, step
from tasks.relays import GITLAB_UNITS
from tasks.site_machines import Machine
from tasks.ssh import port_of, reach

_UNITS = " ".join(GITLAB_UNITS)
_PLACES = " ".join(
    [
        *(f"/etc/systemd/system/{unit}" for unit in GITLAB_UNITS),
        *(
            "/opt/passerelle",
            "/etc/passerelle",
            "/var/lib/passerelle-gitlab",
            "/var/lib/private/passerelle-gitlab",
        ),
    ]
)


def find_former_hosts(machines: Iterable[Machine]) -> tuple[dict[Machine, Host], frozenset[Machine]]:
    """Connections to those of these machines that are reached, and those that are not, which are named."""
    reached, unreached = {}, set()
    for machine in sorted(machines, key=lambda each: (each.address, port_of(each))):
        try:
            reached[machine] = reach(machine)
        except ConnectError as error:
            unreached.add(machine)
            note(
                [
                    f"relay host {machine.address}, which relays.hosts lists no longer: not reached ({error}); "
                    f"its relay may go on; if the host is gone for good, take it out of {RECORD} on the site's host"
                ]
            )
    return reached, frozenset(unreached)


@step("Former relay hosts")
def remove_relays_of(hosts: Mapping[Machine, Host]) -> None:
    """The relays on these hosts, with all that they were handed."""
    for machine, former in each(hosts.items()):
        _no_relay(former, machine.address, name=f"Relay on {machine.address}")


@resource
def _no_relay(former: Host, address: str) -> Commands:
    """Have no GitLab relay on a host that is not among those of the run."""
    found = _on(former, f"ls -d {_PLACES} 2>/dev/null || true").split()
    remove = f"systemctl disable -q --now {_UNITS}; rm -rf {_PLACES} && systemctl daemon-reload"
    yield from change([f"- {address}: {path}" for path in found], lambda: _on(former, remove))


def _on(former: Host, command: str) -> str:
    ok, output = run_quietly(StringCommand(command), on=former)
    if not ok:
        raise ResourceError(f"{former.name}: {output.strip()[-300:]}; see to it, then run again")
    return output
