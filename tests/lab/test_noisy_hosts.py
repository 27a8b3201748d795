"""A host that says more than it is asked is deployed, compared and diagnosed like a silent one."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import pytest

from tasks.drift import parse
from tests.acceptance.people import Chat, Forge, marker
from tests.lab.doctor import doctor, open_issue, wait_until_sound
from tests.lab.faults.world import INFRASTRUCTURE, TREE
from tests.lab.runs import ROOT, deploy, dry, environment
from tests.lab.test_outage import seen
from tests.waiting import wait_until

Shell = Callable[[str], str]
COMPOSE = f"{INFRASTRUCTURE}/docker-compose.yml"
CHECKS = [f"tests/acceptance/test_{name}.py" for name in ("commands", "nextcloud", "relays", "resilience")]
BASHRC, SSHD = "/root/.bashrc", "/etc/ssh/sshd_config"


@dataclass(frozen=True)
class Noise:
    """How it is made on the host, and undone."""

    make: str
    undo: str


NOISES = {
    "greeting": Noise(
        rf"""cp {BASHRC} /root/bashrc; printf '%s\n' 'echo Bienvenue; echo "{{\"id\": 1}}"; echo mesg: no tty >&2' """
        rf"""'printf "\033]0;taaf\007"' 'printf "\340 bient\364t\n"' "trap 'echo Au revoir' EXIT" >> {BASHRC}""",
        f"mv /root/bashrc {BASHRC}",
    ),
    "file with a version and a variable that is not set": Noise(
        f"cp {COMPOSE} /root/compose; sed -i '1i version: \"3.8\"\\nx-nothing: ${{NOTHING}}' {COMPOSE}",
        f"mv /root/compose {COMPOSE}",
    ),
    "one-off container": Noise(
        f"cd {INFRASTRUCTURE} && docker compose run -d --name one-off nextcloud sleep 3600 2>&1",
        "docker rm -f one-off",
    ),
    "two replicas": Noise(
        f"cd {INFRASTRUCTURE} && docker compose up --no-start --scale nextcloud=2 nextcloud 2>&1",
        "docker rm -f taaf-infrastructure-nextcloud-2",
    ),
    "Docker that warns": Noise(
        "mkdir -p /root/.docker; echo '{' > /root/.docker/config.json", "rm -r /root/.docker"
    ),
    "French": Noise(
        "printf 'LANG=fr_FR.UTF-8\\nLC_ALL=fr_FR.UTF-8\\nLANGUAGE=fr\\n' > /etc/default/locale",
        "rm /etc/default/locale",
    ),
    "no SFTP": Noise(
        f"sed -i 's/^Subsystem/#Subsystem/' {SSHD}; systemctl restart ssh",
        f"sed -i 's/^#Subsystem/Subsystem/' {SSHD}; systemctl restart ssh",
    ),
}


@pytest.fixture
def noisy(request: pytest.FixtureRequest, machine: Shell) -> Iterator[str]:
    """The host with one of the noises, or all; silent again at the end."""
    wanted = list(NOISES.values()) if request.param == "all" else [NOISES[request.param]]
    made: list[Noise] = []
    try:
        for noise in wanted:
            machine(noise.make)
            made.append(noise)
        yield request.param
    finally:
        for noise in reversed(made):
            machine(noise.undo)


@pytest.mark.sampled(8)
@pytest.mark.parametrize("noisy", ["all", *NOISES], indirect=True)
@pytest.mark.exhaustive
def test_a_noisy_host_is_like_a_silent_one(noisy: str, machine: Shell, chat: Chat, forge: Forge) -> None:
    """Something of each kind is wrong: release, file, secret, folder, unit."""
    machine(f"rm /opt/passerelle/current/complete; chmod 644 {INFRASTRUCTURE}/scripts/.webhooks.conf")
    machine(f"chmod 644 /etc/passerelle/gitlab-hook-token; chmod 700 {TREE}/Contrats")
    machine("systemctl stop passerelle-gitlab.socket passerelle-gitlab.service")
    reported = [each.what for each in filter(None, map(parse, dry().output.splitlines()))]
    assert len(reported) == 6, "\n".join(reported)
    assert deploy().failed == 0
    assert deploy().changed == 0
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    open_issue(forge)
    wait_until_sound()
    assert doctor().code == 0
    checks = [sys.executable, "-m", "pytest", "-q", "--disruptive", *CHECKS]
    done = subprocess.run(checks, cwd=ROOT, env=environment(), capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout
