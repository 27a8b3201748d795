"""Who brought a document, from the activity of Nextcloud: the right name and link, or none, and never late."""

import re
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from relays.sources.nextcloud.open_writers import SETTLE_SECONDS
from tests.relays.cloud import Front
from tests.relays.process import Relay, stored, wait_for
from tests.relays.sink import Reply, Sink
from tests.standins.nextcloud_site import ADMIN, Site, running
from tests.standins.test_nextcloud_traces import multipart

BOB = ("bob", "pour-bob")
ACTIVITY = "/apps/activity/"


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with running() as site:
        site.reset()
        site.occ("user:add", "--password-from-env", "--display-name=Bob @all Martin", "bob", OC_PASS=BOB[1])
        site.share("Documents_RH", "bob")
        yield site


@pytest.fixture
def site(shared: Site) -> Site:
    """With the tree as it was when it was shared, and nothing in it."""
    for folder in ("Contrats", "Conges"):
        for path in (shared.tree / folder).iterdir():
            shared.dav("DELETE", f"Documents_RH/{folder}/{path.name}").raise_for_status()
    return shared


@pytest.fixture
def front(site: Site) -> Iterator[Front]:
    front = Front(site)
    yield front
    front.stop()


def app_password(site: Site) -> str:
    return site.occ("user:auth-tokens:add", ADMIN).stdout.splitlines()[-1]


@pytest.fixture
def asking(site: Site, front: Front, sink: Sink, tmp_path: Path) -> Iterator[Relay]:
    """The relay for the tree of the stand-in, which it asks who brought a document."""
    settings = (
        f'digest_from = 0\n[nextcloud]\nurl = "{front.url}"\nuser = "{ADMIN}"\n'
        f'[[trees]]\ntree = "{site.tree}"\nin_files = "/Documents_RH"\nburst_from = 0\n'
    )
    relay = Relay("nextcloud", tmp_path, sink.url, settings)
    password = app_password(site)
    (tmp_path / "credentials" / "nextcloud-app-password").write_text(f"{password}\n")
    yield relay
    relay.close()
    assert password not in relay.text


def start(relay: Relay) -> None:
    """Start the relay and wait until it watches."""
    count = relay.text.count("watching tree")
    relay.start()
    wait_for(lambda: relay.text.count("watching tree") > count)


def upload(site: Site, path: str, content: bytes = b"content") -> None:
    site.dav("PUT", f"Documents_RH/{path}", data=content).raise_for_status()


def of_bob(site: Site, method: str, path: str, **options: Any) -> None:
    address = f"{site.url}/remote.php/dav/files/bob/{quote(path)}"
    requests.request(method, address, auth=BOB, timeout=20, **options).raise_for_status()


def announced_with(sink: Sink) -> dict[str, tuple[str, str]]:
    """Who brought each document and where its link leads, by its name."""
    found = {}
    for post in sink.posts:
        (box,) = post.payload["attachments"]
        values = {field["title"]: field["value"] for field in box["fields"]}
        who = [value for title, value in values.items() if title.startswith("👤")]
        found[values["📁 Fichier"].strip("`")] = ("".join(who), box.get("title_link", ""))
    return found


def link(site: Site, front: Front, path: str) -> str:
    """Where the link of a document is to lead."""
    text = site.dav("PROPFIND", f"Documents_RH/{path}", headers={"Depth": "0"}).text
    found = re.search("<oc:fileid>(.*?)</oc:fileid>", text)
    assert found
    return f"{front.url}/index.php/f/{found[1]}"


def test_each_way_that_leads_into_the_tree(
    site: Site, front: Front, asking: Relay, sink: Sink, tmp_path: Path
) -> None:
    token = site.share("Documents_RH/Contrats")
    (tmp_path / "put.pdf").write_bytes(b"content")
    of_bob(site, "PUT", "own.pdf", data=b"content")
    start(asking)
    upload(site, "Conges/admin.pdf")
    of_bob(site, "PUT", "Documents_RH/Conges/bob.pdf", data=b"content")
    target = f"{site.url}/remote.php/dav/files/bob/Documents_RH/Conges/own.pdf"
    of_bob(site, "MOVE", "own.pdf", headers={"Destination": target})
    drop = f"{site.url}/public.php/dav/files/{token}"
    requests.put(f"{drop}/anonymous.pdf", data=b"content", timeout=20).raise_for_status()
    headers = {"X-NC-Nickname": quote("Jean <Dupont>")}
    requests.put(f"{drop}/cv.pdf", data=b"content", headers=headers, timeout=20).raise_for_status()
    site.occ("files:put", str(tmp_path / "put.pdf"), f"{ADMIN}/files/Documents_RH/Contrats/put.pdf")
    (site.tree / "Contrats" / "hand.pdf").write_bytes(b"content")
    wait_for(lambda: len(sink.posts) == 7)
    bob = "Bob @\u200ball Martin"
    assert announced_with(sink) == {
        "admin.pdf": (ADMIN, link(site, front, "Conges/admin.pdf")),
        "bob.pdf": (bob, link(site, front, "Conges/bob.pdf")),
        "own.pdf": (bob, link(site, front, "Conges/own.pdf")),
        "anonymous.pdf": ("", link(site, front, "Contrats/anonymous.pdf")),
        "cv.pdf": ("Jean <\u200bDupont> (invité)", link(site, front, "Contrats/Jean <Dupont>/cv.pdf")),
        "put.pdf": ("", link(site, front, "Contrats/put.pdf")),
        "hand.pdf": ("", ""),
    }


def test_what_came_with_a_folder_was_brought_by_who_moved_it(site: Site, asking: Relay, sink: Sink) -> None:
    of_bob(site, "MKCOL", "Lot")
    for number in range(3):
        of_bob(site, "PUT", f"Lot/{number}.pdf", data=b"content", headers={"X-OC-Mtime": "1546300800"})
    start(asking)
    # What is younger may have been uploaded into the folder after it had moved.
    newest = max(path.stat().st_ctime for path in (site.root / "data" / "bob" / "files" / "Lot").iterdir())
    wait_for(lambda: time.time() > newest + SETTLE_SECONDS)
    target = f"{site.url}/remote.php/dav/files/bob/Documents_RH/Conges/Lot"
    of_bob(site, "MOVE", "Lot", headers={"Destination": target})
    wait_for(lambda: len(sink.posts) == 3)
    assert all(who == "Bob @\u200ball Martin" for who, _ in announced_with(sink).values())


def test_many_at_once_have_each_their_own(site: Site, front: Front, asking: Relay, sink: Sink) -> None:
    front.delay = 0.45
    start(asking)
    headers = {"Content-Type": "multipart/related; boundary=boundary_0123456789"}
    for start_at in range(0, 200, 50):
        for auth in (BOB, (ADMIN, "lab-only")):
            files = {
                f"/Documents_RH/Conges/{auth[0]}-{number}.txt": b"x"
                for number in range(start_at, start_at + 25)
            }
            requests.post(
                f"{site.url}/remote.php/dav/bulk",
                data=multipart(files),
                headers=headers,
                auth=auth,
                timeout=20,
            ).raise_for_status()

    wait_for(lambda: len(sink.posts) == 200)
    names = announced_with(sink)
    assert len(names) == 200
    assert {n: w for n, (w, _) in names.items() if not w} == {}
    assert all(
        who == ("Bob @\u200ball Martin" if name.startswith("bob") else ADMIN)
        for name, (who, _) in names.items()
    )
    assert len({link for _, link in names.values()}) == 200


def test_the_answer_comes_soon(site: Site, front: Front, asking: Relay, sink: Sink) -> None:
    """Nextcloud takes 0.4 s for an answer, nearly all of it before it reads its rows."""
    front.delay = 0.4
    start(asking)
    times = []
    for number in range(5):
        before = time.monotonic()
        upload(site, f"Conges/{number}.pdf")
        wait_for(lambda number=number: len(sink.posts) == number + 1)  # type: ignore[misc]
        times.append(sink.posts[-1].at - before)
    assert all(who == ADMIN for who, _ in announced_with(sink).values())
    assert sorted(times)[2] < 0.6


def garbage(method: str, path: str) -> Reply | None:
    return Reply(200, b'{"ocs": {"data": [{"objects": 7}, 3]}}')


def broken(method: str, path: str) -> Reply | None:
    return Reply(raw=b"HTTP/1.1 200 OK\r\nContent-Length: 5000\r\n\r\n{")


def disabled(method: str, path: str) -> Reply | None:
    return Reply(404, b"{}") if ACTIVITY in path else None


def forbidden(method: str, path: str) -> Reply | None:
    return Reply(403, b"{}") if ACTIVITY in path else None


def elsewhere(method: str, path: str) -> Reply | None:
    return Reply(302, headers={"Location": "http://127.0.0.1:1/"})


def maintained(method: str, path: str) -> Reply | None:
    return Reply(503)


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("behave", "reason"),
    [
        (garbage, "the answer is not Nextcloud's: correct nextcloud.url"),
        (
            broken,
            "reason=ProtocolError|reason=ChunkedEncodingError|reason=the answer breaks off|reason=ConnectionError",
        ),
        (disabled, "reason=HTTP 404: enable the app Activity"),
        (forbidden, "reason=HTTP 403"),
        (elsewhere, "reason=HTTP 302: it leads elsewhere"),
        (maintained, "reason=HTTP 503"),
    ],
)
def test_trouble_is_reported_once_and_delays_nobody(
    site: Site,
    front: Front,
    asking: Relay,
    sink: Sink,
    behave: Callable[[str, str], Reply | None],
    reason: str,
) -> None:
    front.behave = behave
    start(asking)
    before = time.monotonic()
    for number in range(3):
        upload(site, f"Conges/{number}.pdf")
        wait_for(lambda number=number: len(sink.posts) == number + 1)  # type: ignore[misc]
    assert time.monotonic() - before < 4
    assert set(announced_with(sink).values()) == {("", "")}
    assert asking.text.count("uploader lookup trouble") == 1
    assert re.search(reason, asking.text)


@pytest.mark.exhaustive
def test_a_wrong_password_is_tried_once(
    site: Site, front: Front, asking: Relay, sink: Sink, tmp_path: Path
) -> None:
    credential = tmp_path / "credentials" / "nextcloud-app-password"
    right = credential.read_text()
    credential.write_text("wrong-password\n")
    start(asking)
    for number in range(3):
        upload(site, f"Conges/{number}.pdf")
        wait_for(lambda number=number: len(sink.posts) == number + 1)  # type: ignore[misc]
    assert len(front.asked) == 1
    assert (
        asking.text.count("uploader lookup trouble reason=HTTP 401: the app password is wrong or revoked")
        == 1
    )
    asking.terminate()
    credential.write_text(right)
    start(asking)
    upload(site, "Conges/after.pdf")
    wait_for(lambda: len(sink.posts) == 4)
    assert announced_with(sink)["after.pdf"][0] == ADMIN


@pytest.mark.exhaustive
def test_a_nextcloud_that_is_slow_or_away_and_comes_back(
    site: Site, front: Front, asking: Relay, sink: Sink
) -> None:
    front.delay = 10
    start(asking)
    before = time.monotonic()
    upload(site, "Conges/slow.pdf")
    wait_for(lambda: sink.posts)
    assert 2 < time.monotonic() - before < 4
    front.stop()
    front.delay = 0
    before = time.monotonic()
    upload(site, "Conges/away.pdf")
    wait_for(lambda: len(sink.posts) == 2)
    assert time.monotonic() - before < 4
    front.start()

    def again() -> bool:
        count = len(sink.posts)
        upload(site, f"Conges/again-{count}.pdf")
        wait_for(lambda: len(sink.posts) > count)
        return announced_with(sink)[f"again-{count}.pdf"][0] == ADMIN

    wait_for(again, 30)
    wait_for(lambda: "uploader lookup works again" in asking.text)
    assert [announced_with(sink)[name] for name in ("slow.pdf", "away.pdf")] == [("", "")] * 2


def test_a_kill_while_it_waits_loses_nothing(site: Site, front: Front, asking: Relay, sink: Sink) -> None:
    start(asking)
    front.delay = 10
    for number in range(5):
        upload(site, f"Conges/{number}.pdf")
    wait_for(lambda: any(ACTIVITY in asked or "/cloud/user" in asked for asked in front.asked))
    asking.kill()
    assert stored(asking) == []
    front.delay = 0
    start(asking)
    wait_for(lambda: len(sink.posts) >= 5)
    upload(site, "Conges/end.pdf")
    wait_for(lambda: "end.pdf" in announced_with(sink))
    assert len(sink.posts) == 6
    assert {who for who, _ in announced_with(sink).values()} == {ADMIN}
