"""Checklist: the HR folders in Nextcloud."""

import shlex

import pytest
from testinfra.host import Host

from tasks.site import Site
from tests.acceptance.people import Cloud

pytestmark = pytest.mark.checklist("nextcloud-folders")


def stat(host: Host, in_nextcloud: str, site: Site, owner: str | None, path: str) -> str:
    inside = f"{site.nextcloud.data_directory}/{owner}/files/{path}"
    return str(host.check_output(f"{in_nextcloud} stat -c '%F %U' {shlex.quote(inside)}")).strip()


def test_tree_belongs_to_the_web_server(host: Host, in_nextcloud: str, site: Site) -> None:
    """The folders belong to the web server: one that root has made looks fine and refuses every upload."""
    for tree in site.trees:
        for folder in ("", *tree.folders):
            path = f"{tree.tree}/{folder}".rstrip("/")
            assert stat(host, in_nextcloud, site, tree.owner, path) == "directory www-data"


def test_nextcloud_knows_the_folders(cloud: Cloud, site: Site) -> None:
    """Nextcloud lists the folders: those that are only on disk are invisible in its page until they are scanned."""
    assert set(site.nextcloud.folders) <= set(cloud.folders())


def test_unknown_folder_is_not_reported(cloud: Cloud) -> None:
    """A folder that is not there is not listed, which gives the look-up above its worth."""
    assert "Dossier_inconnu" not in cloud.folders()


@pytest.mark.parametrize("wrong", ["Documents-RH"])
def test_misspelt_tree_of_the_manual_is_not_made(
    host: Host, in_nextcloud: str, site: Site, wrong: str
) -> None:
    """The misspelt folder is not there: the hand-written monitor watched one that its instructions never made."""
    inside = f"{site.nextcloud.data_directory}/{site.nextcloud.admin}/files/{wrong}"
    assert host.run(f"{in_nextcloud} test -e {inside}").rc == 1
