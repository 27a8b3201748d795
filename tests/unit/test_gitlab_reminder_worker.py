"""Morning after morning: once a day over restarts and hosts, whenever the relay is up and GitLab answers."""

import json
import logging
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from relays.delivery.outbox import Outbox
from relays.delivery.tables import OUTBOX
from relays.sources.gitlab.conversations.direct_messages import DirectMessages
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.readable import ReadableSettings, read_projects
from relays.sources.gitlab.reminders.days import Days
from relays.sources.gitlab.reminders.reminder import MORNING_SECONDS, RETRY_SECONDS, ReminderWorker
from relays.sources.gitlab.reminders.settings import Reminders
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.tables import GITLAB
from relays.sources.gitlab.wishes import Wishes
from relays.storage.postgresql import PostgreSQL
from relays.storage.sqlite import SQLite
from relays.storage.store import Store
from tests.postgresql import also_on_postgresql
from tests.relays.gitlab_site import Front
from tests.relays.sink import Reply

pytestmark = also_on_postgresql

FRIDAY, SATURDAY, MONDAY = "2026-11-27", "2026-11-28", "2026-11-30"
AWAY, UNKNOWN = Reply(503), Reply(404)


def utc(day: str, at: str) -> float:
    return datetime.fromisoformat(f"{day}T{at}Z").timestamp()


class Clock(Days):
    """The table, by a clock that is set."""

    at = 0.0

    def now(self) -> float:
        return type(self).at


@pytest.fixture(autouse=True)
def clock() -> type[Clock]:
    Clock.at = utc(FRIDAY, "07:29:59")
    return Clock


def issue(title: str = "Bilan") -> dict[str, Any]:
    marc = {"username": "marc", "name": "Marc"}
    said = {"iid": 1, "title": title, "web_url": "https://git.taaf.internal/1", "assignees": [marc]}
    return {**said, "due_date": "2026-11-20", "confidential": False}


@dataclass
class Forge:
    """GitLab, with the issues of each project by its path, or what it answers instead; and so of each group."""

    front: Front
    projects: dict[str, list[Mapping[str, Any]] | Reply]
    groups: dict[str, Reply] = field(default_factory=dict)

    def behave(self, asked: str) -> Reply:
        of, name, *rest = urlsplit(asked).path.removeprefix("/api/v4/").split("/")
        place, below = name.replace("%2F", "/"), "/".join(rest)
        if of != "projects":
            return self.groups.get(place) or self.listed(place) if of == "groups" else UNKNOWN
        found = self.projects[place]
        if isinstance(found, Reply):
            return found
        answer: object = found if below == "issues" else [] if below else {"default_branch": "main"}
        return Reply(200, json.dumps(answer).encode())

    def listed(self, group: str) -> Reply:
        """The list of a group's projects."""
        paths = [path for path in self.projects if path.startswith(f"{group}/")]
        return Reply(200, json.dumps([{"path_with_namespace": path} for path in paths]).encode())

    @property
    def asked(self) -> int:
        """How many questions it was put since the last time."""
        count = len(self.front.asked)
        self.front.asked.clear()
        return count


@pytest.fixture
def forge() -> Iterator[Forge]:
    front = Front("http://127.0.0.1:9")
    forge = Forge(front, {"taaf/web": [issue()], "taaf/infra": []})
    front.behave = forge.behave
    yield forge
    front.close()


@dataclass
class Host:
    """A relay on a store."""

    worker: ReminderWorker
    store: Store

    def at(self, day: str, at: str) -> None:
        """Its turn at a moment."""
        Clock.at = utc(day, at)
        self.worker.turn()

    @property
    def said(self) -> list[tuple[str, str]]:
        """The key and the channel of each notification."""
        return [tuple(row) for row in self.store.read("SELECT delivery_key, channel FROM outbox ORDER BY id")]

    @property
    def in_person(self) -> list[str]:
        """Whom a direct message waits for."""
        return [row[0] for row in self.store.read("SELECT username FROM direct_messages ORDER BY id")]


Start = Callable[..., Host]


@pytest.fixture
def start(forge: Forge, tmp_path: Path, spool: str | None) -> Iterator[Start]:
    """Starts a relay on the same spool."""
    stores: list[Store] = []

    def make(
        *, bot: bool = False, entries: Sequence[str] = (), wishes: Wishes | None = None, **said: Any
    ) -> Host:
        file = tmp_path / "relay.db"
        engine = PostgreSQL(spool, OUTBOX, GITLAB) if spool else SQLite(file, OUTBOX, GITLAB)
        store = Store(engine)
        store.start()
        stores.append(store)
        settings = Reminders.model_validate({"at": "08:30", **said})
        token = tmp_path / "gitlab-read-token"
        token.write_text("glpat-x")
        table = ReadableSettings(
            url=forge.front.url, projects=tuple(entries or forge.projects), hook="Passerelle"
        )
        projects = read_projects(table, tmp_path)
        worker = ReminderWorker(
            settings,
            projects,
            Router([Route(("dev",), language="fr")], Mute()),
            Clock(store),
            Outbox(store, f"host{len(stores)}"),
            DirectMessages(store, wishes or {}) if bot else None,
        )
        return Host(worker, store)

    yield make
    for each in stores:
        each.stop()
        each.join(10)
        each.close()


def key(day: str) -> str:
    return f"reminder:{day}"


def test_a_day_is_said_once_and_gitlab_is_asked_once(start: Start, forge: Forge) -> None:
    relay = start()
    relay.at(FRIDAY, "07:29:59")
    assert forge.asked == 0
    relay.at(FRIDAY, "07:30:00")
    assert relay.said == [(key(FRIDAY), "dev")]
    assert forge.asked > 0
    for moment in ("07:30:20", "12:00", "22:59"):
        relay.at(FRIDAY, moment)
    relay.at(SATURDAY, "12:00")
    relay.at(MONDAY, "07:29")
    assert (forge.asked, len(relay.said)) == (0, 1)
    relay.at(MONDAY, "07:30")
    assert relay.said == [(key(FRIDAY), "dev"), (key(MONDAY), "dev")]


@pytest.mark.parametrize("issues", [[issue()], []], ids=["something", "nothing"])
def test_a_relay_that_is_started_again_neither_says_it_twice_nor_asks(
    start: Start, forge: Forge, issues: list[Mapping[str, Any]]
) -> None:
    forge.projects["taaf/web"] = issues
    start().at(FRIDAY, "07:30")
    assert forge.asked > 0
    # What comes up later in the day is for tomorrow.
    forge.projects["taaf/web"] = [issue("Nouveau")]
    again = start()
    again.at(FRIDAY, "07:31")
    again.at(FRIDAY, "18:00")
    assert (len(again.said), forge.asked) == (len(issues), 0)


def test_a_relay_that_was_down_at_the_hour_says_it_on_that_day_and_no_other(
    start: Start, forge: Forge
) -> None:
    relay = start()
    relay.at(FRIDAY, "16:45")
    assert relay.said == [(key(FRIDAY), "dev")]
    assert forge.asked > 0
    relay.at(SATURDAY, "00:10")
    relay.at(MONDAY, "00:10")
    assert (len(relay.said), forge.asked) == (1, 0)


def test_of_two_hosts_one_says_it(start: Start, forge: Forge) -> None:
    one, other = start(bot=True), start(bot=True)
    both = [host.worker for host in (one, other)]
    Clock.at = utc(FRIDAY, "07:30")
    first = forge.front.behave

    def meanwhile(asked: str) -> Reply:
        # The other one reads and says it while this one reads.
        forge.front.behave = first
        both[1].turn()
        return first(asked)  # type: ignore[return-value]

    forge.front.behave = meanwhile
    both[0].turn()
    assert one.said == other.said == [(key(FRIDAY), "dev")]
    assert one.in_person == ["marc"]


def test_people_are_reminded_in_person_by_a_bot_alone(start: Start) -> None:
    relay = start(bot=False)
    relay.at(FRIDAY, "07:30")
    assert relay.in_person == []
    bot = start(bot=True)
    bot.at(MONDAY, "07:30")
    assert bot.in_person == ["marc"]


@pytest.mark.parametrize(
    ("wishes", "reminded"),
    [
        ({"marc": ()}, False),
        ({"Marc": ["review", "assigned"]}, False),
        ({"marc": ["reminders"]}, True),
        ({"zoe": ()}, True),
    ],
    ids=str,
)
def test_whoever_wants_no_reminders_gets_none(start: Start, wishes: Wishes, reminded: bool) -> None:
    relay = start(bot=True, wishes=wishes)
    relay.at(FRIDAY, "07:30")
    assert relay.in_person == ["marc"] * reminded
    assert relay.said == [(key(FRIDAY), "dev")]


def lines(caplog: pytest.LogCaptureFixture) -> list[str]:
    return [record.getMessage() for record in caplog.records if "reminders" in record.getMessage()]


def test_a_gitlab_that_is_away_is_asked_again(
    start: Start, forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    relay, whole = start(), dict(forge.projects)
    forge.projects["taaf/web"] = AWAY
    relay.at(FRIDAY, "07:30")
    asked = forge.asked
    relay.at(FRIDAY, "07:34:59")
    assert (relay.said, forge.asked) == ([], 0)
    forge.projects.update(whole)
    relay.at(FRIDAY, "07:35")
    assert relay.said == [(key(FRIDAY), "dev")]
    # The other project has been read already.
    assert 0 < forge.asked <= asked
    assert [line.partition(":")[0] for line in lines(caplog)] == [
        "reminders trouble project=taaf/web reason=HTTP 503",
        "reminders works again project=taaf/web",
        "reminders day=2026-11-27 things=1 channels=1",
    ]


def all_morning(relay: Host) -> None:
    """Look every minute from the hour until after the morning."""
    begins = utc(FRIDAY, "07:30")
    for minute in range(int(MORNING_SECONDS / 60) + 10):
        Clock.at = begins + 60 * minute
        relay.worker.turn()


def test_a_gitlab_that_is_away_all_morning_is_left_alone(
    start: Start, forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    whole = dict(forge.projects)
    forge.projects.update(dict.fromkeys(whole, AWAY))
    relay = start()
    all_morning(relay)
    assert forge.asked <= 2 * (MORNING_SECONDS / RETRY_SECONDS + 1)
    assert [line for line in lines(caplog) if "trouble" not in line] == [
        "no reminders day=2026-11-27: GitLab could not be read"
    ]
    forge.projects.update(whole)
    relay.at(FRIDAY, "16:00")
    assert (relay.said, forge.asked) == ([], 0)
    relay.at(MONDAY, "07:30")
    assert relay.said == [(key(MONDAY), "dev")]


def test_what_is_known_of_the_others_is_said_when_the_morning_ends(start: Start, forge: Forge) -> None:
    forge.projects["taaf/infra"] = AWAY
    relay = start()
    relay.at(FRIDAY, "07:30")
    assert relay.said == []
    all_morning(relay)
    assert relay.said == [(key(FRIDAY), "dev")]


def test_a_project_that_somebody_has_to_see_to_holds_up_no_other(
    start: Start, forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    forge.projects["taaf/infra"] = UNKNOWN
    relay = start()
    relay.at(FRIDAY, "07:30")
    assert relay.said == [(key(FRIDAY), "dev")]
    assert "reminders trouble project=taaf/infra reason=HTTP 404: there is no project" in caplog.text


def test_a_token_that_is_out_of_date_is_said_and_a_restart_on_that_day_catches_up(
    start: Start, forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    whole = dict(forge.projects)
    forge.projects.update(dict.fromkeys(whole, Reply(401)))
    relay = start()
    relay.at(FRIDAY, "07:30")
    relay.at(FRIDAY, "08:30")
    assert relay.said == []
    assert "the token is wrong, revoked or out of date: make one" in caplog.text
    assert caplog.text.count("no reminders day=2026-11-27") == 1
    forge.projects.update(whole)
    again = start()
    again.at(FRIDAY, "09:30")
    assert again.said == [(key(FRIDAY), "dev")]


def read_on(forge: Forge) -> set[str]:
    """The projects whose issues were read since the last time."""
    paths = [urlsplit(asked).path.split("/") for asked in forge.front.asked]
    forge.front.asked.clear()
    return {path[4].replace("%2F", "/") for path in paths if path[5:] == ["issues"]}


@pytest.mark.parametrize(
    ("entries", "read"),
    [
        (["taaf/*"], {"taaf/web", "taaf/infra"}),
        (["taaf/**"], {"taaf/web", "taaf/infra", "taaf/a/tools"}),
        (["taaf/*", "!taaf/infra"], {"taaf/web"}),
        (["taaf/infra", "taaf/**"], {"taaf/web", "taaf/infra", "taaf/a/tools"}),
        (["taaf/a/*", "taaf/**"], {"taaf/web", "taaf/infra", "taaf/a/tools"}),
        (["shop/web", "taaf/a/*"], {"shop/web", "taaf/a/tools"}),
    ],
)
def test_what_patterns_find_is_read_once(
    start: Start, forge: Forge, entries: list[str], read: set[str]
) -> None:
    forge.projects.update({"taaf/a/tools": [], "shop/web": []})
    relay = start(entries=entries)
    relay.at(FRIDAY, "07:30")
    issues = [asked for asked in forge.front.asked if "/issues?" in asked]
    assert len(issues) == len(read)
    assert read_on(forge) == read
    assert relay.said == ([(key(FRIDAY), "dev")] if "taaf/web" in read else [])


def test_what_patterns_find_is_looked_up_anew_each_day(start: Start, forge: Forge) -> None:
    relay = start(entries=["taaf/*"])
    relay.at(FRIDAY, "07:30")
    assert read_on(forge) == {"taaf/web", "taaf/infra"}
    forge.projects["taaf/new"] = forge.projects.pop("taaf/web")
    relay.at(MONDAY, "07:30")
    assert read_on(forge) == {"taaf/new", "taaf/infra"}


def test_a_group_that_does_not_answer_is_asked_again_and_its_projects_but_once(
    start: Start, forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    forge.projects["shop/web"] = []
    forge.groups["taaf"] = AWAY
    relay = start(entries=["shop/web", "taaf/*"])
    relay.at(FRIDAY, "07:30")
    assert (relay.said, read_on(forge)) == ([], {"shop/web"})
    del forge.groups["taaf"]
    whole, forge.projects["taaf/infra"] = forge.projects["taaf/infra"], AWAY
    relay.at(FRIDAY, "07:35")
    assert (relay.said, read_on(forge)) == ([], {"taaf/web"})
    forge.projects["taaf/infra"] = whole
    relay.at(FRIDAY, "07:40")
    assert (relay.said, read_on(forge)) == ([(key(FRIDAY), "dev")], {"taaf/infra"})
    assert [line.partition(":")[0] for line in lines(caplog)] == [
        "reminders trouble project=taaf/* reason=HTTP 503",
        "reminders works again project=taaf/*",
        "reminders trouble project=taaf/infra reason=HTTP 503",
        "reminders works again project=taaf/infra",
        "reminders day=2026-11-27 things=1 channels=1",
    ]


def test_a_group_that_somebody_has_to_see_to_holds_up_no_project(
    start: Start, forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    forge.groups["gone"] = UNKNOWN
    relay = start(entries=["taaf/web", "gone/*"])
    relay.at(FRIDAY, "07:30")
    assert relay.said == [(key(FRIDAY), "dev")]
    assert "reminders trouble project=gone/* reason=HTTP 404: there is no group gone" in caplog.text


def test_a_group_without_projects_is_no_trouble(
    start: Start, forge: Forge, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    relay = start(entries=["empty/**"])
    relay.at(FRIDAY, "07:30")
    assert lines(caplog) == ["reminders day=2026-11-27 things=0 channels=0"]
    assert relay.said == []
    asked = forge.asked
    start(entries=["empty/**"]).at(FRIDAY, "08:30")
    assert (asked, forge.asked) == (1, 0)
