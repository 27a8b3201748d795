"""What people have chosen in the chat, as an operator lists, exports and imports it; moved between spools as it is."""

import subprocess
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.forking import run
from tests.postgresql import Cluster, on_both_spools
from tests.relays import slash
from tests.relays.bot_sink import BotSink
from tests.relays.commanded import bot
from tests.relays.process import Relay
from tests.relays.slash import ALICE, ask, introduce
from tests.relays.slash import BOB as BOB_ID
from tests.relays.test_parked import places

__all__ = ["bot"]

MOMENTS = "until = 2026-01-01T00:00:00Z\nchosen_at = 2026-01-01T00:00:00Z\n"
DEV = '[[silences]]\nchannel = "dev"\n'
OF = 'timezone = "Europe/Paris"\nchosen_at = 2026-01-01T00:00:00Z\n'
BOB = '[[notify]]\nperson = "bob"\n'
SUBSCRIBED = '[[subscriptions]]\nchannel_id = "dev00000000000000000000001"\n'
WRONG = {
    "no TOML": ("x", "is not valid TOML"),
    "an unknown key": (f'{DEV}chosen_by = "alice"\nwhere = 1\n{MOMENTS}', "[[silences]] 1 where is unknown"),
    "an unknown table": (
        "[routes]\n",
        "routes is unknown: remove it; known are silences, notify, subscriptions",
    ),
    "no channel": (f"[[silences]]\n{MOMENTS}", "channel is missing"),
    "no moment": (f'{DEV}until = "soon"\n', "is not a moment with its time zone"),
    "no zone": (f"{DEV}until = 2026-01-01T00:00:00\n", "is not a moment with its time zone"),
    "no target": (f'{DEV}target = "x y"\n', "is neither a project by its full path"),
    "a channel's name for its number": ('[[subscriptions]]\nchannel_id = "dev"\n', "channel_id"),
    "an odd target": (
        f'{SUBSCRIBED}target = "taaf//x"\n',
        "is neither a project by its full path nor a group",
    ),
    "a condition that is none": (
        f'{SUBSCRIBED}target = "taaf/x"\nconditions = "labels="\n',
        "cannot be met: Nothing behind `labels=`",
    ),
    "an event that there is not": (
        f'{SUBSCRIBED}target = "taaf/x"\nconditions = "isue"\n',
        "cannot be met: `isue` is no event; there are: `deployment, ",
    ),
    "an event that not everybody sees": (
        f'{SUBSCRIBED}target = "taaf/x"\nconditions = "vulnerability"\n',
        "cannot be met: Not everybody who reads the project sees events `vulnerability`",
    ),
    "a name that mentions all": (f'{DEV}chosen_by = "all"\n{MOMENTS}', "one user of Mattermost"),
    "no person": (f"[[notify]]\n{OF}", "person is missing"),
    "a person who is all": (f'[[notify]]\nperson = "channel"\n{OF}', "one user of Mattermost"),
    "nothing to hear of": (f'{BOB}things = ["nosuch"]\n{OF}', "nosuch"),
    "no quiet time": (f'{BOB}quiet = "19-8"\n{OF}', "is no time between two times of day"),
    "no time zone": (f'{BOB}timezone = "Nowhere"\nchosen_at = 2026-01-01T00:00:00Z\n', "is no time zone"),
    "weekends that are no choice": (f'{BOB}weekends = "off"\n{OF}', "weekends"),
}


@pytest.fixture
def chat() -> Iterator[BotSink]:
    sink = BotSink("dev", "home")
    introduce(sink, ALICE, "alice", "fr")
    introduce(sink, BOB_ID, "bob")
    sink.managers.add((slash.DEV, ALICE))
    yield sink
    sink.stop()


def choices(relay: Relay, command: str, given: str = "") -> subprocess.CompletedProcess[str]:
    return run("relays.choices", *places(relay), command, given=given)


@pytest.mark.sampled(2)
@on_both_spools
def test_choices_are_listed_exported_and_imported(bot: Callable[..., Relay]) -> None:
    relay = bot()
    relay.start()
    assert choices(relay, "list").stdout == ""
    ask(relay, "mute 2h")
    ask(relay, "mute 1d taaf/site!12")
    for text in ("review broken", "quiet 19:00-08:00", "weekends off"):
        ask(relay, f"notify {text}")
    ask(relay, "notify none", user_id=BOB_ID)
    everything, one, *wishes = choices(relay, "list").stdout.splitlines()
    assert wishes == [
        "in person to alice: review, broken, not 19:00-08:00 (Europe/Paris), not on weekends",
        "in person to bob: nothing",
    ]
    assert everything.startswith("silence of everything in dev until ")
    assert one.startswith("silence of taaf/site!12 in dev until ")
    assert one.endswith(", chosen by alice")
    exported = choices(relay, "export").stdout
    for target in ("", " taaf/site!12"):
        assert "levé" in ask(relay, f"mute off{target}")
    for person in (ALICE, BOB_ID):
        ask(relay, "notify reset", user_id=person)
    assert choices(relay, "list").stdout == ""
    for _ in range(2):  # as often as one likes
        imported = choices(relay, "import", exported)
        assert (imported.returncode, imported.stderr) == (0, "")
        assert choices(relay, "list").stdout.splitlines() == [everything, one, *wishes]
    assert choices(relay, "export").stdout == exported
    assert "taaf/site!12" in ask(relay, "mute")
    relay.terminate()
    assert choices(relay, "export").stdout == exported, "without the relay as well"


def test_what_is_over_is_not_imported_and_nothing_lasts_longer_than_a_week(bot: Callable[..., Relay]) -> None:
    relay = bot()
    relay.start()
    entry = (
        '[[silences]]\nchannel = "dev"\ntarget = "taaf/{}"\nuntil = {}\nchosen_by = "alice"\nchosen_at = {}\n'
    )
    past, far = "2020-01-01T00:00:00Z", "2099-01-01T00:00:00Z"
    assert (
        choices(relay, "import", entry.format("a", past, past) + entry.format("b", far, past)).returncode == 0
    )
    (line,) = choices(relay, "list").stdout.splitlines()
    assert "taaf/b" in line
    assert "2099" not in line


@pytest.mark.sampled(6)
@pytest.mark.parametrize("name", WRONG)
def test_what_cannot_be_imported_is_named_in_a_line(bot: Callable[..., Relay], name: str) -> None:
    text, said = WRONG[name]
    relay = bot()
    relay.start()
    done = choices(relay, "import", text)
    assert done.returncode == 78
    assert said in done.stderr
    assert len(done.stderr.splitlines()) == 1
    assert choices(relay, "list").stdout == ""


def test_without_a_store_there_is_nothing_to_list(tmp_path: Path) -> None:
    done = run("relays.choices", "--state", str(tmp_path), "list")
    assert done.returncode == 78
    assert "start the relay once" in done.stderr


def test_choices_go_along_into_a_shared_spool(bot: Callable[..., Relay], server: Cluster) -> None:
    """And back: nobody has to ask again."""
    relay = bot()
    relay.start()
    ask(relay, "mute 2h")
    ask(relay, "notify quiet 19:00-08:00")
    before = choices(relay, "list").stdout
    relay.terminate()
    address = server.database()
    (relay.home / "credentials" / "spool").write_text(f"{address}\n")
    relay.start()
    assert choices(relay, "list").stdout == before
    relay.terminate()
    (relay.home / "credentials" / "spool").write_text(f"file\n{address}\n")
    relay.start()
    assert choices(relay, "list").stdout == before
