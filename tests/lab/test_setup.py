"""passerelle setup on the lab's host: three answers to the first message; again; refused; interrupted."""

import base64
import re
import stat
import time
import tomllib
from collections.abc import Callable
from typing import Any

import pytest
import requests

from tasks.site import Site
from tests.acceptance.people import Chat, Forge
from tests.lab.person import (
    HOST,
    NAME,
    PASSWORD,
    PLAN,
    TOKEN,
    Person,
    Shell,
    left_behind,
    nothing_there,
    person,
    tokens,
)
from tests.lab.terminal import Terminal

__all__ = ["nothing_there", "person", "tokens"]

pytestmark = pytest.mark.usefixtures("nothing_there")


def enters(site: Site, chat: Chat, forge: Forge, values: dict[str, dict[str, Any]]) -> dict[str, bool]:
    """Which of the tokens of a settings file the applications take."""
    basic = base64.b64encode(f"admin:{values['nextcloud']['relay_password']}".encode()).decode()
    asked = {
        "gitlab": (f"{site.gitlab.url}/api/v4/user", {"PRIVATE-TOKEN": values["gitlab"]["token"]}),
        "mattermost": (
            f"{site.mattermost.url}/api/v4/users/me",
            {"Authorization": f"Bearer {values['mattermost']['token']}"},
        ),
        "nextcloud": (
            f"{site.nextcloud.url}/remote.php/dav/files/admin/",
            {"Authorization": f"Basic {basic}"},
        ),
    }
    found = {}
    for name, (url, headers) in asked.items():
        with requests.Session() as session:
            session.proxies, session.trust_env = chat.session.proxies, False
            found[name] = session.get(url, headers=headers, timeout=30).status_code != 401
    return found


@pytest.mark.parametrize(
    "lives_on",
    [
        pytest.param(False, id="and are taken back"),
        pytest.param(True, id="are kept, renewed and taken back", marks=pytest.mark.exhaustive),
    ],
)
def test_three_answers_bring_the_first_message(
    lives_on: bool,
    person: Person,
    site: Site,
    chat: Chat,
    forge: Forge,
    machine: Shell,
    tokens: Callable[[], tuple[int, int, int]],
) -> None:
    before, started = tokens(), time.monotonic()
    terminal = person.sit_down("setup")
    terminal.wait_for(HOST)
    terminal.type(person.host)
    terminal.wait_for(TOKEN)
    terminal.type(person.lab.chat_token)
    terminal.wait_for(PLAN)
    assert "+ hook Passerelle of" in terminal.output
    assert not person.settings.exists()
    terminal.type("")
    assert terminal.end() == 0, terminal.output
    assert time.monotonic() - started < 300  # the bound that the program promises

    assert "Traceback" not in terminal.output
    message = re.search(r"The first message:\s+(\S+)/pl/([a-z0-9]{26})", terminal.output)
    assert message is not None, terminal.output
    assert message[1] == f"{site.mattermost.url}/{site.mattermost.team}"
    post = chat.api("GET", f"/posts/{message[2]}")
    assert post["props"]["from_webhook"] == "true"

    values = tomllib.loads(person.settings.read_text())
    assert [stat.S_IMODE(path.stat().st_mode) for path in (person.settings, person.ledger)] == [0o600] * 2
    made = [values[name][key] for name, key in (("gitlab", "token"), ("mattermost", "token"))]
    for secret in (*made, values["nextcloud"]["relay_password"], person.lab.chat_token):
        assert secret not in terminal.output
        assert secret not in person.ledger.read_text()
    assert person.lab.chat_token not in person.settings.read_text()  # used once, to make one of its own
    assert tokens() == tuple(count + 1 for count in before)

    found = person.run("drift")
    assert (found.returncode, found.stdout) == (0, "0 difference(s)\n"), found.stderr
    assert person.run("status").returncode == 0
    assert person.run("doctor").returncode == 0

    if lives_on:
        again(person, tokens)
        rotation(person, site, chat, forge, tokens)
    end(person, site, chat, forge, tokens, before)


def again(person: Person, tokens: Callable[[], tuple[int, int, int]]) -> None:
    """Run again, it keeps what is there and makes nothing."""
    held, there = person.settings.read_text(), tokens()
    done = person.run("setup", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert "nothing to do" in done.stderr
    assert "is there already: what it says stays" in done.stderr
    assert (person.settings.read_text(), tokens()) == (held, there)
    # A token that is revoked is named, and a new one takes its place.
    values = tomllib.loads(held)
    person.settings.write_text(held.replace(values["mattermost"]["token"], "x" * 26))
    done = person.run("setup", "--yes", person.token(person.lab.chat_token))
    assert done.returncode == 0, done.stdout + done.stderr
    assert "mattermost.token in the settings is refused" in done.stderr
    assert tokens() == there  # the one that nobody knew any more is gone


def rotation(
    person: Person, site: Site, chat: Chat, forge: Forge, tokens: Callable[[], tuple[int, int, int]]
) -> None:
    """rotate renews what setup has made; the old ones are worthless afterwards."""
    old, there = tomllib.loads(person.settings.read_text()), tokens()
    done = person.run("rotate", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    new = tomllib.loads(person.settings.read_text())
    assert enters(site, chat, forge, old) == dict.fromkeys(("gitlab", "mattermost", "nextcloud"), False)
    assert enters(site, chat, forge, new) == dict.fromkeys(("gitlab", "mattermost", "nextcloud"), True)
    assert tokens() == there
    found = person.run("drift")
    assert (found.returncode, found.stdout) == (0, "0 difference(s)\n"), found.stderr


def end(
    person: Person,
    site: Site,
    chat: Chat,
    forge: Forge,
    tokens: Callable[[], tuple[int, int, int]],
    before: tuple[int, int, int],
) -> None:
    """teardown revokes what setup has made, after showing it."""
    shown = person.run("teardown", "--dry")
    listed = re.findall(r"- (\S+), made by setup", shown.stdout + shown.stderr)
    assert listed == ["nextcloud.relay_password", "mattermost.token", "gitlab.token"]
    values = tomllib.loads(person.settings.read_text())
    done = person.run("teardown", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    assert enters(site, chat, forge, values) == dict.fromkeys(("gitlab", "mattermost", "nextcloud"), False)
    assert tokens() == before
    assert not person.ledger.exists()


def log_in(terminal: Terminal, person: Person) -> None:
    """Up to the plan, with name and password; the first time a wrong one."""
    terminal.wait_for(HOST)
    terminal.type(person.host)
    terminal.wait_for(TOKEN)
    terminal.type("")
    terminal.wait_for(NAME)
    terminal.type("admin")
    terminal.wait_for(PASSWORD)
    terminal.type("wrong")
    terminal.wait_for("does not take that password of admin")
    terminal.wait_for(PASSWORD)
    terminal.type(person.lab.chat_password)


@pytest.mark.exhaustive
def test_a_plan_that_is_refused_leaves_nothing(
    person: Person, tokens: Callable[[], tuple[int, int, int]], machine: Shell
) -> None:
    before = tokens()
    terminal = person.sit_down("setup")
    log_in(terminal, person)
    terminal.wait_for(PLAN)
    assert tokens() == tuple(count + 1 for count in before)
    terminal.type("n")
    assert terminal.end() == 0
    assert "nothing is deployed" in terminal.output
    assert tokens() == before
    assert left_behind(person) == []
    assert machine("ls /opt /etc | grep -c passerelle || true").strip() == "0"


@pytest.mark.exhaustive
@pytest.mark.parametrize("moment", [HOST, TOKEN, NAME, PASSWORD, "making a token", "looking what is", PLAN])
def test_an_interruption_leaves_nothing(
    moment: str, person: Person, tokens: Callable[[], tuple[int, int, int]]
) -> None:
    before = tokens()
    terminal = person.sit_down("setup")
    for prompt, answer in (
        (HOST, person.host),
        (TOKEN, ""),
        (NAME, "admin"),
        (PASSWORD, person.lab.chat_password),
    ):
        terminal.wait_for(prompt)
        if prompt == moment:
            terminal.wait_until_it_reads()
            break
        terminal.type(answer)
    else:
        terminal.wait_for(moment)
    terminal.interrupt()
    assert terminal.end() == 130, terminal.output
    assert "Traceback" not in terminal.output
    assert tokens() == before
    assert left_behind(person) == []


@pytest.mark.exhaustive
def test_tokens_that_are_switched_off_are_said_so(person: Person, chat: Chat, site: Site) -> None:
    """Only whoever asks for it has them switched on."""

    # A session, for personal access tokens are refused while they are off.
    login = {"login_id": "admin", "password": person.lab.chat_password}
    session = chat.send("POST", f"{site.mattermost.url}/api/v4/users/login", json=login).headers["Token"]

    def allowed(**change: bool) -> bool:
        answer = chat.send(
            "PUT",
            f"{site.mattermost.url}/api/v4/config/patch",
            json={"ServiceSettings": change},
            headers={"Authorization": f"Bearer {session}"},
        )
        return bool(answer.json()["ServiceSettings"]["EnableUserAccessTokens"])

    person.variables = {"PASSERELLE_SETUP_MATTERMOST_PASSWORD": person.lab.chat_password}
    options = ["setup", f"--host={person.host}", "--mattermost-user=admin"]
    assert not allowed(EnableUserAccessTokens=False)
    try:
        done = person.run(*options, "--yes")
        assert (done.returncode, done.stdout) == (1, "")
        assert "--allow-mattermost-tokens" in done.stderr
        assert not allowed()
        terminal = person.sit_down(*options)
        terminal.wait_for("Switch them on")
        terminal.type("")
        terminal.wait_for(PLAN)
        terminal.type("n")
        assert terminal.end() == 0
        assert allowed()
    finally:
        assert allowed(EnableUserAccessTokens=True)
    assert left_behind(person) == []


@pytest.mark.exhaustive
def test_another_user_becomes_root_by_sudo(person: Person, machine: Shell) -> None:
    """The folder of the project is not the user's own, and found all the same."""
    done = person.run(
        "setup", "--yes", f"--host=ops@127.0.0.1:{person.lab.ssh_port}", person.token(person.lab.chat_token)
    )
    assert done.returncode == 0, done.stdout + done.stderr
    values = tomllib.loads(person.settings.read_text())
    assert values["host"]["sudo"] is True
    assert "The first message" in done.stderr
    done = person.run("teardown", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
