"""Every subcommand of a deployed site, typed by who may, by a member of the channel, and by a stranger."""

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

import relays.sources.gitlab.commands.assembly  # noqa: F401 which knows all subcommands
from relays.sources.gitlab.commands.subcommand import Subcommand
from tasks.site import Site
from tests.acceptance.people import Chat, Forge, marker
from tests.lab.faults.bot import BOT
from tests.lab.faults.commands import COMMANDS
from tests.lab.runs import deploy
from tests.waiting import wait_until

pytestmark = pytest.mark.exhaustive

CHANNEL = "dev-notifications"
LATER = "answer is on its way"
MANAGERS, OPERATORS = "For those who administer this channel", "For operators"
# What is typed, in this order; what who may is answered, and what a plain member is. {n}: an event of `why`.
SAID: dict[str, tuple[str, str, str]] = {
    "help": ("help", "What `/passerelle` can do", "What `/passerelle` can do"),
    "status": ("status", "Passerelle: everything works", "Passerelle: everything works"),
    "why": ("why", "Last events for this channel", "Last events for this channel"),
    "replay": ("replay {n}", "", MANAGERS),
    "mute": ("mute 1h taaf/essai", "Silence for 1 h: `taaf/essai`", MANAGERS),
    "todo": ("todo", "", ""),
    "notify": ("notify", "What the bot writes to you in person", "What the bot writes to you in person"),
    "subscribe": ("subscribe {project} issue", "This channel is subscribed to", MANAGERS),
    "list": ("list", "Subscriptions of this channel", "Subscriptions of this channel"),
    "unsubscribe": ("unsubscribe {project}", "no longer subscribed", MANAGERS),
    "dead": ("dead", "Nothing is put aside", OPERATORS),
    # Outside a thread, in which buttons ask for the same (test_buttons.py, test_documents_taken.py).
    "review": ("review", "not that of a merge request", "not that of a merge request"),
    "retry": ("retry", "this site changes nothing", "this site changes nothing"),
    "take": ("take", "documents are not taken", "documents are not taken"),
}


@pytest.fixture(scope="module", autouse=True)
def deployed() -> Iterator[None]:
    """A site with commands, and the lab's own afterwards."""
    deploy(**BOT, **COMMANDS)
    yield
    deploy()


@pytest.fixture(scope="module")
def typed(chat: Chat) -> Callable[..., str]:
    """What is answered to who types a command in the channel, as the deploy's account or with the token of another."""
    there = chat.channel(CHANNEL)
    where = {"channel_id": there["id"], "team_id": there["team_id"]}

    def run(text: str, token: str = "") -> str:
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        url = f"{chat._site.url}/api/v4/commands/execute"
        done = chat.send("POST", url, json={**where, "command": f"/passerelle {text}"}, headers=headers)
        return str(done.json()["text"])

    return run


@pytest.fixture(scope="module")
def public(site: Site, forge: Forge) -> Iterator[None]:
    """The project is such that any channel may subscribe to it."""
    before = forge.api("GET", "PROJECT")["visibility"]
    forge.api("PUT", "PROJECT", {"visibility": "public"})
    yield
    forge.api("PUT", "PROJECT", {"visibility": before})


def new_person(chat: Chat, *, is_member: bool) -> str:
    """The session token of somebody new, who is in the channel or a stranger to the team."""
    name = f"person-{marker()}"
    user = {"username": name, "email": f"{name}@example.org", "password": "Un-mot-de-passe-1", "locale": "en"}
    made: dict[str, Any] = chat.api("POST", "/users", user)
    if is_member:
        there = chat.channel(CHANNEL)
        member = {"team_id": there["team_id"], "user_id": made["id"]}
        chat.api("POST", f"/teams/{there['team_id']}/members", member)
        chat.api("POST", f"/channels/{there['id']}/members", {"user_id": made["id"]})
    login = chat.send(
        "POST",
        f"{chat._site.url}/api/v4/users/login",
        json={"login_id": name, "password": user["password"]},
        headers={"Authorization": ""},
    )
    return login.headers["Token"]


def test_there_is_none_without_its_answers() -> None:
    def names(of: type[Any]) -> Iterator[str]:
        for each in of.__subclasses__():
            if not inspect.isabstract(each):
                yield each.name
            yield from names(each)

    assert sorted(SAID) == sorted(set(names(Subcommand)))


@pytest.mark.usefixtures("public")
def test_each_is_answered(typed: Callable[..., str], chat: Chat, forge: Forge, site: Site) -> None:
    chat.api("PUT", "/users/me/patch", {"locale": "en"})
    title = marker()
    forge.api("POST", "PROJECT/issues", {"title": title})
    wait_until("it is said", lambda: chat.about(CHANNEL, title))
    why = typed("why")
    found = re.search(r"\*\*(\d+)\*\*", why)
    assert found, why
    known = {"n": found[1], "project": site.gitlab.project}
    member, stranger = new_person(chat, is_member=True), new_person(chat, is_member=False)
    for text, expected, expected_of_member in SAID.values():
        line = text.format(**known)
        said = typed(line, member)
        assert expected_of_member in said, (line, "a member", said)
        said = typed(line)
        assert expected in said, (line, said)
        assert MANAGERS not in said, (line, said)
        with pytest.raises(requests.HTTPError, match="403"):
            typed(line, stranger)
    wait_until("it is said again", lambda: len(chat.about(CHANNEL, title)) == 2)
    assert "silence is over" in typed("mute off taaf/essai")
