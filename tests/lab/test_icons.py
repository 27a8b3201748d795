"""Icons of a site's own: emoji that the deploy makes and takes away, addresses, and messages that show them."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks import icons
from tasks.site import Site
from tests.acceptance.people import Chat, Forge, marker
from tests.lab.runs import deploy, dry, pyinfra
from tests.lab.test_drift_report import drift
from tests.picture import png
from tests.waiting import wait_until

ADDRESS = "http://git.taaf.internal/assets/logo.png"


@pytest.fixture
def as_it_was(chat: Chat, site: Site) -> Iterator[None]:
    """The site's own settings are back at the end, and nothing of the icons is left."""
    yield
    deploy()
    assert emoji(chat, site) == []


def emoji(chat: Chat, site: Site) -> list[str]:
    """The names of the emoji of the GitLab webhook."""
    term = icons.prefix(site.mattermost.team, site.mattermost.gitlab_webhook.display_name)
    found = chat.api("POST", "/emoji/search", {"term": term, "prefix_only": True})
    return [each["name"] for each in found]


def icon(chat: Chat, forge: Forge) -> dict[str, Any]:
    """What the message about a new issue says of its icon."""
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": mark})
    (post,) = wait_until("the message", lambda: chat.about("dev-notifications", mark))
    chat.delete(post)
    return {key: value for key, value in post["props"].items() if key.startswith("override_icon")}


def settings(value: object) -> dict[str, str]:
    return {"mattermost__gitlab_webhook__icon": str(value)}


@pytest.mark.exhaustive
def test_an_image_is_an_emoji_as_long_as_it_is_in_the_settings(
    as_it_was: None, chat: Chat, forge: Forge, site: Site, tmp_path: Path
) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(png(200))
    wanted = settings(logo)
    assert "+ custom emoji passerelle-" in dry(**wanted).output
    assert emoji(chat, site) == []
    deploy(**wanted)
    (first,) = emoji(chat, site)
    assert deploy(**wanted).changed == 0
    shown = icon(chat, forge)
    assert shown["override_icon_emoji"] == f":{first}:"
    assert shown["override_icon_url"].endswith("/image")

    # Deleted by hand it is made again, and so is what switches all of them off.
    (found,) = chat.api("POST", "/emoji/search", {"term": first, "prefix_only": True})
    chat.api("DELETE", f"/emoji/{found['id']}")
    chat.api("PUT", "/config/patch", {"ServiceSettings": {"EnableCustomEmoji": False}})
    code, printed, _ = drift(**wanted)
    assert code == 2
    assert f"custom emoji {first}" in printed
    assert "ServiceSettings.EnableCustomEmoji" in printed
    deploy(**wanted)
    assert emoji(chat, site) == [first]

    # Another image is another emoji; the former one is gone once nothing shows it.
    logo.write_bytes(png(100))
    assert f"- custom emoji {first}" in dry(**wanted).output
    deploy(**wanted)
    (second,) = emoji(chat, site)
    assert second != first
    assert icon(chat, forge)["override_icon_emoji"] == f":{second}:"
    assert deploy(**wanted).changed == 0

    # Out of the settings, out of the site.
    deploy()
    assert emoji(chat, site) == []
    assert icon(chat, forge)["override_icon_emoji"] == ":fox_face:"
    assert deploy().changed == 0


@pytest.mark.exhaustive
def test_an_address_is_shown_as_it_is(as_it_was: None, chat: Chat, forge: Forge, site: Site) -> None:
    deploy(**settings(ADDRESS))
    assert icon(chat, forge) == {"override_icon_url": ADDRESS}
    assert emoji(chat, site) == []
    assert deploy(**settings(ADDRESS)).changed == 0


def test_an_image_that_cannot_be_used_is_named_before_anything_is_touched(tmp_path: Path) -> None:
    run = pyinfra("-y", **settings(tmp_path / "nowhere.png"))
    assert run.code != 0
    assert "mattermost.gitlab_webhook.icon" in run.output
    assert "Traceback" not in run.output
    assert run.changed == 0


@pytest.mark.exhaustive
def test_teardown_takes_it_away(
    as_it_was: None, chat: Chat, site: Site, tmp_path: Path, machine: Callable[[str], str]
) -> None:
    logo = tmp_path / "logo.png"
    logo.write_bytes(png(50))
    deploy(**settings(logo))
    (name,) = emoji(chat, site)
    run = pyinfra("-y", deploy="teardown.py")
    assert run.code == 0, run.output
    assert f"- custom emoji {name}" in run.output
    assert emoji(chat, site) == []
