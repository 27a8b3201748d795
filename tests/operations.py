"""Operations as a deploy runs them, on this machine and against servers that a test has started."""

import logging
import re
from collections.abc import Callable
from dataclasses import dataclass, field

from pyinfra.api import Config, Inventory, State
from pyinfra.api.connect import connect_all
from pyinfra.api.exceptions import PyinfraError
from pyinfra.api.operations import run_ops
from pyinfra.context import ctx_host, ctx_inventory, ctx_state

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
_LINE = re.compile(r"\s*\[@local\]\s+(?P<text>[+~!-] .*)")
_ERROR = re.compile(r"\s*\[@local\]\s+(?P<text>.*)")


@dataclass
class Outcome:
    """What a run has shown, each difference in a line, how many operations changed something, and why it failed."""

    lines: list[str] = field(default_factory=list)
    changed: int = 0
    error: str = ""

    @property
    def differences(self) -> list[str]:
        """The lines that show a change."""
        return [line for line in self.lines if line[:2] in ("+ ", "~ ", "- ")]

    @property
    def notes(self) -> list[str]:
        """What is named and left alone."""
        return [line.removeprefix("! ") for line in self.lines if line.startswith("! ")]


class _Listener(logging.Handler):
    def __init__(self) -> None:
        super().__init__()
        self.lines: list[str] = []
        self.errors: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        text, is_error = _STYLE.sub("", record.getMessage()), record.levelno >= logging.ERROR
        if found := (_ERROR if is_error else _LINE).match(text):
            (self.errors if is_error else self.lines).append(found["text"].rstrip())


def dry(declare: Callable[[], object]) -> Outcome:
    """What the operations that `declare` calls would change; nothing is touched."""
    return _perform(declare, execute=False)


def apply(declare: Callable[[], object]) -> Outcome:
    """Run them, without a look beforehand (`pyinfra -y`)."""
    return _perform(declare, execute=True)


def _perform(declare: Callable[[], object], *, execute: bool) -> Outcome:
    inventory = Inventory((["@local"], {}))  # type: ignore[no-untyped-call]
    state = State(inventory, Config(), check_for_changes=not execute)  # type: ignore[no-untyped-call]
    listener, logger = _Listener(), logging.getLogger("pyinfra")
    logger.addHandler(listener)
    level, logger.level = logger.level, logging.INFO
    outcome = Outcome(listener.lines)
    try:
        with ctx_state.use(state), ctx_inventory.use(inventory):
            connect_all(state)
            with ctx_host.use(inventory.get_host("@local")):
                declare()
            if execute:
                run_ops(state)
    except PyinfraError as error:
        outcome.error = listener.errors[0] if listener.errors else str(error)
    finally:
        logger.removeHandler(listener)
        logger.level = level
        for manager in (ctx_state, ctx_inventory, ctx_host):
            manager.reset()
    host = inventory.get_host("@local")
    metas = [data.operation_meta for data in state.ops[host].values()]
    if execute:
        outcome.changed = sum(meta.is_complete() and meta.did_change() for meta in metas)
    else:
        outcome.changed = sum(bool(meta._maybe_is_change) for meta in metas)
    return outcome
