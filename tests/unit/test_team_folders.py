"""A tree that has the name of a Team folder: refused before a second folder of that name is made on the disk."""

from pathlib import Path

import pytest

from tasks.operations import nextcloud
from tests.operations import apply, dry

DOCKER = """#!/bin/sh
echo "$@" >> {log}
case "$*" in
*groupfolders:list*) echo '[{{"id":1,"mount_point":"RH","groups":{{}},"quota":-3}}]' ;;
*stat*) echo '41ed|755|www-data|www-data|7|/data/admin/files' ;;
esac
"""


@pytest.fixture
def asked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """What Docker was asked, with a container in which the admin's files are empty and one Team folder is called RH."""
    log, program = tmp_path / "asked", tmp_path / "docker"
    program.write_text(DOCKER.format(log=log))
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return log


def declare(tree: str) -> None:
    nextcloud.folder_tree("c", "/data", "admin", tree, ["Contrats"], name="Folders")


def test_a_team_folder_is_refused_with_the_remedy(asked: Path) -> None:
    outcome = apply(lambda: declare("RH"))
    assert outcome.error.startswith("nextcloud: RH is a Team folder")
    assert "nextcloud.source" in outcome.error
    assert "install" not in asked.read_text()


def test_a_folder_beside_it_is_made(asked: Path) -> None:
    assert dry(lambda: declare("RH2")).differences == [
        "+ folder RH2 of admin",
        "+ folder RH2/Contrats of admin",
    ]
