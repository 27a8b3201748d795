"""From an event that is announced to the posts of its conversation, in the transaction that takes the event.

Whatever is heard of a conversation goes into its state, announced or not. A channel that an event is announced in gets
a root, and a reply if the event is worth one there; wherever the conversation has a root, it is kept up to date. What
belongs to no conversation, or goes to a channel of single posts, stays as it is.
"""

import hashlib
import json
from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass, replace

from relays.delivery.outbox import Notification
from relays.mattermost.message import Message
from relays.sources.gitlab.conversations.contribution import Contribution, Fact
from relays.sources.gitlab.conversations.direct_messages import DirectMessages
from relays.sources.gitlab.conversations.identities import Identities
from relays.sources.gitlab.conversations.notices import Heard, notices
from relays.sources.gitlab.conversations.replies import Part, Replies
from relays.sources.gitlab.conversations.root import render
from relays.sources.gitlab.conversations.state import State
from relays.sources.gitlab.conversations.table import Conversations, Root
from relays.sources.gitlab.evaluation import Outcome
from relays.sources.gitlab.event import Event
from relays.sources.gitlab.events import find_kind
from relays.sources.gitlab.events import note as comments
from relays.sources.gitlab.events.common import project_of
from relays.sources.gitlab.merge_requests import MergeRequests
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.storable import storable
from relays.storage.engine import Database
from relays.wording import CATALOGUES, Wording

SIGN_OF_MERGE_REQUEST = "!"
"""What stands in the name of a conversation between the project and the number of a merge request, and in no other."""
_SIGNS = {
    "merge_request": SIGN_OF_MERGE_REQUEST,
    "issue": "#",
    **{kind: f" {kind} " for kind in ("pipeline", "release", "environment")},
}
CONFIDENTIAL = " confidential"
"""What the name of a conversation ends with that is."""
_LONGEST = 255
_NOT_HEARD = ("foreign", "unsupported", "unreadable", "failed")


@dataclass(frozen=True)
class _Talk:
    """A conversation as it stands after an event; `thread` is what its channels call it, `name` what its state is.

    `actions` are those that its roots may have buttons for.
    """

    name: str
    thread: str
    kind: str
    state: State
    actions: Collection[str]

    def root(self, language: str, detail: str) -> Message:
        """The first post."""
        return render(self.kind, self.state, CATALOGUES[language], detail, self.thread, self.actions)


@dataclass(frozen=True)
class Conversing:
    """How events become conversations. Without `direct_messages` nobody is written to in person.

    `actions` are those that roots may have buttons for.
    """

    router: Router
    conversations: Conversations
    merge_requests: MergeRequests
    identities: Identities
    direct_messages: DirectMessages | None = None
    actions: Collection[str] = ()

    def settle(self, db: Database, one: Outcome) -> Outcome:
        """The outcome with the posts of its conversation in the place of its notifications."""
        if one.outcome in _NOT_HEARD:
            return one
        key = one.deliveries[0].key
        withdrawn = [post for event in one.events for post in self._withdrawn(db, event, key)]
        parts = list(self._parts(db, one.events))
        # What no route takes is not even remembered.
        if one.reason == "confidential" or not parts:
            return replace(one, notifications=[*one.notifications, *withdrawn]) if withdrawn else one
        name, kind = _name_of(parts[0]), parts[0].said.kind
        before = self.conversations.state(db, name) or State()
        parts, state = self._heard(before, parts)
        thread, state = self._thread(db, name, kind, state, parts)
        self.conversations.keep(db, name, state)
        posts = [*self._posts(db, one, _Talk(name, thread, kind, state, self.actions), parts)]
        if self.direct_messages and self._is_announced(one):
            heard = [
                Heard(self.router.projects.named(part.event), part.turned, before, state) for part in parts
            ]
            self.direct_messages.put(
                db, key, [notice for each in heard for notice in notices(each, self._wording)]
            )
        if one.notifications and not posts:
            one = replace(one, outcome="filtered", reason="conversation")
        return replace(one, notifications=[*posts, *withdrawn])

    def foresee(self, events: Sequence[Event]) -> None:
        """Events wait for what belongs to them: find out meanwhile who is mentioned in them."""
        for event in events:
            if event.name == "note":
                for name in comments.mentioned_in(event.payload):
                    self.identities.known(name)

    def _is_announced(self, one: Outcome) -> bool:
        """Whether the site wants to hear of it. By an update of nothing GitLab says that somebody requests changes."""
        reasons = {self.router.mute.reason(event) for event in one.events}
        return not all(map(self.router.drops, one.events)) and reasons <= {"", "empty_updates"}

    @property
    def _wording(self) -> Wording:
        return CATALOGUES[self.router.language_of(self.router.routes[-1])]

    def forget(self, db: Database) -> None:
        """Remove what is so old that nothing more will come of it."""
        self.conversations.forget(db)

    def _parts(self, db: Database, events: Sequence[Event]) -> Iterator[Part]:
        for event in events:
            kind = find_kind(event.payload)
            said = kind and kind.contribution(event.payload, event.project, event.actions)
            if not said:
                continue
            kind_of, project, name = self.merge_requests.place_of(db, said)
            if (kind_of, project, name) != (said.kind, said.project, said.name):
                yield Part(event, replace(said, kind=kind_of, project=project, name=name), said.insists)
            elif said.kind:
                yield Part(event, said, said.replies)

    def _heard(self, state: State, parts: Sequence[Part]) -> tuple[list[Part], State]:
        """The parts with what each amounts to, and the state after all of them."""
        heard: list[Part] = []
        for part in parts:
            turned = state.turned(part.said.turn)
            state = state.with_(part.said).with_(self._setting(part))
            heard.append(replace(part, turned=turned, worth_a_reply=part.worth_a_reply or bool(turned)))
        return heard, state

    def _setting(self, part: Part) -> Contribution:
        """Where the conversation takes place, as the site calls it."""
        event = self.router.projects.named(part.event)
        facts: dict[str, Fact] = {
            "name": Fact((0.0,), part.said.name[:_LONGEST]),
            "confidential": Fact((0.0,), part.event.confidential),
        }
        if event.project == part.said.project:
            facts["project"] = Fact((0.0,), {"shown": project_of(event.payload, self._wording)[:_LONGEST]})
        return replace(part.said, facts=facts, counts={}, turn=None)

    def _thread(
        self, db: Database, name: str, kind: str, state: State, parts: Sequence[Part]
    ) -> tuple[str, State]:
        """What the conversation is called in its channels: that of a branch begins anew when its pipelines break."""
        if kind != "pipeline":
            return name, state
        (said, turned) = parts[0].said, parts[0].turned
        since = state.of("since").text()
        if not since or (turned == "broken" and said.number):
            since = str(said.number)
            self.conversations.let_go(db, name)
            state = state.with_(replace(said, facts={"since": Fact((0.0,), since)}, counts={}, turn=None))
        return f"{name} {since}", state

    def _posts(
        self, db: Database, one: Outcome, talk: _Talk, parts: Sequence[Part]
    ) -> Iterator[Notification]:
        roots = self.conversations.roots(db, talk.name)
        key, announced = one.deliveries[0].key, dict.fromkeys(each.channel for each in one.notifications)
        in_thread = Replies(self.router, self.identities, mentions_people=self.direct_messages is None)
        by_channel = [(part, self.router.routes_of(part.event)[1]) for part in parts]
        for channel in announced:
            routed = [(part, routes[channel]) for part, routes in by_channel if channel in routes]
            if not routed or self.router.conversations_of(routed[0][1]) == "single":
                yield from (each for each in one.notifications if each.channel == channel)
                continue
            route = routed[0][1]
            language = self.router.language_of(route)
            detail = "short" if self.router.is_short(route) else "full"
            root = talk.root(language, detail)
            new = Root(channel, language, detail, _digest(root))
            replies = in_thread.to([part for part, _ in routed], route, has_root=channel in roots)
            for place, message in replies:
                yield Notification(_key(key, place), channel, message, talk.thread, root)
            if not replies and roots.get(channel) != new:
                yield Notification(key, channel, None, talk.thread, root)
            self.conversations.keep_root(db, talk.name, new)
        for root_of in roots.values():
            if root_of.channel in announced:
                continue
            # A route that was taken out since leads nowhere any more.
            if self.router.leads_to(root_of.channel, parts[0].event):
                yield from self._updated(db, talk, root_of, key)

    def _updated(self, db: Database, talk: _Talk, root: Root, key: str) -> Iterator[Notification]:
        """The root in a channel where nothing else is said, if it shows something else now."""
        shown = talk.root(root.language, root.detail)
        if _digest(shown) != root.shows:
            self.conversations.keep_root(db, talk.name, root._replace(shows=_digest(shown)))
            yield Notification(key, root.channel, None, talk.thread, shown)

    def _withdrawn(self, db: Database, event: Event, key: str) -> Iterator[Notification]:
        """An issue that has become confidential is shown no longer where it was shown before."""
        kind = find_kind(event.payload)
        said = kind and kind.contribution(event.payload, event.project, event.actions)
        if not (said and event.confidential and event.name == said.kind == "issue"):
            return
        name = _name_of(Part(replace(event, confidential=False), said, worth_a_reply=False))
        state = self.conversations.state(db, name)
        if state is not None:
            state = state.with_(replace(said, facts={"withdrawn": said.facts["withdrawn"]}))
            self.conversations.keep(db, name, state)
            for root in self.conversations.roots(db, name).values():
                talk = _Talk(name, name, said.kind, state, self.actions)
                yield from self._updated(db, talk, root, f"{key} withdrawn")


def _name_of(part: Part) -> str:
    said = part.said
    place = f"{storable(said.project, _LONGEST)}{_SIGNS[said.kind]}{storable(said.name, _LONGEST)}"
    return f"{place}{CONFIDENTIAL}" if part.event.confidential else place


def _key(key: str, place: int) -> str:
    return key if place == 0 else f"{key} {place}"


def _digest(message: Message) -> str:
    shown = json.dumps(message.payload(), sort_keys=True)
    return hashlib.sha256(shown.encode()).hexdigest()[:16]
