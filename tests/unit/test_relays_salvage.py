"""Reading a SQLite file without SQLite comes to what SQLite reads, from the file and from its log."""

import os
import shutil
import sqlite3
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from relays.storage import salvage, wal

PAGE = wal.PAGE_SIZE
FRAME = 24 + PAGE

VALUES = st.lists(
    st.tuples(
        st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0"), max_size=20)
        | st.integers(1, 20_000).map(lambda length: "é" * length),
        st.none() | st.integers(-(2**63), 2**63 - 1),
        st.none() | st.floats(allow_nan=False, allow_infinity=False),
        st.binary(max_size=10_000),
    ),
    max_size=30,
)


@pytest.fixture
def file(tmp_path: Path) -> Iterator[Path]:
    """A file with a table, as it lies there while a process has it open."""
    with closing(sqlite3.connect(tmp_path / "a.db", isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("PRAGMA secure_delete = ON")
        db.execute("CREATE TABLE a (b TEXT, c BIGINT, d DOUBLE PRECISION, e BLOB)")
        yield tmp_path / "a.db"


def log_of(file: Path) -> Path:
    return file.with_name(f"{file.name}-wal")


def read(file: Path) -> list[tuple[object, ...]]:
    """The rows of the table, by their numbers."""
    types = ["TEXT", "BIGINT", "DOUBLE PRECISION", "BLOB"]
    return [
        tuple(values)
        for _, values in sorted(salvage.rows(file, log_of(file)), key=lambda row: row[0])
        if salvage.fits(values, types)
    ]


@given(values=VALUES, checkpointed=st.booleans())
def test_every_row_is_found(
    tmp_path_factory: pytest.TempPathFactory, values: list[tuple[str, int, float, bytes]], checkpointed: bool
) -> None:
    file = tmp_path_factory.mktemp("salvage") / "a.db"
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA journal_mode = WAL")
        db.execute("CREATE TABLE a (b TEXT, c BIGINT, d DOUBLE PRECISION, e BLOB)")
        db.executemany("INSERT INTO a VALUES (?, ?, ?, ?)", values)
        if checkpointed:
            db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
        assert read(file) == db.execute("SELECT * FROM a ORDER BY rowid").fetchall() == values
        assert not wal.is_damaged(log_of(file))
    shutil.rmtree(file.parent)


def insert(file: Path, *numbers: int) -> None:
    """A commit for each row, while another connection keeps the log."""
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        for number in numbers:
            db.execute("INSERT INTO a VALUES (?, ?, 0.5, x'00')", (f"{number}" * 100, number))


def numbers(file: Path) -> list[object]:
    return [row[1] for row in read(file)]


def test_what_was_deleted_is_not_found_again(file: Path) -> None:
    insert(file, *range(200))
    with closing(sqlite3.connect(file, isolation_level=None)) as db:
        db.execute("PRAGMA secure_delete = ON")
        db.execute("DELETE FROM a WHERE c >= 3")
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    assert numbers(file) == [0, 1, 2]


def test_a_log_that_ends_in_the_middle_of_a_commit_is_what_a_power_cut_leaves(file: Path) -> None:
    insert(file, 1, 2, 3)
    with log_of(file).open("r+b") as log:
        log.truncate(log_of(file).stat().st_size - 100)
    assert not wal.is_damaged(log_of(file))
    assert numbers(file) == [1, 2]


def test_what_is_left_of_a_longer_log_is_no_damage(file: Path) -> None:
    insert(file, *range(30))
    with closing(sqlite3.connect(file)) as db:
        db.execute("PRAGMA wal_checkpoint(RESTART)")
    insert(file, 30)
    assert log_of(file).stat().st_size > 30 * FRAME
    assert not wal.is_damaged(log_of(file))
    assert numbers(file) == list(range(31))


@pytest.mark.parametrize(("at", "length"), [(0, 32), (32 + 5 * FRAME, 24), (32 + 5 * FRAME + 24, PAGE)])
def test_commits_behind_a_broken_spot_are_found(file: Path, at: int, length: int) -> None:
    insert(file, *range(10))
    with log_of(file).open("r+b") as log:
        log.seek(at)
        log.write(os.urandom(length))
    assert wal.is_damaged(log_of(file))
    # Each commit holds the page with all rows before it.
    assert numbers(file) == list(range(10))


@pytest.mark.parametrize("content", [b"", b"x", b"\0" * 3 * FRAME, os.urandom(3 * FRAME)])
def test_anything_can_be_read(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "a.db"
    file.write_bytes(content)
    log_of(file).write_bytes(content)
    assert read(file) == []
