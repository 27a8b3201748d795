"""What the deploy writes for the redelivery is what the relay reads."""

from pathlib import Path

import pytest
from pydantic import SecretStr

from relays.gitlab.hook_log import HookLog, read_hook_log
from relays.settings import Table, read_settings
from tasks.site import GitLab
from tasks.templates import render

SITE = GitLab(
    url="https://git.taaf.internal/forge/",
    service="gitlab",
    token=SecretStr("of the administrator"),
    project="root/projet-test-taaf",
    read_token=SecretStr("glpat-read"),
)
CREDENTIAL = "LoadCredential=gitlab-read-token:/etc/passerelle/gitlab-read-token"


def written(folder: Path, site: GitLab | None) -> Table:
    """The settings file, with what every relay has in it taken as read."""
    file = folder / "gitlab.toml"
    file.write_text(render("gitlab.toml", language="fr", channel="dev", log=site, hook="Passerelle"))
    settings = read_settings(file)
    settings.text("language")
    settings.text("channel")
    return settings


def test_with_a_token(tmp_path: Path) -> None:
    (tmp_path / "gitlab-read-token").write_text("glpat-read\n")
    settings = written(tmp_path, SITE)
    expected = HookLog("https://git.taaf.internal/forge", SITE.project, "Passerelle", "glpat-read")
    assert read_hook_log(settings, tmp_path) == expected
    settings.done()


def test_without_a_token(tmp_path: Path) -> None:
    settings = written(tmp_path, None)
    assert read_hook_log(settings, tmp_path) is None
    settings.done()


@pytest.mark.parametrize("token", ["/etc/passerelle/gitlab-read-token", None])
def test_the_unit_names_a_credential_only_if_it_is_there(token: str | None) -> None:
    """systemd does not start a service that lacks a credential which its unit names."""
    unit = render("passerelle-gitlab.service", webhooks_conf="/w", read_token=token)
    assert (CREDENTIAL in unit.splitlines()) is (token is not None)
    assert unit.count("gitlab-read-token") == (2 if token else 0)
