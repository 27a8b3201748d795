"""Beyond the checklist: nothing is there that should not be."""

import re

import pytest
from testinfra.host import Host

from tasks.site import Site

pytestmark = pytest.mark.checklist("nothing-more")

# Each secret that the deploy made, one a line; never an argument of a command, where `ps` shows it.
SECRETS = r"""secrets() {
  { cat /etc/passerelle/*-token; grep -oE '[a-z0-9]{26}' %s/scripts/.webhooks.conf; } | grep .
}"""


def search(host: Host, infrastructure: str, command: str) -> str:
    """What a command prints that may read the secrets by `secrets`."""
    script = f"{SECRETS % infrastructure}\n{command}"
    return str(host.run("bash -c %s", script).stdout).strip()


def test_secrets_are_there_to_be_looked_for(host: Host, infrastructure: str) -> None:
    """The searches below look for at least the hook's secret and both webhooks."""
    assert int(search(host, infrastructure, "secrets | wc -l")) >= 3


def test_no_copy_of_a_secret_is_readable_by_others(host: Host, infrastructure: str) -> None:
    """Wherever else a secret was written, the file is its owner's alone."""
    places = f"/etc /opt/passerelle /tmp /var/tmp {infrastructure}/scripts"
    found = search(
        host,
        infrastructure,
        f"secrets | grep -rlF -D skip -f - {places} 2>/dev/null | xargs -r -d '\\n' stat -c '%a %n'",
    ).splitlines()
    assert found, "the search does not even find the secrets' own files, which have checks of their own"
    own = re.compile(r"/etc/passerelle/[a-z-]+-token|.*/scripts/\.webhooks\.conf")
    files = dict(line.split(" ", 1)[::-1] for line in found)
    assert [name for name, mode in files.items() if int(mode, 8) & 0o077 and not own.fullmatch(name)] == []


def test_no_secret_in_the_process_list(host: Host, infrastructure: str) -> None:
    """No command line and no environment of a process holds a secret: every user reads the first."""
    places = "/proc/[0-9]*/cmdline /proc/[0-9]*/environ"
    command = f"cat {places} 2>/dev/null | tr '\\0' '\\n' | grep -cFf <(secrets)"
    assert search(host, infrastructure, command) == "0"


def test_no_secret_in_the_journal(host: Host, infrastructure: str) -> None:
    """The relays never write a secret down: operators mail journals around."""
    command = "journalctl -u 'passerelle-*' -o cat --no-pager | grep -cFf <(secrets)"
    assert search(host, infrastructure, command) == "0"


def test_no_port_but_the_relays(host: Host, site: Site) -> None:
    """The GitLab relay listens on its port, the monitor on none, and nothing else of ours is open."""
    pids = {
        service: host.check_output("systemctl show -P MainPID %s", service)
        for service in ("passerelle-gitlab", "passerelle-nextcloud")
    }
    sockets = host.check_output("ss -Hlntup").splitlines()

    def ports(pid: str) -> set[int]:
        ours = [line for line in sockets if re.search(rf"pid={pid}\b", line)]
        return {int(line.split()[4].rpartition(":")[2]) for line in ours}

    assert ports(pids["passerelle-gitlab"]) <= {site.relays.port}
    assert ports(pids["passerelle-nextcloud"]) == set()


def test_no_leftover_of_the_hand_made_way(host: Host, infrastructure: str) -> None:
    """No pid files, no log files, no virtual environment beside the Compose project."""
    # Ours only say where the log is.
    found = "find %s/scripts -name '*.pid' -print -o -name venv -print"
    logs = "-o -name '*.log' ! -exec grep -q '^journalctl' {} ';' -print"
    left = host.check_output(f"{found} {logs}", infrastructure)
    assert left == ""


def test_no_temporary_file_of_the_deploy(host: Host) -> None:
    """The deploy leaves nothing behind in the folders for temporary files."""
    # systemd's own folders for services with PrivateTmp bear the service's name.
    left = "find /tmp /var/tmp -maxdepth 1 -iname '*passerelle*' ! -name 'systemd-private-*'"
    assert host.check_output(left) == ""


def test_no_stranger_runs_a_relay(host: Host) -> None:
    """No relay runs beside those of systemd: one that was started by hand would post everything a second time."""
    services = ("passerelle-gitlab", "passerelle-nextcloud")
    known = {host.check_output("systemctl show -P MainPID %s", service) for service in services}
    # Releases before 1.0.0 had the relays elsewhere in the package.
    relay = r"[r]elays[.]\(sources[.]\)\?\(gitlab\|nextcloud\) --config"
    running = host.run(f"ps -eo pid,args | grep '{relay}'").stdout
    assert {line.split()[0] for line in running.splitlines()} <= known
