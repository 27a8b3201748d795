"""What Mattermost does not show is not taken for absent: each state against each command, on a real stand-in."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tasks import mattermost
from tasks.context import DeployContext
from tasks.made import Made, described, hooks_of, set_aside
from tasks.operations.api import Api
from tasks.operations.resource import ResourceError
from tasks.site import Site
from tests.operations import Outcome, apply, dry
from tests.standins.mattermost_server import MattermostServer, running
from tests.unit.site_data import taaf

GITLAB, NEXTCLOUD = "GitLab Notifications", "Nextcloud File Monitor"
SWITCH = "ServiceSettings.EnableIncomingWebhooks"
ON = f"~ {SWITCH}: False -> True"
ACTIVE = "~ team taaf: archived -> active"


@dataclass
class World:
    """A server, the site that describes what is to be on it, and what deploys have made so far."""

    server: MattermostServer
    site: Site
    context: DeployContext
    memo: Path
    made: Made = field(default_factory=Made)

    def deploy(self) -> None:
        """The operations of a deploy."""
        mattermost.admit_webhooks(self.site, self.context)
        mattermost.provision_mattermost(self.site, self.context, self.made)

    def rotate(self) -> None:
        """Those of a rotation, as rotate.py has them."""
        aside = {(self.site.mattermost.team, set_aside(hook)) for hook in hooks_of(self.site)}
        mattermost.admit_webhooks(self.site, self.context)
        mattermost.set_aside_webhooks(self.site, self.context, self.made)
        mattermost.provision_mattermost(self.site, self.context, self.made)
        mattermost.remove_webhooks(self.context, aside, self.made)

    def teardown(self) -> None:
        """Those of a teardown."""
        left = self.made.webhooks | described(self.site).webhooks
        mattermost.remove_webhooks(self.context, left, self.made, though_hidden=True)

    def switch(self, on: bool) -> None:
        self.server.api("PUT", "/config/patch", {"ServiceSettings": {"EnableIncomingWebhooks": on}})

    @property
    def is_on(self) -> bool:
        found: bool = self.server.api("GET", "/config")["ServiceSettings"]["EnableIncomingWebhooks"]
        return found

    @contextmanager
    def seen(self) -> Iterator[None]:
        """Whatever is hidden is shown, for the time of a block."""
        before = self.is_on
        self.switch(True)
        yield
        self.switch(before)

    def hooks(self) -> dict[str, list[dict[str, Any]]]:
        """The webhooks that there are, by name, hidden or not."""
        with self.seen():
            found: dict[str, list[dict[str, Any]]] = {}
            for hook in self.server.api("GET", "/hooks/incoming?per_page=200"):
                found.setdefault(hook["display_name"], []).append(hook)
            return found

    def ids(self) -> dict[str, list[str]]:
        return {name: [hook["id"] for hook in hooks] for name, hooks in self.hooks().items()}

    def archive_team(self) -> None:
        self.server.api("DELETE", f"/teams/{self.server.api('GET', '/teams/name/taaf')['id']}")


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[MattermostServer]:
    with running(tmp_path_factory.mktemp("mattermost")) as started:
        started.add_user("admin")
        started.token = started.login("admin")
        yield started


@pytest.fixture
def world(server: MattermostServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    api = Api("mattermost", server.url, SecretStr(server.token), header="Authorization", scheme="Bearer ")
    context = DeployContext(str(tmp_path), "192.0.2.1:8090", api, api, gitlab_signs=True)
    memo = tmp_path / "state" / "memo"
    monkeypatch.setattr(mattermost, "_MEMO", str(memo))
    world = World(server, taaf(), context, memo)
    world.switch(True)
    yield world
    with world.seen():
        for hook in server.api("GET", "/hooks/incoming?per_page=200"):
            server.api("DELETE", f"/hooks/incoming/{hook['id']}")
    team = server.api("GET", "/teams/name/taaf")
    if team["delete_at"]:
        server.api("POST", f"/teams/{team['id']}/restore")


@pytest.fixture
def deployed(world: World) -> World:
    """The world after a deploy, which remembers it."""
    assert apply(world.deploy).error == ""
    world.made = described(world.site)
    assert dry(world.deploy) == Outcome([], 0)
    return world


def off(world: World) -> None:
    world.switch(False)


def archived(world: World) -> None:
    world.archive_team()


def off_and_archived(world: World) -> None:
    world.archive_team()
    world.switch(False)


STATES = [
    pytest.param(off, [ON], id="webhooks off"),
    pytest.param(archived, [ACTIVE], id="team archived"),
    pytest.param(off_and_archived, [ON, ACTIVE], id="webhooks off and team archived"),
]


@pytest.mark.parametrize(("make", "reported"), STATES)
def test_a_deploy_mends_the_state_and_nothing_else(
    deployed: World, make: Callable[[World], None], reported: list[str]
) -> None:
    """The dry run says so beforehand: no webhook and no file is announced that is there."""
    before = deployed.ids()
    make(deployed)
    assert dry(deployed.deploy) == Outcome(reported, len(reported))
    assert apply(deployed.deploy) == Outcome(reported, len(reported))
    assert apply(deployed.deploy) == Outcome([], 0)
    assert deployed.ids() == before


@pytest.mark.parametrize(("make", "reported"), STATES)
def test_a_first_deploy_announces_what_it_makes(
    world: World, make: Callable[[World], None], reported: list[str]
) -> None:
    """As does one whose webhooks people have deleted, which the saved addresses do not show."""
    apply(world.deploy)
    apply(world.teardown)
    Path(world.context.webhooks_conf).unlink()
    make(world)
    made = [
        f"+ incoming webhook {GITLAB!r} to channel dev-notifications",
        f"+ incoming webhook {NEXTCLOUD!r} to channel rh-alerts",
        f"+ {world.context.webhooks_conf} (600 root root)",
    ]
    shown = dry(world.deploy)
    assert [line.replace(", content known after apply", "") for line in shown.lines] == [*reported, *made]
    assert apply(world.deploy) == Outcome([*reported, *made], len(reported) + 3)
    assert sorted(world.ids()) == [GITLAB, NEXTCLOUD]


@pytest.mark.parametrize(("make", "reported"), STATES)
def test_a_rotation_replaces_what_is_hidden(
    deployed: World, make: Callable[[World], None], reported: list[str]
) -> None:
    before = deployed.ids()
    make(deployed)
    shown = dry(deployed.rotate)
    aside = [
        f"~ incoming webhook: display_name: {name!r} -> {f'{name} (replaced)'!r}"
        for name in (GITLAB, NEXTCLOUD)
    ]
    assert shown.differences == [*reported, *aside]
    assert apply(deployed.rotate).error == ""
    after = deployed.ids()
    assert sorted(after) == [GITLAB, NEXTCLOUD]
    for name, ids in after.items():
        assert len(ids) == 1
        assert ids != before[name]
        assert ids[0] in Path(deployed.context.webhooks_conf).read_text()
    assert apply(deployed.deploy) == Outcome([], 0)


@pytest.mark.parametrize(("make", "reported"), STATES)
def test_a_teardown_removes_what_is_hidden_and_leaves_the_state(
    deployed: World, make: Callable[[World], None], reported: list[str]
) -> None:
    make(deployed)
    was_on = deployed.is_on
    gone = [f"- incoming webhook {name!r}" for name in (GITLAB, NEXTCLOUD)]
    if not was_on:
        gone.append(f"~ {SWITCH}: False -> True for the removal, then False again")
    assert dry(deployed.teardown) == Outcome(gone, 1)
    assert apply(deployed.teardown) == Outcome(gone, 1)
    assert deployed.ids() == {}
    assert deployed.is_on is was_on
    assert bool(deployed.server.api("GET", "/teams/name/taaf")["delete_at"]) is (make is not off)
    assert not deployed.memo.exists()
    deployed.made = Made()
    again = apply(deployed.teardown)
    assert (again.differences, again.changed) == ([], 0)
    assert len(again.notes) == (0 if was_on else 1)


def note_only(world: World) -> None:
    world.switch(False)


def shown(world: World) -> None:
    world.switch(True)


def removed(world: World) -> None:
    world.switch(True)
    for hooks in world.hooks().values():
        world.server.api("DELETE", f"/hooks/incoming/{hooks[0]['id']}")


def put_back(world: World) -> None:
    removed(world)
    world.switch(False)


@pytest.mark.parametrize("killed_when", [note_only, shown, removed, put_back])
def test_a_teardown_that_was_killed_is_completed_and_the_switch_put_back(
    deployed: World, killed_when: Callable[[World], None]
) -> None:
    deployed.memo.parent.mkdir()
    deployed.memo.touch()
    killed_when(deployed)
    reported = dry(deployed.teardown)
    if killed_when in (shown, removed):
        assert reported.lines[-1] == f"~ {SWITCH}: True -> False, as before a removal that broke off"
    done = apply(deployed.teardown)
    assert (done.error, done.lines) == ("", reported.lines)
    assert deployed.ids() == {}
    assert not deployed.is_on
    assert not deployed.memo.exists()
    deployed.made = Made()
    assert apply(deployed.teardown).changed == 0


def test_a_removal_that_fails_leaves_the_switch_as_it_was(deployed: World) -> None:
    """What fails is reported; the memo goes with the run that succeeds."""
    off(deployed)
    call = deployed.context.mattermost.call

    def refuse(method: str, path: str, *arguments: Any, **options: Any) -> Any:
        if method == "DELETE":
            raise ResourceError("mattermost: no")
        return call(method, path, *arguments, **options)

    deployed.context.mattermost.call = refuse  # type: ignore[method-assign]
    assert apply(deployed.teardown).error == "mattermost: no"
    assert not deployed.is_on
    assert deployed.memo.exists()
    deployed.context.mattermost.call = call  # type: ignore[method-assign]
    assert apply(deployed.teardown).error == ""
    assert deployed.ids() == {}
    assert not deployed.memo.exists()


@pytest.mark.parametrize("command", ["deploy", "rotate", "teardown"])
@pytest.mark.parametrize("perform", [dry, apply])
def test_a_database_that_is_down_is_named_and_nothing_done(
    deployed: World, command: str, perform: Callable[[Callable[[], object]], Outcome]
) -> None:
    """The server says that the team is missing; its own health check says why."""
    before = deployed.ids()
    with deployed.server.database_down():
        outcome = perform(getattr(deployed, command))
    assert outcome.differences == []
    assert "the database of http" in outcome.error
    assert "does not answer" in outcome.error
    assert "nable to find" not in outcome.error
    assert deployed.ids() == before


@pytest.mark.parametrize("command", ["deploy", "rotate", "teardown"])
def test_a_webhook_of_another_owner_is_named_and_left_alone(deployed: World, command: str) -> None:
    server = deployed.server
    owner = server.add_user(f"bob-{command}")
    team = server.api("GET", "/teams/name/taaf")["id"]
    server.api("POST", f"/teams/{team}/members", {"team_id": team, "user_id": owner})
    channel = server.api("GET", f"/teams/{team}/channels/name/dev-notifications")["id"]
    theirs = server.api(
        "POST", "/hooks/incoming", {"channel_id": channel, "display_name": GITLAB, "user_id": owner}
    )
    named = f"incoming webhook {GITLAB!r}: another one, of bob-{command}"
    assert named in dry(getattr(deployed, command)).notes
    done = apply(getattr(deployed, command))
    assert done.error == ""
    assert named in done.notes
    assert theirs["id"] in deployed.ids()[GITLAB]
    assert dry(deployed.deploy).notes == [named]


def test_a_rotation_replaces_doubles_as_well(deployed: World) -> None:
    """One that stayed under the name would be taken for the new one, with its old address."""
    (ours,) = deployed.hooks()[GITLAB]
    body = {key: ours[key] for key in ("channel_id", "display_name", "description", "channel_locked")}
    double = deployed.server.api("POST", "/hooks/incoming", body)["id"]
    assert apply(deployed.rotate).error == ""
    after = deployed.ids()
    assert sorted(after) == [GITLAB, NEXTCLOUD]
    assert len(after[GITLAB]) == 1
    assert after[GITLAB][0] not in (ours["id"], double)
