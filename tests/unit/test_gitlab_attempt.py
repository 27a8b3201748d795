"""What a process was at when it ended, as the next one finds it."""

from pathlib import Path

import pytest

from relays.base.settings import StartError
from relays.sources.gitlab.attempt_journal import AttemptJournal


def test_a_file_that_a_power_cut_has_garbled_says_nothing(tmp_path: Path) -> None:
    for content in (b"", b"\0" * 100, b"\xff\xfe", b"x\ny\n", b"1"):
        (tmp_path / "attempt").write_bytes(content)
        assert AttemptJournal(tmp_path / "attempt").left() == []


def test_the_file_says_what_was_begun_last(tmp_path: Path) -> None:
    for keys in (["gitlab:a" * 10] * 50, ["gitlab:b"], []):
        AttemptJournal(tmp_path / "attempt").begin(keys)
        assert AttemptJournal(tmp_path / "attempt").left() == keys
    AttemptJournal(tmp_path / "attempt").end()
    assert AttemptJournal(tmp_path / "attempt").left() == []


def test_a_file_that_cannot_be_made_is_reported(tmp_path: Path) -> None:
    with pytest.raises(StartError, match="cannot be written"):
        AttemptJournal(tmp_path / "nowhere" / "attempt")
