"""The table of removals is whole: each setting has a case, or a reason why nothing can be left of it."""

from collections.abc import Iterator
from pathlib import Path

from pydantic import BaseModel

from tasks.site import Site
from tests.lab.removal.cases import CHANGES, ELSEWHERE, NOTHING
from tests.lab.removal.summary import lines
from tests.lab.test_removal import KNOWN_BY_MARKS


def settings(model: type[BaseModel], before: str = "") -> Iterator[str]:
    """The full names of all settings."""
    for name, field in model.model_fields.items():
        if isinstance(field.annotation, type) and issubclass(field.annotation, BaseModel):
            yield from settings(field.annotation, f"{before}{name}.")
        else:
            yield before + name


def test_each_setting_has_a_case_or_a_reason() -> None:
    cases = {change.setting for change in CHANGES}
    assert cases | set(ELSEWHERE) | set(NOTHING) == set(settings(Site))
    assert cases & set(NOTHING) == set()
    tests = {path.stem for path in (Path(__file__).parents[1] / "lab").glob("test_*.py")}
    assert set(ELSEWHERE.values()) <= tests


def test_names_of_cases_are_unique() -> None:
    names = [str(change) for change in CHANGES]
    assert len(set(names)) == len(names)
    assert set(KNOWN_BY_MARKS) <= set(names)


def test_the_table_says_what_the_run_has_shown() -> None:
    first, second = CHANGES[:2]
    table = lines({str(first): {"passed"}, str(second): {"passed", "failed"}})
    assert table[:3] == [f"✓ {first}", f"✗ {second}", f"· {CHANGES[2]}"]
