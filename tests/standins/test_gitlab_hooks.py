"""Hooks over the API: attributes, secrets that only go in, tests, log and resending."""

import base64
import json
from pathlib import Path

import pytest

from lab.standins.gitlab.webhooks.delivery import signature
from tests.standins.gitlab_site import READ_TOKEN, Project, Receiver, receiving
from tests.waiting import wait_until

VECTOR = Path(__file__).parents[2] / "tasks/samples/gitlab/_headers_and_signature_vector.json"
PUBLIC_URL = "http://8.8.8.8/webhook"  # never contacted: no test here makes an event for it


def test_defaults(project: Project) -> None:
    hook = project.done("POST", "/hooks", url=PUBLIC_URL)
    flags = {name for name, value in hook.items() if value is True}
    assert flags == {"push_events", "enable_ssl_verification"}
    assert hook["confidential_note_events"] is None
    assert (hook["alert_status"], hook["disabled_until"]) == ("executable", None)
    assert (hook["token_present"], hook["signing_token_present"]) == (False, False)
    assert (hook["name"], hook["description"], hook["branch_filter_strategy"]) == (None, None, "wildcard")
    assert (hook["custom_headers"], hook["url_variables"]) == ([], [])
    assert project.done("GET", f"/hooks/{hook['id']}") == hook


def test_secrets_go_in_and_never_come_out(project: Project) -> None:
    key = "whsec_" + base64.b64encode(b"k" * 32).decode()
    headers = [{"key": "X-Site", "value": "secret-header"}]
    hook = project.done(
        "POST", "/hooks", url=PUBLIC_URL, token="secret-token", signing_token=key, custom_headers=headers
    )
    assert (hook["token_present"], hook["signing_token_present"]) == (True, True)
    assert hook["custom_headers"] == [{"key": "X-Site"}]
    shown = [project.call("GET", f"/hooks/{hook['id']}").text, project.call("GET", "/hooks").text]
    for text in shown:
        assert not any(secret in text for secret in ("secret-token", key, "secret-header"))


def test_a_new_url_without_the_token_clears_it(project: Project) -> None:
    hook = project.done("POST", "/hooks", url=PUBLIC_URL, token="one")
    path = f"/hooks/{hook['id']}"
    assert project.done("PUT", path, url=PUBLIC_URL, issues_events=True)["token_present"] is True
    assert project.done("PUT", path, url=PUBLIC_URL + "/2", token="two")["token_present"] is True
    moved = project.done("PUT", path, url=PUBLIC_URL + "/3")
    assert (moved["url"], moved["token_present"]) == (PUBLIC_URL + "/3", False)


def test_an_update_changes_what_it_names_and_nothing_else(project: Project) -> None:
    hook = project.done("POST", "/hooks", url=PUBLIC_URL, note_events=True, name="Relais")
    after = project.done("PUT", f"/hooks/{hook['id']}", push_events=False, description="géré")
    assert after == hook | {"push_events": False, "description": "géré"}


def test_an_update_needs_something(project: Project) -> None:
    hook = project.done("POST", "/hooks", url=PUBLIC_URL)
    answer = project.call("PUT", f"/hooks/{hook['id']}", json={})
    assert (answer.status_code, answer.json()) == (400, {"error": "No parameters provided"})


def test_the_same_url_twice_makes_two_hooks(project: Project) -> None:
    for _ in range(2):
        project.done("POST", "/hooks", url=PUBLIC_URL)
    assert [hook["url"] for hook in project.done("GET", "/hooks")] == [PUBLIC_URL, PUBLIC_URL]


def test_deletion(project: Project) -> None:
    hook = project.done("POST", "/hooks", url=PUBLIC_URL)
    assert project.call("DELETE", f"/hooks/{hook['id']}").status_code == 204
    answer = project.call("GET", f"/hooks/{hook['id']}")
    assert (answer.status_code, answer.json()) == (404, {"message": "404 Not found"})


@pytest.mark.parametrize(
    ("parameters", "status", "error"),
    [
        ({}, 400, "url is missing"),
        ({"url": "ftp://8.8.8.8"}, 422, "Invalid url given"),
        ({"url": "http:// space"}, 422, "Invalid url given"),
        ({"url": PUBLIC_URL, "push_events": "perhaps"}, 400, "push_events is invalid"),
        ({"url": PUBLIC_URL, "token": "two\nlines"}, 422, "Token can not contain line breaks"),
        ({"url": PUBLIC_URL, "branch_filter_strategy": "x"}, 400, "branch_filter_strategy does not have a valid value"),
    ],
)  # fmt: skip
def test_what_is_refused(project: Project, parameters: dict[str, str], status: int, error: str) -> None:
    answer = project.call("POST", "/hooks", json=parameters)
    assert (answer.status_code, answer.json()) == (status, {"error": error})
    assert project.done("GET", "/hooks") == []


def test_testing_a_hook_sends_the_latest_object(project: Project, receiver: Receiver) -> None:
    hook = project.hook(receiver.url, token="abc")
    answer = project.call("POST", f"/hooks/{hook['id']}/test/push_events")
    assert (answer.status_code, answer.json()) == (201, {"message": "201 Created"})
    (delivery,) = receiver.expect("push")
    assert delivery.payload["after"] == project.branch("main")["commit"]["id"]
    assert (delivery.headers["X-Gitlab-Event"], delivery.headers["X-Gitlab-Token"]) == ("Push Hook", "abc")


def test_testing_needs_an_object_and_a_friendly_receiver(project: Project, receiver: Receiver) -> None:
    hook = project.hook(receiver.url)
    path = f"/hooks/{hook['id']}/test"
    answer = project.call("POST", f"{path}/issues_events")
    assert (answer.status_code, answer.json()) == (422, {"message": "Ensure the project has issues."})
    project.done("POST", "/issues", title="Ticket")
    receiver.status, receiver.body = 503, b"busy"
    answer = project.call("POST", f"{path}/issues_events")
    assert (answer.status_code, answer.json()) == (422, {"message": "busy"})
    assert "action" not in receiver.received[0].payload["object_attributes"]
    assert project.call("POST", f"{path}/nonsense_events").status_code == 400


def test_a_sixth_test_within_a_minute_is_refused(project: Project, receiver: Receiver) -> None:
    hook = project.hook(receiver.url)
    statuses = [project.call("POST", f"/hooks/{hook['id']}/test/push_events").status_code for _ in range(6)]
    assert statuses == [201] * 5 + [429]
    assert len(receiver.received) == 5


def test_the_log_names_each_delivery_and_hides_secrets(project: Project, receiver: Receiver) -> None:
    hook = project.hook(receiver.url, "issues_events", token="hidden-token")
    project.done("POST", "/issues", title="Un")
    receiver.expect("issue:open")
    wait_until("delivery logged", lambda: project.events(hook), 10, 0.02)
    receiver.status = 404
    project.done("POST", "/issues", title="Deux")
    wait_until("both logged", lambda: len(project.events(hook)) == 2, 10, 0.02)

    failed, event = project.events(hook)
    assert (event["url"], event["trigger"], event["response_status"]) == (receiver.url, "issue_hooks", "200")
    assert event["request_data"] == receiver.received[0].payload
    assert event["request_headers"]["X-Gitlab-Token"] == "[REDACTED]"
    assert event["response_body"] == "noted"
    assert event["response_headers"]["Content-Length"] == "5"
    assert 0 < event["execution_duration"] < 10
    assert "hidden-token" not in str(project.events(hook))
    assert project.events(hook, status="client_failure") == project.events(hook, status="404") == [failed]
    assert project.events(hook, status="successful") == [event]
    assert project.events(hook, status="server_failure") == []


def test_the_log_lists_what_got_no_answer_among_failures_of_the_server(project: Project) -> None:
    with receiving() as gone:
        hook = project.hook(gone.url, "issues_events")
    project.done("POST", "/issues", title="Un")
    (event,) = wait_until("failure logged", lambda: project.events(hook), 10, 0.02)
    assert event["response_status"] == "internal error"
    assert project.events(hook, status="client_failure,server_failure", per_page=20) == [event]
    assert project.events(hook, status="client_failure") == []


@pytest.mark.parametrize("query", [{"status": "failed"}, {"status": "internal error"}, {"per_page": 21}])
def test_a_query_that_the_log_does_not_know(
    project: Project, receiver: Receiver, query: dict[str, str]
) -> None:
    hook = project.hook(receiver.url)
    answer = project.call("GET", f"/hooks/{hook['id']}/events", params=query)
    assert (answer.status_code, answer.json()["error"].split()[1:]) == (
        400,
        ["does", "not", "have", "a", "valid", "value"],
    )


def test_the_log_hides_what_is_an_address_as_a_whole(project: Project, receiver: Receiver) -> None:
    hook = project.hook(receiver.url, "issues_events")
    project.done("POST", "/issues", title="camille@taaf.internal", description="de camille@taaf.internal")
    (sent,) = receiver.expect("issue:open")
    event = wait_until("delivery logged", lambda: project.events(hook), 10, 0.02)[0]
    assert sent.payload["object_attributes"]["title"] == "camille@taaf.internal"
    logged = event["request_data"]["object_attributes"]
    assert (logged["title"], logged["description"]) == ("[REDACTED]", "de camille@taaf.internal")


def test_a_token_for_reading_reads_the_log_and_writes_nothing(project: Project, receiver: Receiver) -> None:
    hook = project.hook(receiver.url, "issues_events")
    reader = {"PRIVATE-TOKEN": READ_TOKEN}
    path = f"/hooks/{hook['id']}"
    assert project.call("GET", f"{path}/events", headers=reader).status_code == 200
    answer = project.call("POST", f"{path}/test/push_events", headers=reader)
    assert (answer.status_code, answer.json()) == (403, {"error": "insufficient_scope"})
    assert receiver.received == []


def test_resending_keeps_the_idempotency_key(project: Project, receiver: Receiver) -> None:
    hook = project.hook(receiver.url, "issues_events")
    project.done("POST", "/issues", title="Un")
    event = wait_until("delivery logged", lambda: project.events(hook), 10, 0.02)[0]
    path = f"/hooks/{hook['id']}/events/{event['id']}/resend"
    assert project.done("POST", path) == {"response_status": 200}
    first, again = receiver.received
    assert again.raw == first.raw
    assert again.headers["Idempotency-Key"] == first.headers["Idempotency-Key"]
    assert again.headers["X-Gitlab-Webhook-UUID"] != first.headers["X-Gitlab-Webhook-UUID"]
    assert len(project.events(hook)) == 2
    project.done("PUT", f"/hooks/{hook['id']}", url=f"{receiver.url}/moved")
    assert project.call("POST", path).status_code == 422


def test_signed_deliveries(project: Project, receiver: Receiver) -> None:
    key = "whsec_" + base64.b64encode(bytes(range(32))).decode()
    project.hook(receiver.url, "issues_events", signing_token=key)
    project.done("POST", "/issues", title="Signé")
    (delivery,) = receiver.expect("issue:open")
    headers = delivery.headers
    assert headers["webhook-id"] == headers["Idempotency-Key"]
    expected = signature(key, headers["webhook-id"], headers["webhook-timestamp"], delivery.raw)
    assert headers["webhook-signature"] == expected


def test_the_signature_is_that_of_gitlab() -> None:
    known = json.loads(VECTOR.read_text())
    headers = known["headers_19_signed"]
    made = signature(
        known["signing_token"],
        headers["webhook-id"],
        headers["webhook-timestamp"],
        known["raw_body"].encode(),
    )
    assert made == headers["webhook-signature"]
