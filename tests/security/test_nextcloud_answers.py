"""Answers of a Nextcloud that somebody has taken over: the relay refuses them, and goes on when it is itself again."""

import gzip
import itertools
import zlib
from collections.abc import Callable, Iterable, Iterator
from functools import partial
from pathlib import Path

import pytest

from tests.relays.cloud import Front
from tests.relays.process import Relay, wait_for
from tests.relays.sink import Reply, Sink
from tests.relays.test_nextcloud_traces import announced
from tests.relays.test_nextcloud_who import app_password, start
from tests.security.bounds import MOST_MEGABYTES, Bounds
from tests.security.supervisor import Supervisor
from tests.standins.nextcloud_site import ADMIN, Site, running

# What the relay waits for a whole answer of WebDAV, and as much again for a machine that has other work.
REFUSED_SECONDS = 120.0
TOLD_SECONDS = 60.0
_PIECE = 65536
_OPEN = (
    b'<?xml version="1.0"?><d:multistatus xmlns:d="DAV:" xmlns:oc="http://owncloud.org/ns" '
    b'xmlns:s="http://sabredav.org/ns">'
)
_RESPONSE = (
    b"<d:response><d:href>/remote.php/dav/files/admin/Documents_RH/Contrats/</d:href><d:propstat><d:prop>"
)
_LAUGHS = b"".join(b'<!ENTITY l%d "%s">' % (number, b"&l%d;" % (number - 1) * 10) for number in range(1, 12))


def _resource(name: str, number: int, more: str = "") -> bytes:
    return (
        f"<d:response><d:href>/remote.php/dav/files/admin/Documents_RH/Contrats/{name}</d:href><d:propstat><d:prop>"
        f"<d:resourcetype>{more}</d:resourcetype><d:getetag>&quot;{number}&quot;</d:getetag>"
        "<d:getcontentlength>1</d:getcontentlength>"
        "<d:getlastmodified>Mon, 05 Jan 2026 10:00:00 GMT</d:getlastmodified>"
        f"<oc:fileid>{number}</oc:fileid></d:prop><d:status>HTTP/1.1 200 OK</d:status></d:propstat></d:response>"
    ).encode()


def _head(more: str = "") -> bytes:
    return f"HTTP/1.1 207 Multi-Status\r\nContent-Type: application/xml\r\n{more}\r\n".encode()


def _endless(begin: bytes, piece: Callable[[int], bytes]) -> Callable[[], Reply]:
    """An answer that goes on until whoever asked has had enough."""

    def pieces() -> Iterator[bytes]:
        for turn in itertools.count():
            yield b"".join(piece(100 * turn + number) for number in range(100))

    return lambda: Reply(raw=_head() + _OPEN + begin, pieces=pieces())


def _whole(body: bytes, more: str = "") -> Callable[[], Reply]:
    return lambda: Reply(raw=_head(more), pieces=[body])


def _squeezed() -> Iterable[bytes]:
    packer = zlib.compressobj(9, wbits=31)
    yield packer.compress(_OPEN)
    for _ in range(10_000):
        yield packer.compress(b" " * 1_000_000)


_SELF = _resource("", 1, "<d:collection/>")
ANSWERS: dict[str, Callable[[], Reply]] = {
    "WebDAV: documents without end": _endless(
        _SELF, lambda number: _resource(f"{number:0200}.pdf", number + 2)
    ),
    "WebDAV: folders without end": _endless(
        _SELF, lambda number: _resource(f"{number:0200}", number + 2, "<d:collection/>")
    ),
    "WebDAV: properties without end": _endless(
        _RESPONSE, lambda number: b"<d:p%d>x</d:p%d>" % (number, number)
    ),
    "WebDAV: one property again and again": _endless(_RESPONSE, lambda number: b"<d:getetag>x</d:getetag>"),
    "WebDAV: text without end": _endless(_RESPONSE + b"<d:getetag>", lambda number: b"x" * 1000),
    "WebDAV: a tag without end": _endless(b'<d:response a="', lambda number: b"x" * 1000),
    "WebDAV: attributes without end": _endless(b"<d:response", lambda number: b' a%d=""' % number),
    "WebDAV: a comment without end": _endless(b"<!-- ", lambda number: b"x" * 1000),
    "WebDAV: namespaces without end": _endless(
        b"", lambda number: b'<n%d:a xmlns:n%d="x%d"/>' % (number, number, number)
    ),
    "WebDAV: spaces without end": _endless(b"", lambda number: b" " * 1000),
    "WebDAV: nested without end": _endless(b"", lambda number: b"<d:a>"),
    "WebDAV: an XML bomb (entities)": _whole(
        b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY l0 "ha">' + _LAUGHS + b"]><d>&l11;</d>"
    ),
    "WebDAV: an XML bomb (one long entity)": _whole(
        b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a "'
        + b"a" * 100_000
        + b'">]><d>'
        + b"&a;" * 100_000
        + b"</d>"
    ),
    "WebDAV: an external entity": _whole(
        b'<?xml version="1.0"?><!DOCTYPE d [<!ENTITY a SYSTEM "file:///etc/passwd">]><d>&a;</d>'
    ),
    "WebDAV: 10 GB in a gzip of 10 MB": lambda: Reply(
        raw=_head("Content-Encoding: gzip\r\n"), pieces=_squeezed()
    ),
    "WebDAV: a gzip that is none": _whole(b"\x1f\x8b\x08" + b"\xff" * _PIECE, "Content-Encoding: gzip\r\n"),
    "WebDAV: headers without end": lambda: Reply(
        raw=b"HTTP/1.1 207 x\r\n", pieces=itertools.repeat(b"A: b\r\n" * 100)
    ),
    "WebDAV: a page of somebody else": _whole(b"<html><body>Sign in</body></html>"),
}
FAST = {"WebDAV: a tag without end", "WebDAV: an XML bomb (entities)", "WebDAV: properties without end"}


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running() as site:
        site.reset()
        yield site


@pytest.fixture
def front(site: Site) -> Iterator[Front]:
    front = Front(site)
    yield front
    front.stop()


@pytest.fixture
def relay_for(site: Site, front: Front, sink: Sink, tmp_path: Path) -> Iterator[Callable[[str], Relay]]:
    """Makes the relay for the tree of the stand-in as `source` says; not started yet."""
    made: list[Relay] = []

    def make(source: str) -> Relay:
        root = '"/Documents_RH"' if source == "webdav" else f'"{site.tree}"\nin_files = "/Documents_RH"'
        settings = (
            f'digest_from = 0\nsource = "{source}"\npoll_seconds = 1\n'
            f'[nextcloud]\nurl = "{front.url}"\nuser = "{ADMIN}"\n[[trees]]\nburst_from = 0\ntree = {root}\n'
        )
        made.append(Relay("nextcloud", tmp_path, sink.url, settings))
        (tmp_path / "credentials" / "nextcloud-app-password").write_text(f"{app_password(site)}\n")
        return made[0]

    yield make
    for relay in made:
        relay.close()


def is_announced(relay: Relay, sink: Sink, path: str) -> bool:
    return path in announced(relay, sink)


def upload(site: Site, name: str) -> None:
    site.dav("PUT", f"Documents_RH/Contrats/{name}", data=b"content").raise_for_status()


@pytest.mark.parametrize(
    "name", [pytest.param(name, marks=[] if name in FAST else pytest.mark.exhaustive) for name in ANSWERS]
)
def test_answers_of_webdav(
    relay_for: Callable[[str], Relay], site: Site, front: Front, sink: Sink, bounds: Bounds, name: str
) -> None:
    relay = relay_for("webdav")
    number = list(ANSWERS).index(name)
    start(relay)
    with Supervisor(relay) as supervisor:
        refused = relay.text.count("polling trouble")
        front.behave = lambda method, path: ANSWERS[name]() if path.rstrip("/").endswith("Contrats") else None
        upload(site, f"during-{number}.pdf")
        wait_for(lambda: relay.text.count("polling trouble") > refused, REFUSED_SECONDS)
        of_it = announced(relay, sink)
        front.behave = lambda method, path: None
        upload(site, f"after-{number}.pdf")
        expected = {f"Contrats/during-{number}.pdf", f"Contrats/after-{number}.pdf"}
        wait_for(lambda: expected <= set(announced(relay, sink)), TOLD_SECONDS)
    announcements = announced(relay, sink)
    bounds.exactly(name, "documents announced of it", 0, len(of_it))
    bounds.exactly(
        name,
        "documents announced afterwards, each once",
        (2, True),
        (len(announcements), set(announcements) == expected),
    )
    bounds.exactly(name, "times that the relay ended", 0, supervisor.ends)
    bounds.at_most(name, "peak memory in MB", MOST_MEGABYTES, relay.peak_megabytes)


def _json(content: bytes, headers: dict[str, str] | None = None) -> Callable[[], Reply]:
    return lambda: Reply(200, content, {"Content-Type": "application/json", **(headers or {})})


def _rows(row: bytes, size: int) -> bytes:
    return b'{"ocs":{"data":[' + b",".join([row] * (size // (len(row) + 1))) + b"]}}"


_LARGE = 16 * 1024 * 1024 - 100
ACTIVITIES: dict[str, Callable[[], Reply]] = {
    "activity: 16 MB of empty rows": _json(_rows(b"{}", _LARGE)),
    "activity: 16 MB of empty lists": _json(_rows(b"[]", _LARGE)),
    "activity: 16 MB nested": _json(b"[" * _LARGE),
    "activity: a number of 5,000 digits": _json(_rows(b'{"activity_id":' + b"9" * 5000 + b"}", 6000)),
    "activity: 16 MB of objects in one row": _json(
        b'{"ocs":{"data":[{"activity_id":99999,"type":"file_created","datetime":"2026-01-05T10:00:00+00:00",'
        b'"objects":{' + b",".join(b'"%d":"/a"' % number for number in range(900_000)) + b"}}]}}",
        {"X-Activity-Last-Given": "99999"},
    ),
    "activity: halves of characters": _json(
        b'{"ocs":{"data":[{"activity_id":99999,"type":"file_created","datetime":"2026-01-05T10:00:00+00:00",'
        b'"user":"\\ud800","objects":{"12":"/Documents_RH/\\udfff"},'
        b'"subject_rich":["{user}",{"user":{"id":"\\ud800","name":"\\ud800"}}]}]}}',
        {"X-Activity-Last-Given": "99999"},
    ),
    "activity: without end": lambda: Reply(
        raw=b'HTTP/1.1 200 OK\r\n\r\n{"ocs":', pieces=itertools.repeat(b" " * _PIECE)
    ),
    "activity: 1 GB in a gzip of 1 MB": lambda: Reply(
        200, gzip.compress(b" " * 1_000_000_000, 1), {"Content-Encoding": "gzip"}
    ),
}
FAST_ACTIVITIES = {"activity: 16 MB of empty rows", "activity: halves of characters"}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[] if name in FAST_ACTIVITIES else pytest.mark.exhaustive)
        for name in ACTIVITIES
    ],
)
def test_answers_of_the_activity(
    relay_for: Callable[[str], Relay], site: Site, front: Front, sink: Sink, bounds: Bounds, name: str
) -> None:
    """What is on the disk is announced whatever Nextcloud says of it, without a name."""
    relay = relay_for("disk")
    number = list(ACTIVITIES).index(name)
    start(relay)
    with Supervisor(relay) as supervisor:
        front.behave = lambda method, path: ACTIVITIES[name]() if "/activity" in path else None
        expected = [f"Contrats/activity-{number}-{turn}.pdf" for turn in range(3)]
        for path in expected:
            upload(site, path.rpartition("/")[2])
            wait_for(partial(is_announced, relay, sink, path), TOLD_SECONDS)
    announcements = announced(relay, sink)
    bounds.exactly(
        name,
        "documents announced, each once, in order",
        (3, True),
        (len(announcements), announcements == expected),
    )
    bounds.exactly(name, "times that the relay ended", 0, supervisor.ends)
    bounds.at_most(name, "peak memory in MB", MOST_MEGABYTES, relay.peak_megabytes)
