"""A GitLab relay that converses, and what its channels come to show: posts, threads below them, direct messages."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest

from relays.delivery.outbox import Notification
from relays.mattermost.directory import Member, NoAnswerError
from relays.mattermost.message import Message
from relays.sources.gitlab.conversations.conversing import Conversing
from relays.sources.gitlab.conversations.direct_messages import DirectMessages, DirectMessenger
from relays.sources.gitlab.conversations.identities import Identities
from relays.sources.gitlab.conversations.table import Conversations
from relays.sources.gitlab.delayed import LONGEST_SECONDS
from relays.sources.gitlab.merge_requests import MergeRequests
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.wishes import Wishes
from tests.unit.acts_world import Payload, RecordingOutbox, World, world
from tests.unit.test_relays_snapshots import rendered
from tests.waiting import wait_until

MEMBERS = ("camille", "leo", "alex", "sam")


@dataclass
class Post:
    """A post with the thread below it; `edits` is how often it was changed."""

    message: Message
    replies: list[Message] = field(default_factory=list)
    edits: int = 0


@dataclass
class Chat:
    """What Mattermost comes to show of these notifications."""

    notifications: Sequence[Notification]

    def posts(self, channel: str = "dev") -> list[Post]:
        """The posts of a channel, in the order in which they were made."""
        posts: list[Post] = []
        roots: dict[str, Post] = {}
        for each in self.notifications:
            if each.channel != channel:
                continue
            if not each.conversation:
                assert each.message is not None
                posts.append(Post(each.message))
                continue
            assert each.root is not None
            if each.conversation not in roots:
                roots[each.conversation] = Post(each.root)
                posts.append(roots[each.conversation])
            else:
                roots[each.conversation].edits += 1
                roots[each.conversation].message = each.root
            if each.message is not None:
                roots[each.conversation].replies.append(each.message)
        return posts

    def shown(self, channel: str = "dev") -> str:
        """A channel as a reader sees it, replies set in."""
        lines: list[str] = []
        for post in self.posts(channel):
            lines += rendered("", post.message.payload()).splitlines()
            for reply in post.replies:
                lines += [
                    "",
                    *(f"    {line}".rstrip() for line in rendered("", reply.payload()).splitlines()),
                ]
            lines.append("")
        return "\n".join(lines).rstrip() + "\n" if lines else "(nothing)\n"

    def people(self) -> list[str]:
        """Who got direct messages."""
        return sorted({each.channel for each in self.notifications if each.channel.startswith("@")})


@dataclass
class Somebody:
    """The users of a Mattermost, by name and with their addresses; `answers` says whether it does."""

    members: Mapping[str, str] = field(default_factory=dict)
    answers: bool = True
    asked: list[str] = field(default_factory=list)

    def by_name(self, name: str) -> Member | None:
        self._ask(name)
        return Member(name, self.members[name]) if name in self.members else None

    def by_email(self, email: str) -> Member | None:
        self._ask(email)
        found = (name for name, known in self.members.items() if known == email)
        return next((Member(name, email) for name in found), None)

    def _ask(self, what: str) -> None:
        self.asked.append(what)
        if not self.answers:
            raise NoAnswerError


@dataclass
class Conversation:
    """The relay, what it has posted, and who can be asked who somebody is."""

    relay: World
    identities: Identities
    messenger: DirectMessenger | None

    def hear(self, *payloads: Payload, keys: Sequence[str] = ()) -> Chat:
        """What the channels show once all of these were heard, one after the other."""
        self.relay.hear(*payloads, keys=keys)
        return self.chat

    def live(self, *moments: Sequence[Payload]) -> Chat:
        """What the channels show once all was heard that happened in these moments, which lie far apart."""
        stop = self.relay.start()
        for payloads in moments:
            for payload in payloads:
                self.relay.put(payload)
            self.relay.let_time_pass(LONGEST_SECONDS)
            wait_until("all told", lambda: self.relay.held() == 0, 30, 0.005)
        stop()
        return self.chat

    @property
    def chat(self) -> Chat:
        """What the channels show now."""
        if self.messenger is not None:
            self.messenger.turn()
        return Chat(list(self.relay.posts))


Make = Callable[..., Conversation]


@contextmanager
def conversation(
    folder: Path,
    spool: str | None,
    *routes: Route,
    people: Mapping[str, str] | None = None,
    directory: Any = None,
    direct: bool = True,
    default: Route | None = None,
    wishes: Wishes | None = None,
    choosing: bool = False,
    **more: Any,
) -> Iterator[Conversation]:
    """A relay that converses on these routes, and by default in the channel dev."""
    last = default or Route(("dev",), conversations="threads")
    with world(folder, spool, *routes, default=last, people=people or {}, **more) as relay:
        identities = Identities(people or {}, directory, lambda: relay.now)
        table = DirectMessages(relay.store, wishes or {}, choosing)
        relay.conversing = Conversing(
            relay.router,
            Conversations(relay.store),
            MergeRequests(relay.store),
            identities,
            table if direct else None,
        )
        outbox = RecordingOutbox(relay.store, "test", relay.posts)
        yield Conversation(relay, identities, DirectMessenger(table, outbox, identities) if direct else None)


@pytest.fixture
def converse(tmp_path: Path, spool: str | None) -> Iterator[Make]:
    """Makes a relay that converses."""
    worlds: list[Any] = []

    def start(*routes: Route, **more: Any) -> Conversation:
        worlds.append(conversation(tmp_path, spool, *routes, **more))
        return worlds[-1].__enter__()  # type: ignore[no-any-return]

    yield start
    for each in worlds:
        each.__exit__(None, None, None)


def shows(chat: Chat, channel: str = "dev") -> str:
    (post,) = chat.posts(channel)
    return rendered("", post.message.payload())
