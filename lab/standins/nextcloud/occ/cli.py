"""Nextcloud's command line, `occ`: `[--root DIR] COMMAND ...`.

Knows the commands the product and its operators use; see `commands`.
"""

import os
import sys
from collections.abc import Sequence
from pathlib import Path

from lab.standins.nextcloud.occ import commands, console
from lab.standins.nextcloud.state.instance import PRODUCT, VERSION_STRING, Instance


def main(arguments: Sequence[str]) -> int:
    """Run one command; its exit code."""
    os.umask(0o022)
    root = Path()
    if arguments[:1] == ["--root"]:
        root, arguments = Path(arguments[1]), arguments[2:]
    instance = Instance(root.resolve())
    _drop_privileges(instance)
    if instance.config_file.exists() and not os.access(instance.config_file, os.W_OK):
        print(
            'Cannot write into "config" directory!\n'
            "This can usually be fixed by giving the web server write access to the config directory.\n\n"
            'But, if you prefer to keep config.php file read only, set the option "config_is_read_only" '
            "to true in it.\n"
            "See https://docs.nextcloud.com/server/32/go.php?to=admin-config"
        )
        return 0  # measured: success, for a command that was not run
    try:
        return _run(instance, arguments)
    except console.CommandFailed as error:
        print(console.error_block(str(error)), file=sys.stderr)
        if error.usage:
            print(f"{error.usage}\n", file=sys.stderr)
        return 1


def _run(instance: Instance, arguments: Sequence[str]) -> int:
    # Options may come before the command, as in `occ --no-warnings files:scan`.
    name = next((argument for argument in arguments if not argument.startswith("-")), None)
    available = dict(commands.ALWAYS)
    if not instance.installed:
        print("Nextcloud is not installed - only a limited number of commands are available", file=sys.stderr)
    else:
        instance.close_data_to_others()
        available |= commands.INSTALLED
        if not instance.maintenance:
            available |= commands.APPS
        elif name not in commands.ALWAYS:
            print(
                "Nextcloud is in maintenance mode, no apps are loaded.\n"
                "Commands provided by apps are unavailable.",
                file=sys.stderr,
            )
    if name is None:
        print(f"{PRODUCT} {VERSION_STRING}")
        if not {"-V", "--version"} & set(arguments):
            print("\nAvailable commands:\n" + "\n".join(f"  {command}" for command in sorted(available)))
        return 0
    if name not in available:
        raise console.CommandFailed(_unknown(name, available))
    position = list(arguments).index(name)
    return available[name](instance, [*arguments[:position], *arguments[position + 1 :]])


def _unknown(name: str, available: dict[str, commands.Command]) -> str:
    namespace, colon, _ = name.partition(":")
    if colon and not any(command.startswith(namespace + ":") for command in available):
        return f'There are no commands defined in the "{namespace}" namespace.'
    return f'Command "{name}" is not defined.'


def _drop_privileges(instance: Instance) -> None:
    """Root becomes the owner of config.php, but keeps its group.

    Measured on Nextcloud 32.0.1, whose occ changes the user first and then may no longer change the group: files
    it writes belong to www-data:root.
    """
    if os.geteuid() == 0 and instance.config_file.exists():
        os.setuid(instance.config_file.stat().st_uid)
