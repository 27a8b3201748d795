"""An event that is announced once more, for who asks in its channel: read in GitLab, by the rules as they are now."""

import json
import re
import sqlite3
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.relays import slash
from tests.relays.bot_sink import BotSink
from tests.relays.bot_sink import number_of as channel_number
from tests.relays.gitlab_site import Forge, database, site
from tests.relays.process import LISTEN, Relay, wait_for
from tests.relays.sink import Reply
from tests.relays.slash import ALICE, BOB, ask, introduce
from tests.standins.gitlab_site import READ_TOKEN, Site

__all__ = ["database", "site"]


@pytest.fixture
def chat() -> Iterator[BotSink]:
    sink = BotSink("dev", "home")
    introduce(sink, ALICE, "alice")
    introduce(sink, BOB, "bob")
    sink.managers |= {(channel_id, ALICE) for channel_id in (slash.DEV, channel_number("elsewhere"))}
    yield sink
    sink.stop()


Make = Callable[..., tuple[Relay, Forge]]


@pytest.fixture
def make(chat: BotSink, site: Site, database: Path, tmp_path: Path) -> Iterator[Make]:
    """A relay that answers commands, and a GitLab whose log it may read; they are started."""
    made: list[tuple[Relay, Forge]] = []

    def build(settings: str = "", tables: str = "", *, reads: bool = True) -> tuple[Relay, Forge]:
        named, token = chat.bot
        relay = Relay("gitlab", tmp_path, chat.hook_url, "")
        forge = Forge.make(site, database, relay)
        (tmp_path / "credentials" / "mattermost-bot-token").write_text(f"{token}\n")
        slash.hand_token(tmp_path)
        if reads:
            (tmp_path / "credentials" / "gitlab-read-token").write_text(f"{READ_TOKEN}\n")
        head = f'channel = "dev"\nconversations = "single"\n{settings}\n{named}\n{slash.settings(chat.url)}\n'
        relay.configure(f"{head}{LISTEN}{forge.settings if reads else ''}{tables}")
        relay.start()
        made.append((relay, forge))
        return made[-1]

    yield build
    for relay, forge in made:
        relay.close()
        forge.close()
        assert READ_TOKEN not in relay.text


def number_of(relay: Relay, place: int = 1) -> str:
    """The number of an event in the list, the newest first."""
    numbers: list[str] = re.findall(r"^- \*\*(\d+)\*\*", ask(relay, "why"), re.MULTILINE)
    return numbers[place - 1]


def test_an_event_is_announced_once_more_in_its_channel_alone(make: Make, chat: BotSink) -> None:
    relay, forge = make('[[routes]]\nchannels = ["home", "dev"]\nevents = ["issue"]\n')
    forge.open_issue("Premier")
    forge.open_issue("Second")
    wait_for(lambda: len(chat.written("dev")) == 2)
    # The older one, behind what came after it.
    number = number_of(relay, 2)
    assert ask(relay, f"replay {number}") == f"🔁 L'événement {number} est annoncé de nouveau dans ce canal."
    wait_for(lambda: len(chat.written("dev")) == 3)
    assert "Premier" in chat.written("dev")[-1].shown
    assert len(chat.written("home")) == 2
    # Who asks again at once, for there was no answer, has it announced once.
    assert ask(relay, f"replay {number}").endswith(
        "vient d'être annoncé de nouveau dans ce canal, ou va l'être."
    )
    with sqlite3.connect(relay.state / "relay.db") as db:
        db.execute("UPDATE outbox SET finished_at = finished_at - 3600")
    assert ask(relay, f"replay {number}").endswith("est annoncé de nouveau dans ce canal."), (
        "later it is news"
    )
    wait_for(lambda: len(chat.written("dev")) == 4)
    assert f"user={ALICE}" in relay.text


def test_a_far_event_is_found_among_many_by_few_questions(make: Make, chat: BotSink) -> None:
    relay, forge = make()
    forge.open_issue("Ancien")
    wait_for(lambda: len(chat.written("dev")) == 1)
    number = number_of(relay)
    # As if two thousand deliveries had been logged since, of which the newest are far younger.
    forge.sql(
        "WITH RECURSIVE n(i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 2000)"
        " INSERT INTO hook_logs (hook_id, trigger, url, request_headers, request_data, response_headers,"
        " response_body, response_status, execution_duration, created_at)"
        " SELECT l.hook_id, l.trigger, l.url, json_set(l.request_headers, '$.\"Idempotency-Key\"', 'other-' || i),"
        " l.request_data, l.response_headers, l.response_body, l.response_status, l.execution_duration,"
        " strftime('%Y-%m-%dT%H:%M:%fZ', l.created_at, '+' || (600 + i) || ' seconds')"
        " FROM hook_logs l, n WHERE l.hook_id = ?",
        forge.hook["id"],
    )
    forge.front.asked.clear()
    assert ask(relay, f"replay {number}").startswith("🔁")
    wait_for(lambda: len(chat.written("dev")) == 2)
    assert "Ancien" in chat.written("dev")[-1].shown
    assert len(forge.front.pages) < 30


def test_a_pattern_of_another_group_is_not_in_the_way(make: Make, chat: BotSink) -> None:
    """One that GitLab does not show is no reason to bring nothing of the other groups."""
    relay, forge = make()
    forge.open_issue("Premier")
    wait_for(lambda: len(chat.written("dev")) == 1)
    number = number_of(relay)
    relay.terminate()
    group = forge.project.full_path.rpartition("/")[0]
    listed = f'projects = ["{forge.project.full_path}"]'
    assert listed in relay.settings
    relay.configure(relay.settings.replace(listed, f'projects = ["nosuch/**", "{group}/**"]'))
    relay.start()
    assert ask(relay, f"replay {number}").startswith("🔁")
    wait_for(lambda: len(chat.written("dev")) == 2)


REFUSED: dict[str, tuple[str, dict[str, str], str]] = {
    "a stranger": ("replay {}", {"user_id": BOB}, "Réservé à ceux qui administrent ce canal"),
    "nobody": ("replay {}", {"user_id": "nobody00000000000000000001"}, "n'a pas dit qui vous êtes"),
    "another channel": (
        "replay {}",
        {"channel_name": "elsewhere"},
        "n'est pas le numéro d'un événement de ce canal",
    ),
    "a channel that they do not administer": (
        "replay {}",
        {"channel_name": "home", "channel_id": slash.HOME},
        "Réservé à ceux qui administrent ce canal",
    ),
    "no number": ("replay", {}, "Usage : `/passerelle` `replay 12`"),
    "a text": ("replay x", {}, "Usage : "),
    "a negative number": ("replay -1", {}, "Usage : "),
    "two numbers": ("replay {} {}", {}, "Usage : "),
    "a number beyond all": ("replay 99999999999999999999999", {}, "Usage : "),
    "an unknown number": ("replay 999999", {}, "n'est pas le numéro"),
}


def test_who_may_not_and_what_is_not_there_is_refused(make: Make, chat: BotSink) -> None:
    relay, forge = make()
    forge.open_issue("Premier")
    wait_for(lambda: len(chat.written("dev")) == 1)
    number = number_of(relay)
    answers = {
        name: ask(relay, text.replace("{}", number), **changes)
        for name, (text, changes, _) in REFUSED.items()
    }
    assert {name: said for name, said in answers.items() if REFUSED[name][2] not in said} == {}
    assert len(chat.written("dev")) == 1


def test_what_the_rules_leave_out_by_now_stays_out(make: Make, chat: BotSink) -> None:
    """A channel cannot ask for what is not for it any more."""
    relay, forge = make()
    forge.open_issue("Premier")
    wait_for(lambda: len(chat.written("dev")) == 1)
    number = number_of(relay)
    route = '[[routes]]\nchannels = {}\nevents = ["issue"]\n'
    before = relay.settings
    for channels, said in (
        ("[]", "Les règles du site l'excluent toujours : 🔇 écarté par la route 1"),
        ('["home"]', "n'amènent plus cet événement dans ce canal"),
    ):
        relay.terminate()
        relay.configure(before + route.format(channels))
        relay.start()
        assert said in ask(relay, f"replay {number}")
    # It has become confidential, or GitLab says so of it by now.
    relay.terminate()
    relay.configure(before)
    relay.start()
    ((data,),) = forge.sql("SELECT request_data FROM hook_logs WHERE hook_id = ?", forge.hook["id"])
    payload = json.loads(data)
    payload["object_attributes"]["confidential"] = True
    forge.sql(
        "UPDATE hook_logs SET request_data = ? WHERE hook_id = ?", json.dumps(payload), forge.hook["id"]
    )
    assert "n'amènent plus cet événement dans ce canal" in ask(relay, f"replay {number}")
    assert len(chat.written("dev")) == 1


def hide(forge: Forge) -> None:
    """The issue is for members only from now on."""
    forge.project.done("PUT", "/issues/1", confidential=True)


def delete(forge: Forge) -> None:
    """The issue is not there any more."""
    forge.sql("DELETE FROM issues")


@pytest.mark.sampled(2)
@pytest.mark.parametrize("change", [hide, delete])
@pytest.mark.parametrize("about", ["the issue", "a comment on it"])
def test_what_has_become_confidential_since_is_not_said_again(
    make: Make, chat: BotSink, change: Callable[[Forge], None], about: str
) -> None:
    """Though the log holds it as it was: only where confidential events go now, and nowhere without such a route."""
    relay, forge = make()
    forge.open_issue("Titre-secret")
    if about != "the issue":
        forge.project.done("PUT", f"/hooks/{forge.hook['id']}", url=forge.door.url, note_events=True)
        forge.project.done("POST", "/issues/1/notes", body="Titre-secret aussi")
        wait_for(lambda: len(chat.written("dev")) == 2)
    wait_for(lambda: len(chat.written("dev")) >= 1)
    number, said = number_of(relay), len(chat.written("dev"))
    change(forge)
    answer = ask(relay, f"replay {number}")
    assert "n'amènent plus cet événement dans ce canal" in answer
    assert "secret" not in answer
    assert len(chat.written("dev")) == said
    relay.terminate()
    relay.configure(relay.settings + '[[routes]]\nchannels = ["dev"]\nconfidential = true\n')
    relay.start()
    assert "annoncé de nouveau" in ask(relay, f"replay {number}")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("state", "said"),
    [
        ("no token", "Il faudrait le relire dans GitLab"),
        ("forgotten", "GitLab n'a plus cet événement"),
        ("no body", "GitLab n'a plus cet événement"),
        ("refused", "GitLab n'a pas pu être lu (HTTP 401)"),
        ("no GitLab", "GitLab n'a pas pu être lu ("),
    ],
)
def test_what_gitlab_does_not_give_is_said(make: Make, chat: BotSink, state: str, said: str) -> None:
    relay, forge = make(reads=state != "no token")
    forge.open_issue("Premier")
    wait_for(lambda: len(chat.written("dev")) == 1)
    number = number_of(relay)
    if state == "forgotten":
        forge.sql("DELETE FROM hook_logs WHERE hook_id = ?", forge.hook["id"])
    elif state == "no body":
        oversize = '{"oversize": true}'
        forge.sql("UPDATE hook_logs SET request_data = ? WHERE hook_id = ?", oversize, forge.hook["id"])
    elif state == "refused":
        forge.front.behave = lambda path: Reply(401, b"{}")
    elif state == "no GitLab":
        forge.front.close()
    assert said in ask(relay, f"replay {number}")
    assert len(chat.written("dev")) == 1
