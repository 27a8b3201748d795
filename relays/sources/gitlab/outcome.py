"""What becomes of a delivery that was considered, decided in the transaction that takes it.

By what is remembered at that moment the event is announced or not: it may be one that was announced before, or it may
follow one that was (relays.sources.gitlab.correlation), or it may have to wait for what belongs to it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from relays.sources.gitlab.channel_events import SILENCE, ChannelEvents
from relays.sources.gitlab.conversations.conversing import Conversing
from relays.sources.gitlab.dead_letters import DeadLetters
from relays.sources.gitlab.evaluation import Outcome
from relays.sources.gitlab.history import History
from relays.sources.gitlab.inbox import Inbox
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.silences import Silences
from relays.storage.engine import Database

HELD = "held"
DUPLICATE = "duplicate"


@dataclass(frozen=True)
class Settling:
    """How what was considered is settled, on a site that mutes this much; each by itself without `conversing`.

    With `channel_events` it is noted for those who ask, and with `silences` it is not said where nobody wants it now.
    `forgetting` removes what is old, in the transactions in which events are settled.
    """

    received: Inbox
    dead_letters: DeadLetters
    memory: History
    mute: Mute
    conversing: Conversing | None = None
    channel_events: ChannelEvents | None = None
    silences: Silences | None = None
    forgetting: Sequence[Callable[[Database], None]] = ()

    def settle(self, db: Database, one: Outcome, alone: bool) -> Outcome | None:
        """What becomes of it; None if another relay has it, or has changed what it depends on.

        `alone`: nothing else was processed at the same time.
        """
        settled = self._settled(db, one, alone)
        if settled is not None and self.channel_events and settled.outcome not in (HELD, DUPLICATE):
            self.channel_events.note(db, settled)
        return settled

    def _settled(self, db: Database, one: Outcome, alone: bool) -> Outcome | None:
        is_echo = None
        if one.may_wait:
            delivery, event = one.deliveries[0], one.events[0]
            if self.memory.holding.is_held(db, delivery.key):
                return None
            if not self.received.is_processed(db, delivery.key):
                if one.may_be_unknown and self.memory.merge_requests.has_source(db, event):
                    return None
                is_echo = self._is_echo(db, one)
                if not is_echo and self._holds(db, one):
                    if self.conversing:
                        self.conversing.foresee(one.events)
                    return replace(one, outcome=HELD, notifications=())
        if one.may_end_reviews:
            key = one.deliveries[0].key
            if self.memory.holding.is_held(db, key):
                return None
            if not self.received.is_processed(db, key):
                is_echo = self._is_echo(db, one) if is_echo is None else is_echo
                if not is_echo and self.memory.holding.follow(db, key, one.part.ends):
                    return replace(one, outcome=HELD, notifications=())
        ours = self._ours(db, one)
        if ours is None:
            return None
        is_new = self._take(db, ours, alone)
        if is_new is None:
            return None
        if not is_new:
            return replace(ours, outcome=DUPLICATE, reason="", notifications=(), cause=None)
        if ours.cause is not None:
            return ours
        self.memory.pipelines.remember(db, ours.events[0])
        self._heard_of(db, ours)
        if is_echo is None:
            is_echo = not ours.deliveries[0].act and self._is_echo(db, ours)
        if is_echo:
            return replace(ours, outcome="filtered", reason="echoes", notifications=())
        announced = self._announced(db, self._heeded(db, ours))
        return self.conversing.settle(db, announced) if self.conversing else announced

    def _ours(self, db: Database, one: Outcome) -> Outcome | None:
        """All of it if it is still there to be announced; of several deliveries only one that was announced before."""
        if len(one.deliveries) == 1:
            return one
        there = self.received.held_for(db, one.deliveries[0].act)
        if not all(each.key in there for each in one.deliveries):
            return None
        for delivery, event in zip(one.deliveries, one.events, strict=True):
            if there[delivery.key]:
                return replace(one, deliveries=[delivery], events=[event])
        return one

    def _take(self, db: Database, one: Outcome, alone: bool) -> bool | None:
        """Take the deliveries away; whether they are new, None if another relay has them."""
        is_new = True
        for each in one.deliveries:
            if one.cause is not None:
                self.dead_letters.put(db, each.row, one.cause.reason)
            if not self.received.take(db, each.row):
                return None  # of several it is known that all are there
            if each.act:
                self.memory.holding.release(db, each.key)
            # A dead letter stays under suspicion: it may come again.
            if alone and one.cause is None:
                self.received.acquit(db, each.key)
            is_new = self.received.is_new(db, each.key) and is_new
        return is_new

    def _is_echo(self, db: Database, one: Outcome) -> bool:
        heard = bool(one.notifications) and self.mute.echoes and one.cause is None
        return heard and self.memory.announced.is_echo(db, one.events[0], one.digest)

    def _holds(self, db: Database, one: Outcome) -> bool:
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

    def _heard_of(self, db: Database, one: Outcome) -> None:
        for event in one.events:
            self.memory.merge_requests.remember(db, event)
        if one.events[0].name == "merge_request" and one.part.pushed:
            self.memory.holding.let_go(db, [one.part.pushed])

    def _heeded(self, db: Database, one: Outcome) -> Outcome:
        """Leave out the channels that do not want to hear of it now."""
        channels = {each.channel for each in one.notifications}
        silenced = self.silences.silenced(db, channels, one.events) if self.silences else ()
        if not silenced:
            return one
        left = [each for each in one.notifications if each.channel not in silenced]
        heeded = replace(one, notifications=left, silenced=silenced)
        return heeded if left else replace(heeded, outcome="filtered", reason=SILENCE)

    def _announced(self, db: Database, one: Outcome) -> Outcome:
        """Leave out what a leader has said, and note what this one says.

        What follows a leader that was silenced is of the same act, and silent with it: the push that a merge makes. Not
        what follows a push, which may be to the branch of another merge request as well, whose silence it is.
        """
        follows = one.part.follows
        covered = (self.memory.announced.covering(db, follows) if follows else None) or set()
        left = [each for each in one.notifications if each.channel not in covered]
        silenced = () if one.events[0].name == "push" else one.silenced
        self.memory.announced.lead(db, one.part.leads, [*(each.channel for each in left), *silenced])
        self.memory.holding.let_go(db, [lead.act for lead in one.part.leads])
        if one.notifications and not left and follows:
            return replace(one, outcome="filtered", reason=follows.setting, notifications=())
        return replace(one, notifications=left)
