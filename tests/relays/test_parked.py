"""What an operator does with messages that Mattermost refused, while the relay runs and while it does not."""

import json
import subprocess

import pytest

from tests.forking import run
from tests.postgresql import also_on_postgresql
from tests.relays.process import Relay, health, wait_for
from tests.relays.sink import OK, Reply, Sink, keys_of
from tests.relays.test_delivery import send_all


def parked(relay: Relay, *command: str) -> subprocess.CompletedProcess[str]:
    return run("relays.dead_letters", *places(relay), *command)


def places(relay: Relay) -> list[str]:
    return ["--state", str(relay.state), "--credentials", str(relay.home / "credentials")]


def numbers(relay: Relay) -> list[str]:
    return [line.split("\t")[0] for line in parked(relay, "list").stdout.splitlines()]


@pytest.fixture
def refusing(gitlab: Relay, sink: Sink) -> Relay:
    """A relay two of whose five messages were refused; from now on Mattermost takes them."""
    refusals = {"gitlab:e-1": Reply(400, b"{}"), "gitlab:e-3": Reply(413, b"{}")}
    sink.behave = lambda payload: refusals.get(keys_of(payload)[0], OK)
    gitlab.start()
    send_all(gitlab, range(5))
    wait_for(lambda: len(sink.posts) == 3 and health(gitlab)[1]["parked"] == 2)
    sink.behave = lambda payload: OK
    return gitlab


@also_on_postgresql
def test_list_and_show_say_what_was_refused_and_why(refusing: Relay) -> None:
    lines = parked(refusing, "list").stdout.splitlines()
    assert len(lines) == 2
    assert "HTTP 400" in lines[0]
    assert "HTTP 413" in lines[1]
    shown = parked(refusing, "show", numbers(refusing)[0])
    assert json.loads(shown.stdout)["username"] == "GitLab Bot"
    assert "/hooks/" not in shown.stdout + "".join(lines)


@pytest.mark.sampled(2)
@also_on_postgresql
@pytest.mark.parametrize("running", [True, False])
def test_retried_messages_arrive(refusing: Relay, sink: Sink, running: bool) -> None:
    if not running:
        refusing.terminate()
    assert parked(refusing, "retry", *numbers(refusing)).returncode == 0
    if not running:
        refusing.start()
    wait_for(lambda: len(sink.posts) == 5)
    assert sink.keys[3:] == ["gitlab:e-1", "gitlab:e-3"]
    assert numbers(refusing) == []


@also_on_postgresql
def test_retried_message_of_a_line_that_was_never_used_arrives(refusing: Relay, sink: Sink) -> None:
    """After a restart nothing waits in the channel, so the relay has no line for it."""
    refusing.terminate()
    refusing.start()
    assert parked(refusing, "retry", *numbers(refusing)).returncode == 0
    wait_for(lambda: len(sink.posts) == 5)


@also_on_postgresql
def test_dropped_message_is_gone_and_cannot_be_sent_again(refusing: Relay, sink: Sink) -> None:
    assert parked(refusing, "drop", numbers(refusing)[0]).returncode == 0
    assert len(numbers(refusing)) == 1
    send_all(refusing, range(1, 2))
    send_all(refusing, range(9, 10))
    wait_for(lambda: len(sink.posts) == 4)
    assert sink.keys[-1] == "gitlab:e-9"


@pytest.mark.sampled(3)
@also_on_postgresql
@pytest.mark.parametrize("command", ["show", "retry", "drop"])
def test_number_of_another_message_changes_nothing(refusing: Relay, command: str) -> None:
    done = parked(refusing, command, *(["1"] if command == "show" else [numbers(refusing)[0], "1"]))
    assert done.returncode == 1
    assert "1 is not the number of a parked message or event" in done.stderr
    assert len(numbers(refusing)) == 2


def test_state_that_is_not_there_is_reported(gitlab: Relay) -> None:
    done = parked(gitlab, "list")
    assert done.returncode == 78
    assert "there is no" in done.stderr
    assert "Traceback" not in done.stderr
