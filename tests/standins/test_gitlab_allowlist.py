"""GitLab refuses hooks into the local network until the outbound allow-list opens it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from lab.standins.gitlab.state.settings import DEFAULTS
from lab.standins.gitlab.webhooks.allowlist import UnknownHost, UrlBlocked, authorize
from tests.standins.gitlab_site import EXTERNAL_URL, Receiver, Site, receiving, running
from tests.waiting import wait_until

REFUSED = (422, {"error": "Invalid url given"})


@pytest.fixture
def site(tmp_path: Path) -> Iterator[Site]:
    with running(tmp_path / "data", cache_seconds=0.4) as started:
        yield started


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started


def test_settings_as_they_come(site: Site) -> None:
    settings = site.done("GET", "/application/settings")
    assert settings["allow_local_requests_from_web_hooks_and_services"] is False
    assert settings["outbound_local_requests_whitelist"] == []
    assert settings["outbound_local_requests_allowlist_raw"] == ""


def test_the_readable_name_of_the_list_is_not_writable(site: Site) -> None:
    answer = site.call(
        "PUT", "/application/settings", json={"outbound_local_requests_whitelist": ["10.0.0.5:8090"]}
    )
    assert (answer.status_code, answer.json()["outbound_local_requests_whitelist"]) == (200, [])


def test_the_writable_name_replaces_the_list(site: Site) -> None:
    raw = "10.0.0.5:8090\nrelay.taaf.internal,10.1.0.0/16; [fd00::1]:8090 10.0.0.5:8090"
    site.done("PUT", "/application/settings", outbound_local_requests_allowlist_raw=raw)
    kept = ["10.0.0.5:8090", "relay.taaf.internal", "10.1.0.0/16", "[fd00::1]:8090"]
    assert site.done("GET", "/application/settings")["outbound_local_requests_whitelist"] == kept
    site.allow("10.9.9.9")
    assert site.done("GET", "/application/settings")["outbound_local_requests_whitelist"] == ["10.9.9.9"]


def test_too_long_an_entry_is_refused(site: Site) -> None:
    answer = site.call(
        "PUT", "/application/settings", json={"outbound_local_requests_allowlist_raw": "a" * 256}
    )
    assert answer.status_code == 400
    assert site.done("GET", "/application/settings")["outbound_local_requests_whitelist"] == []


def test_a_new_entry_takes_effect_only_after_a_while(site: Site, receiver: Receiver) -> None:
    project = site.project()
    wanted = {"url": receiver.url, "push_events": False, "issues_events": True}

    def attempt() -> tuple[int, Any]:
        answer = project.call("POST", "/hooks", json=wanted)
        return answer.status_code, answer.json()

    assert attempt() == REFUSED
    site.allow(f"127.0.0.1:{receiver.port}")
    assert attempt() == REFUSED
    wait_until("the list in effect", lambda: attempt()[0] == 201, 10, 0.05)
    project.done("POST", "/issues", title="Un")
    receiver.expect("issue:open")


def test_a_hook_whose_entry_is_withdrawn_stays_and_fails(site: Site, receiver: Receiver) -> None:
    project = site.project()
    site.allow("127.0.0.1")
    hook = project.hook(receiver.url, "issues_events")
    site.allow()
    wait_until(
        "the list in effect",
        lambda: project.call("PUT", f"/hooks/{hook['id']}", json={"name": "x"}).status_code == 422,
        10,
        0.05,
    )
    project.done("POST", "/issues", title="Un")
    (event,) = wait_until("failure logged", lambda: project.events(hook), 10, 0.02)
    assert event["response_status"] == "internal error"
    answer = project.call("POST", f"/hooks/{hook['id']}/test/issues_events")
    assert (answer.status_code, answer.json()) == (
        422,
        {"message": "URL is blocked: Requests to localhost are not allowed"},
    )
    assert receiver.received == []


def test_the_whole_local_network_can_be_opened(site: Site, receiver: Receiver) -> None:
    site.done("PUT", "/application/settings", allow_local_requests_from_web_hooks_and_services=True)
    project = site.project()
    project.hook(receiver.url, "issues_events")
    project.done("POST", "/issues", title="Un")
    receiver.expect("issue:open")


def test_a_name_that_does_not_resolve_is_accepted_and_fails_later(site: Site) -> None:
    project = site.project()
    hook = project.hook("http://relay.invalid:8090/webhook", "issues_events")
    project.done("POST", "/issues", title="Un")
    (event,) = wait_until("failure logged", lambda: project.events(hook), 20, 0.02)
    assert event["response_status"] == "internal error"


def _verdict(url: str, *entries: str, **settings: bool) -> str:
    try:
        authorize(
            url, {**DEFAULTS, "outbound_local_requests_whitelist": list(entries), **settings}, EXTERNAL_URL
        )
    except UnknownHost:
        return "unknown host"
    except UrlBlocked as blocked:
        return str(blocked)
    return "allowed"


@pytest.mark.parametrize(
    ("url", "verdict"),
    [
        ("http://127.0.0.1:8090/x", "Requests to localhost are not allowed"),
        ("http://localhost:8090/x", "Requests to localhost are not allowed"),
        ("http://0.0.0.0/x", "Requests to localhost are not allowed"),
        ("http://[::1]:8090/x", "Requests to localhost are not allowed"),
        ("http://[::ffff:127.0.0.1]/x", "Requests to localhost are not allowed"),
        ("http://2130706433/x", "Requests to localhost are not allowed"),
        ("http://10.254.254.254/x", "Requests to the local network are not allowed"),
        ("http://172.31.254.254/x", "Requests to the local network are not allowed"),
        ("http://192.168.254.254/x", "Requests to the local network are not allowed"),
        ("http://[fd00::5]/x", "Requests to the local network are not allowed"),
        ("http://169.254.169.254/x", "Requests to the link local network are not allowed"),
        ("http://100.64.0.9/x", "Requests to the shared address space are not allowed"),
        ("http://255.255.255.255/x", "Requests to the limited broadcast address are not allowed"),
        ("http://8.8.8.8/x", "allowed"),
        ("https://172.32.0.1/x", "allowed"),
        ("ftp://8.8.8.8/x", "Only allowed schemes are http, https"),
        ("http://relay.invalid/x", "unknown host"),
        ("http://127.0.0.1:99999/x", "URI is invalid"),
        ("http:///x", "URI is invalid"),
    ],
)  # fmt: skip
def test_what_is_local(url: str, verdict: str) -> None:
    assert _verdict(url) == verdict


@pytest.mark.parametrize(
    ("entry", "url", "allowed"),
    [
        ("10.0.0.5", "http://10.0.0.5:8090/x", True),
        ("10.0.0.5", "http://10.0.0.6:8090/x", False),
        ("10.0.0.5:8090", "http://10.0.0.5:8090/x", True),
        ("10.0.0.5:8090", "http://10.0.0.5:8091/x", False),
        ("10.0.0.5:80", "http://10.0.0.5/x", True),
        ("10.0.0.0/24", "http://10.0.0.200:9/x", True),
        ("10.0.0.0/24", "http://10.0.1.200:9/x", False),
        ("[fd00::5]:8090", "http://[fd00::5]:8090/x", True),
        ("[fd00::5]:8090", "http://[fd00::5]:8091/x", False),
        ("fd00::5", "http://[fd00::5]:1/x", True),
        ("localhost", "http://localhost:8090/x", True),
        ("localhost:8090", "http://localhost:8090/x", True),
        ("localhost:8090", "http://localhost:8091/x", False),
        ("localhost", "http://127.0.0.1:8090/x", False),
        ("*.taaf.internal", "http://10.0.0.5/x", False),
    ],
)  # fmt: skip
def test_forms_of_an_entry(entry: str, url: str, allowed: bool) -> None:
    assert (_verdict(url, entry) == "allowed") is allowed


def test_everything_else_can_be_denied() -> None:
    denied = "Requests to hosts and IP addresses not on the Allow List are denied"
    assert _verdict("http://8.8.8.8/x", deny_all_requests_except_allowed=True) == denied
    assert _verdict("http://8.8.8.8/x", "8.8.8.8", deny_all_requests_except_allowed=True) == "allowed"
