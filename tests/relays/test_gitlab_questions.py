"""What is read of GitLab in parts is a question for each part."""

import json
from collections.abc import Callable, Iterator, Sized
from typing import TypeVar

import pytest

from relays.sources.gitlab.delivery_log import DeliveryLog
from relays.sources.gitlab.hook_logs import PatternLogs
from relays.sources.gitlab.patterns import Pattern
from relays.sources.gitlab.project_list import ProjectList
from relays.sources.gitlab.reader import Ask
from relays.sources.gitlab.rest import PlaceApi, Server
from tests.relays.gitlab_site import Front
from tests.relays.sink import Reply
from tests.relays.test_backfill_turns import event

T = TypeVar("T")


@pytest.fixture
def front() -> Iterator[Front]:
    front = Front("http://127.0.0.1:9")
    yield front
    front.close()


def pages_of_projects(front: Front) -> Pattern:
    """A pattern that finds 250 projects of a user's, for there is no such group."""

    def behave(path: str) -> Reply:
        if "/users/taaf/projects" not in path:
            return Reply(404, b"{}")
        number = int(path.partition("&page=")[2].partition("&")[0])
        names = range(100 * (number - 1), min(250, 100 * number))
        return Reply(200, json.dumps([{"path_with_namespace": f"taaf/p{each}"} for each in names]).encode())

    front.behave = behave
    return Pattern(Server(front.url, "glpat-x"), "taaf/**", ProjectList(["taaf/**"]))


def log_with_a_spoiled_entry(front: Front) -> DeliveryLog:
    """A log of which a page cannot be read as a whole."""

    def behave(path: str) -> Reply:
        place = int(path.partition("&page=")[2].partition("&")[0])
        spoiled = "per_page=10&" in path or place == 4
        return Reply(200, b"[3]" if spoiled else json.dumps([event(place, f"of-{place}")]).encode())

    front.behave = behave
    return DeliveryLog(PlaceApi(Server(front.url, "glpat-x"), "taaf/web"), "Passerelle")


READINGS: dict[str, tuple[Callable[[Front, Ask], Sized], int, int]] = {
    "projects": (lambda front, ask: pages_of_projects(front).projects(ask), 250, 4),
    "logs": (lambda front, ask: PatternLogs(pages_of_projects(front), "Passerelle").found(ask), 250, 5),
    "entries": (lambda front, ask: log_with_a_spoiled_entry(front).failures(7, 1, ask).entries, 9, 11),
}


@pytest.mark.parametrize("name", READINGS)
def test_whatever_is_read_in_parts_is_a_question_for_each(front: Front, name: str) -> None:
    """So however much there is, the watchdog hears of each answer, and each has the time that one may take."""
    read, found, questions = READINGS[name]
    asked: list[int] = []

    def ask(question: Callable[[], T]) -> T:
        before = len(front.asked)
        try:
            return question()
        finally:
            asked.append(len(front.asked) - before)

    assert len(read(front, ask)) == found
    assert asked == [1] * questions
    assert len(front.asked) == questions
