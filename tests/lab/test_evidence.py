"""The acceptance checks as they are run on a site: all green with pictures; and red exactly where it is broken."""

import subprocess
import sys
from collections.abc import Callable
from dataclasses import dataclass
from itertools import zip_longest
from pathlib import Path
from xml.etree import ElementTree

import pytest

from lab import engine, state
from tests.evidence import browser
from tests.evidence.checklist import ITEMS
from tests.evidence.pictures import PICTURES
from tests.lab.faults.table import FAULTS
from tests.lab.faults.world import INFRASTRUCTURE, World, on_host
from tests.lab.runs import ROOT, deploy, environment
from tests.lab.test_drift import accepts, world
from tests.waiting import wait_until

__all__ = ["world"]

Deed = Callable[[World], object]

# Of the faults that the next deploy mends, the item of the list that each belongs to.
MENDED = {
    "Mattermost setting: EnablePostUsernameOverride off": "mattermost-webhooks",
    "Mattermost setting: EnableCommands off": "mattermost-webhooks",
    "incoming webhook: leads to another channel": "mattermost-webhooks",
    "incoming webhook: unlocked": "mattermost-webhooks",
    "incoming webhook: described otherwise": "mattermost-webhooks",
    "URLs of the webhooks: .webhooks.conf open to all": "webhook-urls",
    "URLs of the webhooks: .webhooks.conf given away": "webhook-urls",
    "URLs of the webhooks: .webhooks.conf gone": "webhook-urls",
    "settings of a relay: other language": "gitlab-relay",
    "unit: stopped with its port": "gitlab-service",
    "hook: deleted": "gitlab-hook",
    "hook: events unticked": "gitlab-hook",
    "allow-list: emptied": "gitlab-hook",
    "secret token of the hook: open to all": "gitlab-hook",
    "hook: signing token lost": "gitlab-hook",
    "Nextcloud folder: removed": "nextcloud-folders",
    "Nextcloud folder: given to root": "nextcloud-folders",
    "unit: stopped with its path": "nextcloud-service",
    "unit: not started at boot": "nextcloud-service",
    "unit: path unit gone": "nextcloud-service",
    "operator command: status.sh open to all": "commands",
}
# What no deploy looks at, or not in this form: item, deed, and what undoes it.
FURTHER: dict[str, tuple[str, Deed, Deed | None]] = {
    "port not opened at boot": (
        "gitlab-service",
        on_host("systemctl disable passerelle-gitlab.socket"),
        on_host("systemctl enable passerelle-gitlab.socket"),
    ),
    "monitor's settings edited": (
        "nextcloud-relay",
        on_host("sed -i 's/^channel = .*/channel = \"other\"/' /etc/passerelle/nextcloud.toml"),
        None,
    ),
    "command broken": (
        "commands",
        on_host(f"echo 'if' >> {INFRASTRUCTURE}/scripts/start-all-services.sh"),
        None,
    ),
    "secret copied for all to read": (
        "nothing-more",
        on_host("install -m 644 /etc/passerelle/gitlab-hook-token /var/tmp/copy"),
        on_host("rm /var/tmp/copy"),
    ),
    "pid file left": (
        "nothing-more",
        on_host(f"touch {INFRASTRUCTURE}/scripts/webhook_gitlab.pid"),
        on_host(f"rm {INFRASTRUCTURE}/scripts/webhook_gitlab.pid"),
    ),
    "secret on a command line": (
        "nothing-more",
        on_host(
            "sh -c 'while :; do sleep 1; done' \"$(cat /etc/passerelle/gitlab-hook-token)\" >/dev/null 2>&1 & "
            "echo $! > /run/shows-a-secret"
        ),
        on_host("kill $(cat /run/shows-a-secret); rm /run/shows-a-secret"),
    ),
}


@dataclass(frozen=True)
class Fault:
    name: str
    item: str
    make: Deed
    undo: Deed | None = None


def rounds() -> list[list[Fault]]:
    """All faults in as few rounds as there can be with one fault for an item in each."""
    drifts = {str(fault): fault.make for fault in FAULTS}
    faults = [Fault(name, item, drifts[name]) for name, item in MENDED.items()]
    faults += [Fault(name, item, make, undo) for name, (item, make, undo) in FURTHER.items()]
    by_item = [[fault for fault in faults if fault.item == item.id] for item in ITEMS]
    return [[fault for fault in found if fault] for found in zip_longest(*by_item)]


@dataclass(frozen=True)
class Checked:
    """What a run of the checks came to: its exit code, and the names of the red items."""

    code: int
    red: set[str]
    skipped: int
    output: str


def check(folder: Path, *options: str) -> Checked:
    """Run the checks as `make check` does."""
    junit = folder / "junit.xml"
    command = [sys.executable, "-m", "pytest", "-q", "--evidence", str(folder), "--junitxml", str(junit)]
    done = subprocess.run(
        [*command, *options], cwd=ROOT, env=environment(), capture_output=True, text=True, check=False
    )
    assert junit.is_file(), done.stdout + done.stderr
    cases = list(ElementTree.parse(junit).iter("testcase"))  # noqa: S314
    red = {
        str(reported.get("value"))
        for case in cases
        if case.find("failure") is not None or case.find("error") is not None
        for reported in case.iter("property")
        if reported.get("name") == "checklist"
    }
    skipped = sum(case.find("skipped") is not None for case in cases)
    return Checked(done.returncode, red, skipped, done.stdout + done.stderr)


def test_healthy_site_is_green_with_all_pictures(tmp_path: Path, machine: Callable[[str], str]) -> None:
    """Every item, break and repair included, nothing skipped, and no secret in what is handed on."""
    if browser.find() is None:
        engine.need(engine.BROWSER)
    checked = check(tmp_path, "--disruptive", "tests/acceptance")
    assert (checked.code, checked.red, checked.skipped) == (0, set(), 0), checked.output
    page = tmp_path / "report.html"
    assert page.stat().st_size < 5_000_000
    text = page.read_text()
    assert text.count('<td class="verdict passed">') == len(ITEMS)
    assert text.count("<img src=") == len(PICTURES) == 11
    assert {path.stem for path in (tmp_path / "screenshots").iterdir()} == set(PICTURES)
    lab = state.current()
    secrets = {lab.chat_token, lab.root_token, lab.read_token, lab.root_password, lab.cloud_password}
    secrets |= set(machine("cat /etc/passerelle/gitlab-*-token").split())
    secrets |= set(machine(f"grep -oE '[a-z0-9]{{26}}' {INFRASTRUCTURE}/scripts/.webhooks.conf").split())
    reported = text + (tmp_path / "junit.xml").read_text() + checked.output
    assert [secret for secret in secrets if secret in reported] == []


@pytest.mark.exhaustive
@pytest.mark.parametrize("faults", rounds(), ids=lambda faults: f"{len(faults)} faults")
def test_exactly_what_is_broken_is_red(world: World, tmp_path: Path, faults: list[Fault]) -> None:
    """With one fault in some of the items, these and no others are red."""
    try:
        for fault in faults:
            fault.make(world)
        # What is there and how it is set; messages that do not arrive would be waited for.
        ignored = [f"--ignore=tests/acceptance/test_{name}.py" for name in ("scenarios", "screenshots")]
        checked = check(tmp_path, *ignored, "tests/acceptance")
    finally:
        for fault in faults:
            if fault.undo:
                fault.undo(world)
        deploy()
        # Its processes keep the allow-list for a while, and the next fault may be made by altering the hook.
        wait_until("GitLab follows its allow-list", lambda: accepts(world))
    assert checked.red == {fault.item for fault in faults}, f"{faults}\n{checked.output}"
    assert (checked.code, checked.skipped) == (1, 0)


# Events that GitLab does not send, or a monitor that does not look.
SILENT: dict[str, tuple[str, Deed]] = {
    "no merge requests": ("merge-request", lambda w: w.alter_hook(merge_requests_events=False)),
    "no tags": ("push", lambda w: w.alter_hook(tag_push_events=False)),
    "no monitor": (
        "upload",
        on_host("systemctl stop passerelle-nextcloud.path passerelle-nextcloud.service"),
    ),
}


DEEDS = (
    "test_development_workflow",
    "test_simple_push_to_main",
    "test_comment_and_tag",
    "test_upload_of_a_document[Contrats-contracts]",
)


@pytest.mark.exhaustive
@pytest.mark.parametrize("fault", SILENT)
def test_message_that_does_not_arrive_turns_its_item_red(world: World, tmp_path: Path, fault: str) -> None:
    """The other messages arrive, and their items stay green."""
    item, make = SILENT[fault]
    try:
        make(world)
        checked = check(tmp_path, *(f"tests/acceptance/test_scenarios.py::{name}" for name in DEEDS))
    finally:
        deploy()
    assert checked.red == {item}, checked.output
