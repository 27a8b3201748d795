"""Odd file names are taken or refused, and written to disk, as Nextcloud 32.0.1 did."""

import base64
import http.client
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote
from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.standins.nextcloud_site import ADMIN, PASSWORD, Site, running

FIXTURE = Path(__file__).parents[1] / "fixtures" / "nextcloud-traces" / "09_file_names.summary.json"
ROWS: list[dict[str, Any]] = json.loads(FIXTURE.read_text())
FOLDER = "Documents_RH/Conges"


@pytest.fixture(scope="module")
def site() -> Iterator[Site]:
    with running() as started:
        yield started


def put(site: Site, name: bytes) -> tuple[int, str]:
    """PUT under a name sent byte for byte; status and error message."""
    connection = http.client.HTTPConnection("127.0.0.1", site.port, timeout=20)
    token = base64.b64encode(f"{ADMIN}:{PASSWORD}".encode()).decode()
    path = f"/remote.php/dav/files/{ADMIN}/{FOLDER}/{quote(name, safe='')}"
    connection.request("PUT", path, b"content", {"Authorization": f"Basic {token}"})
    answer = connection.getresponse()
    body = answer.read()
    connection.close()
    if answer.status < 400:
        return answer.status, ""
    message = ElementTree.fromstring(body).findtext("{http://sabredav.org/ns}message")  # noqa: S314
    return answer.status, message or ""


def sent(row: dict[str, Any]) -> bytes:
    return b"\xff\xfe.pdf" if row["case"] == "invalid_utf8" else row["name"].encode()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row["case"])
def test_name(site: Site, row: dict[str, Any]) -> None:
    site.reset()
    status, message = put(site, sent(row))
    assert (status, message) == (row["http"], row["message"])
    assert [path.name for path in (site.home / "files" / FOLDER).iterdir()] == row["on_disk"]


def test_names_refused_and_taken_are_both_recorded() -> None:
    assert {row["http"] for row in ROWS} == {201, 400, 409}


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(name=st.text(min_size=1, max_size=60).filter(lambda name: name.strip(". /") != ""))
def test_any_name_is_taken_or_refused_and_nothing_else(site: Site, name: str) -> None:
    site.dav("MKCOL", "Documents_RH")
    site.dav("MKCOL", FOLDER)
    assert put(site, name.encode())[0] in {201, 204, 400, 409}
    assert not list((site.home / "files" / FOLDER).glob("*.part")), "no temporary file is left"
