"""GitLab could not deliver: what failed is got in from its log, each once, and nothing can keep the relay from work."""

import json
import threading
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.postgresql import also_on_postgresql
from tests.relays.gitlab_site import Forge, database, site
from tests.relays.process import LISTEN, Relay, health, stored, wait_for
from tests.relays.sink import Reply, Sink
from tests.standins.gitlab_site import READ_TOKEN, Site

__all__ = ["database", "site"]


@pytest.fixture
def forge(gitlab: Relay, site: Site, database: Path) -> Iterator[Forge]:
    """The hook leads to the relay, the relay knows where the log is and may read it."""
    made = Forge.make(site, database, gitlab)
    gitlab.configure(LISTEN + made.settings)
    (gitlab.home / "credentials" / "gitlab-read-token").write_text(f"{READ_TOKEN}\n")
    yield made
    made.close()
    assert READ_TOKEN not in gitlab.text


def test_what_failed_while_the_relay_was_down_arrives_once_and_in_order(
    gitlab: Relay, forge: Forge, sink: Sink
) -> None:
    forge.fail(*(f"Essai {number}" for number in range(30)))
    gitlab.start()
    wait_for(lambda: len(sink.keys) >= 30)
    assert sink.keys == forge.failed_keys()
    forge.open_issue("Directement")
    wait_for(lambda: len(sink.keys) >= 31)
    gitlab.terminate()

    # The one that failed last is the last to be taken: what was announced again would come before it.
    forge.fail("Le dernier")
    gitlab.start()
    wait_for(lambda: len(sink.keys) >= 32)
    assert "Le dernier" in sink.posts[-1].shown
    assert len(set(sink.keys)) == 32
    assert gitlab.text.count("missed hook=") == 2
    assert f"missed hook={forge.hook['id']} deliveries=1:" in gitlab.text


@also_on_postgresql
def test_kills_in_between_neither_lose_nor_double(gitlab: Relay, forge: Forge, sink: Sink) -> None:
    forge.fail(*(f"Essai {number}" for number in range(30)))
    sink.stop()  # so that only what is taken from the log can be doubled
    for kill in range(3):
        gitlab.start()
        wait_for(lambda kill=kill: len(stored(gitlab)) > 5 * kill)  # type: ignore[misc]
        gitlab.kill()
    gitlab.start()
    sink.start()
    wait_for(lambda: len(sink.keys) >= 30)
    assert gitlab.terminate() == 0
    assert sink.keys == stored(gitlab) == forge.failed_keys()


def test_a_delivery_that_was_stored_but_answered_too_late_is_not_doubled(
    gitlab: Relay, forge: Forge, sink: Sink
) -> None:
    gitlab.start()
    forge.door.answers = False
    forge.open_issue("Trop tard")
    wait_for(lambda: len(sink.posts) == 1 and forge.failed_keys())
    assert sink.keys == forge.failed_keys()
    gitlab.terminate()
    gitlab.start()
    wait_for(lambda: "duplicate key=" in gitlab.text)
    assert len(sink.posts) == len(stored(gitlab)) == 1


def test_a_delivery_that_the_relay_refused_is_taken(gitlab: Relay, forge: Forge, sink: Sink) -> None:
    gitlab.start()
    forge.project.done("PUT", f"/hooks/{forge.hook['id']}", token="of another time")
    forge.open_issue("Secret périmé")
    wait_for(forge.failed_keys)
    assert "refused reason=token" in gitlab.text
    gitlab.terminate()
    gitlab.start()
    wait_for(lambda: len(sink.posts) == 1)


@also_on_postgresql
def test_what_is_taken_from_the_log_is_as_confidential_as_its_header_said(
    gitlab: Relay, forge: Forge, sink: Sink
) -> None:
    forge.fail("Public", "Secret", "Public aussi")
    forge.sql(
        "UPDATE hook_logs SET request_headers ="
        " replace(request_headers, '\"Issue Hook\"', '\"Confidential Issue Hook\"')"
        " WHERE hook_id = ? AND request_data LIKE '%Secret%'",
        forge.hook["id"],
    )
    gitlab.start()
    wait_for(lambda: len(sink.posts) == 2)
    wait_for(lambda: health(gitlab)[1]["events"] == {"accepted": 2, "filtered": 1})
    assert "reason=confidential" in gitlab.text
    assert "Secret" not in "".join(post.shown for post in sink.posts)


@also_on_postgresql
def test_only_what_is_newer_than_the_last_reading_is_read(gitlab: Relay, forge: Forge, sink: Sink) -> None:
    forge.fail(*(f"Essai {number}" for number in range(25)))
    # A failure an hour, the last one a day ago.
    forge.sql(
        "UPDATE hook_logs SET created_at = strftime('%Y-%m-%dT%H:%M:%fZ', 'now', '-1 day',"
        " (id - (SELECT max(id) FROM hook_logs)) || ' hours') WHERE hook_id = ?",
        forge.hook["id"],
    )
    gitlab.start()
    wait_for(lambda: len(sink.keys) == 25)
    gitlab.terminate()
    assert len(forge.front.pages) == 3

    forge.fail("Le dernier")
    forge.front.asked.clear()
    gitlab.start()
    wait_for(lambda: len(sink.posts) == 26)
    gitlab.terminate()
    assert [page.rpartition("page=")[2] for page in forge.front.pages] == ["1"]
    assert len(set(sink.keys)) == 26


def test_a_body_that_gitlab_did_not_keep_is_reported_once_and_holds_nobody_up(
    gitlab: Relay, forge: Forge, sink: Sink
) -> None:
    forge.fail("Trop grand", "Vide", "Entier")
    numbers = [number for (number,) in forge.sql("SELECT id FROM hook_logs ORDER BY id DESC LIMIT 3")]
    for number, body in zip(numbers[:0:-1], ({"oversize": True}, {}), strict=True):
        forge.sql("UPDATE hook_logs SET request_data = ? WHERE id = ?", json.dumps(body), number)
    gitlab.start()
    wait_for(lambda: len(sink.posts) == 1)
    assert "Entier" in sink.posts[0].shown
    gitlab.terminate()
    forge.fail("Encore")
    gitlab.start()
    wait_for(lambda: len(sink.posts) == 2)
    assert gitlab.text.count("reason=GitLab did not keep its body") == 2


@pytest.mark.parametrize(
    ("trouble", "announced"),
    [
        (
            Reply(401, b'{"message":"401 Unauthorized"}'),
            "HTTP 401: the token is wrong, revoked or out of date",
        ),
        (Reply(404, b'{"error":"404 Not Found"}'), "HTTP 404: there is no project"),
        (None, "Connection refused: GitLab is asked again"),
    ],
)
def test_the_relay_works_without_the_log(
    gitlab: Relay, forge: Forge, sink: Sink, trouble: Reply | None, announced: str
) -> None:
    if trouble is None:
        forge.front.close()
    forge.front.behave = lambda path: trouble
    gitlab.start()
    wait_for(lambda: f"backfill trouble project={forge.project.full_path} reason={announced}" in gitlab.text)
    forge.open_issue("Directement")
    wait_for(lambda: len(sink.posts) == 1)
    assert health(gitlab)[0] == 200
    assert gitlab.terminate() == 0


def test_a_wrong_token_that_is_put_right(gitlab: Relay, forge: Forge, sink: Sink) -> None:
    forge.fail("Attend")
    credential = gitlab.home / "credentials" / "gitlab-read-token"
    credential.write_text("glpat-of-nobody")
    gitlab.start()
    wait_for(lambda: f"backfill trouble project={forge.project.full_path} reason=HTTP 401" in gitlab.text)
    assert "glpat-of-nobody" not in gitlab.text
    gitlab.terminate()
    credential.write_text(READ_TOKEN)
    gitlab.start()
    wait_for(lambda: len(sink.posts) == 1)


def test_a_hook_that_is_gone(gitlab: Relay, forge: Forge) -> None:
    forge.project.done("DELETE", f"/hooks/{forge.hook['id']}")
    gitlab.start()
    wait_for(lambda: "the project has no hook Passerelle: run the deploy again" in gitlab.text)


def test_a_gitlab_that_hangs_does_not_hold_up_a_stop(gitlab: Relay, forge: Forge) -> None:
    over = threading.Event()

    def hang(path: str) -> Reply | None:
        over.wait()
        return None

    forge.front.behave = hang
    gitlab.start()
    wait_for(lambda: forge.front.asked)
    began = time.monotonic()
    try:
        assert gitlab.terminate() == 0
        # Less than what the service waits for a worker that does not end.
        assert time.monotonic() - began < 4
    finally:
        over.set()


def settings_without_table(relay: Relay) -> None:
    relay.configure(LISTEN)


def no_token(relay: Relay) -> None:
    (relay.home / "credentials" / "gitlab-read-token").unlink()


def empty_token(relay: Relay) -> None:
    (relay.home / "credentials" / "gitlab-read-token").write_text("\n")


def token_of_two_lines(relay: Relay) -> None:
    (relay.home / "credentials" / "gitlab-read-token").write_text("glpat-one\nglpat-two")


def at(url: str) -> Callable[[Relay], None]:
    settings = f'{LISTEN}[gitlab]\nurl = "{url}"\nprojects = ["a/b"]\nhook = "P"\n'
    return lambda relay: relay.configure(settings)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("spoil", "announced"),
    [
        (settings_without_table, "the settings have no [gitlab]: add url, projects and hook"),
        (no_token, "is missing while the settings have [gitlab]: write a token"),
        (empty_token, "gitlab-read-token is empty: write a token into it"),
        (token_of_two_lines, "gitlab-read-token holds a control character (value not shown)"),
        (at("git.taaf.internal"), "[gitlab] url = 'git.taaf.internal': must be the address of the server"),
        (at("http://git:port"), "[gitlab] url = 'http://git:port': must be the address of the server"),
    ],
)
def test_half_a_setting_is_refused(
    gitlab: Relay, forge: Forge, spoil: Callable[[Relay], None], announced: str
) -> None:
    spoil(gitlab)
    gitlab.start(wait=False)
    assert gitlab.wait() == 78
    assert announced in gitlab.text
    assert "glpat" not in gitlab.text


def test_without_token_and_table_the_log_is_not_read(gitlab: Relay) -> None:
    gitlab.start()
    assert "backfill off: without gitlab-read-token" in gitlab.text
