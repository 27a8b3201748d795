"""Several sites in one run: each has what it describes, and what goes wrong with one is said of it and no other."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import docker
import pytest

from lab import fleet, stack, state
from tests.acceptance.people import Chat, Forge, marker
from tests.lab.faults.world import TREE
from tests.lab.runs import ROOT, Run, environment
from tests.lab.runs import pyinfra as run_pyinfra
from tests.lab.test_outage import seen
from tests.waiting import wait_until

SITES = (fleet.OWN, "site-1", "site-2")
# A site on whose address nothing listens.
NOWHERE = {
    f"sites__nowhere__{name}": value
    for name, value in {
        "host__address": "127.0.0.1",
        "host__ssh_port": "9",
        "gitlab__project": "root/nulle-part",
        "mattermost__gitlab_webhook__display_name": "GitLab 9",
        "mattermost__nextcloud_webhook__display_name": "Nextcloud 9",
    }.items()
}


def pyinfra(*options: str, deploy: str = "deploy.py", **settings: str) -> Run:
    return run_pyinfra("-y", *options, deploy=deploy, settings=str(state.FLEET_SETTINGS), **settings)


def command(name: str, site: str | None = None, **settings: str) -> tuple[int, str, str]:
    """The exit code of a command of the program, what it printed and what it complained of."""
    done = subprocess.run(
        [sys.executable, "-m", "passerelle", name, *(["--site", site] if site else [])],
        cwd=ROOT,
        env=environment(settings=str(state.FLEET_SETTINGS), **settings),
        capture_output=True,
        text=True,
        check=False,
    )
    return done.returncode, done.stdout, done.stderr


@pytest.fixture(scope="module", autouse=True)
def deployed(lab: state.Lab, chat: Chat, forge: Forge, machine: Callable[[str], str]) -> Iterator[None]:
    """The lab's own site and two further ones; they go at the end, with what their deploys have made."""
    fleet.up(2)
    run = pyinfra()
    assert run.code == 0, run.output
    yield
    run = pyinfra("--limit", "site-*", deploy="teardown.py")
    assert run.code == 0, run.output
    fleet.down()
    # What a teardown leaves, for people work in it.
    for number in (1, 2):
        forge.api("DELETE", f"projects/root%2Fprojet-{number}")
        machine(f"rm -r {TREE}_{number}")
        for name in (f"dev-{number}", f"rh-{number}"):
            chat.api("DELETE", f"/channels/{chat.channel(name)['id']}")
    # The first site has lost nothing to the teardown of the others; its host bears the name that it has without them.
    run = run_pyinfra("-y")
    assert "~ /etc/passerelle/site: other content" in run.output, run.output
    assert run.changed == 2, run.output


@pytest.fixture
def second(engine_client: docker.DockerClient) -> Callable[[str], str]:
    """Runs a shell command on the host of site-2."""
    container = engine_client.containers.get(f"{stack.HOST}-2")
    return lambda text: stack.run(container, "sh", "-c", text)


@pytest.mark.exhaustive
def test_each_site_has_its_own_and_a_second_run_changes_nothing(forge: Forge, chat: Chat) -> None:
    run = pyinfra()
    assert (run.code, run.changed, run.failed) == (0, 0, 0), run.output
    for number in (1, 2):
        mark = marker()
        forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"}, project=f"root/projet-{number}")
        wait_until("the site's message", lambda n=number, m=mark: seen(chat, f"dev-{n}", m) == ["0"])  # type: ignore[misc]
        assert not chat.about("dev-notifications", mark)


@pytest.mark.exhaustive
def test_an_unreachable_site_and_a_refused_one_fail_alone(second: Callable[[str], str]) -> None:
    """The others are mended, and the last lines say which sites failed and why."""
    second("systemctl stop passerelle-gitlab.socket passerelle-gitlab.service")
    run = pyinfra(**NOWHERE, sites__site_1__gitlab__token="wrongtoken")
    assert run.code == 1
    # Its units, and the end of their trial.
    assert (run.changed, run.failed) == (2, 0), run.output
    assert second("systemctl is-active passerelle-gitlab.service").strip() == "active"
    summary = run.output[run.output.index("2 of 4 hosts failed:") :]
    assert "[nowhere] " in summary
    assert "check gitlab.token" in summary.partition("[site-1] ")[2].splitlines()[0]
    assert f"[{fleet.OWN}]" not in summary
    assert "[site-2]" not in summary
    assert "Traceback" not in run.output
    assert "wrongtoken" not in run.output


@pytest.mark.exhaustive
def test_a_host_that_is_lost_in_the_middle_fails_alone(engine_client: docker.DockerClient) -> None:
    container = engine_client.containers.get(f"{stack.HOST}-1")
    deploy = subprocess.Popen(
        [str(Path(sys.executable).with_name("pyinfra")), "-y", "inventory.py", "deploy.py"],
        cwd=ROOT,
        env=environment(settings=str(state.FLEET_SETTINGS)),
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    assert deploy.stdout is not None
    output = ""
    for line in deploy.stdout:
        output += line
        if "Starting operation" in line and "GitLab" in line and container.status == "running":
            container.kill()
            container.reload()
    assert deploy.wait() == 1
    container.start()
    assert "1 of 3 hosts failed:" in output
    assert "[site-1] " in output[output.index("1 of 3 hosts failed:") :]
    # The last operation was carried out on the others.
    last = output[output.index("Operator commands | Commands in scripts/") :]
    assert f"[{fleet.OWN}] No changes" in " ".join(last.split())
    assert "[site-2] No changes" in " ".join(last.split())
    wait_until("SSH is back", lambda: container.exec_run(["systemctl", "is-active", "-q", "ssh"])[0] == 0)
    assert pyinfra("--limit", "site-1").code == 0


@pytest.mark.exhaustive
def test_drift_names_the_site_and_names_the_others_if_one_is_away(second: Callable[[str], str]) -> None:
    second("echo >> /etc/passerelle/gitlab.toml")
    code, report, _ = command("drift")
    assert (code, report.splitlines()[:2]) == (2, ["site-2", "  /etc/passerelle/gitlab.toml"])
    assert "site-1" not in report
    code, report, complaint = command("drift", **NOWHERE)
    assert (code, report.splitlines()[:2]) == (1, ["site-2", "  /etc/passerelle/gitlab.toml"])
    assert complaint.startswith("1 of 4 hosts failed:\n    [nowhere] ")
    assert command("drift", "site-1") == (0, "0 difference(s)\n", "")
    code, report, complaint = command("drift", "site-3")
    assert (code, report) == (1, "")
    assert complaint.startswith("--site site-3: there is no such site; there is taaf, site-1, site-2")
    # The file, and the end of the trial that another one is put to.
    assert pyinfra("--limit", "site-2").changed == 2


@pytest.mark.exhaustive
def test_a_command_for_one_site_wants_to_know_which() -> None:
    code, output, complaint = command("doctor")
    assert (code, output) == (1, "")
    known = ", ".join(SITES)
    assert (
        complaint == f"there are several sites ({known}): say which one with --site NAME (make: SITE=NAME)\n"
    )
    code, output, complaint = command("doctor", "site-1")
    assert code == 0, output + complaint
    checked = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "--site", "site-2", "tests/acceptance/test_gitlab.py"],
        cwd=ROOT,
        env=environment(settings=str(state.FLEET_SETTINGS)),
        capture_output=True,
        text=True,
        check=False,
    )
    assert checked.returncode == 0, checked.stdout


@pytest.mark.exhaustive
def test_secrets_of_one_site_are_rotated_without_the_others() -> None:
    run = pyinfra("--limit", "site-2", deploy="rotate.py")
    assert run.code == 0, run.output
    assert "[site-1]" not in run.output
    assert pyinfra().changed == 0
