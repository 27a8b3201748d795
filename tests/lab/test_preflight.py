"""A deploy that fails leaves what worked working: every fault of a host, at a first deploy and at one with a change.

It is named in one line with its remedy, most of them before anything is touched; an event still arrives; and when the
fault is gone, the next deploy completes.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field

import pytest

from tests.acceptance.people import Chat, Forge, marker
from tests.lab.faults.world import INFRASTRUCTURE
from tests.lab.runs import deploy, pyinfra
from tests.lab.test_outage import seen
from tests.waiting import wait_until

Shell = Callable[[str], str]
LOCAL = "/usr/local/bin"
# Who has the port.
STRANGER = """\
import signal, socket
from pathlib import Path
holder = socket.socket()
holder.bind(("0.0.0.0", {port}))
{listen}
Path("/run/stranger").touch()
signal.pause()
"""
GO = "systemctl stop stranger; rm -f /run/stranger /root/stranger.py"
AS_OPS = {"host__ssh_user": "ops", "host__infrastructure": INFRASTRUCTURE}


def stranger(then: str) -> str:
    """Has somebody bind the port, which connections of an earlier case may keep for a minute, and do `then` with it."""
    return (
        f"cat > /root/stranger.py <<'END'\n{STRANGER.replace('{listen}', then)}END\n"
        "systemd-run -q --unit=stranger -p Restart=on-failure -p RestartSec=200ms -p StartLimitIntervalSec=0"
        " python3 /root/stranger.py;"
        "timeout 90 sh -c 'until test -e /run/stranger; do sleep 0.1; done'"
    )


def instead(program: str, case: str, script: str) -> str:
    """Puts a program before another one, which does something else when its arguments are like `case`."""
    text = f'#!/bin/sh\\ncase "$*" in {case}) {script};; *) exec /usr/bin/{program} "$@";; esac\\n'
    return f"printf '{text}' > {LOCAL}/{program}; chmod 755 {LOCAL}/{program}"


def bound(folder: str, option: str) -> str:
    """Mounts a folder over itself with another option."""
    # With what is mounted in it: the names of other machines in a container's /etc.
    private = f"mount --rbind {folder} {folder} && mount --make-rprivate {folder}"
    return f"{private} && mount -o remount,bind,{option} {folder}"


def small(folder: str, size: str) -> str:
    """Has a folder on a file system of its own, of that size, with what was in it."""
    return (
        f"mkdir -p {folder} /mnt/small && mount -t tmpfs -o size={size} tmpfs /mnt/small && "
        f"cp -a {folder}/. /mnt/small && mount --bind /mnt/small {folder} && umount /mnt/small"
    )


def unit_drop_in(place: str, text: str) -> tuple[str, str]:
    """Makes and removes a drop-in."""
    folder = f"/etc/systemd/system/{place}.d"
    reload = "systemctl daemon-reload"
    return f"mkdir -p {folder}; printf '{text}' > {folder}/fault.conf; {reload}", f"rm -r {folder}; {reload}"


@dataclass(frozen=True)
class Fault:
    """How it is made on the host and undone, where `{port}` is the port that is wanted; and how it is reported.

    `settings` are those with which it shows; `late`: it cannot be seen before something is touched.
    """

    make: str
    undo: str
    line: str
    settings: dict[str, str] = field(default_factory=dict)
    late: bool = False
    only: str = ""


FAULTS = {
    "port taken": Fault(
        stranger("holder.listen()"),
        GO,
        "relays.port = {port}: the port is taken on the host by python3 (pid ",
    ),
    "port held by who does not listen": Fault(
        stranger(""),
        GO,
        "relays.port = {port}: the port is taken on the host by another",
    ),
    "port of another socket unit": Fault(
        "systemd-run -q --unit=stranger --socket-property=ListenStream={port} true; touch /run/stranger",
        "systemctl stop stranger.socket; rm -f /run/stranger",
        "relays.port = {port}: the port is taken on the host by stranger.socket",
    ),
    "socket that does not start": Fault(
        *unit_drop_in("socket", "[Socket]\\nExecStartPre=/bin/false\\n"),
        "socket: Failed with result 'exit-code'",
        late=True,
    ),
    "relay that does not start": Fault(
        *unit_drop_in(
            "passerelle-gitlab.service",
            '[Service]\\nExecStartPre=/bin/sh -c "! grep -q {port} /etc/systemd/system/passerelle-gitlab.socket"\\n',
        ),
        "passerelle-gitlab.service: Failed with result 'exit-code'",
        late=True,
    ),
    "no room for a release": Fault(
        f"{small('/opt', '60m')}; rm -f /opt/passerelle/current/complete",
        "umount -l /opt",
        "are free at /opt",
    ),
    "no room for the record of scans": Fault(
        small("/var/lib/passerelle", "512k"),
        "umount -l /var/lib/passerelle",
        "1 MB are needed for /var/lib/passerelle",
    ),
    "no room that only the release finds": Fault(
        # As if the room went between the look and the upload.
        instead(
            "base64", "-d", "echo base64: write error: No space left on device >&2; cat > /dev/null; exit 1"
        )
        + "; rm -f /opt/passerelle/current/complete",
        f"rm {LOCAL}/base64",
        "No space left on device",
        late=True,
    ),
    "settings that cannot be written": Fault(
        bound("/etc", "ro"), "umount -l /etc", "is on a read-only file system"
    ),
    "scripts on a read-only disk": Fault(
        bound(INFRASTRUCTURE, "ro"), f"umount -l {INFRASTRUCTURE}", "host.infrastructure: "
    ),
    "releases that cannot be run": Fault(
        bound("/opt", "noexec"), "umount -l /opt", "which is mounted noexec"
    ),
    "user without sudo": Fault(
        "mv /etc/sudoers.d/ops /root/sudoers-ops",
        "mv /root/sudoers-ops /etc/sudoers.d/ops",
        "host.sudo_password is missing, and sudo asks for one",
        {**AS_OPS, "host__sudo": "true"},
    ),
    "user who is not root": Fault(
        "true",
        "true",
        "host.ssh_user = 'ops' is not root: set host.sudo = true",
        {**AS_OPS, "host__sudo": "false"},
    ),
    "no sudo": Fault(
        "mv /usr/bin/sudo /usr/bin/sudo.away",
        "mv /usr/bin/sudo.away /usr/bin/sudo",
        "host.sudo: ops does not become root (sh: 1: sudo: not found)",
        {**AS_OPS, "host__sudo": "true"},
    ),
    "no Python": Fault(
        f"printf '#!/bin/sh\\nexit 127\\n' > {LOCAL}/python3; chmod 755 {LOCAL}/python3",
        f"rm {LOCAL}/python3",
        "it has no python3; install it",
    ),
    "Python of Debian 11": Fault(
        instead("python3", "*version_info*", "echo 3 9 x86_64"),
        f"rm {LOCAL}/python3",
        "its python3 is 3.9; the relays need Python 3.11 or newer",
    ),
    "no systemd": Fault(
        instead("systemctl", "*", "echo System has not been booted with systemd >&2; exit 1"),
        f"rm {LOCAL}/systemctl",
        "no systemd runs it (System has not been booted with systemd)",
    ),
    "systemd of Debian 10": Fault(
        instead("systemctl", "*Version*", "echo 241-7"), f"rm {LOCAL}/systemctl", "its systemd is 241"
    ),
    "no tar": Fault(
        "mv /usr/bin/tar /usr/bin/tar.away", "mv /usr/bin/tar.away /usr/bin/tar", "it lacks tar; install"
    ),
    "no Docker": Fault(
        "mount --bind /dev/null /run/docker.sock", "umount /run/docker.sock", "run: systemctl start docker"
    ),
}


@pytest.fixture
def cured(machine: Shell) -> Iterator[list[str]]:
    """What undoes the faults that a test has made, if it does not; the site as described at the end."""
    undo: list[str] = []
    yield undo
    for command in undo:
        machine(command)
    deploy()


def arrives(chat: Chat, forge: Forge) -> None:
    """An event posted to the relay arrives in the channel."""
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0"])


def refused(fault: Fault, port: int, **settings: str) -> None:
    """A deploy with that fault says so, and so does a look, if it can be seen."""
    for option in ("-y", *(() if fault.late else ("--dry",))):
        run = pyinfra(option, **{**settings, **fault.settings})
        assert run.code != 0, run.output
        assert fault.line.format(port=port) in run.output, run.output
        assert "Traceback" not in run.output, run.output
        if not fault.late:
            assert "Starting operation" not in run.output


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", FAULTS)
def test_a_change_that_fails_leaves_what_worked(
    name: str, cured: list[str], machine: Shell, chat: Chat, forge: Forge
) -> None:
    """The change: another port, so everything from GitLab's hook to the socket has to move."""
    fault = FAULTS[name]
    deploy()
    hook = forge.hooks()[0]["url"]
    machine(fault.make.format(port=8091))
    cured.append(fault.undo)
    refused(fault, 8091, relays__port="8091")
    if not fault.late:
        assert forge.hooks()[0]["url"] == hook
    arrives(chat, forge)
    machine(cured.pop())
    assert deploy(relays__port="8091").failed == 0
    assert deploy(relays__port="8091").changed == 0
    assert forge.hooks()[0]["url"] == hook.replace("8090", "8091")
    arrives(chat, forge)


@pytest.mark.exhaustive
@pytest.mark.parametrize("name", list(FAULTS))
def test_a_first_deploy_that_fails_is_completed_by_the_next(
    name: str, cured: list[str], machine: Shell, chat: Chat, forge: Forge
) -> None:
    fault = FAULTS[name]
    assert pyinfra("-y", deploy="teardown.py").code == 0
    machine(fault.make.format(port=8090))
    cured.append(fault.undo)
    refused(fault, 8090)
    if not fault.late:
        assert forge.hooks() == []
        assert machine("ls -d /opt/passerelle/* /etc/passerelle 2>/dev/null || true") == ""
    machine(cured.pop())
    deploy()
    arrives(chat, forge)


@pytest.mark.exhaustive
def test_a_change_of_the_port_that_stops_half_way_works_and_can_be_taken_back(
    cured: list[str], machine: Shell, chat: Chat, forge: Forge
) -> None:
    """The first project's hook has moved when the second project turns out to be impossible."""
    deploy()
    run = pyinfra("-y", relays__port="8091", gitlab__projects='["nobody/projet"]')
    assert run.code != 0
    assert "check gitlab.project" in run.output
    assert ":8091/" in forge.hooks()[0]["url"]
    arrives(chat, forge)
    assert deploy().failed == 0
    assert deploy().changed == 0
    assert ":8090/" in forge.hooks()[0]["url"]
    assert machine("ls /etc/systemd/system | grep passerelle-gitlab-[0-9] || true") == ""
    assert machine("ss -Hltn sport = :8091") == ""
    arrives(chat, forge)
