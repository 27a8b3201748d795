"""Subscriptions: what is typed, what they are for, and what they never bring."""

import itertools
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from relays.mattermost.bot import by_id
from relays.mattermost.channels import Channel
from relays.sources.gitlab.channel_events import ChannelEvents
from relays.sources.gitlab.event import read_event
from relays.sources.gitlab.events import KINDS
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.projects import Projects
from relays.sources.gitlab.rest import GitLabError, Server, UnknownError
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.silences import Silences
from relays.sources.gitlab.subscriptions import conditions, tables
from relays.sources.gitlab.subscriptions.access import CROWD, OPEN_CHANNEL, PEOPLE, Project, Readers
from relays.sources.gitlab.subscriptions.conditions import KINDS_WITHIN, ConditionError
from relays.sources.gitlab.subscriptions.subscription import (
    Place,
    Subscription,
    reaches_us,
    target_of,
)
from relays.sources.gitlab.subscriptions.tables import MOST, MOST_CHANNELS, Access, TooManyError
from relays.sources.gitlab.subscriptions.view import Subscribed
from relays.wording import CATALOGUES
from tests.postgresql import on_both_spools
from tests.unit.acts_world import World, world
from tests.unit.test_gitlab_channel_events import OURS, VAULT, of
from tests.unit.test_gitlab_silences import silence

ROOM = "room0000000000000000000001"

TYPED = [
    ("", ""),
    ("issue", "issue"),
    ("issue,pipeline release", "issue pipeline release"),
    ("branches=main,release/* pipeline", "pipeline branches=main,release/*"),
    ('"labels=à faire,bug" issue issue', "issue 'labels=à faire,bug'"),
    ("labels=bug labels=urgent,bug", "labels=bug,urgent"),
    ("'labels=l''été'", "'labels=lété'"),
    ("not_authors=project_*_bot*", "'not_authors=project_*_bot*'"),
    ("labels=a=b", "labels=a=b"),
    ("events=issue", "issue"),
]


@pytest.mark.parametrize(("typed", "kept"), TYPED)
def test_what_is_typed_is_kept_in_one_form(typed: str, kept: str) -> None:
    said = conditions.read(typed)
    assert conditions.written(said) == kept.replace("branches=main,release/*", "'branches=main,release/*'")
    assert conditions.read(conditions.written(said)) == said


def test_whatever_can_be_wrong_has_its_words() -> None:
    wrong = ["'", "x=1", "labels=", "isue", "token", "emoji", "issue actions=merge", "issue branches=x"]
    wrong += ["labels=bug not_labels=bug", f"labels={'x' * 256}"]
    seen = set()
    for text in wrong:
        with pytest.raises(ConditionError) as raised:
            conditions.check(conditions.read(text), Mute())
        seen.add(f"command.condition.{raised.value.wording}")
    for catalogue in CATALOGUES.values():
        assert {key for key in catalogue if key.startswith("command.condition.")} == seen


@pytest.mark.parametrize(
    ("text", "target", "reaches"),
    [
        ("taaf/site", "taaf/site", True),
        ("TAAF/Site", "taaf/site", True),
        ("taaf/other", "taaf/other", False),
        ("taaf", "taaf/**", True),
        ("taaf/*", "taaf/*", True),
        ("taaf/**", "taaf/**", True),
        ("taaf/infra", "taaf/infra/**", True),
        ("taaf/infra/net", "taaf/infra/net", True),
        ("taaf/infra/old", "taaf/infra/old", False),
        ("lab", "lab/**", True),
        ("lab/a", "lab/a", True),
        ("lab/deep/a", "lab/deep/a", False),
        ("lab/deep/**", "lab/deep/**", False),
        ("elsewhere", "elsewhere/**", False),
        ("elsewhere/*", "elsewhere/*", False),
        ("", "", None),
        ("*", "", None),
        ("taaf/*/x", "", None),
        ("taaf//x", "", None),
        ("/taaf/x", "", None),
        ("taaf/x!12", "", None),
        ("https://git.example/taaf/x", "", None),
        ("@all", "", None),
        ("taaf/" + "x" * 300, "", None),
    ],
)
def test_a_target_is_a_project_or_a_group_that_this_relay_hears_of(
    text: str, target: str, reaches: bool | None
) -> None:
    projects = Projects(("taaf/site", "taaf/infra/**", "!taaf/infra/old", "lab/*"))
    assert target_of(text, projects) == target
    if reaches is not None:
        assert reaches_us(target, projects) is reaches
        assert reaches_us(target, Projects(projects.entries, others=True))


class Asked:
    """A subscribed relay; `knows` says who may read what."""

    def __init__(self, made: World, *, asks_gitlab: bool = True) -> None:
        self.relay = made
        self.view = Subscribed(made.store, made.store.now, made.router.routes, asks_gitlab=asks_gitlab)
        made.router = replace(made.router, subscribed=self.view)
        made.channel_events = ChannelEvents(made.store, made.router)
        made.silences = Silences(made.store, made.router.channel_name)

    def subscribe(self, target: str, said: str = "", channel_id: str = ROOM, name: str = "room") -> None:
        new = Subscription(0, channel_id, target, said, "alice", self.relay.now)
        self.relay.store.submit(lambda db: tables.put(db, new, Place(channel_id, name))).result()

    def knows(self, project: str, refusal: str = "", *, is_open: bool = False, level: int = 0) -> None:
        found = [Access(ROOM, project, refusal, is_open, level, self.relay.now)]
        self.relay.store.submit(lambda db: tables.keep_access(db, found)).result()

    def heard(self, *payloads: dict[str, Any]) -> int:
        """How many messages are for the channel."""
        self.relay.hear(*payloads)
        return len(self.relay.announced(by_id(ROOM)))


@pytest.fixture
def asked(tmp_path: Path, spool: str | None) -> Iterator[Asked]:
    """A relay whose routes lead nothing anywhere but confidential issues to `rh`."""
    routes = (Route(("rh",), events=("issue",), confidential=True), Route(()))
    with world(tmp_path, spool, *routes, projects=Projects((OURS, VAULT))) as made:
        yield Asked(made)


NEVER = ["issue_confidential_open", "note_issue_confidential", "note_issue_internal"]


@pytest.mark.parametrize("sample", NEVER)
def test_what_is_confidential_comes_by_no_subscription(asked: Asked, sample: str) -> None:
    asked.subscribe(OURS)
    asked.subscribe("taaf/**", "issue note")
    asked.knows(OURS, is_open=True, level=20)
    assert asked.heard(of(OURS, sample)) == 0
    assert asked.relay.channel_events is not None
    assert asked.relay.channel_events.latest("room", 9, ROOM) == []


@pytest.mark.parametrize("name", sorted(set(KINDS) - set(KINDS_WITHIN)))
def test_what_not_everybody_sees_is_no_matter_of_subscriptions(name: str) -> None:
    """Those of groups and of the whole system among them."""
    with pytest.raises(ConditionError, match="few"):
        conditions.check(conditions.read(name), Mute())
    everything = Subscription(0, ROOM, "taaf/**", "", "alice", 0.0)
    event = read_event(Payload(of(OURS, "issue_open")))
    assert everything.matches(event)
    assert not everything.matches(replace(event, name=name))


LEVELS: list[tuple[str, dict[str, Any], int | None, bool]] = [
    # what was found out, and what the event says of its project's visibility
    ("public, as before", {"is_open": True, "level": 20}, 20, True),
    ("public, not said", {"is_open": True, "level": 20}, None, True),
    ("public, now internal", {"is_open": True, "level": 20}, 10, False),
    ("public, now private", {"is_open": True, "level": 20}, 0, False),
    ("of members, private", {"level": 0}, 0, True),
    ("of members, internal before", {"level": 10}, 0, False),
    ("of members, now public", {"level": 0}, 20, True),
    ("refused", {"refusal": "people", "level": 0}, 0, False),
    ("refused, now public by the event", {"refusal": "people", "level": 0}, 20, False),
]


@pytest.mark.parametrize(
    ("known", "said", "heard"), [row[1:] for row in LEVELS], ids=[row[0] for row in LEVELS]
)
def test_what_the_event_says_of_its_project_counts_at_once(
    asked: Asked, known: dict[str, Any], said: int | None, heard: bool
) -> None:
    asked.subscribe(OURS)
    asked.knows(OURS, **known)
    payload = of(OURS, "issue_open")
    payload["project"].pop("visibility_level", None)
    if said is not None:
        payload["project"]["visibility_level"] = said
    asked.view.refresh()
    asked.view.doubt.clear()
    assert asked.heard(payload) == int(heard)
    assert asked.view.doubt.is_set() is (said is not None and said < known["level"])


def test_what_is_not_known_or_was_known_long_ago_is_not_announced(asked: Asked) -> None:
    asked.subscribe("taaf/**")
    assert asked.heard(of(OURS, "issue_open")) == 0
    assert asked.view.doubt.is_set()
    asked.knows(OURS)
    asked.relay.now += 24 * 3600 + 1
    assert asked.heard(of(OURS, "push_normal")) == 0
    asked.knows(OURS)
    assert asked.heard(of(OURS, "release_create")) == 1


def test_deployments_of_what_everybody_may_read_are_for_members(asked: Asked) -> None:
    asked.subscribe("taaf/**")
    asked.knows(OURS, is_open=True, level=20)
    deployed, opened = of(OURS, "deployment_failed"), of(OURS, "issue_open")
    for each in (deployed, opened):
        each["project"]["visibility_level"] = 20
    assert asked.heard(deployed, opened) == 1
    asked.knows(OURS, level=20)
    assert asked.heard(deployed | {"deployment_id": 99}) == 2


def test_without_a_token_the_site_decides(tmp_path: Path) -> None:
    """By its routes alone: a channel that they lead some event of a project to may hear more of it."""
    routes = (Route(("room",), projects=(OURS,), events=("release",)), Route(()))
    with world(tmp_path, None, *routes, projects=Projects((OURS, VAULT))) as made:
        asked = Asked(made, asks_gitlab=False)
        asked.subscribe("taaf/**", "issue")
        asked.knows(VAULT, is_open=True, level=20)
        assert asked.heard(of(OURS, "issue_open"), of(VAULT, "issue_open")) == 1
        assert asked.heard(of(OURS, "issue_confidential_open")) == 1


@on_both_spools
def test_a_channel_that_has_subscribed_can_be_silent(asked: Asked) -> None:
    """Also when it is called otherwise meanwhile."""
    asked.subscribe(OURS)
    asked.knows(OURS)
    silence(asked.relay, "room")
    assert asked.heard(of(OURS, "issue_open")) == 0
    now = asked.relay.now
    asked.relay.store.submit(lambda db: tables.keep_place(db, Place(ROOM, "cellar"), now)).result()
    assert asked.heard(of(OURS, "release_create")) == 0
    asked.relay.now += 7201
    asked.knows(OURS)
    assert asked.heard(of(OURS, "push_normal")) == 1


@on_both_spools
def test_there_are_so_many_at_most(asked: Asked) -> None:
    for number in range(MOST):
        asked.subscribe(OURS, f"labels=l{number}")
    asked.subscribe(OURS, "labels=l0")
    with pytest.raises(TooManyError):
        asked.subscribe(VAULT)
    for number in range(MOST_CHANNELS - 1):
        asked.subscribe(OURS, channel_id=f"c{number:025}")
    with pytest.raises(TooManyError):
        asked.subscribe(OURS, channel_id=f"d{0:025}")
    assert len(tables.listed(asked.relay.store)) == MOST + MOST_CHANNELS - 1
    numbers = [each.number for each in tables.listed(asked.relay.store)]
    assert asked.relay.store.submit(lambda db: tables.end(db, numbers)).result() == len(numbers)
    for table in ("subscriptions", "subscribed_channels", "subscription_access"):
        assert asked.relay.store.read(f"SELECT count(*) FROM {table}") == [(0,)]  # noqa: S608


def test_what_a_newer_release_has_stored_keeps_nothing_from_being_announced(asked: Asked) -> None:
    """Conditions that this one does not know are not met."""
    asked.subscribe(OURS, "weather=fine")
    asked.subscribe(OURS, "release")
    asked.knows(OURS)
    assert asked.heard(of(OURS, "issue_open"), of(OURS, "release_create")) == 1


class Answers:
    """GitLab's word on projects and groups."""

    def __init__(self, **members: list[tuple[str, int, str]]) -> None:
        self.members = members
        self.questions = itertools.count()

    def readers(self, people: dict[str, str] | None = None) -> Readers:
        made = Readers(Server("http://gitlab.invalid", "x"), people or {}, lambda question: question())
        made._pages = self._pages  # type: ignore[method-assign]
        return made

    def _pages(self, place: Any, path: str, query: Any) -> Iterator[dict[str, Any]]:
        next(self.questions)
        if place.path not in self.members:
            raise UnknownError("HTTP 404")
        for name, role, state in self.members[place.path]:
            yield {"username": name, "access_level": role, "state": state}


PRIVATE = Channel("room", "private", is_archived=False)
JUDGED: dict[str, tuple[list[str] | None, dict[str, str], str, list[str]]] = {
    "members of the project": (["ann", "bob"], {}, "", []),
    "in upper case": (["ann"], {}, "", []),
    "members of the group": (["gina"], {}, "", []),
    "nobody": ([], {}, "", []),
    "a guest": (["ann", "guest"], {}, PEOPLE, ["guest"]),
    "who is blocked": (["blocked"], {}, PEOPLE, ["blocked"]),
    "who is nobody in GitLab": (["ann", "zoe"], {}, PEOPLE, ["zoe"]),
    "too many": (None, {}, CROWD, []),
    "called otherwise in GitLab": (["mm.ann"], {"ann": "mm.ann"}, "", []),
    "called as somebody else is in GitLab": (["ann"], {"ann": "mm.ann"}, PEOPLE, ["ann"]),
    "called otherwise, and one of the names is a guest's": (["x"], {"guest": "x", "bob": "x"}, "", []),
}


@pytest.mark.parametrize("name", JUDGED)
def test_who_could_read_a_project(name: str) -> None:
    names, people, refusal, outside = JUDGED[name]
    answers = Answers(
        **{
            "taaf": [("gina", 30, "active"), ("guest", 10, "active")],
            "taaf/site": [("Ann", 20, "active"), ("bob", 50, "active"), ("blocked", 40, "blocked")],
        }
    )
    readers = answers.readers(people)
    project, public = (Project("taaf/site", level, is_open=bool(level)) for level in (0, 20))
    found = readers.judge(project, PRIVATE, names)
    assert (found.refusal, list(found.people)) == (refusal, outside)
    assert [each for each in names or () if not readers.may_read(project, each)] == outside
    assert all(readers.may_read(public, each) for each in names or ())


def test_members_of_a_group_are_asked_for_once() -> None:
    answers = Answers(taaf=[("gina", 30, "active")])
    readers = answers.readers()
    for number in range(20):
        project = Project(f"taaf/p{number}", 0, is_open=False)
        assert readers.judge(project, PRIVATE, ["gina"]).refusal == ""
    assert next(answers.questions) == 1


def test_the_whole_team_reads_only_what_is_public() -> None:
    hall = Channel("hall", "open", is_archived=False)
    readers = Answers(taaf=[("gina", 30, "active")]).readers()
    assert readers.judge(Project("taaf/a", 10, is_open=False), hall, ["gina"]).refusal == OPEN_CHANNEL
    assert readers.judge(Project("taaf/a", 20, is_open=True), hall, None).refusal == ""


def test_a_gitlab_that_does_not_answer_is_no_word_on_anybody() -> None:
    def silent(question: Callable[[], Any]) -> Any:
        raise GitLabError("no answer in time")

    readers = Readers(Server("http://gitlab.invalid", "x"), {}, silent)
    with pytest.raises(GitLabError):
        readers.judge(Project("taaf/site", 0, is_open=False), PRIVATE, ["ann"])
    with pytest.raises(GitLabError):
        readers.projects("taaf/**")
