"""The words for a failed check: every way in which one can fail, in both languages."""

import pytest

from tests.evidence.checklist import ITEMS
from tests.evidence.failure import Comparison, Failure, explain
from tests.evidence.french import FRENCH
from tests.evidence.remedies import CHECKS
from tests.evidence.remedies import ITEMS as REMEDIES

RELATIONS = {
    "==": ("0o600", "0o600"),
    "!=": ("anything but 0o600", "autre chose que 0o600"),
    "is": ("0o600", "0o600"),
    "is not": ("anything but 0o600", "autre chose que 0o600"),
    "<": ("less than 0o600", "moins que 0o600"),
    "<=": ("at most 0o600", "au plus 0o600"),
    ">": ("more than 0o600", "plus que 0o600"),
    ">=": ("at least 0o600", "au moins 0o600"),
}


def failure(error: BaseException, comparison: Comparison | None, language: str = "fr") -> Failure:
    return explain("test_x", ["push"], error, comparison, language)


@pytest.mark.parametrize("operator", RELATIONS)
def test_comparison_says_what_was_expected_and_what_was_seen(operator: str) -> None:
    comparison = Comparison(operator, "0o644", "0o600")
    error = AssertionError(f"assert '0o644' {operator} '0o600'")
    for language, expected in zip(("en", "fr"), RELATIONS[operator], strict=True):
        reported = failure(error, comparison, language)
        assert (reported.expected, reported.seen) == (expected, "0o644")


@pytest.mark.parametrize(
    ("operator", "words"), [("in", "contains --config"), ("not in", "does not contain --config")]
)
def test_search_says_what_was_looked_for_and_where(operator: str, words: str) -> None:
    reported = failure(AssertionError("assert 'x'"), Comparison(operator, "--config", "usage: -h"), "en")
    assert (reported.expected, reported.seen) == (words, "usage: -h")


def test_message_of_an_assertion_is_kept_beside_the_value() -> None:
    error = AssertionError("2 webhooks are called GitLab\nassert 2 == 1")
    assert failure(error, Comparison("==", 2, 1)).seen == "2 webhooks are called GitLab : 2"


@pytest.mark.parametrize(
    "error", [AssertionError("assert False\n +  where False = is_running"), RuntimeError("no route to host")]
)
def test_what_is_no_comparison_says_what_was_seen_alone(error: BaseException) -> None:
    reported = failure(error, None)
    assert reported.expected == ""
    assert reported.seen == str(error)


def test_comparison_of_an_earlier_check_explains_no_other_error() -> None:
    assert failure(RuntimeError("no route to host"), Comparison("==", 1, 2)).expected == ""


def test_error_without_a_text_is_called_by_its_name() -> None:
    assert failure(TimeoutError(), None).seen == "TimeoutError"


def test_long_and_empty_values_stay_readable() -> None:
    reported = failure(AssertionError("assert x"), Comparison("==", "x" * 9000, ""))
    assert len(reported.seen) < 500
    assert reported.expected == "''"


def test_every_item_has_a_remedy_in_both_languages_and_none_is_left_over() -> None:
    assert REMEDIES.keys() == {item.id for item in ITEMS}
    assert CHECKS.keys() <= FRENCH.keys()
    for french, english in (*REMEDIES.values(), *CHECKS.values()):
        assert french.endswith(".")
        assert english.endswith(".")
