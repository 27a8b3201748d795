"""What people choose to hear of in person, and when: over the site's word, dropped or late, and never lost."""

from collections.abc import Iterator
from datetime import datetime
from pathlib import Path
from types import SimpleNamespace
from zoneinfo import ZoneInfo

import pytest

from relays.delivery.tables import OUTBOX
from relays.mattermost.people import Person
from relays.sources.gitlab import notify_choices
from relays.sources.gitlab.commands.notify import Notify
from relays.sources.gitlab.notify_choices import NotifyChoice, TooManyPeopleError
from relays.sources.gitlab.tables import GITLAB
from relays.sources.gitlab.wishes import THINGS, Thing, Wishes
from relays.storage.store import Store
from relays.wording import CATALOGUES
from tests.postgresql import on_both_spools
from tests.stores import running_store
from tests.unit.conversations_world import Conversation, Make, Somebody
from tests.unit.test_gitlab_direct_messages import THINGS as EVENTS
from tests.unit.test_gitlab_direct_messages import USERS
from tests.unit.test_gitlab_wishes import EVENT_OF

PARIS, KERGUELEN = "Europe/Paris", "Indian/Kerguelen"


def choice(
    person: str = "lperrin",
    things: str = "site",
    quiet: str = "",
    weekends: str = "on",
    timezone: str = PARIS,
) -> NotifyChoice:
    return NotifyChoice(person, things, quiet, weekends, timezone, 0.0)


def at(text: str, zone: str = PARIS) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=ZoneInfo(zone)).timestamp()


# 2026-11-27 is a Friday. What is chosen, a moment, and the one from which on something is sent.
QUIET: dict[str, tuple[NotifyChoice, float, float]] = {
    "nothing chosen": (choice(), at("2026-11-28T03:00"), at("2026-11-28T03:00")),
    "before a night": (choice(quiet="19:00-08:00"), at("2026-11-27T18:59"), at("2026-11-27T18:59")),
    "at its begin": (choice(quiet="19:00-08:00"), at("2026-11-27T19:00"), at("2026-11-28T08:00")),
    "after midnight": (choice(quiet="19:00-08:00"), at("2026-11-28T03:00"), at("2026-11-28T08:00")),
    "at its end": (choice(quiet="19:00-08:00"), at("2026-11-28T08:00"), at("2026-11-28T08:00")),
    "in a midday": (choice(quiet="12:00-14:00"), at("2026-11-27T13:59"), at("2026-11-27T14:00")),
    "after it": (choice(quiet="12:00-14:00"), at("2026-11-27T14:00"), at("2026-11-27T14:00")),
    "from midnight": (choice(quiet="00:00-07:30"), at("2026-11-27T00:00"), at("2026-11-27T07:30")),
    "until midnight": (choice(quiet="20:00-00:00"), at("2026-11-27T23:00"), at("2026-11-28T00:00")),
    "a Friday": (choice(weekends="off"), at("2026-11-27T23:59"), at("2026-11-27T23:59")),
    "a Saturday": (choice(weekends="off"), at("2026-11-28T00:00"), at("2026-11-30T00:00")),
    "a Sunday": (choice(weekends="off"), at("2026-11-29T23:59"), at("2026-11-30T00:00")),
    "a Monday": (choice(weekends="off"), at("2026-11-30T00:00"), at("2026-11-30T00:00")),
    "a weekend, then a night": (
        choice(quiet="19:00-08:00", weekends="off"),
        at("2026-11-28T12:00"),
        at("2026-11-30T08:00"),
    ),
    "a night, then a weekend, then a night": (
        choice(quiet="19:00-08:00", weekends="off"),
        at("2026-11-27T20:00"),
        at("2026-11-30T08:00"),
    ),
    "a weekend elsewhere": (
        choice(weekends="off", timezone=KERGUELEN),
        at("2026-11-27T20:30"),
        at("2026-11-30T00:00", KERGUELEN),
    ),
    "the night on which clocks go forward": (
        choice(quiet="22:00-06:00"),
        at("2026-03-29T01:00"),
        at("2026-03-29T06:00"),
    ),
    "the night on which they go back": (
        choice(quiet="22:00-06:00"),
        at("2026-10-25T01:00"),
        at("2026-10-25T06:00"),
    ),
}


@pytest.mark.parametrize("name", QUIET)
def test_what_comes_at_a_quiet_time_waits_for_its_end(name: str) -> None:
    chosen, moment, until = QUIET[name]
    assert chosen.quiet_until(moment) == until
    assert chosen.quiet_until(until) == until, "and no longer"


# What the site says of somebody, what they have chosen, and whether they hear of a thing.
OVER: dict[str, tuple[str, str, bool]] = {
    "nothing of either": ("silent", "", True),
    "all by the site": ("all", "", True),
    "nothing by the site": ("none", "", False),
    "nothing chosen, all by the site": ("all", "none", False),
    "this chosen, nothing by the site": ("none", "this", True),
    "all chosen, nothing by the site": ("none", "all", True),
    "all but this chosen": ("silent", "others", False),
    "as the site says, which is nothing": ("none", "site", False),
    "as the site says, which is all": ("all", "site", True),
}


def chosen(said: str, thing: Thing) -> str:
    others = " ".join(each for each in THINGS if each != thing)
    return {"none": "", "this": thing, "all": " ".join(THINGS), "others": others, "site": "site"}[said]


def put(relay: Conversation, new: NotifyChoice) -> None:
    relay.relay.store.submit(lambda db: notify_choices.put(db, new)).result()


@pytest.mark.parametrize("name", OVER)
@pytest.mark.parametrize("thing", EVENT_OF)
def test_what_somebody_has_chosen_goes_before_what_the_site_says(
    converse: Make, thing: Thing, name: str
) -> None:
    site, own, hears = OVER[name]
    before, event, signs = EVENTS[EVENT_OF[thing]]
    (user,) = signs
    wishes: dict[str, Wishes] = {"silent": {}, "all": {user: THINGS}, "none": {user: ()}}
    relay = converse(directory=Somebody(USERS), wishes=wishes[site], choosing=True)
    relay.live(*([payload] for payload in before))
    known = len(relay.chat.notifications)
    put(relay, choice("somebody-else", ""))
    if own:
        put(relay, choice(user, chosen(own, thing)))
    relay.live([event])
    direct = [each.channel for each in relay.chat.notifications[known:] if each.channel.startswith("@")]
    assert direct == [f"@{user}"] * hears
    assert relay.relay.store.read("SELECT count(*) FROM direct_messages") == [(0,)]


def test_without_commands_nobody_has_chosen(converse: Make) -> None:
    """Who could not change it any more."""
    before, event, (user,) = (*EVENTS["a mention"][:2], tuple(EVENTS["a mention"][2]))
    relay = converse(directory=Somebody(USERS))
    put(relay, choice(user, ""))
    relay.live(*([payload] for payload in before), [event])
    assert f"@{user}" in relay.chat.people()


@on_both_spools
def test_what_waits_for_the_end_of_a_quiet_time_is_sent_once(converse: Make) -> None:
    before, event, (user,) = (*EVENTS["a mention"][:2], tuple(EVENTS["a mention"][2]))
    relay = converse(directory=Somebody(USERS), choosing=True)
    relay.live(*([payload] for payload in before))
    known = len(relay.chat.notifications)

    def direct() -> list[str]:
        return [each.channel for each in relay.chat.notifications[known:] if each.channel[0] == "@"]

    relay.relay.now = at("2026-11-27T20:00")
    put(relay, choice(user, quiet="19:00-08:00", weekends="off"))
    relay.live([event])
    assert direct() == []
    relay.relay.now = at("2026-11-30T07:59")
    assert direct() == []
    relay.relay.now = at("2026-11-30T08:00")
    assert direct() == [f"@{user}"]
    assert direct() == [f"@{user}"]


@pytest.mark.parametrize("after", ["none", "reset", "over"])
def test_a_change_of_mind_counts_for_what_waits(converse: Make, after: str) -> None:
    before, event, (user,) = (*EVENTS["a mention"][:2], tuple(EVENTS["a mention"][2]))
    relay = converse(directory=Somebody(USERS), choosing=True)
    relay.live(*([payload] for payload in before))
    known = len(relay.chat.notifications)
    relay.relay.now = at("2026-11-27T20:00")
    put(relay, choice(user, quiet="19:00-08:00"))
    relay.live([event])
    if after == "reset":
        relay.relay.store.submit(lambda db: notify_choices.remove(db, user)).result()
    else:
        put(relay, choice(user, "" if after == "none" else "site"))
    direct = [each.channel for each in relay.chat.notifications[known:] if each.channel[0] == "@"]
    assert direct == [f"@{user}"] * (after != "none")
    assert relay.relay.store.read("SELECT count(*) FROM direct_messages") == [(0,)]


def test_those_who_wait_are_in_nobodys_way(converse: Make) -> None:
    """As many as are looked at at once wait for the end of a night; who has chosen nothing is written to."""
    before, event, (user,) = (*EVENTS["a mention"][:2], tuple(EVENTS["a mention"][2]))
    relay = converse(directory=Somebody(USERS), choosing=True)
    relay.live(*([payload] for payload in before))
    known = len(relay.chat.notifications)
    relay.relay.now = at("2026-11-27T20:00")
    put(relay, choice("lperrin", quiet="19:00-08:00"))
    for number in range(60):
        row = (f"notice {number}", "lperrin", "", "x", relay.relay.now, "review")
        query = "INSERT INTO direct_messages (notice, username, email, text, noted_at, thing) VALUES (?, ?, ?, ?, ?, ?)"
        relay.relay.store.submit(lambda db, query=query, row=row: db.execute(query, row)).result()  # type: ignore[misc]
    relay.live([event])
    assert relay.chat
    direct = [each.channel for each in relay.chat.notifications[known:] if each.channel[0] == "@"]
    assert direct == [f"@{user}"]


# The command.


@pytest.fixture
def store(tmp_path: Path, spool: str | None) -> Iterator[Store]:
    with running_store(tmp_path, spool, OUTBOX, GITLAB) as made:
        yield made


def ask(store: Store, text: str = "", language: str = "fr", **person: object) -> str:
    who = Person(**{"name": "alice", "language": None, "is_admin": False, **person})  # type: ignore[arg-type]
    command = SimpleNamespace(word="/passerelle", user_id="u" * 26)
    asked = SimpleNamespace(
        arguments=tuple(text.split()), wording=CATALOGUES[language], person=lambda: who, command=command
    )
    return Notify(store, PARIS, in_person=True).answer(asked)  # type: ignore[arg-type]


def shown(said: str) -> list[str]:
    return [line.removeprefix("- ") for line in said.splitlines()[1:4]]


ALWAYS, ALL_WEEK = "🕐 à toute heure", "📅 le week-end aussi"
NIGHT = "🌙 rien de 19:00 à 08:00 (Europe/Paris) : ce qui arrive attend"
FREE = "🏖️ rien le samedi ni le dimanche : ce qui arrive attend"
TYPED: dict[str, tuple[list[str], list[str]]] = {
    "nothing": ([], ["📬 ce que prévoit le site", ALWAYS, ALL_WEEK]),
    "some": (["review mentioned"], ["📬 relectures demandées, mentions", ALWAYS, ALL_WEEK]),
    "one, in capitals": (["REVIEW"], ["📬 relectures demandées", ALWAYS, ALL_WEEK]),
    "none": (["none"], ["📬 rien", ALWAYS, ALL_WEEK]),
    "all": (["all"], ["📬 tout ce qui vous concerne", ALWAYS, ALL_WEEK]),
    "each by its name": ([" ".join(THINGS)], ["📬 tout ce qui vous concerne", ALWAYS, ALL_WEEK]),
    "a night": (["quiet 19:00-08:00"], ["📬 ce que prévoit le site", NIGHT, ALL_WEEK]),
    "a night that is over": (
        ["quiet 19:00-08:00", "quiet off"],
        ["📬 ce que prévoit le site", ALWAYS, ALL_WEEK],
    ),
    "weekends": (["weekends off"], ["📬 ce que prévoit le site", ALWAYS, FREE]),
    "weekends once more": (["weekends off", "weekends on"], ["📬 ce que prévoit le site", ALWAYS, ALL_WEEK]),
    "one thing after the other": (
        ["none", "quiet 19:00-08:00", "weekends off", "broken"],
        ["📬 vos pipelines qui cassent", NIGHT, FREE],
    ),
    "all of it as before": (
        ["none", "quiet 19:00-08:00", "weekends off", "reset"],
        ["📬 ce que prévoit le site", ALWAYS, ALL_WEEK],
    ),
}


@on_both_spools
@pytest.mark.parametrize("name", TYPED)
def test_what_is_typed_is_what_is_kept(store: Store, name: str) -> None:
    typed, expected = TYPED[name]
    said = [ask(store, text) for text in typed]
    assert not said or shown(said[-1]) == expected
    assert shown(ask(store)) == expected
    assert shown(ask(store, name="bob")) == TYPED["nothing"][1], "of others it says nothing"


WRONG = [
    "nosuch",
    "review nosuch",
    "all review",
    "quiet",
    "quiet 19:00",
    "quiet 19-8",
    "quiet 25:00-08:00",
    "quiet 08:00-08:00",
    "quiet 19:00-08:00 now",
    "weekends",
    "weekends maybe",
    "reset all",
    "none none",
]


@pytest.mark.parametrize("text", WRONG)
def test_what_cannot_be_chosen_changes_nothing(store: Store, text: str) -> None:
    ask(store, "review")
    assert ask(store, text).startswith("Pour choisir : `/passerelle` `notify review mentioned`")
    assert "`reminders`" in ask(store, text)
    assert "To choose: " in ask(store, text, "en")
    assert shown(ask(store))[0] == "📬 relectures demandées"


@pytest.mark.parametrize(
    ("said", "kept"),
    [
        (KERGUELEN, KERGUELEN),
        ("", PARIS),
        ("Nowhere/Land", PARIS),
        ("../../etc/passwd", PARIS),
        ("/etc", PARIS),
    ],
)
def test_times_are_those_of_the_person(store: Store, said: str, kept: str) -> None:
    assert f"({kept})" in ask(store, "quiet 19:00-08:00", timezone=said)
    (row,) = notify_choices.listed(store)
    assert row.timezone == kept


def test_a_bot_chooses_nothing_and_a_site_may_have_none_of_it(store: Store) -> None:
    assert ask(store, "all", is_bot=True) == "Seule une personne peut recevoir des messages privés."
    assert notify_choices.listed(store) == []
    asked = SimpleNamespace(arguments=("all",), wording=CATALOGUES["en"])
    said = Notify(store, PARIS, in_person=False).answer(asked)  # type: ignore[arg-type]
    assert "nobody is written to in person" in said


def test_so_many_choose_at_most(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(notify_choices, "MOST", 1)
    assert shown(ask(store, "none"))[0] == "📬 rien"
    assert ask(store, "none", name="bob").startswith("Trop de personnes")
    assert shown(ask(store, "all"))[0] == "📬 tout ce qui vous concerne", "who has chosen may change it"
    with pytest.raises(TooManyPeopleError):
        store.submit(lambda db: notify_choices.put(db, choice("bob"))).result()


@pytest.mark.parametrize("language", CATALOGUES)
def test_each_thing_has_words(language: str) -> None:
    assert {f"command.notify.thing.{thing}" for thing in THINGS} <= CATALOGUES[language].keys()
