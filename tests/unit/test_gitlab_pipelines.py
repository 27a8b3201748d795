"""What a pipeline's end amounts to, whatever ended before it: in order or not, once or twice, retried or not."""

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from relays.sources.gitlab.event import Event, read_event
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.pipeline_history import PipelineHistory
from relays.sources.gitlab.tables import GITLAB
from relays.sources.gitlab.timestamps import moment
from tests.postgresql import on_both_spools
from tests.stores import running_store
from tests.unit.test_gitlab_kinds_of_change import case
from tests.unit.test_relays_messages import load


@pytest.fixture
def memory(tmp_path: Path, spool: str | None) -> Iterator[PipelineHistory]:
    with running_store(tmp_path, spool, GITLAB) as store:
        yield PipelineHistory(store)


def hear(memory: PipelineHistory, event: Event) -> str:
    """What the relay makes of an event before it remembers it."""
    compared = memory.compare(event)
    memory.store.submit(lambda db: memory.remember(db, compared)).result()
    return compared.payload.text("object_attributes", "ref_status_name")


def end(number: int, status: str, minute: int | None) -> Event:
    payload = load("pipeline_failed")
    at = None if minute is None else f"2026-11-20 08:{minute:02d}:05 UTC"
    payload["object_attributes"].update(id=number, status=status, detailed_status=status, finished_at=at)
    return read_event(Payload(payload))


OK, KO = "success", "failed"
COURSES: dict[str, list[tuple[int, str, int | None, str]]] = {
    # number, status, finished at this minute or nobody knows when, what it amounts to
    "one after the other": [
        (1, OK, 1, ""),
        (2, KO, 2, "broken"),
        (3, KO, 3, "still_failing"),
        (4, OK, 4, "fixed"),
    ],
    "retried": [(1, OK, 1, ""), (2, KO, 2, "broken"), (2, OK, 3, "fixed"), (3, KO, 4, "broken")],
    "retried, without times": [
        (1, OK, None, ""),
        (2, KO, None, "broken"),
        (2, OK, None, "fixed"),
        (3, KO, None, "broken"),
    ],
    "retried and failed again": [(2, KO, 1, ""), (2, KO, 2, "still_failing"), (2, OK, 3, "fixed")],
    "retried after a success": [(2, OK, 1, ""), (2, KO, 2, "broken"), (2, OK, 3, "fixed")],
    "sent twice": [(1, OK, 1, ""), (2, KO, 2, "broken"), (2, KO, 2, ""), (3, OK, 3, "fixed"), (3, OK, 3, "")],
    "sent twice, without times": [
        (1, OK, None, ""),
        (2, KO, None, "broken"),
        (2, KO, None, ""),
        (3, OK, None, "fixed"),
    ],
    "the first end comes after the second": [
        (1, KO, 1, ""),
        (2, OK, 3, "fixed"),
        (2, KO, 2, ""),
        (3, KO, 4, "broken"),
    ],
    "the first end comes again after the second": [
        *((1, OK, 1, ""), (2, KO, 2, "broken"), (2, OK, 3, "fixed"), (2, KO, 2, "")),
        (3, KO, 4, "broken"),
    ],
    "an older one ends late": [(3, OK, 1, ""), (2, KO, 2, ""), (4, KO, 3, "broken")],
    "an older one is retried": [
        (2, KO, 1, ""),
        (3, OK, 2, "fixed"),
        (2, KO, 3, ""),
        (2, OK, 4, ""),
        (4, KO, 5, "broken"),
    ],
    "one of the times is not known": [
        (2, KO, 1, ""),
        (2, KO, None, ""),
        (2, OK, None, "fixed"),
        (2, OK, 5, ""),
        (2, KO, 6, "broken"),
    ],
}


@on_both_spools
@pytest.mark.parametrize("course", COURSES)
def test_an_end_is_compared_with_what_ended_before_it(memory: PipelineHistory, course: str) -> None:
    for number, status, minute, expected in COURSES[course]:
        assert hear(memory, end(number, status, minute)) == expected, (number, status, minute)


@on_both_spools
def test_the_pipeline_that_somebody_retried(memory: PipelineHistory) -> None:
    payloads = (case(f"01-retried-pipeline.{number}") for number in (1, 2, 3, 4))
    announced = [hear(memory, read_event(Payload(payload))) for payload in payloads]
    assert announced == ["", "broken", "fixed", "broken"]


@pytest.mark.parametrize("status", ["running", "canceled", "manual", "skipped"])
@on_both_spools
def test_what_is_no_verdict_is_not_remembered(memory: PipelineHistory, status: str) -> None:
    assert hear(memory, end(1, KO, 1)) == ""
    assert hear(memory, end(1, status, None)) == ""
    assert hear(memory, end(2, OK, 2)) == "fixed"


@pytest.mark.parametrize(
    "text",
    [
        "2026-11-20 08:23:05 UTC",
        "2026-11-20T08:23:05Z",
        "2026-11-20T08:23:05.000Z",
        "2026-11-20 09:23:05 +0100",
        "2026-11-20T03:23:05-05:00",
        "2026-11-20 08:23:05",
    ],
)
def test_points_in_time_are_read_as_gitlab_writes_them(text: str) -> None:
    assert moment(text) == datetime(2026, 11, 20, 8, 23, 5, tzinfo=UTC).timestamp()


@pytest.mark.parametrize("text", ["", "yesterday", "20", "0001-01-01 00:00:00 +2300", "9" * 5000])
def test_what_is_no_point_in_time_is_not_known(text: str) -> None:
    assert moment(text) == 0
