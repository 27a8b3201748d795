"""The real relay reminds people of what the stand-in of GitLab holds: once a day, whatever is killed or shared."""

import sqlite3
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from tests.postgresql import also_on_postgresql, on_both_spools
from tests.relays.bot_sink import BOT_TOKEN, BotSink
from tests.relays.gitlab_site import Front, database
from tests.relays.process import LISTEN, Relay, wait_for
from tests.relays.sink import Reply, Sink
from tests.standins.gitlab_site import READ_TOKEN, Project, Site, running

__all__ = ["database"]


def noon_somewhere() -> str:
    """A time zone in which the day is far from its ends."""
    behind = datetime.now(UTC).hour - 12
    return f"Etc/GMT{behind:+}" if behind else "Etc/UTC"


@dataclass
class Forge:
    """A project in which something waits, and GitLab's API as the relay reaches it."""

    project: Project
    front: Front
    by_pattern: bool = False

    @property
    def settings(self) -> str:
        """What a relay must know: the hour has come."""
        path = self.project.full_path
        entry = f"{path.rpartition('/')[0]}/*" if self.by_pattern else path
        return (
            f'[gitlab]\nurl = "{self.front.url}"\nprojects = ["{entry}"]\nhook = "Passerelle"\n'
            f'[reminders]\nat = "00:00"\ntimezone = "{noon_somewhere()}"\n'
            'days = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"]\n'
        )

    @property
    def asked(self) -> list[str]:
        """What was read for reminders, as the log of deliveries is not."""
        return [path for path in self.front.asked if "/hooks" not in path]


@pytest.fixture(scope="module")
def project(database: Path) -> Iterator[Project]:
    """One of each that is worth a reminder, and beside it what is not."""
    with running(database.parent) as site:
        yield furnished(site, database)


def furnished(site: Site, database: Path) -> Project:
    with sqlite3.connect(database, timeout=20) as db:
        db.execute(
            "INSERT INTO users VALUES (77, 'lperrin', 'Léo Perrin', 'leo@taaf.internal', x'00', x'00', '2026-01-01')"
        )
    project = site.project(visibility="private")

    def opened(branch: str, **said: Any) -> None:
        project.commit(branch, {f"{branch}.txt": "un\n"}, start_branch="main")
        project.done(
            "POST",
            "/merge_requests",
            **{"source_branch": branch, "target_branch": "main", "title": branch} | said,
        )

    opened("a-relire", title="Corrige le quota", reviewer_ids=[77])
    opened("ebauche", title="Draft: Ébauche", reviewer_ids=[77])
    opened("approuvee", title="Approuvée", reviewer_ids=[77])
    project.done("POST", "/merge_requests/3/approve")
    due = (datetime.now(UTC) - timedelta(3)).date().isoformat()
    project.done("POST", "/issues", title="Bilan", due_date=due, assignee_ids=[77])
    project.done("POST", "/issues", title="Secret", due_date=due, assignee_ids=[77], confidential=True)
    project.done("POST", "/issues", title="Un jour")
    project.done("POST", "/milestones", title="v1", due_date=due)
    head = project.branch("main")["commit"]["id"]
    project.done("POST", f"/statuses/{head}", state="failed", ref="main")
    return project


@pytest.fixture
def forge(project: Project) -> Iterator[Forge]:
    front = Front(project.site.url)
    yield Forge(project, front)
    front.close()


@pytest.fixture
def chat() -> Iterator[BotSink]:
    sink = BotSink("dev-notifications")
    yield sink
    sink.stop()


Make = Callable[..., Relay]


@pytest.fixture
def make(tmp_path: Path, spool: str | None, forge: Forge) -> Iterator[Make]:
    """Makes a relay that posts there, not started yet, each on a host of its own."""
    relays: list[Relay] = []

    def relay(hook_url: str, more: str = "", head: str = "") -> Relay:
        home = tmp_path / f"host{len(relays)}"
        home.mkdir()
        relays.append(Relay("gitlab", home, hook_url, f"{head}\n{forge.settings}{LISTEN}{more}", spool))
        (home / "credentials" / "gitlab-read-token").write_text(f"{READ_TOKEN}\n")
        return relays[-1]

    yield relay
    for each in relays:
        each.close()
        assert READ_TOKEN not in each.text


def is_said(text: str) -> None:
    """What the channel's reminder holds, and what not."""
    assert text.startswith("🔔 **Rappels du ")
    for shown in ("Corrige le quota](", "Léo Perrin", "Bilan](", "Jalon : v1](", "Pipeline #", "main]("):
        assert shown in text
    for hidden in ("Ébauche", "Approuvée", "Secret", "Un jour"):
        assert hidden not in text
    for how_long in ("depuis moins d'une heure", "en retard de "):
        assert how_long in text


@also_on_postgresql
def test_a_day_is_said_once_and_not_again_after_a_restart(make: Make, forge: Forge, sink: Sink) -> None:
    relay = make(sink.url)
    relay.start()
    wait_for(lambda: len(sink.posts) == 1)
    is_said(sink.posts[0].shown)
    assert forge.asked
    for end in (relay.terminate, relay.kill):
        end()
        forge.front.asked.clear()
        relay.start()
        # It has taken its turn once the log of deliveries has been read, which begins later.
        wait_for(lambda: forge.front.turns)
        wait_for(lambda: relay.text.count("started") >= 2)
    assert (len(sink.posts), forge.asked) == (1, [])


@pytest.mark.sampled(2)
@on_both_spools
def test_a_kill_while_gitlab_is_read_or_mattermost_is_away_doubles_nothing(
    make: Make, forge: Forge, sink: Sink
) -> None:
    relay = make(sink.url)
    for path in ("/merge_requests?", "/reviewers", "/milestones"):
        with forge.front.unanswered(path) as asked:
            relay.start()
            wait_for(asked.is_set)
            relay.kill()
    sink.stop()
    relay.start()
    wait_for(lambda: "reminders day=" in relay.text)
    relay.kill()
    sink.start()
    relay.start()
    wait_for(lambda: len(sink.posts) >= 1)
    relay.terminate()
    relay.start()
    wait_for(lambda: relay.text.count("started") >= 6)
    assert relay.terminate() == 0
    assert len(sink.posts) == 1


@pytest.mark.parametrize("spool", ["postgresql"], indirect=True)
def test_of_two_hosts_one_says_it(make: Make, forge: Forge, sink: Sink) -> None:
    both = [make(sink.url), make(sink.url)]
    for relay in both:
        relay.start(wait=False)
    wait_for(lambda: all(relay.said("READY=1") for relay in both))
    wait_for(lambda: len(sink.posts) >= 1)
    for relay in both:
        assert relay.terminate() == 0
    assert len(sink.posts) == 1
    is_said(sink.posts[0].shown)


def test_what_a_pattern_finds_is_said(make: Make, forge: Forge, sink: Sink) -> None:
    forge.by_pattern = True
    relay = make(sink.url)
    relay.start()
    wait_for(lambda: len(sink.posts) == 1)
    is_said(sink.posts[0].shown)


def as_bot(make: Make, chat: BotSink, head: str = "", more: str = "") -> Relay:
    """A relay that posts as the bot."""
    named, token = chat.bot
    relay = make(chat.hook_url, f"{named}{more}", head)
    (relay.home / "credentials" / "mattermost-bot-token").write_text(f"{token}\n")
    return relay


def test_a_bot_reminds_people_in_person_as_well(make: Make, forge: Forge, chat: BotSink) -> None:
    chat.people = {"leo": "id-of-leo"}
    relay = as_bot(make, chat, more='[people]\nlperrin = "leo"\n')
    relay.start()
    wait_for(lambda: chat.written("@leo"))
    (own,) = chat.written("@leo")
    assert own.message.startswith("🔔 **Vos rappels du ")
    # Of what is confidential people are reminded if it is theirs.
    for shown in ("À relire", "Corrige le quota", "Vos échéances", "Bilan", "Secret"):
        assert shown in own.message
    for hidden in ("Pipeline", "Jalon", "Ébauche", "Approuvée", "Un jour"):
        assert hidden not in own.message
    wait_for(lambda: chat.written("dev-notifications"))
    (post,) = chat.written("dev-notifications")
    is_said(post.message)
    relay.kill()
    relay.start()
    assert relay.terminate() == 0
    assert (len(chat.written("@leo")), len(chat.written("dev-notifications"))) == (1, 1)
    assert BOT_TOKEN not in relay.text


@pytest.mark.parametrize("where", ["reminders.direct", "direct_messages"])
def test_a_site_that_wants_nobody_written_to_in_person(make: Make, chat: BotSink, where: str) -> None:
    chat.people = {"lperrin": "id-of-leo"}
    relay = as_bot(make, chat, "direct_messages = false" if where == "direct_messages" else "")
    if where == "reminders.direct":
        relay.configure(relay.settings.replace("[reminders]\n", "[reminders]\ndirect = false\n"))
    relay.start()
    wait_for(lambda: chat.written("dev-notifications"))
    # What is to be written in person is noted together with what is said in channels.
    with sqlite3.connect(f"file:{relay.state}/relay.db?mode=ro", uri=True) as db:
        assert db.execute("SELECT count(*) FROM direct_messages").fetchall() == [(0,)]
    assert relay.terminate() == 0
    assert chat.written("@lperrin") == []


@pytest.mark.parametrize(
    ("answer", "announced"),
    [
        (
            Reply(401, b'{"message":"401 Unauthorized"}'),
            "HTTP 401: the token is wrong, revoked or out of date",
        ),
        (Reply(403, b'{"error":"insufficient_scope"}'), "HTTP 403: the token may not read projects"),
        (Reply(502), "HTTP 502: GitLab is asked again"),
    ],
)
def test_a_gitlab_that_does_not_answer_is_said_in_the_journal_alone(
    make: Make, forge: Forge, sink: Sink, answer: Reply, announced: str
) -> None:
    forge.front.behave = lambda path: None if "/hooks" in path else answer
    relay = make(sink.url)
    relay.start()
    wait_for(lambda: f"reminders trouble project={forge.project.full_path} reason={announced}" in relay.text)
    assert relay.terminate() == 0
    assert sink.posts == []


def test_reminders_without_gitlab_are_refused(make: Make, sink: Sink) -> None:
    relay = make(sink.url)
    relay.configure(f'[reminders]\nat = "08:30"\n{LISTEN}')
    relay.start(wait=False)
    assert relay.wait() == 78
    assert "reminders: reads GitLab, and there is no table [gitlab]: add it with url" in relay.text
