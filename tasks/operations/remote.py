"""Commands on the host whose output concerns nobody: pyinfra prints a fact's output with `-vv`."""

from pyinfra import host, state
from pyinfra.api import Host, StringCommand
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS, pop_global_arguments


def run_quietly(
    command: StringCommand, stdin: str | None = None, on: Host | None = None, *, plain: bool = False
) -> tuple[bool, str]:
    """Run `command` with the privileges that the deploy has; whether it ended with 0, and its output.

    `on` is another host of the deploy, which is connected; without it, the command runs on this one. A `plain`
    command runs as the SSH user, whoever the deploy is.
    """
    machine = host if on is None else on
    arguments, _ = pop_global_arguments(state, machine, {})
    connector = {key: arguments[key] for key in CONNECTOR_ARGUMENT_KEYS if key in arguments}  # type: ignore[literal-required]
    if plain:
        connector["_sudo"] = False
    if stdin is not None:
        connector["_stdin"] = stdin
    ok, output = machine.run_shell_command(command, print_output=False, print_input=False, **connector)
    return ok, output.output
