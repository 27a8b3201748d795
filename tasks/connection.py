"""A connection to a host outside of a run of pyinfra, with which facts work all the same."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

from pyinfra.api import Config, Host, Inventory, State
from pyinfra.api.exceptions import ConnectError
from pyinfra.context import ctx_config, ctx_host, ctx_inventory, ctx_state

from tasks.operations.resource import ResourceError
from tasks.unreachable import explain_failures, explained


class Unreached(ResourceError):
    """The host is not reached by SSH, and why."""


@contextmanager
def connected(target: tuple[str, dict[str, Any]]) -> Iterator[Host]:
    """The host `target`, an entry of the inventory, connected meanwhile. Raises Unreached."""
    explain_failures()
    inventory = Inventory(([target], {}))  # type: ignore[no-untyped-call]
    config = Config()  # type: ignore[no-untyped-call]
    state = State(inventory, config)
    host: Host = inventory.get_host(target[0])
    with ctx_config.use(config), ctx_inventory.use(inventory), ctx_state.use(state), ctx_host.use(host):
        try:
            host.connect(show_errors=False, raise_exceptions=True)
        except ConnectError as error:
            raise Unreached(explained(error.args[0], host.data)) from None
        try:
            yield host
        finally:
            host.disconnect()
