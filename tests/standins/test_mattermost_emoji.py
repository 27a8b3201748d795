"""Custom emoji, as seen on a real 5.37 and read in 11.6: made from a picture, borne by posts, deleted."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from tests.picture import png
from tests.standins.mattermost_server import Site, furnished, running

# A real server looks at it.
PNG = png(200)


@pytest.fixture(scope="module", params=["5.37", "11.6"])
def version(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture(scope="module")
def site(version: str, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("mattermost"), "--version", version) as server:
        yield furnished(server)


def make(site: Site, name: str, image: bytes = PNG, **emoji: Any) -> requests.Response:
    """Upload a picture as an emoji."""
    wanted = {"name": name, "creator_id": site.server.api("GET", "/users/me")["id"], **emoji}
    parts = {"emoji": (None, json.dumps(wanted)), "image": ("x.png", image)}
    return site.server.request("POST", "/api/v4/emoji", files=parts)


def found(site: Site, term: str) -> list[str]:
    wanted = {"term": term, "prefix_only": True}
    return [emoji["name"] for emoji in site.server.api("POST", "/emoji/search", wanted)]


def test_an_emoji_is_borne_by_posts_until_it_is_deleted(site: Site, tmp_path: Path) -> None:
    site.server.api("PUT", "/config/patch", {"ServiceSettings": {"EnablePostIconOverride": True}})
    made = make(site, "our-fox")
    assert made.status_code == 200
    id = made.json()["id"]
    assert site.server.request("GET", f"/api/v4/emoji/{id}/image").content == PNG
    site.send({"text": "x", "icon_emoji": ":our-fox:"})

    def icon() -> str | None:
        post = site.server.posts(site.channel_id)[-1]
        url: str | None = post["props"].get("override_icon_url")
        return url

    assert icon() == f"/api/v4/emoji/{id}/image"
    page = site.server.http.get(f"{site.server.url}/taaf/channels/dev-notifications").text
    assert '<img class="avatar" src="data:image/png;base64,iVBORw0KGgo' in page
    assert found(site, "our-") == ["our-fox"]
    assert found(site, "fox") == found(site, "our_") == found(site, "our%") == []
    assert site.server.request("DELETE", f"/api/v4/emoji/{id}").ok
    assert site.server.request("DELETE", f"/api/v4/emoji/{id}").status_code == 404
    assert icon() is None
    assert found(site, "our-") == []
    assert make(site, "our-fox").ok


@pytest.mark.parametrize(
    ("name", "options", "status", "id"),
    [
        ("a b", {}, 400, "model.emoji.name.app_error"),
        ("x" * 65, {}, 400, "model.emoji.name.app_error"),
        ("rocket", {}, 400, "model.emoji.system_emoji_name.app_error"),
        ("other", {"creator_id": "x" * 26}, 403, "api.emoji.create.other_user.app_error"),
        ("text", {"image": b"<svg/>"}, 400, "api.emoji.upload.image.app_error"),
        ("large", {"image": PNG + b"x" * 1024 * 1024}, 413, "api.emoji.create.too_large.app_error"),
        ("twice", {}, 400, "api.emoji.create.duplicate.app_error"),
    ],
)
def test_what_is_no_emoji_is_refused(
    site: Site, version: str, name: str, options: dict[str, Any], status: int, id: str
) -> None:
    if version == "5.37":
        id = id.replace("system_emoji_name", "name")
    if name == "twice":
        make(site, name)
    answer = make(site, name, **options)
    assert (answer.status_code, answer.json()["id"]) == (status, id)


def test_5_37_takes_larger_ones(site: Site, version: str) -> None:
    """What is behind a picture is no matter."""
    answer = make(site, "half", PNG + b"x" * 512 * 1024)
    assert answer.status_code == (200 if version == "5.37" else 413)


def test_all_of_them_can_be_switched_off(site: Site) -> None:
    switch = {"ServiceSettings": {"EnableCustomEmoji": False}}
    site.server.api("PUT", "/config/patch", switch)
    wanted = {"term": "our-", "prefix_only": True}
    answers = [make(site, "off"), site.server.request("POST", "/api/v4/emoji/search", wanted)]
    assert [answer.status_code for answer in answers] == [501, 501]
    switch["ServiceSettings"]["EnableCustomEmoji"] = True
    site.server.api("PUT", "/config/patch", switch)
