"""What somebody is answered of what waits for them, by a real relay that reads a GitLab."""

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import urlencode

import pytest

from tests.relays import slash
from tests.relays.bot_sink import BotSink, later_answer
from tests.relays.commanded import chat
from tests.relays.gitlab_site import Forge, database
from tests.relays.process import LISTEN, Relay
from tests.relays.sink import Reply
from tests.relays.slash import ALICE, BOB, ask, introduce
from tests.standins.gitlab_site import READ_TOKEN, Site, running
from tests.waiting import wait_until

__all__ = ["chat", "database"]


@pytest.fixture(scope="module")
def site(database: Path) -> Iterator[Site]:
    with running(database.parent) as started:
        started.allow("127.0.0.1")
        yield started


Make = Callable[..., tuple[Relay, Forge]]


@pytest.fixture
def make(chat: BotSink, site: Site, database: Path, tmp_path: Path) -> Iterator[Make]:
    """A relay that answers commands, and a project of the GitLab that it reads; they are started."""
    made: list[tuple[Relay, Forge]] = []

    def build(settings: str = "") -> tuple[Relay, Forge]:
        named, token = chat.bot
        relay = Relay("gitlab", tmp_path, chat.hook_url, "")
        forge = Forge.make(site, database, relay)
        (tmp_path / "credentials" / "mattermost-bot-token").write_text(f"{token}\n")
        (tmp_path / "credentials" / "gitlab-read-token").write_text(f"{READ_TOKEN}\n")
        slash.hand_token(tmp_path)
        head = f'channel = "dev"\n{settings}\n{named}\n{slash.settings(chat.url)}\n'
        relay.configure(f"{head}{LISTEN}{forge.settings}")
        relay.start()
        made.append((relay, forge))
        return made[-1]

    yield build
    for relay, forge in made:
        relay.close()
        forge.close()
        assert READ_TOKEN not in relay.text


def test_somebody_is_shown_what_is_theirs(make: Make, chat: BotSink) -> None:
    """Each kind of it, to who is that person in GitLab, in their language, and to nobody else."""
    introduce(chat, ALICE, "racine", "fr")
    relay, forge = make('people = { root = "racine" }')
    me = forge.project.site.done("GET", "/user")["id"]
    assert ask(relay, "todo") == "✨ Rien ne vous attend dans les projets de ce site."
    forge.project.commit("a", {"a.txt": "un\n"}, start_branch="main")
    request = {"source_branch": "a", "target_branch": "main", "title": "Quota", "assignee_ids": [me]}
    made = forge.project.done("POST", "/merge_requests", **request)
    forge.project.done("POST", f"/statuses/{made['sha']}", state="failed", ref="a")
    forge.project.done("POST", "/issues", title="Panne", assignee_ids=[me], confidential=True)
    forge.project.done("POST", "/issues", title="Autre")
    said = ask(relay, "todo")
    title, *lines = [line for line in said.splitlines() if line]
    assert title == "📋 **Ce qui vous attend dans GitLab**"
    assert [line for line in lines if not line.startswith("- ")] == [
        "📌 **Assigné à vous**",
        "🔴 **Merge Requests dont le pipeline a échoué**",
    ]
    assert said.count("Quota") == 2
    assert "Panne" in said
    assert "Autre" not in said
    # Whatever the request says of the name.
    other = ask(relay, "todo", user_id=BOB, user_name="racine")
    assert other.startswith("Nothing says which GitLab account is yours")
    assert "n'a pas dit qui vous êtes" in ask(relay, "todo", user_id="nobody00000000000000000001")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("answer", [Reply(401, b"{}"), Reply(500, b""), Reply(200, b"[]"), Reply(302, b"")])
def test_a_gitlab_that_does_not_answer_as_it_should_is_said(make: Make, chat: BotSink, answer: Reply) -> None:
    introduce(chat, ALICE, "racine", "fr")
    relay, forge = make('people = { root = "racine" }')
    ask(relay, "todo")
    forge.front.behave = lambda path: answer if "/projects/" in path else None
    assert ask(relay, "todo") == "⚠️ 1 projet n'a pas pu être lu : il manque peut-être quelque chose."


def test_while_gitlab_takes_its_time_the_answer_comes_later(make: Make, chat: BotSink) -> None:
    introduce(chat, ALICE, "racine", "fr")
    relay, forge = make('people = { root = "racine" }')
    with forge.front.unanswered("/members/") as asked:
        first = slash.post(relay, urlencode(slash.form("todo")).encode()).json()["text"]
        assert first == "⏳ La réponse à `/passerelle` arrive dans un instant."
        assert asked.wait(20)
        assert "tout fonctionne" in ask(relay, "status"), "others do not wait for it"
    wait_until("the answer", lambda: later_answer(slash.RESPONSE))
