"""The deploy against an equivalent Ansible playbook (bench/ansible), on the embedded stack: first run and no change."""

import json
import os
import re
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from group_data.all import TAAF
from lab import engine, stack, state
from tasks.context import HOOK_NAME, HOOK_TOKEN, SIGNING_TOKEN
from tasks.gitlab import triggers_of
from tasks.mattermost import INTEGRATIONS
from tasks.operations.python_app import release_digest
from tasks.operations.secret_file import SIGNING_TOKEN as SIGNING_TOKEN_PRODUCER
from tasks.operations.secret_file import TOKEN
from tasks.settings import load
from tasks.site import Site

TITLE = "Provisioning"
PACKAGES = ("pyinfra", "ansible-core")
INTRODUCTION = (
    "The deploy and an equivalent Ansible playbook, each from nothing on a new embedded stack and then again with "
    "nothing to change, in turn. The playbook has pipelining, one kept SSH connection, no gathering of facts, and "
    "files and wheels made beforehand; the deploy makes its own. Medians."
)
ROOT = Path(__file__).parents[1]
PLAYBOOK = Path(__file__).parent / "ansible"
ROUNDS, AGAIN = 2, 3
UNITS = "/etc/systemd/system"


def program(name: str) -> str:
    """A program of this virtual environment."""
    return str(Path(sys.executable).with_name(name))


def new_stack() -> None:
    """The embedded stack as an administrator has it before the first run."""
    stack.down()
    stack.up()


def on_host(*command: str) -> str:
    """What a command on the host prints."""
    return stack.run(stack.host_container(engine.connect()), *command)


def deploy() -> tuple[float, int]:
    """Seconds of a run of the deploy, and the number of its changes."""
    started = time.monotonic()
    done = subprocess.run(
        [program("pyinfra"), "--json", "-y", "inventory.py", "deploy.py"],
        cwd=ROOT,
        env={**os.environ, "PASSERELLE_SETTINGS": str(state.SETTINGS)},
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.monotonic() - started
    if done.returncode:
        raise RuntimeError(f"the deploy failed:\n{done.stderr}")
    return took, json.loads(done.stdout)["results"]["totals"]["success"]


def play(home: Path) -> tuple[float, int]:
    """Seconds of a run of the playbook, and the number of its changes."""
    lab = state.current()
    host = {
        "ansible_host": "127.0.0.1",
        "ansible_port": lab.ssh_port,
        "ansible_user": "root",
        "ansible_ssh_private_key_file": str(state.KEY),
        "ansible_ssh_common_args": f"-o UserKnownHostsFile={state.KNOWN_HOSTS}",
    }
    inventory = home / "inventory.json"
    inventory.write_text(json.dumps({"all": {"hosts": {"host": host}}}))
    started = time.monotonic()
    done = subprocess.run(
        [
            program("ansible-playbook"),
            "-i",
            str(inventory),
            "-e",
            f"@{home / 'variables.json'}",
            "playbook.yml",
        ],
        cwd=PLAYBOOK,
        env={
            **os.environ,
            "ANSIBLE_CONFIG": str(PLAYBOOK / "ansible.cfg"),
            "ANSIBLE_HOME": str(home / "ansible"),
        },
        capture_output=True,
        text=True,
        check=False,
    )
    took = time.monotonic() - started
    changed = re.search(r"changed=(\d+)", done.stdout)
    if done.returncode or changed is None:
        raise RuntimeError(f"the playbook failed:\n{done.stdout[-3000:]}{done.stderr[-3000:]}")
    return took, int(changed[1])


def copied(home: Path, *paths: str) -> list[str]:
    """Files of the host, as the deploy has made them, for the playbook to make again."""
    found = []
    for path in paths:
        text = on_host("cat", path)
        # What a unit's process was started with is the deploy's way of knowing when to restart it.
        (home / Path(path).name).write_text(
            re.sub(r"^Environment=PASSERELLE_DIGEST=.*\n", "", text, flags=re.M)
        )
        found.append(str(home / Path(path).name))
    return found


def variables(home: Path, site: Site) -> dict[str, Any]:
    """What the playbook is to make, from a host that the deploy has just made."""
    infrastructure = stack.INFRASTRUCTURE
    hooks = [site.mattermost.gitlab_webhook, site.mattermost.nextcloud_webhook]
    address = on_host(
        "sh", "-c", "ip -4 -o route get 192.0.2.1 | sed -n 's/.* src \\([0-9.]*\\).*/\\1/p'"
    ).strip()
    relay = f"{address}:{site.relays.port}"
    digest = release_digest(ROOT / "relays", ROOT / "requirements/relays.txt")
    python = on_host("python3", "-c", "import sys; print(*sys.version_info[:2], sep='')").strip()
    (bundle,) = (ROOT / "build").glob(f"pip-relays-cp{python}-*.tar")
    conf = on_host("cat", f"{infrastructure}/scripts/.webhooks.conf")
    for place in ("GITLAB", "NEXTCLOUD"):
        conf = re.sub(rf'({place}_WEBHOOK_URL=)".*"', rf'\1"@{place}@"', conf)
    tree = f"{site.nextcloud.data_directory}/{site.nextcloud.admin}/files/{site.nextcloud.tree}"
    commands = on_host("sh", "-c", f"ls {infrastructure}/scripts/*.sh").split()
    units = on_host("sh", "-c", f"ls {UNITS}/passerelle-*").split()
    pip = "PYTHONPATH=$(echo wheels/pip-*.whl) python3 -m pip --quiet --disable-pip-version-check --no-input"
    install = f"{pip} --python bin/python install --no-index --find-links wheels"
    return {
        "infrastructure": infrastructure,
        "webhooks_conf": conf,
        "folders": [tree, *[f"{tree}/{folder}" for folder in site.nextcloud.folders]],
        "mattermost": {
            "url": site.mattermost.url,
            "team": site.mattermost.team,
            "team_display_name": site.mattermost.team_display_name,
            "settings": INTEGRATIONS["ServiceSettings"],
            "webhooks": [hook.model_dump() for hook in hooks],
        },
        "nextcloud": {
            "service": site.nextcloud.service,
            "path": f"{site.nextcloud.admin}/files/{site.nextcloud.tree}",
        },
        "gitlab": {
            "url": site.gitlab.url,
            "project": site.gitlab.project,
            "relay": relay,
            "hook": {"name": HOOK_NAME, "url": f"http://{relay}/webhook/gitlab", **triggers_of(site)},
            "secrets": [
                {"path": HOOK_TOKEN, "made_by": TOKEN},
                {"path": SIGNING_TOKEN, "made_by": SIGNING_TOKEN_PRODUCER},
            ],
        },
        "release": {
            "path": f"/opt/passerelle/{digest}",
            "bundle": str(bundle),
            "install": f"{install} --require-hashes -r wheels/relays.txt",
        },
        "settings_files": copied(home, "/etc/passerelle/gitlab.toml", "/etc/passerelle/nextcloud.toml"),
        "unit_files": copied(home, *units),
        "command_files": copied(home, *commands),
    }


def with_secrets(described: dict[str, Any]) -> dict[str, Any]:
    """The same with the tokens of the stack that runs."""
    lab = state.current()
    return {
        **described,
        "mattermost": {**described["mattermost"], "token": lab.chat_token},
        "gitlab": {**described["gitlab"], "token": lab.root_token, "read_token": lab.read_token},
    }


def unchanged(runs: list[tuple[float, int]], what: str) -> list[float]:
    """The seconds of runs that must have changed nothing."""
    if any(changed for _, changed in runs):
        raise RuntimeError(f"{what}: a second run changed something")
    return [took for took, _ in runs]


def measure(home: Path) -> Iterator[tuple[str, str, str]]:
    """First runs and runs without changes of both."""
    home.chmod(0o700)  # the variables hold tokens
    first: dict[str, list[float]] = {"deploy": [], "playbook": []}
    again: dict[str, list[float]] = {"deploy": [], "playbook": []}
    for _ in range(ROUNDS):
        new_stack()
        (site,) = load(TAAF, {"PASSERELLE_SETTINGS": str(state.SETTINGS)}).values()
        first["deploy"].append(deploy()[0])
        again["deploy"] += unchanged([deploy() for _ in range(AGAIN)], "the deploy")
        described = variables(home, site)
        new_stack()
        (home / "variables.json").write_text(json.dumps(with_secrets(described)))
        first["playbook"].append(play(home)[0])
        again["playbook"] += unchanged([play(home) for _ in range(AGAIN)], "the playbook")
    for what, figures, bar in (("first run", first, 2), ("run without changes", again, 8)):
        medians = {name: statistics.median(values) for name, values in figures.items()}
        for name, median in medians.items():
            yield f"{what}, {name}", f"{median:.1f} s", ""
        ratio = medians["playbook"] / medians["deploy"]
        yield f"{what}, playbook / deploy", f"{ratio:.1f} ×", f"at least {bar} ×"
