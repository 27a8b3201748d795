"""What becomes of a delivery: considered first, and then settled in the transaction that takes it.

Considering costs what reading and wording an event costs, and changes nothing. Settling decides, by what is remembered
at that moment, whether the event is announced: it may be one that was announced before, or it may follow one that was
(relays.gitlab.acts), or it may have to wait for what belongs to it.
"""

import json
import traceback
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from relays.engine import Database, StorageError
from relays.gitlab import merge_requests
from relays.gitlab.acts import Part, part_of
from relays.gitlab.dispatch import Dispatcher
from relays.gitlab.event import Event, read_event
from relays.gitlab.memory import Memory
from relays.gitlab.payload import Payload
from relays.gitlab.received import Received, Waiting
from relays.outbox import Notification

HELD = "held"


@dataclass(frozen=True)
class Announcement:
    """What deliveries come to: an outcome in a word, why there is no message, and the messages there are.

    There are several deliveries if they are told as one; each has its event. `may_be_unknown`: it is a push, and what
    merge request it belongs to may not be known.
    """

    deliveries: Sequence[Waiting]
    events: Sequence[Event]
    outcome: str
    reason: str = ""
    notifications: Sequence[Notification] = ()
    part: Part = field(default_factory=Part)
    may_be_unknown: bool = False

    @property
    def may_wait(self) -> bool:
        """Whether what belongs to it is likely to come, and it has not waited for that yet."""
        follows = self.part.follows
        expects = (follows is not None and follows.expects) or (
            self.may_be_unknown and bool(self.part.pushed)
        )
        belongs = bool(self.part.review) or expects
        return belongs and bool(self.notifications) and not self.deliveries[0].act


@dataclass(frozen=True)
class Announcing:
    """How deliveries that were `received` are announced."""

    received: Received
    dispatcher: Dispatcher
    memory: Memory

    def consider(self, delivery: Waiting) -> Announcement | None:
        """What a delivery comes to, and those that are told with it; None if another relay has it. StorageError."""
        if not delivery.act.startswith("review "):
            return self._alone(delivery)
        together = list({each.key: each for each in self.received.of_act(delivery.act)}.values())
        if len(together) > 1:
            return self._together(together)
        return self._alone(together[0]) if together else None

    def depends(self, one: Announcement, others: Sequence[Announcement]) -> bool:
        """Whether what it comes to depends on what others leave behind once they are settled."""
        event = one.events[0]
        after_a_merge_request = any(other.events[0].name == "merge_request" for other in others)
        return self.memory.pipelines.counts(event) or (event.name == "push" and after_a_merge_request)

    def settle(self, db: Database, one: Announcement) -> Announcement | None:
        """What becomes of it; None if another relay has it, or has changed what it depends on."""
        delivery, event = one.deliveries[0], one.events[0]
        is_echo = None
        if one.may_wait:
            if self.memory.holding.is_held(db, delivery.key):
                return None
            if not self.received.is_told(db, delivery.key):
                if one.may_be_unknown and self.memory.merge_requests.has_source(db, event):
                    return None
                is_echo = self._is_echo(db, one)
                if not is_echo and self._holds(db, one):
                    return replace(one, outcome=HELD, notifications=())
        if len(one.deliveries) > 1:
            there = self.received.held_for(db, delivery.act)
            if told := [number for number, each in enumerate(one.deliveries) if there.get(each.key)]:
                one = replace(one, deliveries=[one.deliveries[told[0]]], events=[one.events[told[0]]])
            elif there.keys() != {each.key for each in one.deliveries}:
                return None
        for each in one.deliveries:
            if not self.received.take(db, each.row):
                return None
            if each.act:
                self.memory.holding.release(db, each.key)
            if not self.received.is_new(db, each.key):
                return replace(one, outcome="duplicate", reason="", notifications=())
        self.memory.pipelines.remember(db, event)
        self._heard_of(db, one)
        if is_echo is None:
            is_echo = not delivery.act and self._is_echo(db, one)
        if is_echo:
            return replace(one, outcome="filtered", reason="echoes", notifications=())
        return self._announced(db, one)

    def _alone(self, delivery: Waiting) -> Announcement:
        event = read_event(Payload(None))
        try:
            event = read_event(Payload(json.loads(delivery.body)), delivery.event)
            event = self.memory.pipelines.compare(event)
            known = self.memory.merge_requests.of(event)
            part = part_of(event, self.dispatcher.mute, known)
            may_be_unknown = not known and self.memory.merge_requests.may_be_unknown(event)
            event = merge_requests.named(event, known) if self.dispatcher.mute.push_updates else event
            reason, messages = self.dispatcher.dispatch(event)
        except (json.JSONDecodeError, RecursionError):
            return Announcement([delivery], [event], "unreadable", "json")
        except StorageError:
            raise
        except Exception as error:
            # One event that cannot be told is no reason to stop. The text of an error may hold what was sent.
            place = traceback.extract_tb(error.__traceback__)[-1]
            reason = f"{type(error).__name__} at {place.name}:{place.lineno}"
            return Announcement([delivery], [event], "failed", reason)
        if not messages:
            outcome = "unsupported" if reason == "unsupported" else "filtered"
            return Announcement([delivery], [event], outcome, reason, part=part)
        notifications = [
            Notification(delivery.key, channel, message) for channel, message in messages.items()
        ]
        return Announcement([delivery], [event], "accepted", "", notifications, part, may_be_unknown)

    def _together(self, deliveries: Sequence[Waiting]) -> Announcement:
        try:
            events = [read_event(Payload(json.loads(each.body)), each.event) for each in deliveries]
            told = self.dispatcher.dispatch_review(events)
        except Exception:
            # One after the other, so that the one at fault is found and the others are told.
            return self._alone(deliveries[0])
        notifications = [
            Notification(deliveries[first].key, channel, message) for first, channel, message in told
        ]
        return Announcement(deliveries, events, "accepted", "", notifications)

    def _is_echo(self, db: Database, one: Announcement) -> bool:
        heard = bool(one.notifications) and self.dispatcher.mute.echoes
        return heard and self.memory.announced.is_echo(db, one.events[0], one.deliveries[0].body)

    def _holds(self, db: Database, one: Announcement) -> bool:
        """Have it wait for what belongs to it, if that is likely to come."""
        part, key = one.part, one.deliveries[0].key
        if part.review:
            self.memory.holding.gather(db, key, part.review)
            return True
        follows = part.follows
        if follows and follows.expects:
            if self.memory.announced.covering(db, follows) is not None:
                return False
            # Its leader may wait for it already, to know of it.
            self._heard_of(db, one)
            self.memory.holding.hold(db, key, follows.act)
        else:
            self.memory.holding.hold(db, key, part.pushed)
        return True

    def _heard_of(self, db: Database, one: Announcement) -> None:
        self.memory.merge_requests.remember(db, one.events[0])
        if one.events[0].name == "merge_request" and one.part.pushed:
            self.memory.holding.let_go(db, [one.part.pushed])

    def _announced(self, db: Database, one: Announcement) -> Announcement:
        """Leave out what a leader has said, and note what this one says."""
        follows = one.part.follows
        covered = (self.memory.announced.covering(db, follows) if follows else None) or set()
        left = [each for each in one.notifications if each.channel not in covered]
        self.memory.announced.lead(db, one.part.leads, [each.channel for each in left])
        self.memory.holding.let_go(db, [lead.act for lead in one.part.leads])
        if one.notifications and not left and follows:
            return replace(one, outcome="filtered", reason=follows.setting, notifications=())
        return replace(one, notifications=left)
