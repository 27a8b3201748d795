"""What the WebDAV side answers, beyond the trail on disk: errors, listings, versions, trash, installation."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.standins.nextcloud_site import ADMIN, TREE, Site, recording, running, start
from tests.standins.test_nextcloud_traces import multipart, read_trace

CONTRATS = "Documents_RH/Contrats"
BULK_TYPE = {"Content-Type": "multipart/related; boundary=boundary_0123456789"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with running() as started:
        yield started


@pytest.fixture
def site(shared: Site) -> Site:
    shared.reset()
    return shared


def prop(site: Site, path: str, name: str) -> str:
    """One property of one file."""
    text = site.dav("PROPFIND", path, headers={"Depth": "0"}).text
    found = re.search(f"<{name}>(.*?)</{name}>", text)
    assert found, text
    return found[1]


def test_installation_has_the_measured_modes(site: Site) -> None:
    modes = {
        path: oct((site.root / path).stat().st_mode & 0o777)
        for path in ("data", f"data/{ADMIN}", f"data/{ADMIN}/files", "config/config.php")
    }
    assert modes == {
        "data": "0o770",
        f"data/{ADMIN}": "0o755",
        f"data/{ADMIN}/files": "0o755",
        "config/config.php": "0o640",
    }


def test_installation_fails_when_the_tree_was_made_before(tmp_path: Path) -> None:
    (tmp_path / "data" / ADMIN / TREE).mkdir(parents=True)
    log = tmp_path / "log"
    assert start(tmp_path, log).wait(20) == 1
    assert "Login is invalid because files already exist for this user" in log.read_text()


def test_without_an_administrator_the_site_says_that_it_is_not_installed(tmp_path: Path) -> None:
    with running(tmp_path, NEXTCLOUD_ADMIN_USER="") as bare:
        status = requests.get(f"{bare.url}/status.php", timeout=20)
        assert (status.status_code, status.json()["installed"]) == (200, False)
        assert bare.dav("PROPFIND", "").status_code == 503


def test_files_and_accounts_survive_a_restart(tmp_path: Path) -> None:
    with running(tmp_path) as first:
        first.reset()
        first.dav("PUT", f"{CONTRATS}/a.pdf", data=b"x").raise_for_status()
        identity = prop(first, f"{CONTRATS}/a.pdf", "oc:fileid")
    with running(tmp_path) as second:
        assert prop(second, f"{CONTRATS}/a.pdf", "oc:fileid") == identity


@pytest.mark.parametrize("credentials", [None, (ADMIN, "wrong"), ("nobody", "x")])
def test_no_access_without_the_password(site: Site, credentials: tuple[str, str] | None) -> None:
    url = f"{site.url}/remote.php/dav/files/{ADMIN}/{CONTRATS}"
    answer = requests.request("PROPFIND", url, auth=credentials, timeout=20)
    assert answer.status_code == 401
    assert answer.headers["WWW-Authenticate"].startswith("Basic ")


def test_home_appears_at_the_first_login_and_is_nobody_elses(site: Site) -> None:
    """With no event in the HR tree, as traced."""
    added = site.occ("user:add", "--password-from-env", "bob", OC_PASS="pour-bob")
    assert (added.returncode, added.stdout) == (0, 'The account "bob" was created successfully\n')
    bob = site.root / "data" / "bob"
    assert list(bob.iterdir()) == []
    with recording(site.tree) as recorder:
        url = f"{site.url}/remote.php/dav/files/bob/"
        login = requests.request("PROPFIND", url, auth=("bob", "pour-bob"), timeout=20)
        trace = read_trace("05a_bob_first_login")
        assert [str(login.status_code)] == [result for _, result in trace.actions]
        assert recorder.read() == trace.events
    assert (bob / "files").is_dir()
    other = requests.get(
        f"{site.url}/remote.php/dav/files/{ADMIN}/Documents_RH", auth=("bob", "pour-bob"), timeout=20
    )
    assert other.status_code == 404


def test_listing_gives_what_a_client_asks_for(site: Site) -> None:
    put = site.dav("PUT", f"{CONTRATS}/été & co.pdf", data=b"12345", headers={"X-OC-Mtime": "1546300800"})
    assert (put.status_code, put.headers["X-OC-MTime"]) == (201, "accepted")
    path = f"{CONTRATS}/été & co.pdf"
    assert prop(site, path, "d:getcontentlength") == "5"
    assert prop(site, path, "d:getlastmodified") == "Tue, 01 Jan 2019 00:00:00 GMT"
    assert prop(site, path, "d:getetag") == put.headers["ETag"].replace('"', "&quot;")
    assert prop(site, path, "oc:id") == put.headers["OC-FileId"]
    folder = site.dav("PROPFIND", CONTRATS)
    assert folder.status_code == 207
    hrefs = re.findall("<d:href>(.*?)</d:href>", folder.text)
    base = f"/remote.php/dav/files/{ADMIN}/{CONTRATS}/"
    assert hrefs == [base, f"{base}%C3%A9t%C3%A9%20%26%20co.pdf"]
    assert site.dav("GET", path).content == b"12345"


def test_ids_stay_and_etags_change_up_to_the_root(site: Site) -> None:
    site.dav("PUT", f"{CONTRATS}/a.pdf", data=b"1").raise_for_status()
    identity = prop(site, f"{CONTRATS}/a.pdf", "oc:fileid")
    folders = ("", "Documents_RH", CONTRATS, f"{CONTRATS}/a.pdf")
    before = [prop(site, path, "d:getetag") for path in folders]
    assert site.dav("PUT", f"{CONTRATS}/a.pdf", data=b"1").status_code == 204
    after = [prop(site, path, "d:getetag") for path in folders]
    assert all(old != new for old, new in zip(before, after, strict=True))
    site.dav("MOVE", f"{CONTRATS}/a.pdf", headers=site.destination("Documents_RH/Conges/b.pdf"))
    assert prop(site, "Documents_RH/Conges/b.pdf", "oc:fileid") == identity


def test_old_content_becomes_a_version(site: Site) -> None:
    headers = {"X-OC-Mtime": "1546300800"}
    site.dav("PUT", f"{CONTRATS}/a.pdf", data=b"old", headers=headers).raise_for_status()
    site.dav("PUT", f"{CONTRATS}/a.pdf", data=b"new").raise_for_status()
    assert (site.home / f"files_versions/{CONTRATS}/a.pdf.v1546300800").read_bytes() == b"old"
    assert (site.tree / "Contrats/a.pdf").read_bytes() == b"new"


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [
        ("PUT", "Documents_RH/Nulle_part/a.pdf", 409),
        ("PUT", CONTRATS, 409),
        ("MKCOL", CONTRATS, 405),
        ("MKCOL", "Documents_RH/Nulle_part/x", 409),
        ("MKCOL", "Documents_RH/x.part", 400),
        ("DELETE", "Documents_RH/none", 404),
        ("DELETE", "", 403),
        ("GET", "Documents_RH/none", 404),
        ("GET", CONTRATS, 405),
        ("PROPFIND", "Documents_RH/none", 404),
        ("MOVE", CONTRATS, 400),
        ("LOCK", CONTRATS, 405),
    ],
)
def test_requests_that_fail(site: Site, method: str, path: str, status: int) -> None:
    with recording(site.home / "files") as recorder:
        answer = site.dav(method, path)
        assert answer.status_code == status
        assert recorder.read() == []
    assert "<s:message>" in answer.text


@pytest.mark.parametrize(
    ("source", "target", "overwrite", "status"),
    [
        ("a.pdf", "b.pdf", "F", 412),
        ("none", "c.pdf", "T", 404),
        ("a.pdf", "a.pdf", "T", 403),
        ("a.pdf", "x.part", "T", 400),
        ("a.pdf", "none/c.pdf", "T", 409),
        ("sub", "sub/below", "T", 409),
    ],
)
@pytest.mark.parametrize("method", ["MOVE", "COPY"])
def test_moves_and_copies_that_fail_change_nothing(
    site: Site, method: str, source: str, target: str, overwrite: str, status: int
) -> None:
    for name in ("a.pdf", "b.pdf"):
        site.dav("PUT", f"{CONTRATS}/{name}", data=name.encode()).raise_for_status()
    site.dav("MKCOL", f"{CONTRATS}/sub").raise_for_status()
    headers = site.destination(f"{CONTRATS}/{target}") | {"Overwrite": overwrite}
    with recording(site.home / "files") as recorder:
        assert site.dav(method, f"{CONTRATS}/{source}", headers=headers).status_code == status
        assert recorder.read() == []


def test_destination_must_be_the_users_own(site: Site) -> None:
    site.dav("PUT", f"{CONTRATS}/a.pdf", data=b"x").raise_for_status()
    for destination in (f"{site.url}/elsewhere", f"{site.url}/remote.php/dav/files/bob/a.pdf"):
        answer = site.dav("MOVE", f"{CONTRATS}/a.pdf", headers={"Destination": destination})
        assert answer.status_code == 502


def test_nonsense_date_is_refused_before_anything_is_written(site: Site) -> None:
    for date in ("hier", "0x10", "86400"):
        answer = site.dav("PUT", f"{CONTRATS}/a.pdf", data=b"x", headers={"X-OC-Mtime": date})
        assert answer.status_code == 400
    assert list((site.tree / "Contrats").iterdir()) == []


def test_trash_lists_where_a_file_was_and_restores_it(site: Site) -> None:
    site.dav("PUT", f"{CONTRATS}/a.pdf", data=b"first", headers={"X-OC-Mtime": "1546300800"})
    site.dav("DELETE", f"{CONTRATS}/a.pdf").raise_for_status()
    site.dav("PUT", f"{CONTRATS}/a.pdf", data=b"second")
    bin_url = f"{site.url}/remote.php/dav/trashbin/{ADMIN}"
    listing = site.http.request("PROPFIND", f"{bin_url}/trash", timeout=20).text
    assert f"<nc:trashbin-original-location>{CONTRATS}/a.pdf</nc:trashbin-original-location>" in listing
    [item] = re.findall(r"/trash/(a\.pdf\.d\d+)</d:href>", listing)
    headers = {"Destination": f"{bin_url}/restore/a.pdf"}
    assert (
        site.http.request("MOVE", f"{bin_url}/trash/{item}", headers=headers, timeout=20).status_code == 201
    )
    restored = site.tree / "Contrats" / "a (restored).pdf"
    assert (restored.read_bytes(), restored.stat().st_mtime) == (b"first", 1546300800)
    assert site.http.request("PROPFIND", f"{bin_url}/trash", timeout=20).text.count("<d:response>") == 1


def test_restored_folder_shows_no_event_for_the_files_in_it(site: Site) -> None:
    """No trace, but measured: one MOVED_TO for the folder, however much is in it."""
    site.dav("MKCOL", "Documents_RH/Conges/Lot").raise_for_status()
    site.dav("PUT", "Documents_RH/Conges/Lot/f.pdf", data=b"x").raise_for_status()
    site.dav("DELETE", "Documents_RH/Conges/Lot").raise_for_status()
    [item] = (site.home / "files_trashbin/files").iterdir()
    bin_url = f"{site.url}/remote.php/dav/trashbin/{ADMIN}"
    with recording(site.tree) as recorder:
        headers = {"Destination": f"{bin_url}/restore/Lot"}
        answer = site.http.request("MOVE", f"{bin_url}/trash/{item.name}", headers=headers, timeout=20)
        assert answer.status_code == 201
        events = recorder.read()
    assert ("Conges/Lot", "MOVED_TO(dir)") in events
    assert {path for path, _ in events} == {"Conges/Lot"}
    assert site.dav("GET", "Documents_RH/Conges/Lot/f.pdf").content == b"x"


def test_file_whose_folder_is_gone_is_restored_to_the_root(site: Site) -> None:
    site.dav("PUT", f"{CONTRATS}/a.pdf", data=b"x").raise_for_status()
    site.dav("DELETE", f"{CONTRATS}/a.pdf").raise_for_status()
    site.dav("DELETE", CONTRATS).raise_for_status()
    bin_url = f"{site.url}/remote.php/dav/trashbin/{ADMIN}"
    [item] = (site.home / "files_trashbin/files").glob("a.pdf.d*")
    headers = {"Destination": f"{bin_url}/restore/a.pdf"}
    site.http.request("MOVE", f"{bin_url}/trash/{item.name}", headers=headers, timeout=20).raise_for_status()
    assert (site.home / "files/a.pdf").read_bytes() == b"x"


def test_chunks_are_joined_in_natural_order(site: Site) -> None:
    transfer = f"{site.url}/remote.php/dav/uploads/{ADMIN}/web-file-upload-1"
    site.http.request("MKCOL", transfer, timeout=20).raise_for_status()
    for number in (10, 2, 1):
        site.http.put(f"{transfer}/{number}", data=b"%d," % number, timeout=20).raise_for_status()
    headers = site.destination(f"{CONTRATS}/a.pdf") | {"OC-Total-Length": "7"}
    assert site.http.request("MOVE", f"{transfer}/.file", headers=headers, timeout=20).status_code == 201
    assert (site.tree / "Contrats/a.pdf").read_bytes() == b"1,2,10,"
    assert list((site.home / "uploads").iterdir()) == []


def test_chunks_that_do_not_add_up_are_refused(site: Site) -> None:
    transfer = f"{site.url}/remote.php/dav/uploads/{ADMIN}/web-file-upload-2"
    site.http.request("MKCOL", transfer, timeout=20).raise_for_status()
    site.http.put(f"{transfer}/1", data=b"123", timeout=20).raise_for_status()
    headers = site.destination(f"{CONTRATS}/a.pdf") | {"OC-Total-Length": "4"}
    answer = site.http.request("MOVE", f"{transfer}/.file", headers=headers, timeout=20)
    assert answer.status_code == 400
    assert "Chunks on server do not sum up to 4 but to 3 bytes" in answer.text
    assert list((site.tree / "Contrats").iterdir()) == []
    site.http.delete(transfer, timeout=20).raise_for_status()


def bulk(site: Site, body: bytes) -> requests.Response:
    return site.http.post(f"{site.url}/remote.php/dav/bulk", data=body, headers=BULK_TYPE, timeout=20)


def test_bulk_answers_for_each_file(site: Site) -> None:
    refused = ["/Nulle_part/a.txt", f"/{CONTRATS}/no.part", f"/{CONTRATS}", f"/{CONTRATS}/../a.txt", "/"]
    body = multipart({f"/{CONTRATS}/ok.txt": b"x"} | dict.fromkeys(refused, b"y"))
    answer = bulk(site, body)
    assert answer.status_code == 200
    results = answer.json()
    assert [path for path, result in results.items() if result["error"]] == refused
    assert results[f"/{CONTRATS}/ok.txt"]["fileid"] == prop(site, f"{CONTRATS}/ok.txt", "oc:id")


def test_bulk_stops_at_the_first_part_that_is_wrong_and_keeps_the_others(site: Site) -> None:
    body = multipart({f"/{CONTRATS}/a.txt": b"content of a", f"/{CONTRATS}/b.txt": b"content of b"})
    answer = bulk(site, body.replace(b"content of b", b"CONTENT OF B"))
    assert answer.status_code == 400
    assert list(answer.json()) == [f"/{CONTRATS}/a.txt"]
    assert [path.name for path in (site.tree / "Contrats").iterdir()] == ["a.txt"]


@pytest.mark.parametrize("body", [b"", b"--boundary_0123456789\r\nX-File-Path: /a", b"no boundary"])
def test_bulk_that_is_no_multipart_is_refused(site: Site, body: bytes) -> None:
    answer = bulk(site, body)
    assert (answer.status_code, answer.text) == (400, "[]")


def test_page_shows_a_folder_to_a_person(site: Site) -> None:
    site.dav("PUT", f"{CONTRATS}/<b>paie #1?.pdf", data=b"x").raise_for_status()
    assert requests.get(f"{site.url}/", allow_redirects=False, timeout=20).status_code == 302
    assert requests.get(f"{site.url}/apps/files/", timeout=20).status_code == 401
    session = site.http.get(f"{site.url}/apps/files/", timeout=20).cookies
    assert requests.get(f"{site.url}/apps/files/", cookies=session, timeout=20).status_code == 200
    forged = dict.fromkeys(session.keys(), "x")
    assert requests.get(f"{site.url}/apps/files/", cookies=forged, timeout=20).status_code == 401
    page = site.http.get(f"{site.url}/apps/files/", params={"dir": f"/{CONTRATS}"}, timeout=20)
    assert page.status_code == 200
    assert "&lt;b&gt;paie #1?.pdf" in page.text
    [href] = re.findall(r'href="(/remote\.php/[^"]+)"', page.text)
    assert site.http.get(site.url + href, timeout=20).content == b"x"
    missing = site.http.get(f"{site.url}/apps/files/", params={"dir": "/Nulle_part"}, timeout=20)
    assert missing.status_code == 404
