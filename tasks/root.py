"""Root on the host: as the SSH user, or through sudo, whose password no list of processes shows.

pyinfra would hand sudo's password over as a variable on a command line, which every user of the host can read. So
sudo gets it from a file of the SSH user's own (SUDO_ASKPASS), made here and removed by pyinfra when it disconnects.
"""

import sys
from getpass import getpass

from pyinfra import host
from pyinfra.api import QuoteString, StringCommand

from tasks.operations.remote import last_line, run_quietly
from tasks.operations.resource import ResourceError

# One password is asked for in a run, and tried on each host whose sudo wants one.
_asked: list[str] = []

MISSING = (
    "host.sudo_password is missing, and sudo asks for one: set PASSERELLE_HOST__SUDO_PASSWORD, or sudo_password in "
    "[host], or allow sudo without a password"
)
ASKS = ("a password is required", "authentication is required", "a terminal is required")


def become_root() -> None:
    """See to it that commands on this host run as root. ResourceError, before anything is touched, if they cannot."""
    if not host.data.get("_sudo"):
        if not is_root():
            raise ResourceError(
                f"host.ssh_user = {host.data.ssh_user!r} is not root: set host.sudo = true, or host.ssh_user to root"
            )
        return
    done, said = _sudo("-n")
    if done:
        return
    if not any(words in said for words in ASKS):
        raise ResourceError(
            f"host.sudo: {host.data.ssh_user} does not become root ({last_line(said)}); "
            "allow it in /etc/sudoers.d, or set host.ssh_user to root"
        )
    _hand_over(_password())


def is_root(*, plain: bool = False) -> bool:
    """Whether commands on this host run as root; with `plain`, whether the SSH user is root."""
    _, number = run_quietly(StringCommand("id -u"), plain=plain)
    return number.split()[-1:] == ["0"]


def _password() -> str:
    given = host.data.machine.sudo_password
    if given is not None:
        return str(given.get_secret_value())
    if not _asked:
        if not sys.stdin.isatty():
            raise ResourceError(MISSING)
        _asked.append(getpass(f"sudo password of {host.data.ssh_user} on {host.name}: "))
    return _asked[0]


def asked_password() -> str | None:
    """The password that a person was asked for in this run."""
    return _asked[0] if _asked else None


def making_askpass(folder: str) -> StringCommand:
    """A command that makes a file of the SSH user's own of a script on its standard input, and prints its path."""
    # The first folder goes away with the SSH user's last session, even if this run is killed; what is in the second
    # may not be executable.
    return StringCommand(
        'umask 077; c=$(cat); for d in "${XDG_RUNTIME_DIR:-}"',
        QuoteString(folder),
        '"$HOME"; do test -n "$d" && t=$(mktemp "$d/pyinfra-sudo-askpass-XXXXXXXXXXXX" 2>/dev/null) || continue;',
        'printf "%s\\n" "$c" >"$t" && chmod 700 "$t" && "$t" >/dev/null 2>&1 && echo "$t" && exit; rm -f "$t"; done;',
        "false",
    )


def askpass(password: str) -> str:
    """A script that answers sudo."""
    quoted = "'" + password.replace("'", "'\\''") + "'"
    return f"#!/bin/sh\nprintf '%s\\n' {quoted}"


def _hand_over(password: str) -> None:
    # By standard input, and never open to others.
    done, output = run_quietly(making_askpass(_folder()), stdin=askpass(password), plain=True)
    path = (output.split() or [""])[-1]
    if not done or not path.startswith("/"):
        raise ResourceError(
            "host.sudo_password: no file can be made on the host to hand it to sudo; make room in /tmp, or allow sudo "
            "without a password"
        )
    # From here on pyinfra removes the file when it disconnects, and has sudo ask it.
    host.connector_data[f"sudo_askpass_path__{_folder()}"] = path
    host.connector_data["prompted_sudo_password"] = "-"  # noqa: S105 - what pyinfra would show; the file has it
    accepted, said = _sudo("-A -k", path)
    if not accepted:
        _asked.clear()
        host.connector_data["prompted_sudo_password"] = None
        raise ResourceError(f"host.sudo_password: sudo does not take it ({last_line(said)}); correct it")


def _sudo(options: str, asking: str = "") -> tuple[bool, str]:
    """Whether sudo lets the SSH user do something, and what it says."""
    # Not as a line of its own, at which pyinfra would ask for a password itself.
    said_why = "{ printf '%s\\n' \"$s\" | sed 's/^/. /'; false; }"
    command = f"s=$(SUDO_ASKPASS='{asking}' LC_ALL=C sudo {options} true 2>&1) || {said_why}"
    done, said = run_quietly(StringCommand(command), plain=True)
    return done, "\n".join(line.removeprefix(". ") for line in said.splitlines())


def _folder() -> str:
    """Where pyinfra would have the file, and looks for it by."""
    return str(host.get_temp_dir_config())  # type: ignore[no-untyped-call]
