"""Why a check failed, in words: what was expected, what was seen, and what to do about it.

pytest's own account of a failure is for whoever wrote the check; the report shows it below these words.
"""

from collections.abc import Iterable
from dataclasses import dataclass

from tests.evidence.remedies import remedy
from tests.evidence.wording import TEXTS

_LONGEST = 400
"""Characters kept of a value."""

_SHAPES = {
    "==": "{right}",
    "!=": "failure.not_equal",
    "is": "{right}",
    "is not": "failure.not_equal",
    "in": "failure.contains",
    "not in": "failure.contains_not",
    "<": "failure.less",
    "<=": "failure.at_most",
    ">": "failure.more",
    ">=": "failure.at_least",
}
# What the check looks for stands on the left of these, and where it looks on the right.
_LOOKING = ("in", "not in")


@dataclass(frozen=True)
class Comparison:
    """A comparison that does not hold, as pytest hands it over: `left` `operator` `right`."""

    operator: str
    left: object
    right: object


@dataclass(frozen=True)
class Failure:
    """The words, in the report's language; `expected` is empty where only what was seen can be said."""

    expected: str
    seen: str
    remedy: str


def explain(
    function: str, items: Iterable[str], error: BaseException, comparison: Comparison | None, language: str
) -> Failure:
    """The failure of the check `function`, which proves these items of the list.

    `comparison` is the one that failed, if `error` is that of a plain `assert`.
    """
    advice = remedy(function, items, language)
    text = str(error).strip()
    if comparison is None or not isinstance(error, AssertionError):
        return Failure("", _short(_first_lines(text) or type(error).__name__), advice)
    texts = TEXTS[language]
    looked_for, found = comparison.right, comparison.left
    if comparison.operator in _LOOKING:
        looked_for, found = found, looked_for
    shape = _SHAPES.get(comparison.operator, "{right}")
    expected = texts.get(shape, shape).format(right=_value(looked_for))
    # The message of an assertion stands before what pytest makes of it.
    said, _, _ = text.partition("\nassert ")
    seen = _value(found) if said.startswith("assert ") or not said else f"{_short(said)} : {_value(found)}"
    return Failure(expected, seen, advice)


def _first_lines(text: str) -> str:
    return "\n".join(text.splitlines()[:4])


def _value(value: object) -> str:
    return _short(value if isinstance(value, str) and value.strip() else repr(value))


def _short(text: str) -> str:
    return text if len(text) <= _LONGEST else f"{text[:_LONGEST]} […]"
