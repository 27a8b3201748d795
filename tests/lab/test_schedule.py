"""New projects of a group: the timer of docs/routing.md on a machine that deploys finds them, and nobody is asked.

The machine is the lab's host, with a person who deploys to it by SSH.
"""

import io
import shutil
import tarfile
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from docker import DockerClient

from lab import images, stack, state
from tasks.operations.wheels import gather
from tasks.places import cache
from tests.acceptance.people import Chat, Forge, marker
from tests.lab.installed import built
from tests.lab.other_sites import Shell, nothing_differs
from tests.lab.runs import ROOT, deploy
from tests.lab.test_groups import SETTINGS, Group, group
from tests.lab.test_outage import seen
from tests.waiting import wait_until

__all__ = ["group"]

HOME, UNIT = "/home/ops", "passerelle-deploy"
# The session of a person, which the lab's host does not make: it has no pam_systemd.
SESSION = "[Service]\nEnvironment=XDG_RUNTIME_DIR=/run/user/%i\n"
DROP_IN = "/run/systemd/system/user@.service.d"
# The hour is over at once.
NOW = "[Timer]\nOnActiveSec=1\nAccuracySec=1\nRandomizedDelaySec=0\n"


@dataclass
class Deployer:
    """The person `ops` on the host, with systemd's manager of their own."""

    machine: Shell

    def run(self, command: str) -> str:
        """What a shell command of theirs prints; `stack.LabError` if it fails."""
        number = self.machine("id -u ops").strip()
        own = f"env -i HOME={HOME} PATH=/usr/bin:/bin XDG_RUNTIME_DIR=/run/user/{number}"
        self.machine(f"cat > /run/ops.sh <<'END'\n{command}\nEND")
        return self.machine(
            f"cd {HOME} && setpriv --reuid=ops --regid=ops --init-groups {own} sh -e /run/ops.sh 2>&1"
        )


@pytest.fixture
def deployer(
    engine_client: DockerClient, machine: Shell, lab: state.Lab, tmp_path: Path
) -> Iterator[Deployer]:
    """Somebody who has installed the program and written the settings, and whose services go on without a log-in."""
    person = Deployer(machine)
    stack.host_container(engine_client).put_archive(HOME, baggage(machine, tmp_path))
    try:
        machine(f"chown -R ops:ops {HOME}")
        person.run(
            "python3 -m venv --without-pip venv\n"
            "PYTHONPATH=$(echo wheels/pip-*.whl) python3 -m pip --python venv/bin/python install -q --no-index "
            "--find-links wheels passerelle pip 2>&1\n"
            "mkdir -p .local/bin && ln -s ~/venv/bin/passerelle .local/bin/"
        )
        machine(f"mkdir -p {DROP_IN} && cat > {DROP_IN}/lab.conf <<'END'\n{SESSION}END")
        machine("systemctl daemon-reload; loginctl enable-linger ops; systemctl start user@$(id -u ops)")
        yield person
    finally:
        machine(
            f"loginctl disable-linger ops; systemctl stop user@$(id -u ops); rm -rf {DROP_IN} /run/ops.sh; "
            f"systemctl daemon-reload; cd {HOME} && rm -rf venv wheels lab .local .config .cache .ssh/known_hosts"
        )


def baggage(machine: Shell, tmp_path: Path) -> bytes:
    """What lies in the home then, as an archive: wheels, key, the settings; nothing is fetched over the network."""
    home = tmp_path / "home"
    locks = [ROOT / "requirements" / f"{name}.txt" for name in ("pip", "deploy", "relays")]
    shutil.copytree(gather(cache(), locks, images.PYTHON, machine("uname -m").strip()), home / "wheels")
    (tmp_path / "built").mkdir()
    shutil.copy(built(tmp_path / "built"), home / "wheels")
    (home / ".config/pip").mkdir(parents=True)
    (home / ".config/pip/pip.conf").write_text(f"[global]\nno-index = true\nfind-links = {HOME}/wheels\n")

    (home / "lab").mkdir()
    shutil.copy(state.KEY, home / "lab/key")
    key = machine("cat /etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
    (home / "lab/known_hosts").write_text(f"127.0.0.1 {' '.join(key)}\n")
    values = tomllib.loads(state.SETTINGS.read_text())
    values["host"] |= {
        "address": "127.0.0.1",
        "ssh_port": 22,
        "ssh_key": f"{HOME}/lab/key",
        "known_hosts": f"{HOME}/lab/known_hosts",
    }
    text = stack.as_toml(values).replace(
        "[gitlab]\n", f"[gitlab]\nprojects = {SETTINGS['gitlab__projects']}\n"
    )
    (home / ".config/passerelle").mkdir()
    settings = home / ".config/passerelle/passerelle.toml"
    settings.write_text(text)
    settings.chmod(0o600)
    shutil.copytree(ROOT / "files/schedule", home / ".config/systemd/user")

    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        tar.add(home, ".")
    return archive.getvalue()


@pytest.mark.exhaustive
def test_the_timer_takes_new_projects_in(
    group: Group, deployer: Deployer, forge: Forge, chat: Chat, lab: state.Lab
) -> None:
    group.project("web")
    deploy(**SETTINGS)
    deployer.run(f"systemctl --user daemon-reload; systemctl --user enable --now {UNIT}.timer")
    assert value(deployer, "timer", "UnitFileState") == "enabled"
    assert f"{UNIT}.service" in deployer.run("systemctl --user list-timers")

    later, secret = group.project("later"), group.project("secret")
    assert forge.hooks(later) == []
    folder = f".config/systemd/user/{UNIT}.timer.d"
    deployer.run(f"mkdir {folder}; cat > {folder}/now.conf <<'NOW'\n{NOW}NOW\nsystemctl --user daemon-reload")
    deployer.run(f"systemctl --user restart {UNIT}.timer")
    wait_until(
        "the run", lambda: int(value(deployer, "service", "ExecMainExitTimestampMonotonic")), seconds=300
    )
    said = deployer.run(f"journalctl --user -u {UNIT} --no-pager")
    assert value(deployer, "service", "Result") == "success", said
    assert f"+ hook Passerelle of {later} to" in said
    assert lab.root_token not in said
    assert len(forge.hooks(later)) == 1
    assert forge.hooks(secret) == []

    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"}, project=later)
    wait_until("it is announced", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    nothing_differs(**SETTINGS)


def value(deployer: Deployer, kind: str, name: str) -> str:
    """What systemd says of one of the two units."""
    return deployer.run(f"systemctl --user show --value -p {name} {UNIT}.{kind}").strip()
