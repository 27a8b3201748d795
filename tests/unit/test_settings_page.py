"""docs/settings.md holds every setting of the models, as the models have it now."""

import re

import pytest

from tasks.settings_page import PAGE, page, settings

EVERY = list(settings())


def test_the_page_is_what_the_models_say() -> None:
    """Written anew with: python -m tasks.settings_page."""
    text = PAGE.read_text(encoding="utf-8")
    assert page(text) == text, "docs/settings.md is stale: run python -m tasks.settings_page"


@pytest.mark.parametrize(("table", "name", "schema"), [entry[:3] for entry in EVERY])
def test_each_setting_is_described(table: str, name: str, schema: dict[str, object]) -> None:
    assert schema.get("description"), f"{table} {name} has no description in its model"


def test_each_setting_stands_under_its_table() -> None:
    """In words of its own, or as one that is as elsewhere."""
    sections = re.split(r"^### ", PAGE.read_text(encoding="utf-8"), flags=re.MULTILINE)
    listed = {section.splitlines()[0].strip("`"): section for section in sections[1:]}
    for table, name, _, _ in EVERY:
        section = listed[table or "Above all tables"]
        assert re.search(rf"^- (?:\*\*`{name}`\*\*|as in .*`{name}`)", section, re.MULTILINE | re.DOTALL), (
            table,
            name,
        )
