"""How deliveries fail, and what outlives the process."""

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.standins.gitlab_site import Receiver, Site, cloned, receiving, running
from tests.waiting import wait_until


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path / "data", "--webhook-timeout", "0.3") as started:
        started.allow("127.0.0.1")
        yield started


def test_a_receiver_that_hangs_is_given_up_and_not_asked_again(site: Site, receiver: Receiver) -> None:
    project = site.project()
    hook = project.hook(receiver.url, "issues_events")
    receiver.hanging.set()
    project.done("POST", "/issues", title="Un")
    (event,) = wait_until("failure logged", lambda: project.events(hook), 10, 0.02)
    assert (event["response_status"], event["response_body"]) == ("internal error", "")
    assert 0.3 <= event["execution_duration"] < 3
    receiver.hanging.clear()
    project.done("POST", "/issues", title="Deux")
    receiver.expect("issue:open", "issue:open")
    assert [delivery.payload["object_attributes"]["title"] for delivery in receiver.received] == [
        "Un",
        "Deux",
    ]


def test_a_failure_is_not_repeated(site: Site, receiver: Receiver) -> None:
    project = site.project()
    hook = project.hook(receiver.url, "issues_events")
    receiver.status = 500
    project.done("POST", "/issues", title="Un")
    wait_until("failure logged", lambda: project.events(hook, status="server_failure"), 10, 0.02)
    receiver.status = 200
    project.done("POST", "/issues", title="Deux")
    wait_until("success logged", lambda: project.events(hook, status="successful"), 10, 0.02)
    assert [delivery.payload["object_attributes"]["title"] for delivery in receiver.received] == [
        "Un",
        "Deux",
    ]


def test_nobody_listening(site: Site) -> None:
    project = site.project()
    with receiving() as gone:
        url = gone.url
    hook = project.hook(url, "issues_events")
    project.done("POST", "/issues", title="Un")
    (event,) = wait_until("failure logged", lambda: project.events(hook), 10, 0.02)
    assert (event["response_status"], event["response_headers"]) == ("internal error", {})
    answer = project.call("POST", f"/hooks/{hook['id']}/test/issues_events")
    assert answer.status_code == 422
    assert "Connection refused" in answer.json()["message"]


def test_every_delivery_has_a_connection_of_its_own(site: Site, receiver: Receiver) -> None:
    project = site.project()
    project.hook(receiver.url, "issues_events")
    for number in range(4):
        project.done("POST", "/issues", title=f"Ticket {number}")
    deliveries = receiver.expect(*["issue:open"] * 4)
    assert len({delivery.client_port for delivery in deliveries}) == 4
    assert {delivery.headers["Connection"] for delivery in deliveries} == {"close"}


def test_one_slow_receiver_does_not_hold_up_another(tmp_path: Path, receiver: Receiver) -> None:
    with running(tmp_path / "slow") as site, receiving() as slow:
        site.allow("127.0.0.1")
        project = site.project()
        slow.hanging.set()
        project.hook(slow.url, "issues_events")
        project.hook(receiver.url, "issues_events")
        project.done("POST", "/issues", title="Un")
        receiver.expect("issue:open")
        assert not slow.released.is_set()


def test_everything_outlives_a_kill(tmp_path: Path, receiver: Receiver) -> None:
    data = tmp_path / "kept"
    with running(data) as site:
        site.allow("127.0.0.1")
        project = site.project()
        hook = project.hook(receiver.url, "issues_events", token="abc")
        project.done("POST", "/issues", title="Arrivé")
        wait_until("delivery logged", lambda: project.events(hook), 10, 0.02)
        clone = cloned(project.clone_url, tmp_path / "clone")
        head = clone.commit("Essai", a_txt="un\n")
        clone.git("push", "--quiet", "origin", "main")
        receiver.hanging.set()
        issue = project.done("POST", "/issues", title="En route")
        wait_until("delivery under way", lambda: len(receiver.received) == 2, 10, 0.02)
        site.kill()
    receiver.hanging.clear()
    with running(data, secrets={}) as again:
        project.site = again
        _, first, second = receiver.expect(*["issue:open"] * 3)
        assert second.headers["Idempotency-Key"] == first.headers["Idempotency-Key"]
        assert second.raw == first.raw
        assert second.headers["X-Gitlab-Token"] == "abc"
        assert project.done("GET", f"/hooks/{hook['id']}") == hook
        assert project.done("GET", "/issues/2") == issue
        assert project.branch("main")["commit"]["id"] == head
        assert again.done("GET", "/application/settings")["outbound_local_requests_whitelist"] == [
            "127.0.0.1"
        ]
        assert cloned(project.clone_url, tmp_path / "later").git("rev-parse", "HEAD") == head
        # What had arrived before the kill is not sent again.
        project.done("POST", "/issues", title="Ensuite")
        deliveries = receiver.expect(*["issue:open"] * 4)
        titles = [delivery.payload["object_attributes"]["title"] for delivery in deliveries]
        assert titles == ["Arrivé", "En route", "En route", "Ensuite"]


def test_a_hook_deleted_meanwhile_is_left_alone(site: Site, receiver: Receiver) -> None:
    project = site.project()
    doomed = project.hook(receiver.url, "issues_events")
    receiver.hanging.set()
    project.done("POST", "/issues", title="Un")
    wait_until("delivery under way", lambda: receiver.received, 10, 0.02)
    project.done("DELETE", f"/hooks/{doomed['id']}")
    receiver.hanging.clear()
    receiver.released.set()
    project.hook(receiver.url, "issues_events")
    project.done("POST", "/issues", title="Deux")
    receiver.expect("issue:open", "issue:open")
    assert requests.get(f"{site.url}/-/health", timeout=10).ok


FLAG = "/features/auto_disabling_web_hooks"


def test_hooks_that_fail_are_called_all_the_same(site: Site, receiver: Receiver) -> None:
    """Without the feature flag, as on a self-managed GitLab."""
    project = site.project()
    hook = project.hook(receiver.url, "issues_events")
    receiver.status = 500
    for number in range(5):
        project.done("POST", "/issues", title=f"Ticket {number}")
    wait_until("five failures logged", lambda: len(project.events(hook)) == 5, 10, 0.02)
    assert project.done("GET", f"/hooks/{hook['id']}")["alert_status"] == "executable"


def test_a_hook_rests_after_four_failures_until_a_test_succeeds(site: Site, receiver: Receiver) -> None:
    """What happens meanwhile is dropped, not queued; to edit the hook changes nothing."""
    site.done("POST", FLAG, value=True)
    project = site.project()
    hook = project.hook(receiver.url, "issues_events")

    def status() -> str:
        return str(project.done("GET", f"/hooks/{hook['id']}")["alert_status"])

    receiver.status = 500
    for number in range(4):
        assert status() == "executable"
        project.done("POST", "/issues", title=f"Ticket {number}")
        wait_until("failure logged", lambda number=number: len(project.events(hook)) > number, 10, 0.02)  # type: ignore[misc]
    assert status() == "temporarily_disabled"
    receiver.status = 200
    project.done("PUT", f"/hooks/{hook['id']}", issues_events=True)
    project.done("POST", "/issues", title="Dropped")
    project.done("POST", "/issues", title="Newest, which the test sends")
    assert status() == "temporarily_disabled"
    project.done("POST", f"/hooks/{hook['id']}/test/issues_events")
    assert status() == "executable"
    project.done("POST", "/issues", title="Told")
    wait_until("delivery", lambda: "Told" in reported(receiver), 10, 0.02)
    assert "Dropped" not in reported(receiver)


def reported(receiver: Receiver) -> list[str]:
    """The titles of the issues that came in."""
    return [delivery.payload["object_attributes"]["title"] for delivery in receiver.received]
