"""Checklist: the mission's screenshots, which the checks before have taken."""

import pytest

from tests.evidence import browser
from tests.evidence.dossier import Dossier
from tests.evidence.pictures import PICTURES


@pytest.mark.checklist("screenshots")
@pytest.mark.parametrize("name", PICTURES)
def test_picture_was_taken(dossier: Dossier, name: str) -> None:
    """The page shows what the mission wants to see of it, and its picture is in the report."""
    if browser.find() is None:
        pytest.skip("no Chromium or Chrome on this machine (Debian: apt install chromium)")
    assert name in dossier.pictures, "the check that takes it was not run or failed before"
    picture = dossier.pictures[name]
    if "_password is not set" in picture.reason:
        pytest.skip(picture.reason)
    assert picture.png, picture.reason
