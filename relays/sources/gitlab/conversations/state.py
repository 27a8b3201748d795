"""What is known of a conversation, and how contributions change it."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace

from relays.sources.gitlab.conversations.contribution import Contribution, Fact, Turn
from relays.sources.gitlab.payload import Payload

# Of votes, jobs, environments and the like: more than anybody reads in one post.
_MOST_FACTS = 80
_TURNED = {("success", "failed"): "broken", ("", "failed"): "broken", ("failed", "success"): "fixed"}


@dataclass(frozen=True)
class State:
    """The facts by name, and what was counted."""

    facts: Mapping[str, Fact] = field(default_factory=dict)
    counts: Mapping[str, int] = field(default_factory=dict)

    @classmethod
    def read(cls, text: str) -> "State":
        """The state that was written."""
        stored = json.loads(text)
        facts = {name: Fact(tuple(order), value) for name, (order, value) in stored["facts"].items()}
        return cls(facts, stored["counts"])

    def written(self) -> str:
        """The state as a text."""
        facts = {name: [fact.order, fact.value] for name, fact in self.facts.items()}
        return json.dumps({"facts": facts, "counts": self.counts}, separators=(",", ":"))

    def of(self, name: str) -> Payload:
        """What is known under a name, nothing if nothing is."""
        fact = self.facts.get(name)
        return Payload(fact.value if fact else None)

    def each(self, kind: str) -> Iterator[tuple[str, Fact]]:
        """The facts of which there are many, without the name of their kind, in the order of their names."""
        for name in sorted(self.facts):
            found, _, rest = name.partition(" ")
            if found == kind and rest:
                yield rest, self.facts[name]

    def with_(self, said: Contribution) -> "State":
        """The state once a contribution is made."""
        facts = dict(self.facts)
        for name, new in (*said.facts.items(), *_of_turn(said.turn)):
            known = facts.get(name)
            if known is None and len(facts) < _MOST_FACTS:
                facts[name] = new
            elif known is not None and (new.order >= known.order or new.order == (0.0,)):
                facts[name] = Fact(max(new.order, known.order), new.value)
        counts = dict(self.counts)
        for name, number in said.counts.items():
            counts[name] = counts.get(name, 0) + number
        return replace(self, facts=facts, counts=counts)

    def turned(self, turn: Turn | None) -> str:
        """What a turn amounts to now: broken, fixed, or nothing."""
        if turn is None:
            return ""
        known = self.facts.get(_health(turn))
        if known is not None and turn.order < known.order:
            return ""
        return _TURNED.get((str(known.value) if known else "", turn.status), "")


def _of_turn(turn: Turn | None) -> list[tuple[str, Fact]]:
    return [(_health(turn), Fact(turn.order, turn.status))] if turn else []


def _health(turn: Turn) -> str:
    return f"health {turn.what}"
