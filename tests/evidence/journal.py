"""What a test asks of the site and what the site answers, kept as evidence."""

from dataclasses import dataclass
from typing import Any

from testinfra.host import Host

from tasks.operations.masking import Mask

_LONGEST = 1500
"""Characters kept of an answer."""


@dataclass
class Exchange:
    """A command or an API call with its answer, masked; `times` it was repeated until the answer was right."""

    asked: str
    answered: str
    times: int = 1


class Journal:
    """The exchanges of the test that is running."""

    def __init__(self, mask: Mask):
        self._mask = mask
        self._exchanges: dict[str, Exchange] = {}

    def record(self, asked: str, answered: str) -> None:
        """Keep an exchange; one that repeats an earlier one keeps the last answer."""
        asked, answered = _short(self._mask(asked)), _short(self._mask(answered.strip()))
        before = self._exchanges.pop(asked, None)
        self._exchanges[asked] = Exchange(asked, answered, before.times + 1 if before else 1)

    def watch(self, host: Host) -> None:
        """Record each command that is run on the host from now on."""
        run = host.run

        def recorded(command: str, *arguments: str, **options: Any) -> Any:
            result = run(command, *arguments, **options)
            code = f"[{result.rc}] " if result.rc else ""
            self.record(
                f"$ {host.backend.quote(command, *arguments)}", f"{code}{result.stdout}{result.stderr}"
            )
            return result

        host.run = recorded

    def take(self) -> list[Exchange]:
        """What was recorded since the last time."""
        taken = list(self._exchanges.values())
        self._exchanges.clear()
        return taken


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} […]"
