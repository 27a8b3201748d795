"""Whatever text comes from outside, in whatever place: nobody is mentioned, and no link leads astray.

Measured by the counters of a Mattermost (the stand-in, whose counters are held against recordings of a real one).
"""

import json
import re
import signal
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass
from http.client import HTTPConnection
from itertools import cycle, islice
from pathlib import Path
from typing import Any
from urllib.parse import unquote

import pytest

from relays.delivery.leases import MOST_THREADS
from relays.mattermost import markup
from relays.sources.gitlab.events import KINDS
from tests.relays.conversations import Said, Speaker, write
from tests.relays.events import body
from tests.relays.hostile import LONG_TEXTS, TEXTS, addresses, replaced, samples, with_one
from tests.relays.mattermost import Team, acts, is_review, links, team
from tests.relays.process import TOKEN, Relay, health, stored, undelivered, wait_for
from tests.relays.sink import keys_of
from tests.relays.traces import TRACES
from tests.standins.mattermost_server import furnished, running

# As careless as a site can be.
TEMPLATE = (
    "@{{ user }} `{{ payload.object_attributes.title }}` {{ payload.object_attributes.title | code }}"
    " <!{{ payload.ref }}> <{{ user }}|x> [x]({{ payload.object_attributes.url }})"
    " {{ project | bold | link(payload.project.web_url) }} #{{ payload.ref }} ~{{ payload.user }} {{ said }}"
    " {% for c in payload.ref[:20] %}{{ c }}{% endfor %}"
)
SETTINGS = f"""
[people]
"the.control" = "alice"
[mute]
bots = false
child_pipelines = false
comment_edits = false
empty_updates = false
intermediate = false
jobs = false
merge_pushes = false
reactions = false
[wording.fr]
{"".join(f"{event} = '''{TEMPLATE}'''{chr(10)}" for event in KINDS)}
[[routes]]
projects = ["control"]
channels = ["full"]
"""
ROUTES = """
[[routes]]
channels = ["own"]
language = "fr"
final = false
[[routes]]
channels = ["full"]
language = "en"
final = false
[[routes]]
channels = ["short"]
language = "en"
detail = "short"
"""


@contextmanager
def posting(
    tmp_path: Path, kind: str, settings: str, *channels: str, by_bot: bool = False, version: str = "11.6"
) -> Iterator[tuple[Team, Relay]]:
    """A Mattermost with people in these channels, and a relay that posts there."""
    with running(tmp_path, "--version", version) as server:
        people = team(furnished(server), channels)
        home = tmp_path / "relay"
        home.mkdir()
        named, token = people.bot() if by_bot else ("", "")
        relay = Relay(kind, home, people.hook_url, f"{settings}\n{named}")
        (home / "credentials" / "mattermost-bot-token").write_text(token)
        with closing(relay):
            relay.start()
            yield people, relay


@dataclass(frozen=True)
class Named:
    """Where an event may lead: its addresses, and those in the text of a comment, which stay links."""

    addresses: set[str]
    comment: str = ""

    def leads_to(self, link: str) -> bool:
        """Whether a link is one of these, or of something below one."""
        below = tuple(f"{address}/" for address in self.addresses)
        return (
            link in self.addresses
            or link.startswith(below)
            or unquote(link).startswith(below)
            or unquote(link) in self.comment.replace("\0", "")
        )


def deliver(relay: Relay, events: Iterable[Any], name: str) -> dict[str, Named]:
    """Send events; where each of them may lead, by its key."""
    connection = HTTPConnection("127.0.0.1", relay.port, timeout=20)
    named: dict[str, Named] = {}
    for number, payload in enumerate(events):
        headers = {"X-Gitlab-Token": TOKEN, "webhook-id": f"{name}-{number}"}
        connection.request("POST", "/webhook/gitlab", json.dumps(payload), headers)
        answer = connection.getresponse()
        answer.read()
        assert answer.status == 200
        # A reaction is linked to what it is about, not to the comment.
        named[f"gitlab:{name}-{number}"] = Named(
            {part for each in addresses(payload) for part in (each, each.partition("#")[0])},
            str((payload.get("object_attributes") or {}).get("note", "")),
        )
    connection.close()
    return named


def hostile_events(every: int) -> Iterator[Any]:
    """Every sample with texts in all places, and with one in single places.

    From sample to sample the texts change places; with an `every` of 1 each text comes to each place.
    """
    long = cycle(LONG_TEXTS)
    for number, (_, payload) in enumerate(samples()):
        for first in range(number % every, len(TEXTS), every):
            yield replaced(payload, cycle(TEXTS[first:] + TEXTS[:first]))
        yield replaced(payload, cycle([next(long)]))
        yield from islice(with_one(payload, TEXTS[number % len(TEXTS)]), number % 8, None, 8)


def assert_inert(people: Team, channel: str, named: Mapping[str, Named]) -> int:
    """Nothing in the channel acts, and all links lead where the payloads say; the number of posts."""
    posts = list(people.posts(channel))
    for post in posts:
        said = [named[key].comment for key in keys_of(post) if key in named]
        is_comment = bool(post["root_id"]) and any(said)
        assert acts(post, is_comment=is_comment) == [], ascii(post)
        assert (post["props"].get("channel_mentions"), post["hashtags"]) == (None, ""), ascii(post)
        # A review has the key of its first comment alone, a root that of the event that it was posted with.
        is_of_several = is_review(post) or "from_bot" in post["props"]
        known = list(named.values()) if is_of_several else [named[key] for key in keys_of(post)]
        astray = [link for link in links(post) if not any(each.leads_to(link) for each in known)]
        assert astray == [], ascii(post)
    return len(posts)


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("folded", "each", "by_bot", "version"),
    [
        # It takes the shorter posts.
        (False, 40, False, "5.37"),
        pytest.param(False, 6, False, "11.6", marks=pytest.mark.exhaustive),
        (True, 20, False, "11.6"),
        pytest.param(True, 2, False, "5.37", marks=pytest.mark.exhaustive),
        (False, 40, True, "5.37"),
        pytest.param(True, 5, True, "11.6", marks=pytest.mark.exhaustive),
    ],
)
def test_no_text_in_an_event_of_gitlab_acts(
    tmp_path: Path, folded: bool, each: int, by_bot: bool, version: str
) -> None:
    listen = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
    secret = ROUTES.replace("channels", "confidential = true\nchannels")
    # So that the channel mentions whom the site names, by a bot as well.
    head = f"digest_from = {20 if folded else 0}\ndirect_messages = false\n"
    settings = f"{head}{SETTINGS}{ROUTES}{secret}{listen}"
    channels = ("full", "short", "own")
    with posting(tmp_path, "gitlab", settings, *channels, by_bot=by_bot, version=version) as (people, relay):
        server = people.site.server.process
        if folded:
            server.send_signal(signal.SIGSTOP)  # what comes meanwhile is a backlog
        named = deliver(relay, hostile_events(each), "e")
        server.send_signal(signal.SIGCONT)
        wait_for(lambda: undelivered(relay) == 0, seconds=60)
        posts = [assert_inert(people, channel, named) for channel in channels]
        assert people.badges() == {"admin": 0, "alice": 0, "bob": 0}
        assert (max(posts) < len(named) / 2) == folded
        assert health(relay)[1]["parked"] == 0

        # The counter counts: whoever may mention does, and a person that the site has named is mentioned alone.
        people.site.send({"text": "@all"})
        assert people.badges() == {"admin": 1, "alice": 1, "bob": 1}
        event = json.loads(body("issue_open.json"))
        event["project"]["path_with_namespace"] = "control"
        event["assignees"] = [{"username": "the.control"}]
        deliver(relay, [event], "control")
        wait_for(lambda: people.badges() == {"admin": 1, "alice": 2, "bob": 1})


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("digest_from", "conversations"),
    [(0, 3), (5, 3), (5, 2 * MOST_THREADS)],
    ids=["replies", "digests", "flood"],
)
def test_no_text_in_a_conversation_acts(tmp_path: Path, digest_from: int, conversations: int) -> None:
    """In roots, in their edits, in replies, digests of them and of the channel: nothing switches off mentions there."""
    with running(tmp_path) as server:
        people = team(furnished(server), ())
        home, news = tmp_path / "relay", tmp_path / "news"
        home.mkdir()
        news.touch()
        relay = Speaker(home, people.hook_url, news, people.bot(), f"digest_from = {digest_from}")
        with closing(relay):
            relay.start()
            texts = [markup.plain(text, 400) for text in TEXTS]
            said = [
                Said(f"e-{number}", text, text, f"{number % conversations}", "dev-notifications", text)
                for number, text in enumerate([*texts, *texts])
            ]
            server.process.send_signal(signal.SIGSTOP)  # what comes meanwhile is a backlog
            write(news, said[:-1])
            wait_for(lambda: relay.count("outbox") == len(said) - 1)
            server.process.send_signal(signal.SIGCONT)
            wait_for(lambda: relay.settled(len(said) - 1), seconds=60)
            write(news, said[-1:])
            wait_for(lambda: relay.settled(len(said)))
            posts = list(people.posts("dev-notifications"))
            assert [post for post in posts if acts(post)] == []
            flood = any("passerelle_keys" in post["props"] for post in posts if not post["root_id"])
            assert flood == (conversations > MOST_THREADS)
            assert people.badges() == {"admin": 0, "alice": 0, "bob": 0}
            # What is meant notifies, in a reply and not in an edit.
            write(news, [Said("meant", "@alice", "@bob", said[-1].conversation, "dev-notifications", "@bob")])
            wait_for(lambda: people.badges() == {"admin": 0, "alice": 1, "bob": 0})
            wait_for(lambda: relay.settled(len(said) + 1))
            assert people.badges() == {"admin": 0, "alice": 1, "bob": 0}


NAMING = [
    "~dev-notifications",
    "#topic",
    "(~dev-notifications)",
    "a/~dev-notifications#topic",
    "##topic",
    "~~dev-notifications",
]


@pytest.mark.parametrize("version", ["5.37", "11.6"])
def test_no_code_names_a_channel_or_a_topic(tmp_path: Path, version: str) -> None:
    with running(tmp_path, "--version", version) as server:
        site = furnished(server)
        for text in [*NAMING, *(f"x {text} `y` {text}`" for text in NAMING), *TEXTS]:
            code = markup.code(text, 200)
            site.send(
                {"text": code, "attachments": [{"text": code, "fields": [{"title": "x", "value": code}]}]}
            )
        posts = server.posts(site.channel_id)
        assert [(post["props"].get("channel_mentions"), post["hashtags"]) for post in posts] == [
            (None, "")
        ] * len(posts)
        # The server does look there.
        site.send({"text": "`~dev-notifications` `#topic`"})
        post = server.posts(site.channel_id)[-1]
        assert (list(post["props"]["channel_mentions"]), post["hashtags"]) == (
            ["dev-notifications"],
            "#topic",
        )


def hostile_names() -> list[str]:
    """Names that Nextcloud takes, as it was seen to, and the hostile texts that can be one."""
    rows = json.loads((TRACES / "09_file_names.summary.json").read_text(encoding="utf-8"))
    texts = [text.replace("/", "\u2215").replace("\0", "") for text in TEXTS]
    names = {*texts, *(name for row in rows for name in row["on_disk"])}
    return sorted(name for name in names if not re.search(r"^[.~]|\.(tmp|crdownload)$|\.ocTransferId", name))


@pytest.mark.parametrize("digest_from", [0, 10])
def test_no_name_of_a_document_or_folder_acts(tmp_path: Path, digest_from: int) -> None:
    tree = tmp_path / "Documents_RH"
    tree.mkdir()
    settings = f'channel = "dev-notifications"\ndigest_from = {digest_from}\n'
    settings += f'[[trees]]\ntree = "{tree}"\nburst_from = 0\n'
    with posting(tmp_path, "nextcloud", settings) as (people, relay):
        server = people.site.server.process
        wait_for(lambda: "watching tree" in relay.text)
        server.send_signal(signal.SIGSTOP)
        names = hostile_names()
        for name in names:
            (tree / name).mkdir()
            (tree / name / f"{name[:50]}.pdf").write_bytes(b"contract")
        wait_for(lambda: len(stored(relay)) == len(names))
        server.send_signal(signal.SIGCONT)
        wait_for(lambda: relay.text.count("delivered key=") == len(names))
        posts = assert_inert(people, "dev-notifications", {key: Named(set()) for key in stored(relay)})
        assert (posts == len(names)) == (digest_from == 0)
        assert people.badges() == {"admin": 0, "alice": 0, "bob": 0}
        people.site.send({"text": "@alice"})
        assert people.badges() == {"admin": 0, "alice": 1, "bob": 0}
