"""What leaves the settings leaves the site: named by drift, removed by the next deploy, nothing of it left anywhere."""

import random
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress

import pytest

from tasks.site import Site
from tests.acceptance.people import Chat, Forge
from tests.lab.faults.world import World
from tests.lab.removal.cases import CHANGES, Change, Settings, without_token
from tests.lab.removal.holdings import described, held, site_of
from tests.lab.runs import ROOT, deploy, environment
from tests.lab.test_drift_report import drift
from tests.lab.test_interrupted import killed_at
from tests.lab.test_outage import seen
from tests.waiting import wait_until

_DIFFERENCES = re.compile(r"^  (\S.*)\n    expected  ", re.MULTILINE)
CHECKS = (
    "test_relays",
    "test_gitlab",
    "test_mattermost",
    "test_bot",
    "test_slash_commands",
    "test_nothing_more",
)
RECORD = "/var/lib/passerelle/made.json"


@pytest.fixture
def world(site: Site, chat: Chat, forge: Forge, machine: Callable[[str], str]) -> Iterator[World]:
    """The lab as it is described, before and after."""
    deploy()
    yield World(site, chat, forge, machine)
    deploy()


def assert_nothing_more(world: World, settings: Settings) -> None:
    """There is what these settings describe, and nothing else of ours."""
    address = world.machine("hostname -i").split()[0]
    site = site_of(settings)
    found = Forge(site, world.forge.proxy).members().projects
    assert held(world.chat, world.forge, world.machine) == described(site, address, found)
    assert drift(**settings) == (0, "0 difference(s)\n", "")


@contextmanager
def undone(world: World, change: Change) -> Iterator[None]:
    """Whatever a change leaves to people is taken away at the end, the settings that ask for it before."""
    try:
        yield
    finally:
        deploy()
        change.undo(world)


def check(settings: Settings) -> None:
    """The acceptance checks that look at what a deploy makes."""
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", *(f"tests/acceptance/{name}.py" for name in CHECKS)],
        cwd=ROOT,
        env=environment(**settings),
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout[-4000:]


@pytest.mark.exhaustive
@pytest.mark.parametrize("change", CHANGES, ids=str)
def test_a_change_is_named_and_leaves_nothing(world: World, change: Change) -> None:
    """There and back: the lab's own settings leave nothing of those before either."""
    before, after = change.settings(world)
    with undone(world, change):
        deploy(**before)
        change.prepare(world)
        code, report, _ = drift(**after)
        assert code == 2, report
        assert any(what.startswith(change.difference) for what in _DIFFERENCES.findall(report)), report
        deploy(**after)
        assert_nothing_more(world, after)
        check(after)
        deploy()
        assert_nothing_more(world, {})


def arrived(world: World, mark: str) -> set[str]:
    """The numbers of the events that the channel shows."""
    return set(seen(world.chat, "dev-notifications", mark))


WITHOUT_A_LOSS = ["relays.port: another one", "relays.address: another one"]
WITHOUT_A_LOSS += [
    "mattermost.gitlab_webhook.display_name: another one",
    "host.infrastructure: another folder",
]
KNOWN_BY_MARKS = ["gitlab.projects: one is taken out", "relays.port: another one"]
KNOWN_BY_MARKS += ["mattermost.team: another one", "mattermost.gitlab_webhook.display_name: another one"]
KNOWN_BY_MARKS += ["host.infrastructure: another folder", "nextcloud.trees: one is taken out"]


@pytest.mark.exhaustive
@pytest.mark.sampled(9)
@pytest.mark.parametrize("change", [each for each in CHANGES if str(each) in KNOWN_BY_MARKS], ids=str)
def test_it_is_found_without_a_record(world: World, change: Change) -> None:
    """As on a host that was deployed by an earlier release, which kept none."""
    before, after = change.settings(world)
    with undone(world, change):
        deploy(**before)
        change.prepare(world)
        world.machine(f"rm {RECORD}")
        code, report, _ = drift(**after)
        assert code == 2
        assert any(what.startswith(change.difference) for what in _DIFFERENCES.findall(report)), report
        deploy(**after)
        assert_nothing_more(world, after)


@pytest.mark.exhaustive
@pytest.mark.sampled(9)
@pytest.mark.parametrize(
    "change",
    [each for each in CHANGES if str(each) in WITHOUT_A_LOSS],
    ids=str,
)
def test_no_event_is_lost_meanwhile(
    world: World, change: Change, events: Callable[[], tuple[str, int]]
) -> None:
    """Without the token for GitLab's log, so nothing is fetched afterwards."""
    before, after = change.settings(world)
    alone = without_token(world)
    with undone(world, change):
        deploy(**{**before, **alone})
        deploy(**{**after, **alone})
        deploy(**{**before, **alone})
        deploy(**{**after, **alone})
        mark, count = events()
        assert count > 10, "hardly anything happened meanwhile"
        numbers = {str(number) for number in range(count)}
        with suppress(AssertionError):
            wait_until("all events", lambda: numbers == arrived(world, mark), seconds=60)
        assert numbers - arrived(world, mark) == set()


@pytest.mark.exhaustive
def test_a_removal_that_is_killed_is_completed_by_the_next_run(world: World) -> None:
    before = {
        "gitlab__projects": '["root/annexe"]',
        "relays__port": "8091",
        "mattermost__gitlab_webhook__display_name": "Forge",
        "mattermost__nextcloud_webhook__display_name": "Nuage",
    }
    deploy(**before)
    seed = random.randrange(1_000_000)
    print(f"seed {seed}")
    chance = random.Random(seed)
    number = 1
    while killed_at(number, chance.uniform(0, 0.4)):
        number += 1
    assert number > 15
    assert_nothing_more(world, {})
    world.forge.api("DELETE", "projects/root%2Fannexe")
