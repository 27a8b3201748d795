"""How a relay starts, what it says to systemd, what it says of wrong settings, how it ends."""

import os
import re
import signal
import socket
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import requests

from tests.relays.events import issue, send
from tests.relays.process import TOKEN, Relay, undelivered, wait_for
from tests.relays.sink import HOOK_ID, Sink


def test_it_says_to_systemd_how_it_is(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    wait_for(lambda: gitlab.said("WATCHDOG=1"))
    wait_for(lambda: gitlab.said("STATUS=rien en attente"))
    sink.hang()
    for number in range(2):
        send(gitlab, issue(number), {"webhook-id": str(number)})
    pattern = re.compile(
        r"STATUS=depuis le démarrage : 2 événement\(s\) reçu\(s\) ; "
        r"2 notification\(s\) en attente, la plus ancienne depuis \d+ s"
    )
    wait_for(lambda: any(pattern.fullmatch(line) for line in gitlab.notified))
    send(gitlab, b"\xff")
    sink.go_on()
    pattern = re.compile(
        r"STATUS=depuis le démarrage : 2 événement\(s\) reçu\(s\), 1 requête\(s\) refusée\(s\), "
        r"2 notification\(s\) livrée\(s\) ; rien en attente ; dernière livraison il y a \d+ s"
    )
    wait_for(lambda: any(pattern.fullmatch(line) for line in gitlab.notified))
    assert gitlab.terminate() == 0
    assert gitlab.said("STOPPING=1")


def test_a_pause_is_no_stop(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    for _ in range(5):
        os.kill(gitlab.pid, signal.SIGSTOP)
        # Its timer has gone off meanwhile: a process that runs says something three times in WATCHDOG_USEC.
        wait_for(lambda: time.monotonic() > gitlab.notified_at + 0.3)
        count = gitlab.notified.count("WATCHDOG=1")
        os.kill(gitlab.pid, signal.SIGCONT)
        wait_for(lambda count=count: gitlab.notified.count("WATCHDOG=1") > count)  # type: ignore[misc]
    assert send(gitlab, issue(1)).status_code == 200


def test_it_takes_the_socket_that_systemd_opened_and_a_restart_loses_no_connection(
    gitlab: Relay, sink: Sink
) -> None:
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        gitlab.start(listener=listener)
        assert gitlab.port == listener.getsockname()[1]
        answers: list[int] = []
        restarts = threading.Event()

        def keep_sending() -> None:
            number = 0
            while not restarts.is_set():
                number += 1
                answers.append(send(gitlab, issue(number), {"webhook-id": f"e-{number}"}).status_code)

        sender = threading.Thread(target=keep_sending)
        sender.start()
        for _ in range(3):
            count = len(answers)
            wait_for(lambda count=count: len(answers) > count + 5)  # type: ignore[misc]
            assert gitlab.terminate() == 0
            gitlab.start(listener=listener)
        restarts.set()
        sender.join(20)
    assert set(answers) == {200}
    wait_for(lambda: len(sink.keys) >= len(answers))
    assert sink.keys == [f"gitlab:e-{n + 1}" for n in range(len(answers))]


def test_a_port_takes_the_place_of_another_and_no_connection_is_lost(gitlab: Relay, sink: Sink) -> None:
    """As tasks.next_port does it: both are open, senders move, and the next one is handed to another holder."""

    def opened(port: int = 0) -> socket.socket:
        made = socket.socket()
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        made.bind(("127.0.0.1", port))
        made.listen(64)
        return made

    before, following = opened(), opened()
    gitlab.start(listener=before)
    target, over, answers = [before.getsockname()[1]], threading.Event(), list[int]()

    def keep_sending() -> None:
        while not over.is_set():
            number = len(answers)
            headers = {"X-Gitlab-Token": TOKEN, "webhook-id": f"e-{number}", "Connection": "close"}
            url = f"http://127.0.0.1:{target[0]}/webhook/gitlab"
            answers.append(requests.post(url, data=issue(number), headers=headers, timeout=20).status_code)

    def some_more() -> None:
        count = len(answers)
        wait_for(lambda: len(answers) > count + 5)

    sender = threading.Thread(target=keep_sending)
    sender.start()
    some_more()
    gitlab.terminate()
    gitlab.start(listener=[before, following])
    some_more()
    target[0] = following.getsockname()[1]
    some_more()
    before.close()
    taken = opened(target[0])
    gitlab.terminate()
    gitlab.start(listener=[taken, following])
    some_more()
    following.close()
    some_more()
    over.set()
    sender.join(20)
    assert set(answers) == {200}
    wait_for(lambda: len(sink.keys) >= len(answers))
    assert sink.keys == [f"gitlab:e-{number}" for number in range(len(answers))]
    taken.close()


def test_slow_and_silent_senders_hold_up_neither_others_nor_the_end(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    with (
        socket.create_connection(("127.0.0.1", gitlab.port)),
        socket.create_connection(("127.0.0.1", gitlab.port)) as slow,
    ):
        slow.sendall(b"POST /webhook/gitlab HTTP/1.1\r\nHost: x\r\nX-Gitlab-Token: " + TOKEN.encode())
        assert send(gitlab, issue(1)).status_code == 200
        slow.sendall(b"\r\nContent-Length: 1000\r\n\r\n{")
        assert send(gitlab, issue(2)).status_code == 200
        assert gitlab.terminate() == 0
    # What was stored is reported by the next process if this one did not come to it.
    gitlab.start()
    wait_for(lambda: undelivered(gitlab) == 0)
    assert len(set(sink.keys)) == 2


def test_two_processes_do_not_share_a_state(gitlab: Relay, sink: Sink) -> None:
    gitlab.start()
    first = gitlab._process
    gitlab.start(wait=False)
    assert gitlab.wait() == 78
    assert "is in use" in gitlab.text
    gitlab._process = first


Change = Callable[[Path], object]


def write(name: str, text: str) -> Change:
    """Make a file of the relay's directory hold this text."""
    return lambda home: (home / name).write_text(text)


@pytest.mark.sampled(6)
@pytest.mark.parametrize(
    ("kind", "change", "complaint"),
    [
        (
            "gitlab",
            write("settings.toml", "langage = 'fr'"),
            r"settings.toml: langage is unknown: remove it; known are",
        ),
        ("gitlab", write("settings.toml", "language = 'de'"), r"language = 'de' is not one of fr, en"),
        ("gitlab", write("settings.toml", "language = "), r"settings.toml is not valid TOML"),
        (
            "gitlab",
            write("settings.toml", "[listen]\nport = '80'"),
            r"\[listen\] port = '80' is not a whole number",
        ),
        ("gitlab", write("settings.toml", "[listen]\nhost = 'x'"), r"\[listen\] host is unknown"),
        ("gitlab", write("settings.toml", "listen = 1"), r"listen = 1 is not a table"),
        (
            "gitlab",
            write("settings.toml", "max_body_bytes = true"),
            r"max_body_bytes = True is not a whole number",
        ),
        ("gitlab", write("settings.toml", "channel = ''"), r"channel = '': must be the name of a channel"),
        ("gitlab", lambda home: (home / "settings.toml").unlink(), r"--config = .* cannot be read"),
        ("gitlab", write("credentials/gitlab-hook-token", " \n"), r"gitlab-hook-token is empty"),
        (
            "gitlab",
            lambda home: (home / "credentials/gitlab-hook-token").unlink(),
            r"gitlab-hook-token cannot be read",
        ),
        (
            "gitlab",
            write("settings.toml", "signature = 'always'"),
            r"signature = 'always' is not one of accepted, required",
        ),
        (
            "gitlab",
            write("settings.toml", "signature = 'required'"),
            r'signature = "required" and there is no .*/gitlab-signing-token: run the deploy again',
        ),
        ("gitlab", write("credentials/gitlab-signing-token", "\n"), r"gitlab-signing-token is empty"),
        (
            "gitlab",
            write("credentials/gitlab-signing-token", f"whsec_{TOKEN}"),
            r"gitlab-signing-token holds a line that is not whsec_ .*\(value not shown\): correct it",
        ),
        ("gitlab", write("credentials/webhooks.conf", "# nothing\n"), r"GITLAB_WEBHOOK_URL in .* is missing"),
        (
            "gitlab",
            write(
                "credentials/webhooks.conf",
                f'#GITLAB_WEBHOOK_URL="http://x/hooks/{HOOK_ID}"\nGITLAB_WEBHOOK_URL="{HOOK_ID}"',
            ),
            r"GITLAB_WEBHOOK_URL in .* is not the address of a webhook \(.*value not shown\)",
        ),
        (
            "gitlab",
            write(
                "credentials/webhooks.conf", 'GITLAB_WEBHOOK_URL="http://chat/hooks/VOTRE_WEBHOOK_GITLAB_ID"'
            ),
            r"is not the address of a webhook",
        ),
        ("gitlab", lambda home: (home / "state").rmdir(), r"--state = .* is not a directory"),
        (
            "gitlab",
            write("credentials/gitlab-hook-token", f"{TOKEN}\x07\n"),
            r"gitlab-hook-token holds a control character \(value not shown\)",
        ),
        (
            "gitlab",
            lambda home: (home / "credentials/gitlab-read-token").write_text(f"{TOKEN}\x1b[2J"),
            r"gitlab-read-token holds a control character \(value not shown\)",
        ),
        (
            "gitlab",
            lambda home: (home / "credentials/gitlab-hook-token").write_bytes(
                f"\ufeff{TOKEN}".encode("utf-16")
            ),
            r"gitlab-hook-token cannot be read \(it is not UTF-8\)",
        ),
        ("gitlab", write("credentials/spool", "\n"), r"spool is empty"),
        (
            "gitlab",
            write("credentials/spool", f"postgresql://relay:{TOKEN}@[nowhere/spool"),
            r"spool is not the address of a PostgreSQL database \(value not shown\): write postgresql://",
        ),
        (
            "gitlab",
            write("credentials/spool", f"postgresql://relay:{TOKEN}@db/spool?colour={TOKEN}"),
            r"spool is not the address of a PostgreSQL database \(value not shown\): write postgresql://",
        ),
        (
            "nextcloud",
            write("settings.toml", "language = 'fr'"),
            r"there is no tree to be watched: add \[\[trees",
        ),
        (
            "nextcloud",
            write("settings.toml", "[[trees]]\ntree = '/x'\nannounce = ['news']"),
            r"\[\[trees\]\] 1 announce.#1 = 'news' is not one of new, moved_in, version, deleted",
        ),
        (
            "nextcloud",
            write("settings.toml", "[[trees]]\ntree = '/x'\n[[trees]]\ntree = '/x/y'"),
            r'tree = "/x/y" is, or lies in, another one',
        ),
        (
            "nextcloud",
            write("settings.toml", "[[trees]]\ntree = 'relative'"),
            r"\[\[trees\]\] 1 tree = 'relative': is not the absolute path",
        ),
        ("nextcloud", write("settings.toml", "port = 1\n[[trees]]\ntree = '/x'"), r"port is unknown"),
        (
            "nextcloud",
            write("credentials/webhooks.conf", "GITLAB_WEBHOOK_URL=x"),
            r"NEXTCLOUD_WEBHOOK_URL in .* is missing",
        ),
    ],
)
def test_a_wrong_setting_is_one_clear_line(tmp_path: Path, kind: str, change: Change, complaint: str) -> None:
    settings = f'[[trees]]\ntree = "{tmp_path}/tree"\n' if kind == "nextcloud" else ""
    relay = Relay(kind, tmp_path, f"http://127.0.0.1:9/hooks/{HOOK_ID}", settings)
    relay.start(wait=False, prepare=change)
    assert relay.wait() == 78
    (line,) = relay.text.splitlines()
    assert re.match(rf"passerelle-{kind}: .*{complaint}", line), line
    relay.close()


@pytest.mark.parametrize("kind", ["gitlab", "nextcloud"])
def test_files_of_other_systems_and_a_relative_state_will_do(tmp_path: Path, sink: Sink, kind: str) -> None:
    """A mark before UTF-8 and lines that end in two characters, as editors leave them."""
    (tmp_path / "tree").mkdir()
    settings = f'[[trees]]\ntree = "{tmp_path}/tree"\n' if kind == "nextcloud" else ""
    relay = Relay(kind, tmp_path, sink.url, settings)

    def spoil(home: Path) -> None:
        for file in (home / "settings.toml", *(home / "credentials").iterdir()):
            file.write_text(f"\ufeff{file.read_text()}".replace("\n", "\r\n"), newline="")

    relay.start(through=("env", "STATE_DIRECTORY=state"), prepare=spoil)
    assert (relay.state / "relay.db").exists()
    assert relay.terminate() == 0
    relay.close()


def test_a_port_that_is_taken_is_reported(tmp_path: Path, sink: Sink) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        relay = Relay("gitlab", tmp_path, sink.url, f'[listen]\naddress = "127.0.0.1"\nport = {port}\n')
        relay.start(wait=False)
        assert relay.wait() != 0
    assert f"[listen] address = 127.0.0.1, port = {port}: Address already in use" in relay.text
    relay.close()
