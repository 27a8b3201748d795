"""What all operations share: one clear line for a failure, every difference shown before anything is done."""

import traceback
from collections.abc import Callable, Generator, Iterable, Iterator, Mapping
from functools import wraps
from typing import Any, ParamSpec, TypeVar, cast

from pyinfra import host, logger, state
from pyinfra.api import FunctionCommand, Host, OperationError, State, deploy, operation
from pyinfra.api.exceptions import PyinfraError

P = ParamSpec("P")
T = TypeVar("T")
Commands = Generator[Any, None, None]


class ResourceError(OperationError):
    """Why a resource cannot be read or changed: what, the setting concerned, the remedy. Holds no secret."""


def resource(generator: Callable[P, Commands]) -> Callable[..., Any]:
    """Make an @operation of a generator, so that a ResourceError ends in one line.

    pyinfra runs the generator once to learn whether anything would change and again to change it.
    Raised in the first run, the error ends the deploy before anything is touched; raised in the
    second, it fails this host alone, as does every other error, with which pyinfra would end the run of all hosts.
    """

    @operation()
    @wraps(generator)
    def run(*args: P.args, **kwargs: P.kwargs) -> Commands:
        try:
            yield from generator(*args, **kwargs)
        except Exception as error:
            if not state.is_executing:
                raise
            yield FunctionCommand(_fail, (error,), {})

    return run


def step(title: str) -> Callable[[Callable[P, None]], Callable[P, None]]:
    """A function of named operations as one step of a deploy; its operations are shown under `title`."""
    return cast(Callable[[Callable[P, None]], Callable[P, None]], deploy(title))


def each(items: Iterable[T]) -> Iterator[T]:
    """The items of a loop over operations, which may be longer on one host than on another: they stay in order."""
    yield from host.loop(items)  # type: ignore[no-untyped-call]


def change(lines: list[str], call: Callable[[], object]) -> Commands:
    """Show each difference in `lines`, then yield the one command that mends them all; none: no change."""
    if not lines:
        return
    show(lines)
    yield mend(call)


def mend(call: Callable[[], object]) -> FunctionCommand:
    """A command that calls `call`; a ResourceError fails it in one line."""
    return FunctionCommand(_call, (call,), {})


def show(lines: list[str]) -> None:
    """Print differences; before a generator's first yield, so that `--dry` shows them too."""
    for line in lines:
        host.log(f"    {line}")


def note(lines: list[str]) -> None:
    """Print what is seen and left as it is; like `show`, before a generator's first yield."""
    show([f"! {line}" for line in lines])


def differences(current: Mapping[str, Any], wanted: Mapping[str, Any], prefix: str = "") -> Iterator[str]:
    """A line `name: old -> new` for each value of `wanted` that `current` has not."""
    for key, value in wanted.items():
        old = current.get(key)
        if isinstance(value, Mapping):
            yield from differences(old if isinstance(old, Mapping) else {}, value, f"{prefix}{key}.")
        elif old != value:
            yield f"~ {prefix}{key}: {old!r} -> {value!r}"


# pyinfra hands its state and host to a function whose first two parameters have these names,
# and takes a False for a failure that needs no traceback.
def _call(state: State, host: Host, call: Callable[[], object]) -> bool:
    try:
        call()
    except ResourceError as error:
        return _fail(state, host, error)
    return True


def _fail(state: State, host: Host, error: Exception) -> bool:
    report_failure(error)
    return False


def report_failure(error: Exception) -> None:
    """Print why this host fails: an error with a line of its own in that line, any other by where it comes from.

    The text of a library's error is not shown, for it may hold a header or an address with a secret.
    """
    line = str(error)
    if not isinstance(error, PyinfraError):
        logger.warning("".join(traceback.format_tb(error.__traceback__)))
        line = f"unexpected {type(error).__name__}; this is a mistake in Passerelle: please report the lines above"
    host.log_styled(line, fg="red", log_func=logger.error)
