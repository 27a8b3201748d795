"""All the evidence of one run: what it ran on, what each test proved, the pictures."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from tasks.operations.masking import Mask
from tests.evidence.checklist import ITEMS, Item
from tests.evidence.failure import Failure
from tests.evidence.journal import Exchange, Journal
from tests.evidence.mask import evidence_mask

Outcome = Literal["passed", "failed", "skipped"]


@dataclass
class Proof:
    """A test that has run: `promise` is its docstring, `number` its place.

    `reason` is why it was skipped, or pytest's account of its failure, which `failure` says in words.
    """

    name: str
    items: list[str]
    promise: str
    number: int = 0
    outcome: Outcome = "passed"
    seconds: float = 0.0
    reason: str = ""
    failure: Failure | None = None
    exchanges: list[Exchange] = field(default_factory=list)

    @property
    def function(self) -> str:
        """The test's name without its parameters."""
        return self.name.partition("[")[0]


@dataclass
class Picture:
    """A screenshot under its file name, as a file and for the page; without them `reason` says why.

    `unasked`: the site or this machine lacks what is needed to take it, so that its absence is no failure.
    """

    name: str
    caption: str
    png: bytes = b""
    webp: bytes = b""
    reason: str = ""
    unasked: bool = False


@dataclass
class Dossier:
    """The evidence as it comes together."""

    language: str = "fr"
    mask: Mask = field(default_factory=evidence_mask)
    facts: dict[str, str] = field(default_factory=dict)
    proofs: dict[str, Proof] = field(default_factory=dict)
    pictures: dict[str, Picture] = field(default_factory=dict)
    left_out: int = 0
    started: datetime = field(default_factory=lambda: datetime.now(UTC).astimezone())

    def __post_init__(self) -> None:
        self.journal = Journal(self.mask)

    def of(self, item: Item) -> list[Proof]:
        """The tests of an item, in the order in which they ran."""
        return [proof for proof in self.proofs.values() if item.id in proof.items]

    def verdict(self, item: Item) -> Outcome:
        """Failed if any of its tests has, passed if one has, skipped where none had a say."""
        outcomes = {proof.outcome for proof in self.of(item)}
        if "failed" in outcomes:
            return "failed"
        return "passed" if "passed" in outcomes else "skipped"

    @property
    def verdicts(self) -> dict[str, Outcome]:
        """Of every item."""
        return {item.id: self.verdict(item) for item in ITEMS}
