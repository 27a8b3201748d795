"""Slash commands whose answers take longer than a moment, fail, or find no place in the line."""

import json
import logging
import socket
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, fields
from urllib.parse import urlencode

import pytest
import requests

from relays.delivery.metrics import Metrics
from relays.delivery.outbox import Stats
from relays.mattermost import later_answers
from relays.mattermost.later_answers import LaterAnswers, Server
from relays.mattermost.markup import Markup
from relays.mattermost.people import NoAnswerError, Person
from relays.mattermost.slash_command import LONGEST_ANSWER, NotACommandError, answer, read_command
from relays.sources.gitlab.channel_events import CONVERSATION, FAILED, REVIEWS
from relays.sources.gitlab.commands import executor as executing
from relays.sources.gitlab.commands import line as lining
from relays.sources.gitlab.commands.answering import Answering
from relays.sources.gitlab.commands.buttons import WORDS
from relays.sources.gitlab.commands.executor import Executor
from relays.sources.gitlab.commands.help import Help
from relays.sources.gitlab.commands.line import MOST_OF_ONE
from relays.sources.gitlab.commands.request import CommandReception, CommandRequest
from relays.sources.gitlab.commands.settings import COMMAND_PATH
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand
from relays.sources.gitlab.conversations.actions import ACTIONS
from relays.sources.gitlab.http.refusals import Refusals
from relays.sources.gitlab.http.server import HttpServer
from relays.sources.gitlab.mute import Mute
from relays.sources.nextcloud.document import TAKE
from relays.storage.engine import StorageError
from relays.wording import CATALOGUES
from tests.relays.bot_sink import BotSink
from tests.relays.slash import ALICE, BOB, RESPONSE, form
from tests.waiting import wait_until


class People:
    """Mattermost's word on people: `persons` by number, what is not there is not said."""

    def __init__(self) -> None:
        self.persons: dict[str, Person] = {}
        self.managers: set[str] = set()

    def language(self, user_id: str) -> None:
        return None

    def find(self, user_id: str) -> Person:
        if user_id not in self.persons:
            raise NoAnswerError
        return self.persons[user_id]

    def administers(self, user_id: str, channel_id: str) -> bool:
        return user_id in self.managers


class Slow(Subcommand):
    """Answers when it is let."""

    name = "slow"

    def __init__(self) -> None:
        self.go = threading.Event()

    def answer(self, asked: Asked) -> Markup:
        self.go.wait(30)
        return Markup("enfin")


class Far(Slow):
    """Asks GitLab, which answers when it is let."""

    name = "far"
    asks_gitlab = True


class Doing(Subcommand):
    """Does as it is told."""

    name = "do"
    asks_mattermost = True

    def __init__(self, act: Callable[[Asked], str]) -> None:
        self._act = act

    def answer(self, asked: Asked) -> Markup:
        return Markup(self._act(asked))


@dataclass
class World:
    """A server that takes commands in, and a Mattermost that takes later answers."""

    chat: BotSink
    url: str
    slow: Slow
    far: Far
    people: People
    executor: Executor
    act: Callable[[Asked], str] = lambda asked: "fait"
    counters: Counter[str] = field(default_factory=Counter)

    def ask(self, text: str, **changes: str) -> str:
        response = requests.post(self.url + COMMAND_PATH, form(text, **changes), timeout=20)
        assert response.status_code == 200
        return str(response.json()["text"])


@pytest.fixture
def world() -> Iterator[World]:
    chat = BotSink()
    slow, far = Slow(), Far()
    others = [slow, far, Doing(lambda asked: made.act(asked))]
    subcommands, people = {each.name: each for each in (Help([]), *others)}, People()
    answering = Answering(subcommands, "fr", people, frozenset(["alice"]))  # type: ignore[arg-type]
    executor = Executor(answering, Server(chat.url))
    made = World(chat, "", slow, far, people, executor)
    refusals = Refusals(made.counters, Metrics(lambda: Stats(0, 0, None, None), lambda: False))
    reception = CommandReception([form()["token"]], form()["team_domain"], executor, refusals)
    listener = socket.create_server(("127.0.0.1", 0))
    made.url = f"http://127.0.0.1:{listener.getsockname()[1]}"
    workers = [
        *executor.workers,
        HttpServer(lambda request, finish: CommandRequest(reception, request, finish), listener),
    ]
    for worker in workers:
        worker.start()
    yield made
    slow.go.set()
    far.go.set()
    for worker in workers:
        worker.stop()
    for worker in workers:
        worker.join(10)
    chat.stop()


def test_what_takes_long_is_answered_at_once_and_then_again(world: World) -> None:
    assert world.ask("slow") == "⏳ La réponse à `/passerelle` arrive dans un instant."
    assert world.chat.later == []
    world.slow.go.set()
    wait_until("the answer", lambda: world.chat.later)
    ((where, said),) = world.chat.later
    assert (where, said["text"], said["response_type"]) == (RESPONSE, "enfin", "ephemeral")
    assert world.ask("slow") == "enfin"


@pytest.mark.parametrize(("waits", "others"), [("slow", ["do"]), ("far", ["do", "help"])])
def test_those_who_wait_hold_nobody_up_who_does_not(world: World, waits: str, others: list[str]) -> None:
    """More than there are threads for it wait for the store, or for GitLab; what asks others has other ones."""
    asking = [threading.Thread(target=world.ask, args=(waits,)) for _ in range(8)]
    for each in asking:
        each.start()
    for text in others:
        assert not world.ask(text).startswith("⏳")
    for each in asking:
        each.join()
    world.slow.go.set()
    world.far.go.set()
    wait_until("all of them are answered", lambda: len(world.chat.later) == 8)


def test_who_finds_no_place_hears_it_at_once(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(lining, "MOST", 0)
    assert world.ask("help") == "⏳ Trop de commandes à la fois. Réessayez dans une minute."


@pytest.mark.parametrize("text", ["do", "slow", "far"])
def test_one_person_takes_a_few_places_of_a_line_alone(world: World, text: str) -> None:
    """Whoever asks for more hears why; all others are answered, as soon as a thread is free."""
    go = threading.Event()
    world.act = lambda asked: "fait" if go.wait(30) else ""
    for _ in range(MOST_OF_ONE):
        assert world.ask(text).startswith("⏳ La réponse")
    refused = world.ask(text)
    assert refused.startswith(f"⏳ {MOST_OF_ONE} de vos commandes attendent déjà une réponse")
    assert world.ask(text, user_id=BOB).startswith("⏳ La réponse")
    for each in (go, world.slow.go, world.far.go):
        each.set()
    wait_until("all of them are answered", lambda: len(world.chat.later) == MOST_OF_ONE + 1)
    assert world.ask(text) in ("fait", "enfin")


def test_what_waits_when_the_relay_ends_is_answered_and_noted(
    world: World, caplog: pytest.LogCaptureFixture
) -> None:
    """Who waits still hears that nothing was done; what would be answered later is in the journal."""
    executor, begun, go = world.executor, list[Asked](), threading.Event()
    world.act = lambda asked: begun.append(asked) or str(go.wait(30))  # type: ignore[func-returns-value]
    command = read_command(urlencode(form("do")).encode())
    answers = [executor.submit(command) for _ in range(4)]
    wait_until("as many as there are threads are being done", lambda: len(begun) == 2)
    for worker in executor.workers:
        worker.stop()
    lost = [each.result(0) for each in answers if each.done()]
    assert lost == ["⏳ Le relais s'arrête ; rien n'a été fait. Réessayez dans une minute."] * 2
    assert caplog.text.count("lost command subcommand=do") == 2
    assert executor.submit(command).result(0) == lost[0]
    executor.send_later(command, Markup("trop tard"))
    assert f"lost answer to command user={ALICE} reason=the relay ends" in caplog.text
    go.set()
    wait_until("what was begun is ended", lambda: all(each.done() for each in answers))
    assert len(begun) == 2


def test_what_has_waited_too_long_is_not_done_any_more(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    """Such as to give up all that was put aside, by then perhaps something else."""
    done: list[str] = []
    world.act = lambda asked: done.append("x") or "fait"  # type: ignore[func-returns-value]
    monkeypatch.setattr(executing, "_STALE_SECONDS", -1.0)
    assert world.ask("do") == "⏳ Trop de commandes à la fois. Réessayez dans une minute."
    assert done == []


def _raise(error: Exception) -> Callable[[Asked], str]:
    def act(asked: Asked) -> str:
        raise error

    return act


@pytest.mark.parametrize(
    ("error", "said"),
    [
        (StorageError("secret"), "Le stockage du relais ne répond pas"),
        (RuntimeError("secret"), "Le relais n'a pas su répondre"),
        (KeyError("secret"), "Le relais n'a pas su répondre"),
    ],
)
def test_an_error_is_an_answer_and_shows_nothing(
    world: World, caplog: pytest.LogCaptureFixture, error: Exception, said: str
) -> None:
    world.act = _raise(error)
    with caplog.at_level(logging.INFO):
        assert said in world.ask("do")
    assert "secret" not in caplog.text
    assert world.ask("help").startswith("**Ce que sait faire")


def test_an_error_about_a_language_is_an_answer_too(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(self: object, user_id: str) -> None:
        raise RuntimeError("secret")

    monkeypatch.setattr(People, "language", fail)
    assert "Le relais n'a pas su répondre" in world.ask("help")
    monkeypatch.undo()
    assert world.ask("help").startswith("**Ce que sait faire")


OPERATORS = {
    "an administrator of the system": (Person("root", None, is_admin=True), True),
    "one of the list": (Person("alice", "fr", is_admin=False), True),
    "another one": (Person("bob", "fr", is_admin=False), False),
    "a bot": (Person("robot", "en", is_admin=False, is_bot=True), False),
    "a bot that administers": (Person("robot", "en", is_admin=True, is_bot=True), False),
    "a bot of the list": (Person("alice", "en", is_admin=False, is_bot=True), False),
}


@pytest.mark.parametrize("name", OPERATORS)
@pytest.mark.parametrize("manages", [False, True])
def test_who_decides_is_what_mattermost_says(world: World, name: str, manages: bool) -> None:
    """Whatever the request says of the name."""
    person, decides = OPERATORS[name]
    world.people.persons[ALICE] = person
    world.people.managers = {ALICE} if manages else set()
    world.act = lambda asked: f"{asked.is_operator()} {asked.may_manage()}"
    assert world.ask("do") == f"{decides} {decides or (manages and not person.is_bot)}"


def test_nobody_decides_while_mattermost_does_not_say(world: World) -> None:
    world.act = lambda asked: f"{asked.is_operator()}"
    assert world.ask("do") == (
        "⚠️ Mattermost n'a pas dit qui vous êtes ; rien n'a été fait. Réessayez dans une minute."
    )


@pytest.mark.parametrize(
    "changed",
    [{"user_id": "x"}, {"channel_id": ""}, {"command": "passerelle"}, {"command": "/a b"}],
)
def test_what_lacks_something_is_no_command(changed: dict[str, str]) -> None:
    with pytest.raises(NotACommandError):
        read_command(urlencode(form(**changed)).encode())


@pytest.mark.parametrize(
    ("address", "response"),
    [
        (f"https://chat.example.invalid/sub/path/hooks/commands/{RESPONSE}", RESPONSE),
        (f"https://chat.example.invalid/hooks/commands/{RESPONSE}/../x", ""),
        ("https://chat.example.invalid/hooks/commands/", ""),
        ("https://elsewhere.example.invalid/", ""),
        ("", ""),
    ],
)
def test_later_answers_go_to_the_server_of_the_settings(address: str, response: str) -> None:
    """Of the address in a request, which is for people, only the end is taken."""
    command = read_command(urlencode(form("a  b", response_url=address)).encode())
    assert (command.response, command.words) == (response, ("a", "b"))
    assert RESPONSE not in repr(command)


def test_an_answer_is_cut_where_it_is_too_long() -> None:
    text = json.loads(answer(Markup("é" * 2 * LONGEST_ANSWER)))["text"]
    assert (len(text), text[-2:]) == (LONGEST_ANSWER, "é…")


@pytest.mark.parametrize(
    ("statuses", "attempts", "why"),
    [
        ([200], 1, ""),
        ([503, 429, 200], 3, ""),
        ([404], 1, "HTTP 404"),
        ([500] * 4, 4, "HTTP 500"),
        ([0, 200], 2, ""),
        ([0] * 4, 4, "ConnectionError"),
    ],
)
def test_a_later_answer_is_tried_again_as_long_as_it_may_help(
    monkeypatch: pytest.MonkeyPatch, statuses: list[int], attempts: int, why: str
) -> None:
    made: list[str] = []

    def ask(session: object, method: str, url: str, body: object, timeout: object) -> object:
        made.append(url)
        status = statuses[len(made) - 1]
        if not status:
            raise requests.ConnectionError(url)
        response = requests.Response()
        response.status_code = status
        return response, b""

    monkeypatch.setattr(later_answers, "ask", ask)
    command = read_command(urlencode(form()).encode())
    found = LaterAnswers(Server("http://chat.example.invalid/sub"), lambda seconds: None).send(
        command, Markup("x")
    )
    assert (found, len(made)) == (why, attempts)
    assert set(made) == {f"http://chat.example.invalid/sub/hooks/commands/{RESPONSE}"}


@pytest.mark.parametrize("language", CATALOGUES)
def test_all_that_a_command_may_say_is_worded(language: str) -> None:
    wording = CATALOGUES[language]
    assert {f"command.rule.{each.name}" for each in fields(Mute)} <= wording.keys()
    assert {f"command.why.{rule}" for rule in (FAILED, REVIEWS, CONVERSATION, "muted")} <= wording.keys()
    names = {key.rpartition(".")[2] for key in wording if key.startswith("command.usage.")}
    assert set(wording["command.hint"].strip("[]").split(" | ")) == names
    assert {f"command.help.{name}" for name in names} <= wording.keys()


@pytest.mark.parametrize("language", CATALOGUES)
def test_each_button_says_something_and_does_something(language: str) -> None:
    shown = {TAKE, *(action for actions in ACTIONS.values() for action in actions)}
    assert shown == WORDS.keys()
    assert {f"button.{action}" for action in shown} <= CATALOGUES[language].keys()
    assert {f"command.usage.{words[0]}" for words in WORDS.values()} <= CATALOGUES[language].keys()


def test_threads_that_wait_for_mattermost_count_as_well() -> None:
    """The watchdog leaves them longer than all attempts take."""
    waits = sum(later_answers._DELAYS) + (1 + len(later_answers._DELAYS)) * sum(later_answers._TIMEOUT)
    assert waits < lining.TIMEOUT_SECONDS
