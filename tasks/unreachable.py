"""Why a host is not reached by SSH: what pyinfra says of it, as one line with the setting and the remedy."""

import logging
import re

from pyinfra import logger, state
from pyinfra.api.host import HostData

_STYLE = re.compile(r"\x1b\[[0-9;]*m")
# As pyinfra.connectors.ssh words them, with what paramiko or the system has said between the brackets.
_REFUSAL = re.compile(
    r"(?P<kind>Could not resolve hostname|Could not connect|Authentication error \(.*?\)|SSH host key error|"
    r"SSH error|EOF error) \((?P<detail>.*)\)",
    re.DOTALL,
)
# What pyinfra says besides, of which the line says all that matters.
_BESIDES = re.compile(r"No host key for .* found in known_hosts$|Failed to load host keys from ")


def explained(line: str, machine: HostData) -> str:
    """The line about a connection that failed; `line` as it is if it is about something else.

    `machine` is the host's data, as tasks.ssh makes them.
    """
    found = _REFUSAL.fullmatch(line.strip())
    if found is None:
        return line
    address, port, user = (machine.get(f"ssh_{name}") for name in ("hostname", "port", "user"))
    key, known = machine.get("ssh_key"), machine.get("ssh_known_hosts_file")
    kind, detail = found["kind"], found["detail"].strip() or "the connection was closed"
    if kind == "Could not resolve hostname":
        return f"host.address = {address!r}: this machine does not resolve the name; correct it, or the DNS"
    if "No such file" in detail:
        file = detail.rpartition(": ")[2]
        return f"host.ssh_key: there is no {file}, which ~/.ssh/config names; correct it there, or set host.ssh_key"
    if "encrypted" in detail or "OPENSSH key" in detail:
        return (
            "host.ssh_key: a private key that ~/.ssh/config names or ~/.ssh holds is protected by a passphrase, or "
            "none that can be read; ssh-add it to your agent, or set host.ssh_key"
        )
    if kind.startswith("Authentication error") or "authentication methods" in detail:
        shown = f"host.ssh_key = {key!r}" if key else "the keys of your agent, ~/.ssh and ~/.ssh/config"
        return (
            f"host.ssh_user = {user!r}: {address} does not let it in with {shown}; correct them, or add the public key "
            "to its ~/.ssh/authorized_keys"
        )
    if kind == "SSH host key error":
        return (
            f"host.known_hosts: {address} has not the key that is in {known or '~/.ssh/known_hosts'}: somebody else "
            "answers, or it was installed anew; then remove the old key with ssh-keygen -R"
        )
    if "No host key for" in detail:
        return (
            f"host.known_hosts = {known!r}: it has no key of {address}, port {port}; compare the host's with what "
            f"ssh-keyscan -p {port} {address} prints, and add that"
        )
    if "protocol banner" in detail or "Invalid" in detail:
        return f"host.ssh_port = {port}: what answers there at {address} is not SSH; correct it"
    where = f"host.address = {address!r}, host.ssh_port = {port}"
    if kind == "Could not connect":
        reason = re.sub(r"\[Errno \w+\] ", "", detail)
        if reason.startswith("Unable to connect to port") and f"port {port} " not in reason:
            return f"~/.ssh/config: the jump host on the way to {address} does not answer ({reason}); correct it there"
        return (
            f"{where}: {reason}; correct them, or see that sshd runs there and that no firewall is in between"
        )
    return f"{where}: SSH fails ({detail}); see what ssh -v says, and the journal of sshd there"


def explain_failures() -> None:
    """Have pyinfra's own log word connections that fail as `explained` does."""
    logger.addFilter(_Explaining())


class _Explaining(logging.Filter):
    def filter(self, record: logging.LogRecord) -> bool:
        text = _STYLE.sub("", record.getMessage())
        if _BESIDES.match(text.strip()):
            return False
        found = re.fullmatch(r"(\s*)\[([^]]+)\] (.*)", text, re.DOTALL)
        if found and _REFUSAL.fullmatch(found[3].strip()):
            line = explained(found[3], state.inventory.get_host(found[2]).data)
            record.msg, record.args = f"{found[1]}[{found[2]}] {line}", ()
        return True
