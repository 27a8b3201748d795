"""What the deploy writes for the Nextcloud relay is what the relay reads."""

import os
import re
from pathlib import Path
from typing import Any

import pytest

from relays.base.settings import StartError
from relays.base.settings_file import read_settings
from relays.sources.nextcloud.changes import Kind
from relays.sources.nextcloud.cloud import Account, read_account
from relays.sources.nextcloud.config import NextcloudSettings
from relays.sources.nextcloud.options import Discretion, TreeOptions
from tasks.relay_settings import bound_at, nextcloud_settings
from tasks.site import Site, SiteError
from tasks.templates import render
from tests.unit.site_data import load
from tests.unit.test_site import values as values


def site(values: dict[str, Any], **nextcloud: Any) -> Site:
    """The TAAF's site with more said of Nextcloud."""
    return load(values | {"nextcloud": values["nextcloud"] | nextcloud}, dict(os.environ))


def settings(folder: Path, wanted: Site) -> NextcloudSettings:
    """What the relay reads of the file that the deploy writes; it refuses what it does not know."""
    file = folder / "nextcloud.toml"
    file.write_text(nextcloud_settings(wanted), encoding="utf-8")
    found = read_settings(file, NextcloudSettings)
    assert (found.language, found.digest_from) == ("fr", 20)
    assert (found.source, found.poll_seconds) == (wanted.nextcloud.source, wanted.nextcloud.poll_seconds)
    return found


def read(folder: Path, wanted: Site) -> list[TreeOptions]:
    """The trees that the relay watches, with the account that it asks as."""
    found = settings(folder, wanted)
    read_account(found.nextcloud, folder)
    return found.watched


def units(wanted: Site) -> tuple[str, str]:
    """The service and the path unit of the relay."""
    trees = {bound_at(wanted, tree): f"/v/{tree.owner}/files/{tree.tree}" for tree in wanted.trees}
    service = unit(trees=trees)
    return service, render("passerelle-nextcloud.path", trees=trees)


def unit(**given: Any) -> str:
    """The unit of the relay of a site, which says nothing but what is given."""
    nothing = dict.fromkeys(("bot_token", "command_token", "app_password"))
    return render(
        "passerelle-nextcloud.service",
        **{"webhooks_conf": "/w", "trees": {}, "documents": False, **nothing, **given},
    )


def test_a_site_that_says_nothing(tmp_path: Path, values: dict[str, Any]) -> None:
    (options,) = read(tmp_path, site(values))
    assert options.tree == "/run/passerelle/Documents_RH"
    assert (options.name, options.channel, options.footer) == (
        *("Documents_RH", "rh-alerts", "Nextcloud TAAF - Documents RH"),
    )
    assert options.announce == (Kind.NEW, Kind.MOVED_IN)
    assert (options.discretion, options.folder_discretion, options.burst_from) == (Discretion.FULL, {}, 20)
    assert (options.categories, options.icons, len(options.templates)) == ({}, {}, 0)
    assert (options.label, options.username) == (None, "Nextcloud RH Bot")


def test_a_site_that_says_much(tmp_path: Path, values: dict[str, Any]) -> None:
    wanted = site(
        values,
        discretion="masked",
        folder_discretion={"Fiches_Paie": "count", "Contrats/modèles": "full"},
        categories={'a "b" \\ é': "🩺 Santé"},
        icons={"odt": "📜"},
        trees=[
            {"tree": "Compta", "channel": "compta", "footer": "", "announce": ["deleted"], "burst_from": 0},
            {
                "tree": "Documents_RH",
                "owner": "bob",
                "wording": {"new.title": '"{{ file }}"\n'},
                "label": "comptable",
                "username": "Compta",
            },
        ],
    )
    first, second, third = read(tmp_path, wanted)
    assert [tree.tree for tree in read(tmp_path, wanted)] == [
        *("/run/passerelle/Documents_RH", "/run/passerelle/Compta", "/run/passerelle.bob/Documents_RH"),
    ]
    assert first.discretion is Discretion.MASKED
    assert first.folder_discretion == {"Fiches_Paie": Discretion.COUNT, "Contrats/modèles": Discretion.FULL}
    assert (first.categories, first.icons) == ({'a "b" \\ é': "🩺 Santé"}, {"odt": "📜"})
    assert (second.channel, second.footer, second.announce, second.burst_from) == (
        *("compta", "", (Kind.DELETED,), 0),
    )
    # What is said of the first tree is not said of the others.
    assert second.discretion is Discretion.FULL
    assert (third.channel, third.footer) == ("rh-alerts", "Nextcloud TAAF - Documents RH")
    assert "new.title" in third.templates
    assert [(options.label, options.username) for options in (first, second, third)] == [
        *((None, "Nextcloud RH Bot"), ("", "Nextcloud Bot"), ("comptable", "Compta")),
    ]


def test_each_tree_is_waited_for_and_bound(values: dict[str, Any]) -> None:
    """Read-only, and so that one that is missing does not keep the service from starting."""
    service, path = units(site(values, trees=[{"tree": "A b", "owner": "bob"}]))
    assert re.findall("^PathExists=(.*)$", path, re.MULTILINE) == [
        *("/v/admin/files/Documents_RH", "/v/bob/files/A b"),
    ]
    assert re.findall("^ConditionPathIsDirectory=(.*)$", service, re.MULTILINE) == [
        *("|/v/admin/files/Documents_RH", "|/v/bob/files/A b"),
    ]
    assert re.findall("^BindReadOnlyPaths=(.*)$", service, re.MULTILINE) == [
        '"-/v/admin/files/Documents_RH":"/run/passerelle/Documents_RH"',
        '"-/v/bob/files/A b":"/run/passerelle.bob/A b"',
    ]


def test_a_site_with_a_password_for_the_relay(tmp_path: Path, values: dict[str, Any]) -> None:
    """Only what is in the files of its account is asked about: elsewhere the same path is another document's."""
    (tmp_path / "nextcloud-app-password").write_text("app-password\n")
    trees = [{"tree": "Compta"}, {"tree": "Documents_RH", "owner": "bob"}]
    wanted = site(values, relay_password="app-password", trees=trees)
    assert [tree.in_files for tree in read(tmp_path, wanted)] == ["/Documents_RH", "/Compta", ""]
    asked = settings(tmp_path, wanted).nextcloud
    assert read_account(asked, tmp_path) == Account("http://cloud.taaf.internal", "admin", "app-password")
    assert "app-password" not in nextcloud_settings(wanted)


def test_a_site_whose_files_are_not_on_the_disk(tmp_path: Path, values: dict[str, Any]) -> None:
    (tmp_path / "nextcloud-app-password").write_text("app-password\n")
    wanted = site(values, relay_password="app-password", source="webdav", poll_seconds=30)
    (tree,) = read(tmp_path, wanted)
    assert (tree.tree, tree.name) == ("/Documents_RH", "Documents_RH")
    service = unit(bot_token="/b", app_password="/a")
    assert "BindReadOnlyPaths" not in service
    assert "ConditionPath" not in service
    assert "LoadCredential=nextcloud-app-password:/a" in service.splitlines()
    assert "LoadCredential=mattermost-bot-token:/b" in service.splitlines()
    assert "Group=" not in service


def test_the_unit_shares_a_group_where_documents_have_a_button() -> None:
    lines = unit(command_token="/c", documents=True).splitlines()
    assert {"LoadCredential=mattermost-command-token:/c", "Group=passerelle-relays"} <= set(lines)


@pytest.mark.parametrize("credential", [None, "", "pass word"])
def test_a_password_that_cannot_be_used(
    tmp_path: Path, values: dict[str, Any], credential: str | None
) -> None:
    if credential is not None:
        (tmp_path / "nextcloud-app-password").write_text(credential)
    with pytest.raises(StartError, match="nextcloud-app-password") as caught:
        read(tmp_path, site(values, relay_password="app-password"))
    assert "pass word" not in str(caught.value)


def test_a_password_without_an_account(tmp_path: Path, values: dict[str, Any]) -> None:
    (tmp_path / "nextcloud-app-password").write_text("app-password\n")
    with pytest.raises(StartError, match=r"the settings have no \[nextcloud\]"):
        read(tmp_path, site(values))


@pytest.mark.parametrize(
    ("said", "words"),
    [
        ({"announce": ["created"]}, "nextcloud.announce.#1 = 'created'"),
        ({"discretion": "none"}, "nextcloud.discretion = 'none'"),
        ({"folder_discretion": {"/Contrats": "count"}}, "must be the path of a folder in the tree"),
        ({"icons": {".pdf": "📄"}}, "nextcloud.icons..pdf"),
        ({"source": "webdav"}, "nextcloud.source = 'webdav': needs nextcloud.relay_password"),
        (
            {"source": "webdav", "relay_password": "p", "trees": [{"tree": "A", "owner": "bob"}]},
            "nextcloud.source = 'webdav': shows the admin's files",
        ),
        ({"poll_seconds": 0}, "nextcloud.poll_seconds = 0"),
        ({"burst_from": -1}, "nextcloud.burst_from = -1"),
        (
            {"wording": {"created": "x"}},
            "there is no created; known are new, new.title, new.heading, moved_in",
        ),
        ({"wording": {"new": "{{"}}, "the template new cannot be used: it is not a Jinja2 template: line 1"),
        ({"wording": {"new": "{{ fil }}"}}, "no sample of new has fil: correct the name"),
        ({"wording": {"version.title": "{{ size / 2 }}"}}, "it fails on a sample of version.title"),
        ({"wording": {"new.heading": "{{ file }}"}}, "no sample of new.heading has file: correct the name"),
        ({"label": "R\nH"}, "nextcloud.label = 'R\\nH'"),
        ({"username": ""}, "nextcloud.username = ''"),
        ({"trees": [{"tree": "Documents_RH"}]}, "nextcloud.trees: Documents_RH of admin is given twice"),
        ({"trees": [{"tree": "a/b"}]}, "nextcloud.trees.#1.tree = 'a/b': must be one folder name"),
        ({"trees": [{"tree": "A", "chanel": "x"}]}, "nextcloud.trees.#1.chanel: there is no such setting"),
        ({"trees": [{"tree": "A", "wording": {"new": " "}}]}, "it says nothing"),
    ],
)
def test_what_cannot_be_worded_so_is_refused(
    values: dict[str, Any], said: dict[str, Any], words: str
) -> None:
    with pytest.raises(SiteError, match=re.escape(words)):
        site(values, **said)
