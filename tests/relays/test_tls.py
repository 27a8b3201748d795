"""Servers over TLS: who is trusted, and a fault reported as what it is, with its remedy, and outlived."""

from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest

from relays.base.tls import FAULTS
from relays.sources.gitlab.delivery_log import DeliveryLog
from relays.sources.gitlab.rest import GitLabError, PlaceApi, Server
from relays.sources.nextcloud.cloud import Account, Cloud, CloudError
from tests import tls
from tests.relays.events import issue, send
from tests.relays.process import Relay, wait_for
from tests.relays.sink import HOOK_ID, Sink

Start = Callable[..., Relay]


@pytest.fixture
def front(sink: Sink) -> Iterator[tls.Front]:
    front = tls.Front(sink.port)
    yield front
    front.close()


@pytest.fixture
def started(front: tls.Front, tmp_path: Path) -> Iterator[Start]:
    """Starts the GitLab relay, which posts to Mattermost at the front, with the certificates of a file."""
    relays = []

    def start(pem: str | None = None, url: str = front.url, through: tuple[str, ...] = ()) -> Relay:
        ca = f'ca = "{tls.write(tmp_path, pem)}"\n' if pem else ""
        listen = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
        relay = Relay("gitlab", tmp_path, f"{url}/hooks/{HOOK_ID}", ca + listen)
        relays.append(relay)
        relay.start(through=through)
        send(relay, issue(1))
        return relay

    yield start
    for relay in relays:
        relay.close()


def reported(relay: Relay, code: str, setting: str) -> bool:
    """Whether the journal has the fault and its remedy."""
    what = FAULTS[code].what.partition("(")[0]
    remedy = FAULTS[code].remedy.format(setting=setting)
    return any(what in line and remedy in line for line in relay.text.splitlines())


@pytest.mark.sampled(2)
@pytest.mark.parametrize("way", tls.TRUSTED)
def test_who_is_named_is_trusted(started: Start, front: tls.Front, sink: Sink, way: str) -> None:
    identity, pem = tls.TRUSTED[way]
    front.wear(identity)
    started(pem)
    wait_for(lambda: sink.posts)


def test_whom_the_machine_trusts_is_trusted_beside_those_of_the_file(
    started: Start, front: tls.Front, sink: Sink, tmp_path: Path
) -> None:
    of_machine = tmp_path / "machine.pem"
    of_machine.write_text(tls.ROOT.pem)
    started(tls.SELF_SIGNED.pem, through=("env", f"SSL_CERT_FILE={of_machine}"))
    wait_for(lambda: sink.posts)


@pytest.mark.sampled(4)
@pytest.mark.parametrize("fault", [name for name, (_, code) in tls.FAULTS.items() if FAULTS[code].lasting])
def test_a_fault_is_reported_with_its_remedy_and_outlived(
    started: Start, front: tls.Front, sink: Sink, fault: str
) -> None:
    arrange, code = tls.FAULTS[fault]
    arrange(front)
    relay = started(tls.ROOT.pem)
    wait_for(lambda: "misconfigured" in relay.text, what=relay.text)
    assert reported(relay, code, "mattermost.url"), relay.text
    assert not sink.posts
    front.instead = None
    front.wear(tls.GOOD)
    wait_for(lambda: sink.posts)


@pytest.mark.sampled(2)
@pytest.mark.parametrize("server", tls.PLAIN_REFUSALS)
def test_plain_http_where_tls_is_spoken_is_reported(started: Start, front: tls.Front, server: str) -> None:
    tls.PLAIN_REFUSALS[server](front)
    relay = started(url=front.url.replace("https", "http"))
    wait_for(lambda: "misconfigured" in relay.text, what=relay.text)
    assert reported(relay, "https", "mattermost.url"), relay.text


def test_a_server_that_breaks_off_is_tried_until_it_answers(
    started: Start, front: tls.Front, sink: Sink
) -> None:
    tls.FAULTS["closes"][0](front)
    relay = started(tls.ROOT.pem)
    wait_for(lambda: "unavailable" in relay.text and "it breaks TLS off" in relay.text, what=relay.text)
    front.instead = None
    wait_for(lambda: sink.posts)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("pem", "words"),
    [
        ("no certificate", "holds no certificate in PEM"),
        (tls.ROOT.pem.replace("M", "!", 3), "holds no certificate in PEM"),
        (None, "cannot be read (No such file or directory)"),
    ],
)
def test_a_file_that_cannot_be_used_keeps_the_relay_from_starting(
    gitlab: Relay, tmp_path: Path, pem: str | None, words: str
) -> None:
    ca = tmp_path / "ca.pem"
    if pem:
        ca.write_text(pem)
    gitlab.configure(f'ca = "{ca}"\n')
    gitlab.start(wait=False)
    assert gitlab.wait() == 78
    assert f"ca = {ca} {words}" in gitlab.text


class Speaker:
    """Answers every request with as little as WebDAV and GitLab's log are content with."""

    def __init__(self) -> None:
        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                self.send_response(200)
                self.end_headers()
                self.wfile.write(b'[{"id": 7, "name": "Passerelle"}]')

            def log_message(self, format: str, *args: object) -> None:
                pass

        self._server = HTTPServer(("127.0.0.1", 0), Handler)
        self.port = self._server.server_port
        Thread(target=self._server.serve_forever, args=(0.02,), daemon=True).start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


def ask_nextcloud(url: str, ca: Path | None) -> None:
    Cloud(Account(url, "admin", "app-password", ca), 5).ask("GET", "/status.php", (200,))


def ask_gitlab(url: str, ca: Path | None) -> None:
    assert DeliveryLog(PlaceApi(Server(url, "glpat-x", ca), "root/projet"), "Passerelle").hooks() == [7]


QUESTIONS = {"nextcloud": ask_nextcloud, "gitlab": ask_gitlab}


@pytest.fixture
def speaking() -> Iterator[tls.Front]:
    speaker = Speaker()
    front = tls.Front(speaker.port)
    yield front
    front.close()
    speaker.close()


@pytest.mark.sampled(4)
@pytest.mark.parametrize("server", QUESTIONS)
@pytest.mark.parametrize("way", tls.TRUSTED)
def test_the_other_servers_are_trusted_alike(
    speaking: tls.Front, tmp_path: Path, server: str, way: str
) -> None:
    identity, pem = tls.TRUSTED[way]
    speaking.wear(identity)
    QUESTIONS[server](speaking.url, tls.write(tmp_path, pem))


@pytest.mark.sampled(5)
@pytest.mark.parametrize("server", QUESTIONS)
@pytest.mark.parametrize("fault", [*tls.FAULTS, *tls.PLAIN_REFUSALS])
def test_their_faults_are_reported_alike(
    speaking: tls.Front, tmp_path: Path, server: str, fault: str
) -> None:
    url, code = speaking.url, "https"
    if fault in tls.FAULTS:
        arrange, code = tls.FAULTS[fault]
    else:
        arrange, url = tls.PLAIN_REFUSALS[fault], url.replace("https", "http")
    arrange(speaking)
    with pytest.raises((CloudError, GitLabError)) as caught:
        QUESTIONS[server](url, tls.write(tmp_path))
    assert str(caught.value).startswith(FAULTS[code].what.partition("(")[0])
    remedy = FAULTS[code].remedy.format(setting=f"{server}.url") if FAULTS[code].lasting else ""
    assert vars(caught.value)["remedy"] == remedy
