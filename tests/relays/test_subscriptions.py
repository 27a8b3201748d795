"""Channels that subscribe in the chat: what they hear of then, once each, until somebody ends it."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.postgresql import Cluster, on_both_spools
from tests.relays import slash
from tests.relays.bot_sink import BotSink
from tests.relays.commanded import bot, chat
from tests.relays.events import body, send
from tests.relays.gitlab_readers import READ_TOKEN, REPORTER, GitLabReaders
from tests.relays.process import Relay, undelivered, wait_for
from tests.relays.slash import ALICE, BOB, ask, introduce
from tests.relays.test_choices import choices

__all__ = ["bot", "chat"]

SITE, VAULT = "taaf/site", "taaf/vault"
ROOM, HALL = "room0000000000000000000001", "hall0000000000000000000001"
ROOT = "root0000000000000000000001"
HALL_ = {"channel_id": HALL, "channel_name": "hall"}
LEVELS = {"public": 20, "internal": 10, "private": 0}
QUIET = 'conversations = "single"\n'


@pytest.fixture
def readers() -> Iterator[GitLabReaders]:
    """A public project, and a private one that alice is a member of."""
    made = GitLabReaders()
    made.project(SITE, "public")
    made.project(VAULT)
    made.members[VAULT] = {"alice": REPORTER}
    yield made
    made.close()


@pytest.fixture
def rooms(chat: BotSink) -> BotSink:
    """The private channel `room`, which alice administers, and `hall`, which anybody of the team comes into."""
    chat.ids |= {"room": ROOM, "hall": HALL}
    chat.kinds["room"] = "P"
    chat.present = {"room": {ALICE}, "hall": {ALICE, BOB}}
    chat.managers |= {(ROOM, ALICE), (HALL, ALICE)}
    return chat


@pytest.fixture
def relay(bot: Callable[..., Relay], rooms: BotSink, readers: GitLabReaders, tmp_path: Path) -> Relay:
    """A relay that asks GitLab, whose routes lead issues to no channel."""
    line, table = readers.settings
    made = bot(f'{QUIET}{line}{table}[[routes]]\nchannels = []\nevents = ["issue"]\n', "root")
    (tmp_path / "credentials" / "gitlab-read-token").write_text(f"{READ_TOKEN}\n")
    return made


def in_room(relay: Relay, text: str, **changes: str) -> str:
    """Ask in the private channel."""
    return ask(relay, text, **{"channel_id": ROOM, "channel_name": "room", **changes})


def in_hall(relay: Relay, text: str, **changes: str) -> str:
    """Ask in the channel of the team."""
    return ask(relay, text, **{"channel_id": HALL, "channel_name": "hall", **changes})


def event(project: str, name: str = "issue_open", level: int | None = None, **changes: Any) -> bytes:
    """A recorded event, of this project."""
    payload = json.loads(body(f"{name}.json"))
    payload["project"] |= {"path_with_namespace": project, "name": project.rpartition("/")[2]}
    payload["project"].pop("visibility_level", None)
    if level is not None:
        payload["project"]["visibility_level"] = level
    payload["object_attributes"] = payload.get("object_attributes", {}) | changes
    return json.dumps(payload).encode()


def settled(relay: Relay) -> bool:
    return undelivered(relay) == 0


@pytest.mark.sampled(2)
@on_both_spools
def test_a_channel_hears_of_what_it_has_subscribed_to(relay: Relay, rooms: BotSink) -> None:
    """Named in `why`, kept over a kill, until somebody ends it; the channel hears who wants it."""
    relay.start()
    assert in_room(relay, "list").startswith("📌 Aucun abonnement")
    send(relay, event(SITE, title="avant"))
    assert in_room(relay, f"subscribe {SITE} issue") == f"📌 Ce canal est abonné à `{SITE}` (`issue`)."
    wait_for(lambda: len(rooms.written("room")) == 1)
    assert rooms.written("room")[0].shown == f"📌 alice abonne ce canal à `{SITE}` (`issue`)"
    relay.kill()
    relay.start()
    send(relay, event(SITE, title="Un premier"))
    wait_for(lambda: len(rooms.written("room")) == 2)
    assert "Un premier" in rooms.written("room")[1].shown
    wait_for(lambda: settled(relay))
    assert f"par l'abonnement à `{SITE}` — ✅ publié" in in_room(relay, "why")
    title, line = in_room(relay, "list", user_id=BOB).splitlines()
    assert title == "**📌 Subscriptions of this channel**"
    assert line == f"- **1** · `{SITE}` (`issue`) — alice"
    assert in_room(relay, "unsubscribe 1") == f"📌 Ce canal n'est plus abonné à `{SITE}` (`issue`)."
    wait_for(lambda: len(rooms.written("room")) == 3)
    send(relay, event(SITE, title="Un second"))
    wait_for(lambda: settled(relay))
    assert len(rooms.written("room")) == 3
    assert "avant" not in " ".join(each.shown for each in rooms.written("room"))
    assert rooms.written("hall") == []


def test_subscriptions_are_exported_and_imported(relay: Relay, rooms: BotSink) -> None:
    """And what is imported is announced only once it is known who could read it."""
    relay.start()
    in_room(relay, f'subscribe {SITE} issue "labels=à faire,bug"')
    in_room(relay, f"subscribe {VAULT}")
    in_room(relay, "mute 2h")
    said = choices(relay, "list").stdout.splitlines()
    assert said[0].startswith("silence of everything in room until ")
    assert said[1:] == [
        f"subscription of room to {SITE} (issue 'labels=à faire,bug'), chosen by alice",
        f"subscription of room to {VAULT}, chosen by alice",
    ]
    exported = choices(relay, "export").stdout
    assert "n'est plus abonné" in in_room(relay, "unsubscribe all")
    assert "levé" in in_room(relay, "mute off")
    assert choices(relay, "list").stdout == ""
    for _ in range(2):  # as often as one likes
        imported = choices(relay, "import", exported)
        assert (imported.returncode, imported.stderr) == (0, "")
        wait_for(lambda: choices(relay, "list").stdout.splitlines() == said, 40)
    assert choices(relay, "export").stdout == exported
    assert "levé" in in_room(relay, "mute off")
    titles = itertools.count()

    def heard() -> bool:
        send(relay, event(VAULT, title=f"Numéro {next(titles)}"))
        wait_for(lambda: settled(relay))
        return any("Numéro" in each.shown for each in rooms.written("room"))

    wait_for(heard, 30)


@pytest.mark.exhaustive
def test_subscriptions_go_along_into_a_shared_spool(relay: Relay, rooms: BotSink, server: Cluster) -> None:
    """And back: nobody has to ask again, and what is found out stays known."""
    relay.start()
    in_room(relay, f"subscribe {SITE} issue")
    before = choices(relay, "list").stdout
    relay.terminate()
    address = server.database()
    for spool in (address, f"file\n{address}"):
        (relay.home / "credentials" / "spool").write_text(f"{spool}\n")
        relay.start()
        assert choices(relay, "list").stdout == before
        send(relay, event(SITE, title=f"par {spool[:4]}"))
        wait_for(lambda: settled(relay))
        assert f"par {spool[:4]}" in rooms.written("room")[-1].shown
        relay.terminate()


REFUSED: dict[str, tuple[str, dict[str, str], str]] = {
    "who does not administer the channel": (
        f"subscribe {SITE}",
        {"user_id": BOB},
        "For those who administer",
    ),
    "who ends what is not theirs to end": ("unsubscribe 1", {"user_id": BOB}, "For those who administer"),
    "who says that they are called like an operator": (
        f"subscribe {SITE}",
        {"user_id": BOB, "user_name": "root"},
        "For those who administer",
    ),
    "nobody": (f"subscribe {SITE}", {"user_id": "nobody00000000000000000001"}, "n'a pas dit qui vous êtes"),
    "a foreign channel, whose subscription it is not": (
        "unsubscribe 1",
        HALL_,
        "n'est pas un abonnement de ce canal",
    ),
    "a foreign channel that the bot is not in": (
        f"subscribe {SITE}",
        {"channel_id": "away0000000000000000000001", "channel_name": "away"},
        "tapez d'abord `/invite @passerelle`",
    ),
    "two people who write to each other without the bot": (
        f"subscribe {SITE}",
        {"channel_id": "away0000000000000000000001", "channel_name": f"{ALICE}__{BOB}"},
        "Mattermost ne permet pas de l'y ajouter : abonnez plutôt un canal de l'équipe",
    ),
    "a few people who write to each other without it": (
        f"subscribe {SITE}",
        {"channel_id": "away0000000000000000000001", "channel_name": "0123456789abcdef" * 2 + "01234567"},
        "Mattermost ne permet pas de l'y ajouter : abonnez plutôt un canal de l'équipe",
    ),
    "a channel that there is not": (
        f"subscribe {SITE}",
        {"channel_id": "none0000000000000000000001", "channel_name": "room"},
        "tapez d'abord `/invite @passerelle`",
    ),
    "all channels, by who is no operator": ("list all", {}, "Réservé aux opérateurs"),
    "a project that has no hook": ("subscribe taaf/other", {}, "n'arrivent pas à ce relais"),
    "a project that there is not": ("subscribe taaf/nothing", {}, "GitLab ne montre pas `taaf/nothing`"),
    "a group that has none": ("subscribe other/**", {}, "Les événements de `other/**` n'arrivent pas"),
    "no project": ("subscribe", {}, "Usage : `/passerelle` `subscribe taaf/site`"),
    "a path that is none": (
        "subscribe taaf//site",
        {},
        "`taaf//site` n'est ni un projet ni un groupe de GitLab. Usage",
    ),
    "a mention": ("subscribe @all", {}, "n'est ni un projet ni un groupe"),
    "an unknown event": (
        f"subscribe {SITE} isue",
        {},
        "`isue` n'est pas un événement ; il y a : `deployment, ",
    ),
    "an unknown condition": (
        f"subscribe {SITE} label=x",
        {},
        "`label` n'est pas une condition ; il y a : `events, ",
    ),
    "no value": (f"subscribe {SITE} labels=,", {}, "Rien après `labels=`"),
    "an open quotation mark": (f'subscribe {SITE} "labels=a b', {}, "n'est pas fermé"),
    "an action of other events": (
        f"subscribe {SITE} issue actions=merge",
        {},
        "l'action `merge` ; ils ont : ",
    ),
    "branches of what has none": (f"subscribe {SITE} issue branches=main", {}, "ne convient à aucun"),
    "what leaves nothing": (
        f"subscribe {SITE} labels=bug not_labels=*",
        {},
        "`not_labels` ne laisse rien de `labels`",
    ),
    "what is muted": (f"subscribe {SITE} emoji", {}, "passés sous silence sur ce site (`mute.reactions`)"),
    "what not everybody sees": (f"subscribe {SITE} vulnerability", {}, "seule une route du site"),
    "too many values": (f"subscribe {SITE} labels={','.join(map(str, range(21)))}", {}, "trop de valeurs"),
    "an odd number": ("unsubscribe 1 2", {}, "Usage : `/passerelle` `unsubscribe 3`"),
    "an odd list": ("list some", {}, "Usage : `/passerelle` `list`"),
    "a private project in the channel of the team": (
        f"subscribe {VAULT}",
        HALL_,
        "toute l'équipe peut lire ce canal",
    ),
    "a private project, by who is no member": (
        f"subscribe {VAULT}",
        {"user_id": ROOT},
        "rien ne dit que vous pouvez le lire",
    ),
}


def test_who_may_not_subscribe_is_refused(relay: Relay, rooms: BotSink, readers: GitLabReaders) -> None:
    """Each by what was wrong and what helps; nothing comes of it."""
    # The site does not list them.
    readers.project("taaf/other", "public")
    readers.project("other/one", "public")
    rooms.ids["away"] = "away0000000000000000000001"
    rooms.kinds["away"] = "P"
    rooms.forbidden.add("away")
    introduce(rooms, ROOT, "root")
    relay.start()
    in_room(relay, f"subscribe {SITE} release")
    before = choices(relay, "list").stdout
    said = {name: in_room(relay, text, **changes) for name, (text, changes, _) in REFUSED.items()}
    assert {name: text for name, text in said.items() if REFUSED[name][2] not in text} == {}
    assert choices(relay, "list").stdout == before


def test_operators_see_and_end_those_of_all_channels(relay: Relay, rooms: BotSink) -> None:
    operator = {"user_id": ROOT}
    introduce(rooms, operator["user_id"], "root")
    relay.start()
    in_room(relay, f"subscribe {SITE} issue")
    in_hall(relay, f"subscribe {SITE} release")
    title, first, second = in_hall(relay, "list all", **operator).splitlines()
    assert title == "**📌 Abonnements de tous les canaux**"
    assert first == f"- **1** · `room` · `{SITE}` (`issue`) — alice"
    assert second == f"- **2** · `hall` · `{SITE}` (`release`) — alice"
    assert f"`{SITE}` (`issue`)" in in_hall(relay, "unsubscribe 1", **operator)
    assert in_room(relay, "list").startswith("📌 Aucun abonnement")


def test_once_for_each_channel_whatever_leads_there(relay: Relay, rooms: BotSink) -> None:
    """A route of the site and two subscriptions lead to a channel, which is one, whatever it is called by now."""
    relay.configure(
        relay.settings.replace('channels = []\nevents = ["issue"]', 'channels = ["room"]\nevents = ["issue"]')
    )
    relay.start()
    in_room(relay, f"subscribe {SITE} issue")
    in_room(relay, "subscribe taaf/**")
    wait_for(lambda: len(rooms.written("room")) == 2)
    for number, kind in enumerate(("issue_open", "merge_request_open")):
        send(relay, event(SITE, kind, title=f"Une fois {number}"))
    wait_for(lambda: settled(relay))
    told = [each.shown for each in rooms.written("room")][2:]
    assert [sum(f"Une fois {number}" in each for each in told) for number in range(2)] == [1, 1]
    assert "par l'abonnement" not in next(
        line for line in in_room(relay, "why").splitlines() if "`issue`" in line
    )
    assert "par l'abonnement à `taaf/**`" in in_room(relay, "why")


def test_a_channel_may_be_renamed_and_another_one_take_its_name(relay: Relay, rooms: BotSink) -> None:
    relay.start()
    in_room(relay, f"subscribe {VAULT} issue")
    wait_for(lambda: len(rooms.written("room")) == 1)
    rooms.ids["cellar"] = rooms.ids.pop("room")
    rooms.kinds["cellar"] = rooms.kinds.pop("room")
    rooms.present["cellar"] = rooms.present.pop("room")
    rooms.ids["room"] = "other000000000000000000001"
    send(relay, event(VAULT, title="Reste ici"))
    wait_for(lambda: any("Reste ici" in each.shown for each in rooms.written("cellar")))
    assert not any("Reste ici" in each.shown for each in rooms.written("room"))
    renamed = {"channel_name": "cellar"}
    assert "Reste ici" not in in_room(relay, "why", **renamed)
    assert f"par l'abonnement à `{VAULT}`" in in_room(relay, "why", **renamed)
    assert f"`{VAULT}` (`issue`)" in in_room(relay, "list", **renamed)
    other = {"channel_id": "other000000000000000000001", "channel_name": "room"}
    assert VAULT not in in_room(relay, "list", **other) + in_room(relay, "why", **other)


@pytest.mark.parametrize(("state", "shown"), [("archived", "canal archivé"), ("away", "le bot n'est plus")])
def test_what_a_channel_cannot_hear_any_more_is_said_where_the_site_leads_it(
    relay: Relay, rooms: BotSink, state: str, shown: str
) -> None:
    """In the channel of the webhook, while it lasts, as `list all` says; after that in the channel itself again."""
    operator = {"user_id": ROOT}
    introduce(rooms, operator["user_id"], "root")
    relay.start()
    in_hall(relay, f"subscribe {SITE} issue")
    wait_for(lambda: len(rooms.written("hall")) == 1)
    (rooms.archived if state == "archived" else rooms.forbidden).add("hall")
    relay.kill()
    relay.start()
    wait_for(lambda: shown in in_room(relay, "list all", **operator))
    assert "annoncé dans `dev` à la place" in in_room(relay, "list all", **operator)
    send(relay, event(SITE, title="Pendant ce temps"))
    wait_for(lambda: any("Pendant ce temps" in each.shown for each in rooms.written("dev")))
    (rooms.archived if state == "archived" else rooms.forbidden).discard("hall")
    relay.kill()
    relay.start()
    wait_for(lambda: "⏸️" not in in_room(relay, "list all", **operator))
    send(relay, event(SITE, title="De retour"))
    wait_for(lambda: any("De retour" in each.shown for each in rooms.written("hall")))
    assert len(rooms.written("dev")) == 1


def test_a_group_is_subscribed_to_as_far_as_everybody_may_read_it(relay: Relay, rooms: BotSink) -> None:
    relay.start()
    said = in_hall(relay, "subscribe taaf")
    assert said.startswith(
        "📌 Ce canal est abonné à `taaf/**`.\nCertains de ces projets n'y seront pas annoncés"
    )
    assert "en partie" in in_hall(relay, "list")
    assert in_room(relay, "subscribe taaf/*") == "📌 Ce canal est abonné à `taaf/*`."
    for project in (SITE, VAULT):
        send(relay, event(project, title=f"De {project}"))
    wait_for(lambda: settled(relay))
    heard = {
        (name, project): any(f"De {project}" in each.shown for each in rooms.written(name))
        for name in ("room", "hall")
        for project in (SITE, VAULT)
    }
    assert heard == {
        ("room", SITE): True,
        ("room", VAULT): True,
        ("hall", SITE): True,
        ("hall", VAULT): False,
    }
    assert VAULT not in in_hall(relay, "why")


def test_who_is_let_into_a_channel_later_is_looked_at_too(
    relay: Relay, rooms: BotSink, readers: GitLabReaders
) -> None:
    """And who has become a member; a GitLab that does not answer changes nothing meanwhile."""
    relay.start()
    in_room(relay, f"subscribe {VAULT} issue")
    rooms.present["room"].add(BOB)
    said = in_room(relay, f"subscribe {VAULT} release")
    assert "le droit de le lire dans GitLab n'est pas établi pour `@bob`" in said
    readers.away = True
    assert "GitLab n'a pas pu être lu (HTTP 503)" in in_room(relay, f"subscribe {VAULT} release")
    relay.kill()
    relay.start()
    wait_for(lambda: "subscriptions trouble reason=HTTP 503" in relay.text)
    send(relay, event(VAULT, title="Comme avant"))
    wait_for(lambda: any("Comme avant" in each.shown for each in rooms.written("room")))
    readers.away = False
    relay.kill()
    relay.start()
    wait_for(lambda: "⏸️ le projet n'est pas public, et certains" in in_room(relay, "list"))
    send(relay, event(VAULT, title="Pas pour bob"))
    wait_for(lambda: settled(relay))
    readers.members["taaf"] = {"bob": REPORTER}
    relay.kill()
    relay.start()
    wait_for(lambda: "⏸️" not in in_room(relay, "list"))
    send(relay, event(VAULT, title="Pour tous"))
    wait_for(lambda: any("Pour tous" in each.shown for each in rooms.written("room")))
    assert not any("Pas pour bob" in each.shown for each in rooms.written("room"))
    assert "Pas pour bob" not in in_room(relay, "why")
    (said,) = [each.shown for each in rooms.written("room") if "est suspendu" in each.shown]
    assert said.startswith(
        f"📌 L'abonnement de ce canal à `{VAULT}` (`issue`) est suspendu — ⏸️ le projet n'est pas"
    )
    assert "bob" not in said


def test_a_mattermost_that_does_not_answer_lets_nobody_subscribe(relay: Relay, rooms: BotSink) -> None:
    relay.start()
    rooms.healthy = False
    assert "Mattermost n'a pas dit qui vous êtes" in in_room(relay, f"subscribe {SITE}")
    rooms.healthy = True
    assert in_room(relay, "list").startswith("📌 Aucun abonnement")


def test_without_a_bot_nobody_subscribes(chat: BotSink, tmp_path: Path) -> None:
    listen = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
    own = f'channel = "home"\n{slash.settings(chat.url)}\n{listen}'
    relay = Relay("gitlab", tmp_path, chat.hook_url, own)
    slash.hand_token(tmp_path)
    relay.start()
    for text in ("subscribe taaf/site", "unsubscribe 1"):
        assert "personne ne peut décider depuis le chat" in ask(relay, text)
    assert ask(relay, "list").startswith("📌 Aucun abonnement")
    relay.close()


def test_in_a_thread_it_is_said_as_a_route_would_have_it(
    bot: Callable[..., Relay], rooms: BotSink, readers: GitLabReaders, tmp_path: Path
) -> None:
    """The first post of a merge request is kept up to date as long as the channel may hear of its project."""
    line, table = readers.settings
    relay = bot(f"{line}{table}[[routes]]\nchannels = []\n")
    (tmp_path / "credentials" / "gitlab-read-token").write_text(f"{READ_TOKEN}\n")
    relay.start()
    in_hall(relay, f"subscribe {SITE} merge_request")
    send(relay, event(SITE, "merge_request_open", level=20, iid=7, title="Un fil"))
    wait_for(lambda: any("Un fil" in each.shown for each in rooms.roots("hall")))
    (root,) = (each for each in rooms.roots("hall") if "Un fil" in each.shown)
    send(relay, event(SITE, "merge_request_merge", level=20, iid=7, title="Un fil"))
    wait_for(lambda: root.shown_before)
    shown, replies = root.shown, len(rooms.replies(root))
    readers.project(SITE, "private")
    send(relay, event(SITE, "merge_request_close", level=0, iid=7, title="Un secret", state="closed"))
    wait_for(lambda: settled(relay))
    send(relay, event("taaf/vault", level=0, title="ensuite"))
    wait_for(lambda: settled(relay))
    assert (root.shown, len(rooms.replies(root))) == (shown, replies)
    assert not any("Un secret" in each.shown for each in rooms.written("hall"))
