"""Why something could not be done, in one line: what is wrong with the site, the connection, or this machine."""

import errno
import socket
import sys
from collections.abc import Callable

from paramiko import SSHException

from tasks.operations.resource import ResourceError
from tasks.site import SiteError

FAILURES = (SiteError, ResourceError, SSHException, EOFError, OSError)
"""What ends a command in a line, and not with a traceback."""

# What the system says of a connection; paramiko's own errors have no number.
_OF_CONNECTIONS = {
    None,
    errno.EBADF,
    errno.EHOSTDOWN,
    errno.EHOSTUNREACH,
    errno.ENETDOWN,
    errno.ENETRESET,
    errno.ENETUNREACH,
    errno.ENOTCONN,
}


def reason(error: Exception) -> str:
    """The line about one of FAILURES."""
    if isinstance(error, SiteError | ResourceError):
        return str(error)
    if has_ended(error):
        return f"host: the SSH connection has ended ({str(error) or type(error).__name__}); run again"
    where = f"{error.filename}: " if isinstance(error, OSError) and error.filename else ""
    return f"{where}{getattr(error, 'strerror', None) or error} (on this machine); mend that, then run again"


def whatever(error: BaseException) -> str:
    """The line about any error, where the work goes on. Of one that nobody foresaw, its text may hold a secret."""
    return (
        reason(error) if isinstance(error, FAILURES) else f"{type(error).__name__}, a fault of this program"
    )


def has_ended(error: Exception) -> bool:
    """Whether the error says that a connection has ended, and is not about a file of this machine."""
    if not isinstance(error, OSError):
        return isinstance(error, SSHException | EOFError)
    if error.filename is not None:
        return False
    return (
        isinstance(error, ConnectionError | TimeoutError | socket.gaierror) or error.errno in _OF_CONNECTIONS
    )


def reported(act: Callable[[], int]) -> int:
    """The exit code of `act`; 1, and why, if it comes to none."""
    try:
        return act()
    except FAILURES as error:
        print(reason(error), file=sys.stderr)
        return 1
