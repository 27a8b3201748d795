"""The pictures beside the messages: what a site may give, what is made of it, what the relays are reported."""

import os
from pathlib import Path
from typing import Any

import pytest

from relays.base.settings_file import read_settings
from relays.delivery.settings import RelaySettings
from relays.mattermost.settings import as_webhook_takes
from relays.sources.gitlab.config import GitLabSettings
from relays.sources.nextcloud.config import NextcloudSettings
from tasks import icons
from tasks.made import hooks_of
from tasks.relay_settings import gitlab_settings, nextcloud_settings
from tasks.site import Site, SiteError
from tests.picture import png
from tests.unit.site_data import load
from tests.unit.test_site import values as values


def site(values: dict[str, Any], **given: str | Path) -> Site:
    """The TAAF's site with icons for some of its webhooks."""
    mattermost = dict(values["mattermost"])
    for name, icon in given.items():
        mattermost[name] = {**mattermost[name], "icon": str(icon)}
    return load(values | {"mattermost": mattermost}, dict(os.environ))


def read_by_relays(folder: Path, wanted: Site) -> list[dict[str, str]]:
    """What both relays read of the settings that the deploy writes."""
    written: list[tuple[str, type[RelaySettings]]] = [
        (gitlab_settings(wanted, signs=True), GitLabSettings),
        (nextcloud_settings(wanted), NextcloudSettings),
    ]
    found = []
    for text, model in written:
        file = folder / "relay.toml"
        file.write_text(text, encoding="utf-8")
        found.append(dict(as_webhook_takes(read_settings(file, model).icon)))
    return found


def test_without_a_setting_the_relays_show_their_own(tmp_path: Path, values: dict[str, Any]) -> None:
    wanted = site(values)
    assert read_by_relays(tmp_path, wanted) == [{}, {}]
    assert [icons.emoji(wanted.mattermost, hook) for hook in hooks_of(wanted)] == [None, None]


def test_an_address_is_shown_as_it_is(tmp_path: Path, values: dict[str, Any]) -> None:
    address = "https://git.example.org/assets/logo.png?v=2"
    wanted = site(values, gitlab_webhook=address)
    assert read_by_relays(tmp_path, wanted) == [{"icon_url": address}, {}]
    assert icons.image(wanted.mattermost.gitlab_webhook) is None


def test_a_file_becomes_an_emoji_that_its_content_names(tmp_path: Path, values: dict[str, Any]) -> None:
    one, other = tmp_path / "one.png", tmp_path / "other.png"
    one.write_bytes(png(1))
    other.write_bytes(png(2))
    wanted = site(values, gitlab_webhook=one, nextcloud_webhook=one)
    names = [icons.emoji(wanted.mattermost, hook) for hook in hooks_of(wanted)]
    assert read_by_relays(tmp_path, wanted) == [{"icon_emoji": f":{name}:"} for name in names]
    # One for each webhook, so that none is taken away from the other, and for each image.
    again = site(values, gitlab_webhook=other, nextcloud_webhook=one)
    changed = [icons.emoji(again.mattermost, hook) for hook in hooks_of(again)]
    assert len({*names, *changed}) == 3
    assert changed[1] == names[1]
    for name, hook in zip(names + changed, hooks_of(wanted) * 2, strict=True):
        assert name is not None
        assert name.startswith(icons.prefix(wanted.mattermost.team, hook.display_name))
        assert len(name) <= 64


def test_icons_of_different_teams_and_webhooks_are_not_mixed_up(values: dict[str, Any]) -> None:
    one, other = site(values).mattermost, site(values).mattermost.model_copy(update={"team": "kerguelen"})
    prefixes = {
        icons.prefix(mattermost.team, hook.display_name)
        for mattermost in (one, other)
        for hook in (one.gitlab_webhook, one.nextcloud_webhook)
    }
    assert len(prefixes) == 4


@pytest.mark.parametrize(
    ("icon", "what"),
    [
        ("nowhere.png", "cannot be read (No such file or directory): name an image file, or an address"),
        (".", "cannot be read (Is a directory)"),
        ("", "cannot be read"),
        ("logo.svg", "is no PNG, JPEG or GIF, of which alone Mattermost makes emoji: convert it"),
        ("empty.png", "is no PNG, JPEG or GIF"),
        ("large.png", "is larger than the 512 KiB that Mattermost takes: make it smaller"),
        ("ftp://x/logo.png", "cannot be read"),
        ("https:///logo.png", "must be the address of the server"),
        ("https://a:b@git.example.org/logo.png", "must not hold a user name or a password"),
        ("https://git.example.org/" + "x" * 1024, "is longer than the 1024 characters"),
    ],
)
def test_what_is_no_icon_is_named_with_the_remedy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, values: dict[str, Any], icon: str, what: str
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "logo.svg").write_bytes(b"<svg/>")
    (tmp_path / "empty.png").write_bytes(b"")
    (tmp_path / "large.png").write_bytes(png(1) + b"x" * 512 * 1024)
    with pytest.raises(SiteError) as error:
        site(values, nextcloud_webhook=icon)
    (line,) = str(error.value).splitlines()
    assert line.startswith("mattermost.nextcloud_webhook.icon")
    assert what in line
