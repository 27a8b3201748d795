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
    if isinstance(error, OSError) and not _is_of_connection(error):
        where = f"{error.filename}: " if error.filename else ""
        return f"{where}{error.strerror or error} (on this machine); mend that, then run again"
    return f"host: the SSH connection has ended ({str(error) or type(error).__name__}); run again"


def reported(act: Callable[[], int]) -> int:
    """The exit code of `act`; 1, and why, if it comes to none."""
    try:
        return act()
    except FAILURES as error:
        print(reason(error), file=sys.stderr)
        return 1


def _is_of_connection(error: OSError) -> bool:
    """Whether a connection has failed, and no file."""
    if error.filename is not None:
        return False
    return (
        isinstance(error, ConnectionError | TimeoutError | socket.gaierror) or error.errno in _OF_CONNECTIONS
    )
