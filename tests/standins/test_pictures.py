"""The mission's screenshots, taken from the stand-ins' pages as the acceptance checks take them."""

import os
import struct
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from lab import engine
from lab.progress import LabError
from tasks.site import Site
from tests import tls
from tests.acceptance.people import Chat
from tests.evidence import browser, report, sign_in
from tests.evidence.browser import Browser
from tests.evidence.camera import Camera, cover, seek
from tests.evidence.checklist import ITEMS
from tests.evidence.dossier import Dossier, Picture, Proof
from tests.evidence.failure import Failure
from tests.evidence.journal import Exchange
from tests.evidence.keys import trusted_keys
from tests.evidence.pictures import PICTURES
from tests.evidence.remedies import remedy
from tests.standins import gitlab_site, mattermost_server, nextcloud_site
from tests.unit.site_data import load
from tests.waiting import wait_until

SHOWN = "() => document.body.innerText"
MARK = "essai-0123456789"


@dataclass
class World:
    """The three stand-ins with something on each page, as one site."""

    site: Site
    chat: Chat
    post: str
    hook: str

    def camera(self, dossier: Dossier, seconds: float = 20) -> Camera:
        site = self.site
        return Camera(
            dossier,
            browser.find(),
            None,
            {"mattermost": site.mattermost.url, "gitlab": site.gitlab.url, "nextcloud": site.nextcloud.url},
            {
                "mattermost": lambda: sign_in.mattermost(site, self.chat),
                "gitlab": lambda: sign_in.gitlab(site, None),
                "nextcloud": lambda: sign_in.nextcloud(site, None),
            },
            {
                "team": "taaf",
                "gitlab_webhook": "GitLab",
                "nextcloud_webhook": "Nextcloud",
                "project": site.gitlab.project,
                "project_name": "projet",
                "port": "8090",
                "tree": "Documents_RH",
            },
            seconds,
        )


@pytest.fixture(scope="module", autouse=True)
def chromium() -> None:
    """A browser, installed where that may be done."""
    if browser.find() is None:
        try:
            engine.need(engine.BROWSER)
        except LabError as error:
            pytest.skip(str(error))


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    place = tmp_path_factory.mktemp("pictures")
    (place / "chat").mkdir()
    with (
        mattermost_server.running(place / "chat") as chat,
        gitlab_site.running(place / "forge") as forge,
        nextcloud_site.running() as cloud,
    ):
        channel = mattermost_server.furnished(chat)
        chat.api("POST", "/hooks/incoming", {"channel_id": channel.channel_id, "display_name": "Nextcloud"})
        channel.send({"text": f"une notification {MARK}", "username": "GitLab Bot"})
        settings = {"EnableUserAccessTokens": True, "EnablePostUsernameOverride": True}
        chat.api("PUT", "/config/patch", {"ServiceSettings": settings})

        forge.allow("127.0.0.1")
        project = forge.project(name="projet")
        project.hook("http://127.0.0.1:8090/webhook/gitlab", "merge_requests_events")
        project.commit("feature/x", {"a.txt": "a\n"}, start_branch="main")
        request = {"source_branch": "feature/x", "target_branch": "main", "title": f"Demande {MARK}"}
        project.done("POST", "/merge_requests", **request)

        cloud.reset()
        cloud.dav("PUT", f"Documents_RH/Contrats/{MARK}.pdf", data=b"%PDF").raise_for_status()

        hook = {"description": "", "channel": "x-y", "channel_display_name": "x"}
        values = {
            "host": {"address": "127.0.0.1"},
            "mattermost": {
                "url": chat.url,
                "token": chat.token,
                "team": "taaf",
                "team_display_name": "TAAF",
                "gitlab_webhook": {"display_name": "GitLab", **hook},
                "nextcloud_webhook": {"display_name": "Nextcloud", **hook},
            },
            "gitlab": {
                "url": forge.url,
                "token": gitlab_site.TOKEN,
                "web_password": gitlab_site.PASSWORD,
                "project": project.full_path,
            },
            "nextcloud": {
                "url": cloud.url,
                "tree": "Documents_RH",
                "folders": ["Contrats"],
                "app_password": nextcloud_site.PASSWORD,
            },
            "relays": {},
        }
        site = load(values, {})
        (post,) = chat.posts(channel.channel_id)
        yield World(site, Chat(site, None), post["id"], channel.hook_id)


def test_all_pictures_are_taken_and_fit_into_the_report(world: World, tmp_path: Path) -> None:
    dossier = Dossier()
    with world.camera(dossier) as camera:
        for name in PICTURES:
            camera.take(name, post=world.post, mark=MARK, iid=1, folder="Contrats")
    assert {name: picture.reason for name, picture in dossier.pictures.items() if not picture.png} == {}
    assert list(dossier.pictures) == list(PICTURES)
    for picture in dossier.pictures.values():
        assert picture.webp[:4] == b"RIFF"
        assert picture.png[:8] == b"\x89PNG\r\n\x1a\n"
        assert struct.unpack(">II", picture.png[16:24]) == (1280, 800)
    report.write(dossier, tmp_path)
    assert sorted(path.stem for path in (tmp_path / "screenshots").iterdir()) == sorted(PICTURES)
    assert (tmp_path / "report.html").stat().st_size < 5_000_000


WIDTH = "() => [document.documentElement.scrollWidth, document.documentElement.clientWidth]"


@pytest.mark.parametrize("language", ["fr", "en"])
def test_report_is_read_on_a_phone_without_sideways_scrolling(tmp_path: Path, language: str) -> None:
    """With the longest that a report holds: names, dumps, values without a space, a table, pictures."""
    long = "x" * 600
    dossier = Dossier(language, facts={"host": f"{long[:90]} (198.51.100.7)", "commit": long[:40]})
    for item in ITEMS:
        name = f"test_{item.id}[{long[:120]}]"
        failed = Failure(long, f"{long}\n{long}", remedy("", [item.id], language))
        proof = Proof(
            name, [item.id], long, 0, "failed", 12.5, long, failed, [Exchange(f"$ {long}", long, 12)]
        )
        dossier.proofs[item.id] = proof
    dossier.pictures["14-gitlab-projet-test"] = Picture("14-gitlab-projet-test", "GitLab", reason=long)
    report.write(dossier, tmp_path)
    program = browser.find()
    assert program is not None
    with Browser(program, None, language) as tab:
        tab.resize(390, 844)
        tab.open((tmp_path / "report.html").as_uri())
        assert seek(tab, "section", "14. ", 20)
        tab.evaluate("() => document.querySelectorAll('details').forEach(one => { one.open = true; })")
        wide, sight = tab.evaluate(WIDTH)
        assert wide <= sight == 390


def test_picture_without_its_subject_is_not_taken(world: World) -> None:
    """A page that does not show what the mission wants to see proves nothing."""
    dossier = Dossier()
    with world.camera(dossier, seconds=1) as camera:
        camera.take("17-gitlab-merge-request", iid=1, mark="nobody wrote this")
        camera.take("17-gitlab-merge-request", iid=99, mark=MARK)
    assert not dossier.pictures["17-gitlab-merge-request"].png
    assert "is not to be seen within 1 s" in dossier.pictures["17-gitlab-merge-request"].reason


def test_wrong_password_is_reported_in_place_of_the_picture(world: World) -> None:
    gitlab = world.site.gitlab.model_copy(update={"web_user": "nobody"})
    wrong = World(world.site.model_copy(update={"gitlab": gitlab}), world.chat, world.post, world.hook)
    dossier = Dossier()
    with wrong.camera(dossier) as camera:
        camera.take("14-gitlab-projet-test")
    assert not dossier.pictures["14-gitlab-projet-test"].png
    assert dossier.pictures["14-gitlab-projet-test"].reason.startswith("422 ")


def test_secrets_on_a_page_are_covered(world: World) -> None:
    program = browser.find()
    assert program is not None
    with Browser(program) as tab:
        tab.open(f"{world.site.mattermost.url}/taaf/integrations/incoming_webhooks")
        assert seek(tab, ".backstage-list__item", "GitLab", 20)
        assert f"/hooks/{world.hook}" in tab.evaluate(SHOWN)
        cover(tab, ["Webhooks entrants"])
        shown = tab.evaluate(SHOWN)
        assert world.hook not in shown
        assert f"/hooks/{world.hook[:4]}{'•' * 22}" in shown
        assert "Webhooks entrants" not in shown


def test_page_that_refreshes_itself_does_not_show_a_secret_again() -> None:
    program = browser.find()
    assert program is not None
    with Browser(program) as tab:
        tab.open(
            "data:text/html,<p>-</p><script>setInterval(() => document.body.innerText = 'hunter2', 1)</script>"
        )
        assert seek(tab, "body", "hunter2", 20)
        cover(tab, ["hunter2"])
        assert {tab.evaluate(SHOWN) for _ in range(50)} == {"•••••••"}


@pytest.mark.sampled(3)
@pytest.mark.parametrize("way", tls.TRUSTED)
def test_server_that_the_site_trusts_is_trusted_by_the_browser(
    world: World, tmp_path: Path, way: str
) -> None:
    """By its key; another server of the same site, of whom nobody knows, is not."""
    identity, pem = tls.TRUSTED[way]
    port = urlsplit(world.site.mattermost.url).port or 0
    server = tls.Front(port, identity)
    other = tls.Front(port, tls.make("x", tls.make("y", authority=True), names=[tls.NAME]))
    urls = [f"{front.url}/api/v4/system/ping" for front in (server, other)]
    keys = [*trusted_keys(urls, None, tls.write(tmp_path, pem))]
    program = browser.find()
    assert program is not None
    assert len(keys) == 1
    with Browser(program, keys=keys) as tab:
        tab.open(urls[0])
        assert "OK" in tab.evaluate(SHOWN)
        with pytest.raises(browser.BrowserError, match="ERR_CERT_AUTHORITY_INVALID"):
            tab.open(urls[1])
    server.close()
    other.close()


@pytest.mark.parametrize("fault", tls.FAULTS)
def test_browser_is_shown_no_key_of_a_server_that_is_not_in_order(tmp_path: Path, fault: str) -> None:
    front = tls.Front()
    tls.FAULTS[fault][0](front)
    assert [*trusted_keys([front.url, "http://localhost:9"], None, tls.write(tmp_path))] == []
    front.close()


def test_page_finds_its_local_storage_at_once(world: World) -> None:
    program = browser.find()
    assert program is not None
    stored = "() => localStorage.getItem('seen')"
    with Browser(program) as tab:
        tab.store(world.site.gitlab.url, {"seen": "true"})
        tab.open(f"{world.site.gitlab.url}/users/sign_in")
        assert tab.evaluate(stored) == "true"
        tab.open(f"{world.site.mattermost.url}/taaf/channels/dev-notifications")
        assert tab.evaluate(stored) is None


def test_browser_that_cannot_start_is_reported(tmp_path: Path) -> None:
    broken = tmp_path / "browser"
    broken.write_text("#!/bin/sh\nexit 1\n")
    broken.chmod(0o755)
    with pytest.raises(browser.BrowserError, match="did not start"):
        Browser(str(broken))


def test_closed_browser_leaves_nothing_behind() -> None:
    program = browser.find()
    assert program is not None
    with Browser(program) as tab:
        process, profile = tab._process, Path(tab._profile.name)
        assert profile.is_dir()
    assert process.poll() is not None
    assert not profile.exists()
    wait_until("the end of all its processes", lambda: not alive(process.pid))


def alive(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    return True
