"""A tree that does not reach the disk: what WebDAV shows of it, each new document once and nothing else."""

import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import requests

from tests.relays.cloud import Front
from tests.relays.process import Relay, wait_for
from tests.relays.sink import Reply, Sink
from tests.relays.test_nextcloud import known
from tests.relays.test_nextcloud_traces import announced
from tests.relays.test_nextcloud_who import announced_with, app_password, link, start
from tests.standins.nextcloud_site import ADMIN, Site, running

CONTRATS = "Documents_RH/Contrats"


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with running() as site:
        yield site


@pytest.fixture
def site(shared: Site) -> Site:
    """With one document that was always there."""
    shared.reset()
    shared.dav("PUT", f"{CONTRATS}/ancien.pdf", data=b"always there").raise_for_status()
    return shared


@pytest.fixture
def front(site: Site) -> Iterator[Front]:
    front = Front(site)
    yield front
    front.stop()


@pytest.fixture
def polling(site: Site, front: Front, sink: Sink, tmp_path: Path) -> Iterator[Relay]:
    """The relay for the tree of the stand-in, of whose disk it knows nothing. Not started yet."""
    settings = (
        'digest_from = 0\nsource = "webdav"\npoll_seconds = 1\n'
        f'[nextcloud]\nurl = "{front.url}"\nuser = "{ADMIN}"\n'
        '[[trees]]\ntree = "/Documents_RH"\nburst_from = 0\nannounce = ["new", "moved_in", "version", "deleted"]\n'
    )
    relay = Relay("nextcloud", tmp_path, sink.url, settings)
    password = app_password(site)
    (tmp_path / "credentials" / "nextcloud-app-password").write_text(f"{password}\n")
    yield relay
    relay.close()
    assert password not in relay.text


def upload(site: Site, path: str, content: bytes = b"content") -> None:
    site.dav("PUT", f"Documents_RH/{path}", data=content).raise_for_status()


def move(site: Site, source: str, target: str) -> None:
    site.dav("MOVE", source, headers=site.destination(target)).raise_for_status()


QUOTES = "'\""


def happened(relay: Relay, sink: Sink) -> list[str]:
    """What was announced of documents, in order."""
    announcements = {
        key: f"{kind} {path.strip(QUOTES)}"
        for key, kind, path in re.findall(r"announced key=(\S+) kind=(\S+) path=(.*)", relay.text)
    }
    return [announcements[post.key] for post in list(sink.posts) if post.key in announcements]


def end(relay: Relay, site: Site, sink: Sink, number: int = 0) -> list[str]:
    """Upload one more document and wait for it; all that was announced before it, in no order."""
    upload(site, f"end-{number}.pdf")
    wait_for(lambda: f"end-{number}.pdf" in announced(relay, sink))
    return sorted(each for each in happened(relay, sink) if " end-" not in each)


def test_what_happens_to_documents(site: Site, polling: Relay, front: Front, sink: Sink) -> None:
    site.dav("MKCOL", "Perso/Lot").raise_for_status()
    for path in ("Perso/Lot/été.pdf", "Perso/Lot/b #1 %41.pdf"):
        site.dav("PUT", path, data=b"content").raise_for_status()
    for name in ("moved", "changed", "deleted"):
        upload(site, f"Contrats/{name}.pdf")
    start(polling)
    assert known(polling) == {f"Contrats/{name}.pdf" for name in ("ancien", "moved", "changed", "deleted")}
    upload(site, "Contrats/new.pdf")
    upload(site, "Contrats/new.part.pdf~")
    upload(site, "Contrats/.hidden.pdf")
    # Of another size: what WebDAV shows has whole seconds, and this may be the one it came in.
    upload(site, "Contrats/changed.pdf", b"other content")
    move(site, f"{CONTRATS}/moved.pdf", "Documents_RH/Conges/moved elsewhere.pdf")
    move(site, "Perso/Lot", "Documents_RH/Conges/Lot")
    site.dav("DELETE", f"{CONTRATS}/deleted.pdf").raise_for_status()
    expected = [
        "deleted Contrats/deleted.pdf",
        "new Conges/Lot/b #1 %41.pdf",
        "new Conges/Lot/été.pdf",
        "new Contrats/new.part.pdf~",
        "new Contrats/new.pdf",
        "version Contrats/changed.pdf",
    ]
    wait_for(lambda: len(happened(polling, sink)) >= len(expected))
    assert end(polling, site, sink) == expected
    trash = requests.request(
        "PROPFIND", f"{site.url}/remote.php/dav/trashbin/{ADMIN}/trash", auth=site.http.auth, timeout=20
    ).text
    (item,) = re.findall(r"<d:href>(\S+/deleted\.pdf\.d\d+)<", trash)
    restored = {"Destination": f"{site.url}/remote.php/dav/trashbin/{ADMIN}/restore/deleted.pdf"}
    site.http.request("MOVE", site.url + item, headers=restored, timeout=20).raise_for_status()
    wait_for(lambda: len(happened(polling, sink)) >= len(expected) + 2)
    assert end(polling, site, sink, 1) == sorted([*expected, "new Contrats/deleted.pdf"])
    # What came with a folder has no row of its own, but a number.
    assert {name: who for name, (who, _) in announced_with(sink).items() if who != ADMIN} == {}
    assert announced_with(sink)["été.pdf"][1] == link(site, front, "Conges/Lot/été.pdf")


def test_what_is_written_in_two_steps_is_announced_once(site: Site, polling: Relay, sink: Sink) -> None:
    start(polling)
    upload(site, "Contrats/twice.pdf", b"")
    assert end(polling, site, sink) == []
    upload(site, "Contrats/twice.pdf", b"x" * 1024)
    assert end(polling, site, sink, 1) == ["new Contrats/twice.pdf"]


def test_what_comes_while_the_relay_is_down(site: Site, polling: Relay, sink: Sink) -> None:
    start(polling)
    for number, stop in enumerate((polling.terminate, polling.kill)):
        stop()
        upload(site, f"Conges/down-{number}.pdf")
        move(site, f"{CONTRATS}/ancien{number or ''}.pdf", f"{CONTRATS}/ancien{number + 1}.pdf")
        start(polling)
        wait_for(lambda number=number: f"new Conges/down-{number}.pdf" in happened(polling, sink))  # type: ignore[misc]
    # A kill may double the message that was just on its way.
    assert set(end(polling, site, sink)) == {"new Conges/down-0.pdf", "new Conges/down-1.pdf"}


@pytest.mark.exhaustive
def test_many_documents(site: Site, polling: Relay, front: Front, sink: Sink) -> None:
    start(polling)
    names = set()
    for folder in range(20):
        (site.tree / "Conges" / str(folder)).mkdir()
        for number in range(100):
            (site.tree / "Conges" / str(folder) / f"{number}.pdf").write_bytes(b"content")
            names.add(f"Conges/{folder}/{number}.pdf")
    site.occ("files:scan", f"--path={ADMIN}/files/Documents_RH")
    wait_for(lambda: len(sink.posts) >= 2000, seconds=60)
    asked = len(front.asked)
    assert end(polling, site, sink) == sorted(f"new {name}" for name in names)
    # Only what has changed was looked at again: the root, besides a question or two who brought it.
    assert len([each for each in front.asked[asked:] if "/Conges/" in each]) == 0


def away(front: Front) -> None:
    front.stop()


def answering(reply: Reply, only: str = "") -> Callable[[Front], None]:
    def set_up(front: Front) -> None:
        front.behave = lambda method, path: reply if method == "PROPFIND" and only in path else None

    return set_up


EMPTY = (
    b'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:s="http://sabredav.org/ns"></d:multistatus>'
)
CUT = b"HTTP/1.1 207 Multi-Status\r\nContent-Length: 900\r\n\r\n" + EMPTY
OTHERS = (
    EMPTY[: -len(b"</d:multistatus>")]
    + b"<d:response><d:href>/login</d:href><d:propstat><d:prop/><d:status>HTTP/1.1 200 OK</d:status></d:propstat>"
    + b"</d:response></d:multistatus>"
)


@pytest.mark.sampled(4)
@pytest.mark.parametrize(
    ("break_it", "reason"),
    [
        (away, "Connection refused|ConnectionError"),
        (answering(Reply(503)), "HTTP 503"),
        (answering(Reply(423), "/Contrats"), "HTTP 423"),
        (answering(Reply(404, b"<html>no such page</html>")), "the answer is not that"),
        (answering(Reply(302, headers={"Location": "http://127.0.0.1:1/"})), "it leads elsewhere"),
        (answering(Reply(207, EMPTY)), "the answer is not that"),
        (answering(Reply(207, OTHERS)), "the answer is not that"),
        (answering(Reply(207, EMPTY[:-9])), "the answer is not that"),
        (answering(Reply(raw=CUT)), "reason"),
        (answering(Reply(200, b"<html/>")), "HTTP 200"),
    ],
)
def test_a_wrong_answer_says_nothing(
    site: Site, polling: Relay, front: Front, sink: Sink, break_it: Callable[[Front], None], reason: str
) -> None:
    start(polling)
    break_it(front)
    upload(site, "Contrats/meanwhile.pdf")
    wait_for(lambda: "polling trouble" in polling.text)
    assert re.search(f"polling trouble .*{reason}", polling.text)
    wait_for(
        lambda: polling.said(
            "STATUS=Documents_RH : Nextcloud ne répond pas, 1 document(s) suivi(s) ; rien en attente"
        )
    )
    front.behave = lambda method, path: None
    if break_it is away:
        front.start()
    assert end(polling, site, sink) == ["new Contrats/meanwhile.pdf"]
    assert polling.text.count("polling trouble") == 1
    assert "polling works again" in polling.text


def test_a_nextcloud_that_is_away_at_the_first_start(
    site: Site, polling: Relay, front: Front, sink: Sink
) -> None:
    front.stop()
    polling.start()
    wait_for(lambda: "polling trouble" in polling.text)
    front.start()
    wait_for(lambda: "watching tree" in polling.text)
    assert known(polling) == {"Contrats/ancien.pdf"}
    assert end(polling, site, sink) == []


def test_a_wrong_password_is_tried_once(
    site: Site, polling: Relay, front: Front, sink: Sink, tmp_path: Path
) -> None:
    credential = tmp_path / "credentials" / "nextcloud-app-password"
    right = credential.read_text()
    credential.write_text("wrong-password\n")
    polling.start()
    wait_for(lambda: "reason=HTTP 401: the app password is wrong or revoked" in polling.text)
    wait_for(
        lambda: polling.said(
            "STATUS=Documents_RH : Nextcloud ne répond pas, 0 document(s) suivi(s) ; rien en attente"
        )
    )
    assert len(front.asked) == 1
    polling.terminate()
    credential.write_text(right)
    start(polling)
    assert end(polling, site, sink) == []


def test_a_tree_that_is_taken_away_and_put_back(site: Site, polling: Relay, front: Front, sink: Sink) -> None:
    start(polling)
    move(site, "Documents_RH", "elsewhere")
    assert polling.wait() == 75
    polling.start()
    wait_for(lambda: polling.said("STATUS=en attente du dossier webdav:/Documents_RH ; rien en attente"))
    move(site, "elsewhere", "Documents_RH")
    wait_for(lambda: polling.text.count("watching tree") == 2)
    assert end(polling, site, sink) == []
