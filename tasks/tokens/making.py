"""How tokens are made: to the end, noted down, and so that each can be taken back."""

import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from types import FrameType

from pydantic import SecretStr

from tasks.failures import whatever
from tasks.tokens import ledger
from tasks.tokens.ledger import Token


@contextmanager
def unbroken() -> Iterator[None]:
    """Do what is begun to its end, so that it can be taken back; an interruption meanwhile counts afterwards."""
    interrupted: list[int] = []

    def note(number: int, frame: FrameType | None) -> None:
        interrupted.append(number)
        _say("interrupted: what has begun is brought to its end first …")

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if interrupted:
        raise KeyboardInterrupt


@dataclass
class Undo:
    """What this run has made so far, each by its name, and how it is taken back."""

    _steps: list[tuple[str, Callable[[], None]]] = field(default_factory=list)

    def add(self, what: str, step: Callable[[], None]) -> None:
        """Have `step` take back `what`."""
        self._steps.append((what, step))

    def run(self) -> None:
        """Take all of it back, the last first; what cannot be is reported, and the rest taken back all the same.

        Whatever a step raises: it runs because something else has ended the run already, which is raised on.
        """
        with unbroken():
            while self._steps:
                what, step = self._steps.pop()
                try:
                    step()
                except BaseException as error:
                    _say(f"not taken back: {what}: {whatever(error)}")

    def forget(self) -> None:
        """What was made stays."""
        self._steps.clear()


@dataclass(frozen=True)
class Maker:
    """Keeps the tokens that are made for a site, whose host's address is `host`, beside its settings."""

    settings: Path
    host: str
    undo: Undo

    def keep(
        self,
        setting: str,
        secret: SecretStr,
        number: str,
        account: str,
        revoke: Callable[[Token], None],
        expires: str = "",
    ) -> Token:
        """Note down a token that was just made; `revoke` takes it back if the run does not come to its end."""
        token = Token(self.host, setting, number, account, ledger.mark(secret), expires)
        what = f"{token.described}, number {number}"

        def take_back() -> None:
            revoke(token)
            try:
                ledger.drop(self.settings, token)
            except BaseException as error:
                _say(f"taken back, and noted down still: {what}: {whatever(error)}")

        # First of all: the disk on which it is to be noted down may be full.
        self.undo.add(what, take_back)
        ledger.add(self.settings, token)
        return token


def _say(text: str) -> None:
    print(text, file=sys.stderr)
