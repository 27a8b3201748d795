"""The files of the relays as the deploy writes them: what is set, and nothing that another release may not know."""

import tomllib
from collections.abc import Mapping
from typing import Any

import pytest

from relays.base.schema import Section
from relays.sources.gitlab.config import GitLabSettings
from relays.sources.nextcloud.config import NextcloudSettings
from tasks.relay_settings import gitlab_settings, nextcloud_settings
from tasks.site import Site
from tests.unit.site_data import taaf

# All that the relays of 1.0.0 read; they refuse what they do not know.
SHARED = ("language", "channel", "icon", "digest_from", "ca")
OF_GITLAB = (
    "signature",
    "detail",
    "projects",
    "other_projects",
    "mute",
    "people",
    "routes",
    "wording",
    "gitlab",
)
OF_NEXTCLOUD = ("source", "poll_seconds", "nextcloud", "trees")
OF_ROUTES = (
    *("channels", "projects", "events", "actions", "branches", "labels"),
    *("confidential", "final", "language", "detail"),
)
OF_TREES = (
    *("tree", "in_files", "channel", "footer", "label", "username", "announce", "discretion"),
    *("folder_discretion", "categories", "icons", "wording", "burst_from"),
)
PROXY = "http://proxy.example.org:3128"
MUCH = {
    "gitlab": {
        "read_token": "glpat-read",
        "detail": "short",
        "mute": {"jobs": False},
        "people": {"camille.morel": "cmorel"},
        "routes": [{"channels": ["ops"], "events": ["pipeline"], "final": False, "language": "en"}],
        "wording": {"fr": {"push": '"{{ user }}"\n\t\\ {{ project }}\x7f'}},
    },
    "nextcloud": {
        "relay_password": "app-password",
        "folder_discretion": {"Fiches_Paie": "count"},
        "wording": {"new": "{{ file }}"},
        "trees": [
            {"tree": "Compta", "owner": "bob", "announce": ["deleted"], "icons": {"odt": "📜"}, "label": ""}
        ],
    },
}
SITES = {"the TAAF's": {}, "one that says much": MUCH}


def written(site: Site, relay: str) -> dict[str, Any]:
    return tomllib.loads(gitlab_settings(site, signs=True) if relay == "gitlab" else nextcloud_settings(site))


@pytest.mark.parametrize("said", SITES.values(), ids=SITES)
def test_a_release_from_before_a_new_setting_reads_what_a_site_without_it_is_given(
    said: Mapping[str, Any],
) -> None:
    site = taaf(said)
    gitlab, nextcloud = written(site, "gitlab"), written(site, "nextcloud")
    assert set(gitlab) <= {*SHARED, *OF_GITLAB}
    assert set(nextcloud) <= {*SHARED, *OF_NEXTCLOUD}
    assert {key for route in gitlab.get("routes", []) for key in route} <= {*OF_ROUTES}
    assert {key for tree in nextcloud["trees"] for key in tree} <= {*OF_TREES}


@pytest.mark.parametrize(
    ("said", "address"),
    [
        ({}, "http://192.0.2.7:8090/mattermost/action"),
        ({"url": "https://hooks.example.org"}, "https://hooks.example.org/mattermost/action"),
        ({"url": "https://example.org/passerelle"}, "https://example.org/passerelle/mattermost/action"),
    ],
)
def test_buttons_lead_where_commands_do(said: Mapping[str, Any], address: str) -> None:
    chat = {"posting": "bot", "commands": ["passerelle"]}
    site = taaf({"mattermost": {**chat, "buttons": True}, "relays": said})
    text = gitlab_settings(site, signs=True, relay="192.0.2.7:8090")
    assert tomllib.loads(text)["commands"]["buttons"] == address
    text = gitlab_settings(taaf({"mattermost": chat, "relays": said}), signs=True, relay="192.0.2.7:8090")
    assert "buttons" not in text, "a release from before can read it"


@pytest.mark.parametrize("further", [False, True])
def test_the_button_of_documents_leads_to_the_relay_beside(further: bool) -> None:
    """Where further hosts take in presses as well, none of them has the documents: there is no such button then."""
    hosts = {"hosts": [{"address": "192.0.2.8"}], "spool": "postgresql://u:p@db/x", "address": "192.0.2.9"}
    chat = {"posting": "bot", "commands": ["passerelle"], "buttons": True}
    site = taaf({"mattermost": chat, "relays": hosts if further else {}})
    gitlab = tomllib.loads(gitlab_settings(site, signs=True, relay="192.0.2.7:8090"))
    nextcloud = tomllib.loads(nextcloud_settings(site, relay="192.0.2.7:8090"))
    assert ("documents" in gitlab["commands"]) == (not further)
    assert ("buttons" in nextcloud) == (not further)
    if not further:
        assert nextcloud["buttons"]["url"] == gitlab["commands"]["buttons"]
        assert nextcloud["buttons"]["socket"] == gitlab["commands"]["documents"]


def test_the_relay_acts_in_gitlab_where_there_is_a_token_for_it() -> None:
    """The token itself is in no settings file."""
    chat, forge = {"posting": "bot", "commands": ["passerelle"]}, {"url": "https://git.example.org"}
    acting = {"write_token": "glpat-write", "people": {"camille.morel": "cmorel"}}
    site = taaf({"mattermost": chat, "gitlab": {**forge, **acting, "proxy": PROXY}})
    text = gitlab_settings(site, signs=True)
    assert tomllib.loads(text)["commands"]["gitlab"] == {**forge, "proxy": PROXY}
    assert "glpat-write" not in text
    text = gitlab_settings(taaf({"mattermost": chat, "gitlab": forge}), signs=True)
    assert "gitlab" not in tomllib.loads(text)["commands"], "a release from before can read it"


def test_what_is_set_is_written_as_it_is() -> None:
    site = taaf(MUCH)
    gitlab, nextcloud = written(site, "gitlab"), written(site, "nextcloud")
    assert (gitlab["language"], gitlab["channel"], gitlab["detail"]) == ("fr", "dev-notifications", "short")
    for table in ("mute", "people", "wording"):
        assert gitlab[table] == MUCH["gitlab"][table], table
    assert gitlab["routes"] == [
        {"channels": ["ops"], "events": ["pipeline"], "final": False, "language": "en"}
    ]
    first, second = nextcloud["trees"]
    assert (first["in_files"], first["folder_discretion"]) == ("/Documents_RH", {"Fiches_Paie": "count"})
    assert (second["announce"], second["icons"], second["label"]) == (["deleted"], {"odt": "📜"}, "")
    assert "in_files" not in second


@pytest.mark.parametrize("said", SITES.values(), ids=SITES)
@pytest.mark.parametrize(("relay", "model"), [("gitlab", GitLabSettings), ("nextcloud", NextcloudSettings)])
def test_the_file_of_a_site_is_always_the_same(
    said: Mapping[str, Any], relay: str, model: type[Section]
) -> None:
    """Otherwise every deploy would start the relays anew; and it holds no setting that is not the model's."""
    first, second = written(taaf(said), relay), written(taaf(said), relay)
    assert list(first) == list(second)
    assert first == second
    assert set(first) <= set(model.model_fields)


@pytest.mark.parametrize("relay", ["gitlab", "nextcloud"])
def test_a_relay_is_told_of_the_bot_where_one_posts_and_of_no_token(relay: str) -> None:
    chat = {"url": "https://chat.example.org", "team": "essai", "posting": "bot"}
    assert written(taaf({"mattermost": chat}), relay)["bot"] == {
        "url": "https://chat.example.org",
        "team": "essai",
    }
    assert "bot" not in written(taaf({"mattermost": {**chat, "posting": "webhook"}}), relay)


@pytest.mark.parametrize(
    ("posting", "said", "announced"),
    [
        ("webhook", {}, ("new", "moved_in")),
        ("bot", {}, ("new", "moved_in", "version")),
        ("bot", {"announce": ["new", "moved_in"]}, ("new", "moved_in")),
        ("bot", {"announce": []}, ()),
        ("webhook", {"announce": ["version"]}, ("version",)),
    ],
)
def test_versions_are_announced_where_a_bot_can_do_so_in_a_thread(
    posting: str, said: dict[str, Any], announced: tuple[str, ...]
) -> None:
    site = taaf({"mattermost": {"posting": posting}, "nextcloud": said})
    settings = NextcloudSettings.model_validate(written(site, "nextcloud"))
    assert [tree.announced for tree in settings.watched] == [announced]
