"""Checklist: the mission's screenshots, which the checks before have taken."""

import pytest

from tests.evidence import browser
from tests.evidence.dossier import Dossier
from tests.evidence.pictures import PICTURES
from tests.evidence.wording import TEXTS


@pytest.mark.checklist("screenshots")
@pytest.mark.parametrize("name", PICTURES)
def test_picture_was_taken(dossier: Dossier, name: str) -> None:
    """The page shows what the mission wants to see of it, and its picture is in the report."""
    texts = TEXTS[dossier.language]
    if browser.find() is None:
        pytest.skip(texts["no_browser"])
    assert name in dossier.pictures, texts["not_taken"]
    picture = dossier.pictures[name]
    if picture.unasked:
        pytest.skip(picture.reason)
    assert picture.png, picture.reason
