"""What commands on the host print: read from their own standard output, whatever a login or a program says around it.

A host greets, warns and speaks its administrator's language: a start file of the shell that prints, a banner, a
notice of Compose. So a command whose output is read prints marks around it, and its programs speak English.
"""

import base64
import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Any, TypeVar, cast

import paramiko.file
from pyinfra import host, state
from pyinfra.api import FactBase, Host, QuoteString, StringCommand
from pyinfra.api.arguments import CONNECTOR_ARGUMENT_KEYS, pop_global_arguments

from tasks.operations.resource import ResourceError

T = TypeVar("T")

_BEGIN, _END = "--- the answer begins ---", "--- the answer ends ---"


def _decode(text: bytes | str) -> str:
    return text.decode(errors="replace") if isinstance(text, bytes) else text


# Where one byte is no UTF-8, as in a greeting of long ago, paramiko would end the reading of all that follows.
paramiko.file.u = _decode  # type: ignore[attr-defined]


def framed(command: str | StringCommand) -> StringCommand:
    """`command` with marks around what it prints, so that `answer` finds it; it ends with its own exit code.

    On one line, for there are login shells that take no other. A mark begins a line even after a greeting without end.
    """
    return StringCommand(
        f"export LC_ALL=C; printf '\\n%s\\n' '{_BEGIN}'; printf '\\n%s\\n' '{_BEGIN}' >&2; (",
        command,
        f"); s=$?; printf '\\n%s\\n' '{_END}'; exit $s",
    )


def answer(output: str) -> str:
    """What a `framed` command has printed, of all that came; ResourceError if it was not run."""
    greeting, begun, rest = f"\n{output}".partition(f"\n{_BEGIN}\n")
    printed, ended, _ = rest.rpartition(f"\n{_END}")
    if not begun or not ended:
        raise ResourceError(
            f"host: it does not run the commands that it is sent and says: {last_line(greeting, 'nothing')}; "
            "check the login shell of host.ssh_user"
        )
    return printed


def last_line(output: str, otherwise: str = "it says nothing") -> str:
    """The last line of what a command has said, as a rule the reason, cut to what fits into an error."""
    lines = [line.strip() for line in output.splitlines() if line.strip()]
    return lines[-1][:200] if lines else otherwise


class HostFact(FactBase[T]):
    """A fact of the host: `process` sees what `command` prints, and the default stands for nothing printed."""

    def __init_subclass__(cls) -> None:
        super().__init_subclass__()
        if "command" in vars(cls):
            cls.command = _framing(cls.command)
        if "process" in vars(cls):
            cls.process = _reading(cls.process)  # type: ignore[assignment, method-assign]

    def process(self, output: list[str]) -> T:
        """The lines as one text, for facts that are one."""
        lines = _lines(output)
        return cast(T, "\n".join(lines)) if lines else self.default()


def _framing(command: Callable[..., str | StringCommand]) -> Callable[..., StringCommand]:
    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> StringCommand:
        return framed(command(*args, **kwargs))

    # pyinfra maps arguments by the signature, and does not follow wrappers.
    run.__signature__ = inspect.signature(command)  # type: ignore[attr-defined]
    return run


def _reading(process: Callable[[Any, list[str]], T]) -> Callable[[Any, list[str]], T]:
    @wraps(process)
    def read(self: FactBase[T], output: list[str]) -> T:
        lines = _lines(output)
        return process(self, lines) if lines else self.default()

    return read


def _lines(output: list[str]) -> list[str]:
    printed = answer("\n".join(output))
    return printed.removesuffix("\n").split("\n") if printed else []


def run_quietly(
    command: StringCommand, stdin: str | None = None, on: Host | None = None, *, plain: bool = False
) -> tuple[bool, str]:
    """Run `command` with the privileges that the deploy has; whether it ended with 0, and what it printed.

    pyinfra shows the output of a fact with `-vv`; this is for what concerns nobody. Of a command that failed its
    errors follow. `on` is another host of the deploy, which is connected; without it, the command runs on this one. A
    `plain` command runs as the SSH user, whoever the deploy is.
    """
    machine = host if on is None else on
    arguments, _ = pop_global_arguments(state, machine, {})
    connector = {key: arguments[key] for key in CONNECTOR_ARGUMENT_KEYS if key in arguments}  # type: ignore[literal-required]
    if plain:
        connector["_sudo"] = False
    if stdin is not None:
        connector["_stdin"] = stdin
    ok, output = machine.run_shell_command(
        framed(command), print_output=False, print_input=False, **connector
    )
    if ok:
        return True, answer(output.stdout)
    if _BEGIN not in output.stdout_lines:  # it was not run: what should have run it says why
        return False, output.output
    # The greeting of a login comes before the mark.
    return False, answer(output.stdout) + f"{output.stderr}\n".rpartition(f"{_BEGIN}\n")[2]


def uploaded(source: Path, path: str) -> StringCommand:
    """A command that writes the file `source` of this machine to `path`.

    By standard input: SFTP, which pyinfra takes, is switched off on some hosts, and on others a login that prints
    something breaks it.
    """
    target = QuoteString(path)
    # To the end of the input even if it finds no room, or the reason would be lost in a broken connection.
    write = StringCommand("base64 -d >", target, "|| { rm -f", target, "; cat >/dev/null; false; }")
    return StringCommand(write, _stdin=base64.encodebytes(source.read_bytes()).decode())
