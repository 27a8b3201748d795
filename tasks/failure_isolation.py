"""Several sites in one run: what goes wrong with one of them fails it alone, and the last words say why."""

import atexit
import logging
import re
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pyinfra
from pyinfra import logger, state
from pyinfra.context import ctx_host, ctx_state

from tasks.operations.resource import report_failure
from tasks.root import become_root
from tasks.unreachable import explain_failures

# What pyinfra adds to a reason.
_NO_REASON = re.compile(r"Error: (executed \d+ commands|could not load fact.*)")
_STYLE = re.compile(r"\x1b\[[0-9;]*m")


@contextmanager
def failing_alone() -> Iterator[None]:
    """Prepare the operations of this host, as root there; what is raised fails this host, where pyinfra fails all.

    With one host, it ends the run: pyinfra would put a place in our code before the line that says why.
    """
    try:
        become_root()
        yield
    except Exception as error:
        report_failure(error)
        if len(state.inventory) == 1:
            sys.exit(1)
        state.fail_hosts({ctx_host.get()})  # type: ignore[no-untyped-call]


class _Failures(logging.Handler):
    """Keeps why hosts fail, as pyinfra says it, and says it once more when the run ends."""

    def __init__(self) -> None:
        super().__init__(logging.ERROR)
        self._reasons: dict[str, str] = {}

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the last reason of each host."""
        found = re.match(r"\s*\[([^]]+)\]\s*(.*)", _STYLE.sub("", record.getMessage()))
        if found and found[2] and not _NO_REASON.fullmatch(found[2]):
            self._reasons[found[1]] = found[2]

    def summarise(self) -> None:
        """Each site that failed, and why; of a single one pyinfra has just said it."""
        if not ctx_state.isset() or not state.initialised or len(state.inventory) == 1:  # type: ignore[no-untyped-call]
            return
        failed = [host.name for host in state.inventory if host in state.failed_hosts]
        if failed:
            logger.error(f"--> {len(failed)} of {len(state.inventory)} hosts failed:")
        for name in failed:
            logger.error(f"[{name}] {self._reasons.get(name, 'see above')}")


def summarise_failures() -> None:
    """Have a run of pyinfra word failed connections in our words, and end with the sites that failed."""
    if pyinfra.is_cli:
        explain_failures()
        failures = _Failures()
        logger.addHandler(failures)
        atexit.register(failures.summarise)
