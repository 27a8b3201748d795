"""The state directory of a relay: who has it, and the name that its claims go by."""

import fcntl
import os
import uuid
from pathlib import Path

from relays.base.settings import StartError


class StateDirectory:
    """A directory that this process alone uses from now on; StartError if another one does, or it is not writable.

    `instance` names whoever has the directory, the same after each start and different from every other one's, so
    that a relay knows its own claims among those of others in a shared spool. It is kept in the file `lock`.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._lock = os.open(path / "lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
            fcntl.flock(self._lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            self.instance = self._read() or self._name()
        except BlockingIOError:
            raise StartError(
                f"--state = {path} is in use: stop the other relay, or name another one"
            ) from None
        except OSError as error:
            raise StartError(
                f"--state = {path} cannot be written ({error.strerror}): correct its owner"
            ) from None

    def close(self) -> None:
        """Leave the directory to others."""
        os.close(self._lock)

    def _read(self) -> str:
        try:
            return str(uuid.UUID(os.pread(self._lock, 100, 0).decode("ascii")))
        except ValueError:  # a new one, or one that a crash has emptied
            return ""

    def _name(self) -> str:
        name = str(uuid.uuid4())
        os.ftruncate(self._lock, 0)
        os.pwrite(self._lock, name.encode("ascii"), 0)
        return name
