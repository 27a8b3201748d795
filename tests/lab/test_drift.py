"""Everything that the deploy has made, broken by hand: named by drift, repaired by the next run."""

import re
from collections.abc import Callable

import pytest
from requests import HTTPError

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge, marker, shown
from tests.lab.faults.table import FAULTS
from tests.lab.faults.world import TREE, Fault, World
from tests.lab.runs import deploy
from tests.lab.test_drift_report import drift as report
from tests.waiting import wait_until

_REPORTED = re.compile(r"^  (\S.*)\n    expected  (.*)\n    actual    (.*)$", re.MULTILINE)


@pytest.fixture
def world(site: Site, chat: Chat, forge: Forge, machine: Callable[[str], str]) -> World:
    return World(site, chat, forge, machine)


def drift(settings: dict[str, str]) -> tuple[int, str]:
    """The exit code of the report, and what it prints."""
    code, printed, complaint = report(**settings)
    return code, printed + complaint


def accepts(world: World) -> bool:
    """Whether GitLab takes the hook's address."""
    try:
        world.alter_hook()
    except HTTPError:
        return False
    return True


@pytest.mark.sampled(60)
@pytest.mark.parametrize("fault", FAULTS, ids=str)
def test_drift_is_named_and_repaired(world: World, fault: Fault) -> None:
    """One look, one repair, and nothing left to do; then an event goes all the way again."""
    fault.make(world)
    settings = fault.settings(world)
    code, report = drift(settings)
    assert code == 2, report
    assert any(
        what.startswith(fault.what)
        and expected.startswith(fault.expected)
        and actual.startswith(fault.actual)
        for what, expected, actual in _REPORTED.findall(report)
    ), report
    repaired = deploy(**settings)
    assert fault.what in repaired.output
    assert repaired.changed >= 1
    assert deploy(**settings).changed == 0
    if settings:
        deploy()
    fault.undo(world)
    if fault.row == "allow-list":
        # GitLab's processes keep their settings for a while; a hook that is written is checked against them.
        wait_until("GitLab follows its allow-list", lambda: accepts(world))
    title = marker()
    world.forge.api("POST", "PROJECT/issues", {"title": title})
    wait_until(
        f"the message after: {fault}",
        lambda: [post for post in world.chat.posts("dev-notifications") if title in shown(post)],
    )


def test_folder_of_root_refuses_uploads_until_the_next_deploy(
    machine: Callable[[str], str], cloud: Cloud
) -> None:
    """What goes wrong with folders made by hand: they look fine, and the web server may not write there."""
    name = f"Contrats/{marker()}.pdf"
    machine(f"chown root:root {TREE}/Contrats")
    with pytest.raises(HTTPError, match="403"):
        cloud.put(name, b"%PDF")
    deploy()
    cloud.put(name, b"%PDF")
    cloud.delete(name)
