"""Uploads that break off or take their time, as traced on Nextcloud 32.0.1."""

import base64
import socket
import struct
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import pytest

from tests.standins.nextcloud_site import (
    ADMIN,
    PASSWORD,
    Recorder,
    Site,
    kill,
    of_path,
    recording,
    running,
)
from tests.standins.test_nextcloud_traces import read_trace
from tests.waiting import wait_until

MIB = 1 << 20


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running() as started:
        yield started


@pytest.fixture
def contrats(site: Site) -> Path:
    site.reset()
    return site.tree / "Contrats"


class SlowPut:
    """A PUT of `total` bytes over a bare socket, sent piece by piece."""

    def __init__(self, site: Site, path: str, total: int) -> None:
        token = base64.b64encode(f"{ADMIN}:{PASSWORD}".encode()).decode()
        self._socket = socket.create_connection(("127.0.0.1", site.port), timeout=20)
        self._socket.sendall(
            f"PUT /remote.php/dav/{quote(path)} HTTP/1.1\r\nHost: localhost\r\n"
            f"Authorization: Basic {token}\r\nContent-Length: {total}\r\n\r\n".encode()
        )

    def send(self, count: int) -> None:
        self._socket.sendall(b"x" * count)

    def status(self) -> int:
        return int(self._socket.recv(4096).split(b" ", 2)[1])

    def reset(self) -> None:
        """Drop the connection as a client that dies does: RST."""
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self._socket.close()


def part(folder: Path) -> Path | None:
    return next(folder.glob("*.part"), None)


def wait_for_part(folder: Path, size: int) -> Path:
    def arrived() -> bool:
        found = part(folder)
        return found is not None and found.stat().st_size == size

    wait_until(f"{size} bytes in a part file", arrived)
    found = part(folder)
    assert found
    return found


def expected(case: str) -> list[str]:
    """Kinds of the events that the trace has for the part file."""
    return of_path(read_trace(case).events, "Documents_RH/Contrats/*.part")


def test_client_that_drops_a_new_file_leaves_nothing(site: Site, contrats: Path) -> None:
    with recording(contrats) as recorder:
        upload = SlowPut(site, f"files/{ADMIN}/Documents_RH/Contrats/interrupted.pdf", 20 * MIB)
        upload.send(MIB)
        wait_for_part(contrats, MIB)
        upload.reset()
        wait_until("the part file to go", lambda: "DELETE" in kinds(recorder))
        assert kinds(recorder) == expected("08a_put_interrupted_new")
    assert list(contrats.iterdir()) == []
    assert site.dav("PROPFIND", "Documents_RH/Contrats/interrupted.pdf").status_code == 404


def test_client_that_drops_an_overwrite_leaves_the_file_truncated(site: Site, contrats: Path) -> None:
    """No trace, but measured: on disk this cannot be distinguished from a finished overwrite."""
    target = contrats / "contrat.pdf"
    site.dav("PUT", "Documents_RH/Contrats/contrat.pdf", data=b"y" * 3 * MIB).raise_for_status()
    with recording(contrats) as recorder:
        upload = SlowPut(site, f"files/{ADMIN}/Documents_RH/Contrats/contrat.pdf", 20 * MIB)
        upload.send(MIB)
        wait_until("the first MiB", lambda: target.read_bytes()[:1] == b"x" and target.stat().st_size == MIB)
        upload.reset()
        wait_until("the file to be closed", lambda: "CLOSE_WRITE" in of_path(recorder.read(), "contrat.pdf"))
        assert of_path(recorder.read(), "contrat.pdf") == ["MODIFY", "CLOSE_WRITE"]
    assert target.read_bytes() == b"x" * MIB
    [version] = (site.home / "files_versions/Documents_RH/Contrats").iterdir()
    assert version.read_bytes() == b"y" * 3 * MIB


def test_slow_upload_is_visible_as_a_part_file_until_it_is_whole(site: Site, contrats: Path) -> None:
    with recording(contrats) as recorder:
        upload = SlowPut(site, f"files/{ADMIN}/Documents_RH/Contrats/slow.pdf", 4000)
        for size in (1000, 2000, 3000):
            upload.send(1000)
            wait_for_part(contrats, size)
            assert not (contrats / "slow.pdf").exists()
        upload.send(1000)
        assert upload.status() == 201
        assert kinds(recorder) == expected("08e_slow_put_visible")
        assert of_path(recorder.read(), "slow.pdf") == ["MOVED_TO"]
    upload.reset()


def test_abandoned_chunked_upload_stays_in_the_uploads_folder(site: Site, contrats: Path) -> None:
    transfer = f"{site.url}/remote.php/dav/uploads/{ADMIN}/web-file-upload-dead"
    with recording(site.tree) as recorder:
        assert site.http.request("MKCOL", transfer, timeout=20).status_code == 201
        assert site.http.put(f"{transfer}/1", data=b"z" * MIB, timeout=20).status_code == 201
        upload = SlowPut(site, f"uploads/{ADMIN}/web-file-upload-dead/2", MIB)
        upload.send(1000)
        folder = site.home / "uploads" / "web-file-upload-dead"
        wait_for_part(folder, 1000)
        upload.reset()
        wait_until("the cut chunk to go", lambda: part(folder) is None)
        assert recorder.read() == read_trace("08d_chunked_never_finished").events == []
    assert {path.name: path.stat().st_size for path in folder.iterdir()} == {"1": MIB}


def test_killed_server_leaves_the_part_file_for_ever() -> None:
    with running() as doomed:
        doomed.reset()
        contrats = doomed.tree / "Contrats"
        with recording(contrats) as recorder:
            upload = SlowPut(doomed, f"files/{ADMIN}/Documents_RH/Contrats/killed.pdf", 20 * MIB)
            upload.send(MIB)
            left = wait_for_part(contrats, MIB)
            kill(doomed)
            wait_until("the kernel to close the file", lambda: "CLOSE_WRITE" in kinds(recorder))
            assert kinds(recorder) == expected("08c_server_killed_mid_put")
        upload.reset()
        with running(doomed.root) as restarted:
            assert left.exists()
            scan = restarted.occ("files:scan", "-v", f"--path={ADMIN}/files/Documents_RH/Contrats")
            assert ".part" not in scan.stdout
            assert restarted.dav("PROPFIND", "Documents_RH/Contrats").text.count("<d:response>") == 1


def kinds(recorder: Recorder) -> list[str]:
    return of_path(recorder.read(), "*.part")
