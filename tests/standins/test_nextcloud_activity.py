"""The activity app of the stand-in says what that of Nextcloud 32.0.1 said, and WebDAV shows what goes with it."""

import json
import os
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.standins.nextcloud_scenario import CONGES, SCENES, Cloud, reported
from tests.standins.nextcloud_site import ADMIN, PASSWORD, Site, running

RECORDED: dict[str, list[dict[str, Any]]] = json.loads(
    (Path(__file__).parents[1] / "fixtures" / "nextcloud-activity" / "rows.json").read_text(encoding="utf-8")
)
PEOPLE = {"bob": "Bob Martin", "carol": "Carole Émery"}


@pytest.fixture(scope="module")
def shared() -> Iterator[tuple[Site, Cloud]]:
    with running() as site:
        site.reset()
        for uid, name in PEOPLE.items():
            site.occ(
                "user:add", "--password-from-env", f"--display-name={name}", uid, OC_PASS=f"lab-only-{uid}"
            )
            site.share("Documents_RH", uid)
        yield site, Cloud(site.url, {ADMIN: PASSWORD, **{uid: f"lab-only-{uid}" for uid in PEOPLE}})


@pytest.fixture
def site(shared: tuple[Site, Cloud]) -> Site:
    """With the tree as it was when it was shared, and nothing in it."""
    site, _ = shared
    for folder in ("Documents_RH/Contrats", "Documents_RH/Conges", "Perso"):
        for path in (site.home / "files" / folder).iterdir():
            site.dav("DELETE", f"{folder}/{path.name}").raise_for_status()
    return site


@pytest.fixture
def cloud(site: Site, shared: tuple[Site, Cloud]) -> Cloud:
    return shared[1]


def shown(site: Site, path: str) -> dict[str, str]:
    """What WebDAV shows of a file."""
    text = site.dav("PROPFIND", path, headers={"Depth": "0"}).text
    return dict(re.findall(r"<(?:d|oc|nc):([\w-]+)>([^<]*)</", text))


def versions(cloud: Cloud, path: str) -> dict[int, str]:
    """The authors of the versions of a file, by their dates; empty where there is none."""
    number = cloud.number(ADMIN, path)
    text = cloud.ask(ADMIN, "PROPFIND", f"/remote.php/dav/versions/{ADMIN}/versions/{number}").text
    found = re.findall(rf"/versions/{number}/(\d+)</d:href>(.*?)</d:response>", text)
    return {
        int(date): "".join(re.findall("version-author>([^<]*)<", properties)) for date, properties in found
    }


def test_every_scene_was_recorded() -> None:
    assert SCENES.keys() == RECORDED.keys()


@pytest.mark.parametrize("scene", SCENES)
def test_what_is_announced(cloud: Cloud, scene: str) -> None:
    since = cloud.newest()
    for step in SCENES[scene]:
        step(cloud)
    rows, _ = cloud.rows(since)
    assert reported(rows) == RECORDED[scene]


def test_when_a_file_was_uploaded(site: Site, cloud: Cloud, tmp_path: Path) -> None:
    """Measured: not where it came in bulk, by occ or by hand; a copy has the date and the etag of what was copied."""
    cloud.upload("bob", f"{CONGES}/a.pdf", mtime=1500000000)
    cloud.dav("carol", "COPY", f"{CONGES}/a.pdf", to=f"{CONGES}/copy.pdf")
    cloud.upload_in_bulk("bob", [f"{CONGES}/bulk.pdf"])
    (site.tree / "Conges" / "hand.pdf").write_bytes(b"content")
    (tmp_path / "put.pdf").write_bytes(b"content")
    site.occ("files:put", str(tmp_path / "put.pdf"), f"{ADMIN}/files/{CONGES}/put.pdf")
    site.occ("files:scan", f"--path={ADMIN}/files/Documents_RH")
    uploaded, copied = shown(site, f"{CONGES}/a.pdf"), shown(site, f"{CONGES}/copy.pdf")
    assert int(uploaded["upload_time"]) > 1_700_000_000
    assert "14 Jul 2017" in uploaded["getlastmodified"]
    for name in ("upload_time", "getetag", "getlastmodified"):
        assert copied[name] == uploaded[name]
    assert copied["fileid"] != uploaded["fileid"]
    for name in ("bulk", "hand", "put"):
        assert shown(site, f"{CONGES}/{name}.pdf")["upload_time"] == "0"


def test_what_a_scan_changes(site: Site, cloud: Cloud) -> None:
    """Measured: where the disk has another date, etag and date, whatever the content is; of a copy nothing."""
    cloud.upload("bob", f"{CONGES}/a.pdf", mtime=1500000000)
    cloud.dav("carol", "COPY", f"{CONGES}/a.pdf", to=f"{CONGES}/copy.pdf")
    before = {name: shown(site, f"{CONGES}/{name}.pdf") for name in ("a", "copy")}
    os.utime(site.tree / "Conges" / "a.pdf")
    site.occ("files:scan", f"--path={ADMIN}/files/Documents_RH")
    after = {name: shown(site, f"{CONGES}/{name}.pdf") for name in ("a", "copy")}
    assert after["copy"] == before["copy"]
    differing = {name for name, value in after["a"].items() if before["a"][name] != value}
    assert differing == {"getetag", "getlastmodified"}


def test_who_wrote_which_version(site: Site, cloud: Cloud) -> None:
    """Measured: accounts are authors, strangers and hands are not; a version that is restored keeps its own."""
    path = f"{CONGES}/v.pdf"
    cloud.upload("bob", path, "1", mtime=1500000001)
    cloud.upload("carol", path, "22", mtime=1500000002)
    cloud.restore_version("carol", path)
    assert versions(cloud, path) == {1500000001: "bob", 1500000002: "carol"}
    assert "02:40:01" in shown(site, path)["getlastmodified"]
    cloud.drop("Conges", "v.pdf", "Zo%C3%A9", "333")
    (stranger,) = versions(cloud, path).keys() - {1500000001, 1500000002}
    assert versions(cloud, path)[stranger] == ""
    document = site.tree / "Conges" / "v.pdf"
    document.write_bytes(b"by hand")
    os.utime(document, (1500000003, 1500000003))
    site.occ("files:scan", f"--path={ADMIN}/files/Documents_RH")
    assert versions(cloud, path)[1500000003] == ""


def test_where_a_reader_stands(site: Site, cloud: Cloud) -> None:
    """A row to go on after that is not there any more is reported by a header, as is a first reading."""
    cloud.upload("bob", f"{CONGES}/a.pdf")
    newest = cloud.newest()
    known = site.activity(since=newest - 1, sort="asc").headers
    assert site.activity(since=newest + 1000, sort="asc").headers["X-Activity-First-Known"]
    assert site.activity(since=0, sort="asc").headers["X-Activity-First-Known"]
    assert "X-Activity-First-Known" not in known
    assert "Link" in site.activity(since=0, sort="asc", limit=1).headers
    assert "Link" not in site.activity(since=0, sort="asc", limit=200).headers


def test_a_name_that_is_changed_shows_at_once(site: Site, cloud: Cloud) -> None:
    cloud.upload("carol", f"{CONGES}/a.pdf")
    for name in ("Carole Durand", PEOPLE["carol"]):
        form = {"key": "displayname", "value": name}
        cloud.ask(ADMIN, "PUT", "/ocs/v2.php/cloud/users/carol?format=json", data=form)
        rows, _ = cloud.rows(cloud.newest() - 3)
        assert rows[-1]["subject_rich"][1]["user"]["name"] == name
