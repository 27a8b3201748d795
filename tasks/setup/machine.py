"""The machine that is to be set up, reached by SSH, as root or as a user who becomes root."""

import os
from collections.abc import Iterator, Mapping
from contextlib import ExitStack, contextmanager
from typing import Any

from pydantic import SecretStr

from tasks import root
from tasks.connection import connected
from tasks.operations.resource import ResourceError
from tasks.settings import PREFIX
from tasks.setup.asking import ask
from tasks.setup.given import Given, machine_of
from tasks.site_machines import Machine
from tasks.ssh import connection_data

SUDO_PASSWORD = f"{PREFIX}HOST__SUDO_PASSWORD"


@contextmanager
def reached(given: Given, kept: Mapping[str, Any]) -> Iterator[Machine]:
    """The machine, connected meanwhile, with commands on it run as root."""
    machine = _machine(given, kept)
    if password := os.environ.get(SUDO_PASSWORD):
        machine = machine.model_copy(update={"sudo_password": SecretStr(password)})
    with ExitStack() as connection:
        connection.enter_context(connected((machine.address, connection_data(machine))))
        if not machine.sudo and not root.is_root(plain=True):
            connection.pop_all().close()
            machine = machine.model_copy(update={"sudo": True})
            connection.enter_context(connected((machine.address, connection_data(machine))))
        root.become_root()
        if asked := root.asked_password():
            os.environ[SUDO_PASSWORD] = asked  # for the deploy, which would ask again
        yield machine


def _machine(given: Given, kept: Mapping[str, Any]) -> Machine:
    existing = kept.get("host", {})
    if "address" in existing:
        machine = Machine(**{name: value for name, value in existing.items() if name in Machine.model_fields})
        if given.host and machine_of(given.host).address != machine.address:
            raise ResourceError(
                f"--host {given.host}: the settings are of {machine.address}; for another site give another file: "
                "passerelle --settings FILE setup"
            )
        return machine

    def check(answer: str) -> None:
        machine_of(answer, given.ssh_key)

    answer = given.host or ask("Host of GitLab and Nextcloud, [USER@]HOST[:PORT]", "--host", check=check)
    return machine_of(answer, given.ssh_key)
