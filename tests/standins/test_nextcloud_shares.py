"""Shares and file drops leave on disk what Nextcloud 32.0.1 left, and the activity app says who did it."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
import requests

from tests.standins.nextcloud_site import ADMIN, Site, recording, running
from tests.standins.test_nextcloud_traces import CONTENT, in_tree, multipart, read_trace

BOB = ("bob", "pour-bob")
DROP = {"X-Requested-With": "XMLHttpRequest"}


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with running() as started:
        started.reset()
        started.occ("user:add", "--password-from-env", "--display-name=Bob Martin", "bob", OC_PASS=BOB[1])
        started.share("Documents_RH", "bob")
        yield started


@pytest.fixture
def site(shared: Site) -> Site:
    """With the tree as it was when it was shared, and nothing in it."""
    for folder in ("Documents_RH/Contrats", "Documents_RH/Conges"):
        for name in names_in(shared, folder):
            shared.dav("DELETE", f"{folder}/{name}").raise_for_status()
    return shared


def names_in(site: Site, folder: str) -> list[str]:
    return [path.name for path in (site.home / "files" / folder).iterdir()]


def bob(site: Site, method: str, path: str, **options: Any) -> requests.Response:
    """A request of bob's on his files."""
    return requests.request(method, dav_of_bob(site, path), auth=BOB, timeout=20, **options)


def dav_of_bob(site: Site, path: str) -> str:
    return f"{site.url}/remote.php/dav/files/bob/{quote(path)}"


def drop(site: Site, token: str, name: str, **headers: str) -> requests.Response:
    """What a stranger does with a link."""
    address = f"{site.url}/public.php/dav/files/{token}/{quote(name)}"
    return requests.put(address, data=CONTENT, headers=DROP | headers, timeout=20)


def newest(site: Site, auth: tuple[str, str] | None = None, **query: Any) -> list[dict[str, Any]]:
    """Rows of the activity of an account, the newest first."""
    answer = site.activity(auth, **query)
    rows: list[dict[str, Any]] = answer.json()["ocs"]["data"] if answer.status_code == 200 else []
    return rows


def last_id(site: Site) -> int:
    # Of merged rows the one that comes last gives the number, and here that is the oldest.
    return int(newest(site, limit=1)[0]["activity_id"])


def test_what_bob_does_in_a_share_is_in_the_tree_as_recorded(site: Site) -> None:
    with recording(site.home / "files") as recorder:

        def leaves(case: str) -> bool:
            found = in_tree(recorder.read())
            recorder.events.clear()
            return found == read_trace(case).events

        assert bob(site, "PUT", "Documents_RH/Conges/bob.pdf", data=CONTENT).status_code == 201
        assert leaves("05f_bob_put_in_share")
        uploads = f"{site.url}/remote.php/dav/uploads/bob/web-file-upload-bob"
        requests.request("MKCOL", uploads, auth=BOB, timeout=20).raise_for_status()
        requests.put(f"{uploads}/1", data=CONTENT, auth=BOB, timeout=20).raise_for_status()
        headers = {"Destination": dav_of_bob(site, "Documents_RH/Conges/bobbig.pdf")}
        moved = requests.request("MOVE", f"{uploads}/.file", auth=BOB, headers=headers, timeout=20)
        assert moved.status_code == 201
        assert leaves("05g_bob_chunked_in_share")
        bob(site, "PUT", "own.pdf", data=CONTENT).raise_for_status()
        headers = {"Destination": dav_of_bob(site, "Documents_RH/Conges/own.pdf")}
        assert bob(site, "MOVE", "own.pdf", headers=headers).status_code == 201
        assert leaves("05h_bob_move_own_file_into_share")
        assert bob(site, "DELETE", "Documents_RH/Conges/bob.pdf").status_code == 204
        assert leaves("05k_bob_delete_in_share")
        headers = {"Destination": dav_of_bob(site, "own-back.pdf")}
        assert bob(site, "MOVE", "Documents_RH/Conges/own.pdf", headers=headers).status_code == 201
        assert leaves("05l_bob_move_out_of_share")


def test_bob_sees_the_share_in_his_files(site: Site) -> None:
    bob(site, "PUT", "Documents_RH/Conges/bob.pdf", data=CONTENT).raise_for_status()
    assert "/remote.php/dav/files/bob/Documents_RH/" in bob(site, "PROPFIND", "").text
    listing = bob(site, "PROPFIND", "Documents_RH/Conges").text
    assert "/remote.php/dav/files/bob/Documents_RH/Conges/bob.pdf<" in listing
    assert bob(site, "GET", "Documents_RH/Conges/bob.pdf").content == CONTENT


def test_a_file_drop_is_in_the_tree_as_recorded(site: Site) -> None:
    token = site.share("Documents_RH/Contrats")
    for case, expected in (("05b_filedrop_public_dav", 1), ("05c_filedrop_same_name", 2)):
        with recording(site.home / "files") as recorder:
            assert drop(site, token, "depot1.pdf", **{"X-OC-Mtime": "1546300800"}).status_code == 201
            events = [event for event in in_tree(recorder.read()) if event[1] != "ATTRIB"]
        assert events == [event for event in read_trace(case).events if event[1] != "ATTRIB"]
        assert len(names_in(site, "Documents_RH/Contrats")) == expected
    assert drop(site, token, "below/depot2.pdf").status_code == 400
    assert drop(site, "no-such-token", "depot2.pdf").status_code == 404
    reading = requests.get(f"{site.url}/public.php/dav/files/{token}/depot1.pdf", timeout=20)
    assert reading.status_code == 405


def test_an_upload_is_reported_when_its_answer_is_there_with_the_path_in_the_readers_files(
    site: Site,
) -> None:
    bob(site, "PUT", "Documents_RH/Conges/bob.pdf", data=CONTENT).raise_for_status()
    (row,) = newest(site, limit=1)
    assert (row["type"], row["user"], row["object_name"]) == (
        "file_created",
        "bob",
        "/Documents_RH/Conges/bob.pdf",
    )
    assert row["objects"] == {str(row["object_id"]): "/Documents_RH/Conges/bob.pdf"}
    assert row["subject_rich"][1]["user"]["name"] == "Bob Martin"
    (own,) = newest(site, BOB, limit=1)
    assert (own["user"], "user" in own["subject_rich"][1]) == ("bob", False)


def test_neighbouring_rows_of_one_actor_are_merged(site: Site) -> None:
    since = last_id(site)
    files = {f"/Documents_RH/Conges/{number}.txt": b"x" for number in range(7)}
    address = f"{site.url}/remote.php/dav/bulk"
    headers = {"Content-Type": "multipart/related; boundary=boundary_0123456789"}
    requests.post(address, data=multipart(files), headers=headers, auth=BOB, timeout=20).raise_for_status()
    site.dav("PUT", "Documents_RH/Conges/own.txt", data=b"x").raise_for_status()
    rows = newest(site, since=since, sort="asc")
    assert [(row["user"], len(row["objects"])) for row in rows] == [("bob", 5), ("bob", 2), (ADMIN, 1)]
    assert {path for row in rows[:2] for path in row["objects"].values()} == set(files)


def test_who_has_no_account_has_no_user(site: Site) -> None:
    since = last_id(site)
    token = site.share("Documents_RH/Contrats")
    drop(site, token, "anonymous.pdf").raise_for_status()
    drop(site, token, "cv.pdf", **{"X-NC-Nickname": quote("Jean Dupont")}).raise_for_status()
    assert names_in(site, "Documents_RH/Contrats/Jean Dupont") == ["cv.pdf"]
    rows = {row["object_name"].rpartition("/")[2]: row for row in newest(site, since=since, sort="asc")}
    assert {row["user"] for row in rows.values()} == {""}
    assert rows["anonymous.pdf"]["type"] == "public_links_upload"
    assert "user" not in rows["anonymous.pdf"]["subject_rich"][1]
    assert rows["cv.pdf"]["subject_rich"][1]["user"]["name"] == "Jean%20Dupont (remote user)"


def test_occ_is_described_in_all_only_and_a_scan_not_at_all(site: Site, tmp_path: Path) -> None:
    since = last_id(site)
    (tmp_path / "put.pdf").write_bytes(CONTENT)
    site.occ("files:put", str(tmp_path / "put.pdf"), f"{ADMIN}/files/Documents_RH/Contrats/put.pdf")
    (site.tree / "Contrats" / "hand.pdf").write_bytes(CONTENT)
    site.occ("files:scan", f"--path={ADMIN}/files/Documents_RH")
    (row,) = newest(site, since=since, sort="asc")
    assert (row["type"], row["user"]) == ("public_links_upload", "")
    assert row["object_name"] == "/Documents_RH/Contrats/put.pdf"
    assert site.activity(filter="files", since=since, sort="asc").status_code == 304


def test_what_moves_in_was_changed(site: Site) -> None:
    bob(site, "PUT", "own.pdf", data=CONTENT).raise_for_status()
    headers = {"Destination": dav_of_bob(site, "Documents_RH/Conges/own.pdf")}
    bob(site, "MOVE", "own.pdf", headers=headers).raise_for_status()
    (row,) = newest(site, limit=1)
    assert (row["type"], row["object_name"]) == ("file_changed", "/Documents_RH/Conges/own.pdf")
    assert row["icon"].endswith("/add-color.svg")


def test_where_a_reader_stands(site: Site) -> None:
    site.dav("PUT", "Documents_RH/Conges/a.pdf", data=b"1").raise_for_status()
    newest_id = last_id(site)
    (others,) = newest(site, BOB, limit=1)
    assert site.activity(since=newest_id, sort="asc").status_code == 304
    assert site.activity(since=others["activity_id"], sort="asc").status_code == 403
    beginning = newest(site, since=newest_id + 1000, sort="asc", limit=1)
    assert beginning[0]["activity_id"] == min(row["activity_id"] for row in newest(site, sort="asc", limit=1))


def test_pages_go_on_where_the_last_one_ended(site: Site) -> None:
    for number in range(6):
        site.dav("PUT", f"Documents_RH/Conges/{number}.pdf", data=b"1").raise_for_status()
    seen: list[str] = []
    since = 0
    for _ in range(3):
        page = site.activity(limit=2, since=since)
        since = int(page.headers["X-Activity-Last-Given"])
        seen += sorted(name for row in page.json()["ocs"]["data"] for name in row["objects"].values())
    assert sorted(seen) == [f"/Documents_RH/Conges/{number}.pdf" for number in range(6)]


def test_an_app_password_is_a_password_and_the_header_of_apis_is_needed(site: Site) -> None:
    made = site.occ("user:auth-tokens:add", ADMIN)
    password = made.stdout.splitlines()[-1]
    assert len(password) == 72
    assert site.activity((ADMIN, password), limit=1).status_code == 200
    assert site.activity((ADMIN, "wrong")).status_code == 401
    address = f"{site.url}/ocs/v2.php/cloud/user"
    assert site.http.get(address, timeout=20).status_code == 412
    headers = {"OCS-APIRequest": "true"}
    assert site.http.get(address, headers=headers, timeout=20).text.startswith("<?xml")
    user = site.http.get(address, params={"format": "json"}, headers=headers, timeout=20).json()
    assert user["ocs"]["data"]["id"] == ADMIN
