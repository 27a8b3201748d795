"""What the deploy writes for the GitLab relay is what the relay reads."""

import os
from pathlib import Path
from typing import Any

import pytest

from relays.base.settings_file import read_settings
from relays.sources.gitlab.config import GitLabSettings
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.patterns import Pattern
from relays.sources.gitlab.readable import read_projects
from relays.sources.gitlab.rest import PlaceApi, Server
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route
from tasks.relay_settings import gitlab_settings
from tasks.site import Site
from tasks.templates import render
from tests.unit.site_data import load
from tests.unit.test_site import values as values

CREDENTIAL = "LoadCredential=gitlab-read-token:/etc/passerelle/gitlab-read-token"


def site(values: dict[str, Any], posting: str = "webhook", **gitlab: Any) -> Site:
    """The TAAF's site with more said of GitLab, and who posts."""
    said = {"mattermost": values["mattermost"] | {"posting": posting}, "gitlab": values["gitlab"] | gitlab}
    return load(values | said, dict(os.environ))


def read(folder: Path, wanted: Site) -> tuple[Router, list[PlaceApi | Pattern]]:
    """What the relay makes of the settings that the deploy writes; it refuses what it does not know."""
    file = folder / "gitlab.toml"
    file.write_text(gitlab_settings(wanted, signs=True), encoding="utf-8")
    settings = read_settings(file, GitLabSettings)
    assert (settings.signature, settings.digest_from) == ("required", 20)
    return settings.router(), read_projects(settings.gitlab, folder)


def test_a_site_that_says_nothing(tmp_path: Path, values: dict[str, Any]) -> None:
    router, projects = read(tmp_path, site(values))
    assert router.routes == [Route(("dev-notifications",), language="fr", detail="full")]
    assert (router.mute, router.people, projects) == (Mute(), {}, [])
    assert router.projects.entries == ("root/projet-test-taaf",)


def test_a_site_that_says_much(tmp_path: Path, values: dict[str, Any]) -> None:
    routes = [
        {"channels": ["ops", "dev"], "labels": ['a "b" \\ é'], "final": False},
        {"channels": [], "events": ["push"], "language": "en", "detail": "short"},
    ]
    template = '🆕 "{{ user }}"\n\t\\ {{ project | bold }}'
    router, _ = read(
        tmp_path,
        site(
            values,
            routes=routes,
            detail="short",
            mute={"jobs": False},
            people={"camille.morel": "cmorel"},
            wording={"fr": {"issue.open": template, "push": "x"}},
        ),
    )
    assert router.routes == [
        Route(("ops", "dev"), labels=('a "b" \\ é',), final=False),
        Route((), events=("push",), language="en", detail="short"),
        Route(("dev-notifications",), language="fr", detail="short"),
    ]
    assert router.mute == Mute(jobs=False)
    assert router.people == {"camille.morel": "cmorel"}
    assert set(router.rewordings) == {"fr"}


SAID = {"conversations": "in place", "direct_messages": False}
ROUTES = [{"channels": ["ops"], "conversations": "threads"}, {"channels": ["dev"], "labels": ["x"]}]


@pytest.mark.parametrize(
    ("posting", "said", "converse", "direct"),
    [
        ("webhook", {}, ["single"], True),
        ("webhook", {"direct_messages": False, "routes": ROUTES[1:]}, ["single", "single"], False),
        ("bot", {}, ["threads"], True),
        ("bot", SAID, ["in place"], False),
        ("bot", SAID | {"routes": ROUTES[::-1]}, ["in place", "threads", "in place"], False),
        ("bot", {"conversations": "single"}, ["single"], True),
    ],
)
def test_how_a_site_converses(
    tmp_path: Path,
    values: dict[str, Any],
    posting: str,
    said: dict[str, Any],
    converse: list[str],
    direct: bool,
) -> None:
    file = tmp_path / "gitlab.toml"
    file.write_text(gitlab_settings(site(values, posting, **said), signs=True), encoding="utf-8")
    settings = read_settings(file, GitLabSettings)
    router = settings.router()
    assert [router.conversations_of(route) for route in router.routes] == converse
    assert settings.direct_messages == direct


def test_the_relay_reads_what_people_want_to_hear_of(tmp_path: Path, values: dict[str, Any]) -> None:
    said = {"camille.morel": ["review", "mentioned"], "Paul-Petit_2": []}
    file = tmp_path / "gitlab.toml"
    file.write_text(gitlab_settings(site(values, "bot", notify=said), signs=True), encoding="utf-8")
    settings = read_settings(file, GitLabSettings)
    assert settings.notify == {"camille.morel": ("review", "mentioned"), "Paul-Petit_2": ()}


def test_what_a_release_before_does_not_know_is_only_written_where_a_site_says_it(
    values: dict[str, Any],
) -> None:
    assert "conversations" not in gitlab_settings(site(values), signs=True)
    assert "direct_messages" not in gitlab_settings(site(values), signs=True)
    assert "notify" not in gitlab_settings(site(values), signs=True)


@pytest.mark.parametrize(
    "said",
    [
        {"at": "08:30"},
        {"at": "06:00", "days": ["mon", "sat"], "timezone": "Indian/Reunion", "stale_days": 30},
        {"at": "23:59", "channels": ["matin", "ops"], "direct": False},
    ],
)
def test_what_a_site_says_of_reminders_reaches_the_relay(
    tmp_path: Path, values: dict[str, Any], said: dict[str, Any]
) -> None:
    file = tmp_path / "gitlab.toml"
    wanted = site(values, read_token="glpat-read", reminders=said)
    file.write_text(gitlab_settings(wanted, signs=True), encoding="utf-8")
    settings = read_settings(file, GitLabSettings)
    assert settings.reminders == wanted.gitlab.reminders
    assert settings.reminders
    assert settings.reminders.model_dump(mode="json", exclude_unset=True) == said


def test_the_channels_of_reminders_are_among_those_that_the_deploy_looks_for(values: dict[str, Any]) -> None:
    """They have to be there, and a webhook that posts to them cannot be locked to its own channel."""
    said = {"at": "08:30", "channels": ["matin"]}
    wanted = site(values, read_token="glpat-read", reminders=said, routes=[{"channels": ["ops"]}])
    assert wanted.gitlab.further_channels == [
        ("gitlab.routes.#1", "ops"),
        ("gitlab.reminders.channels", "matin"),
    ]


def test_a_site_without_reminders_says_nothing_of_them(values: dict[str, Any]) -> None:
    assert "reminders" not in gitlab_settings(site(values, read_token="glpat-read"), signs=True)


def test_a_site_with_several_projects(tmp_path: Path, values: dict[str, Any]) -> None:
    router, _ = read(tmp_path, site(values, projects=["taaf/web", "shop/web"]))
    assert router.projects.entries == ("root/projet-test-taaf", "taaf/web", "shop/web")


@pytest.mark.parametrize(
    ("said", "paths", "patterns"),
    [
        ({"projects": ["taaf/infra"]}, ["taaf/infra"], []),
        ({"projects": ["taaf/*", "!taaf/secret"]}, [], ["taaf/*"]),
        ({"groups": ["taaf"]}, [], ["taaf/**"]),
    ],
)
def test_a_site_with_a_token_to_read_with(
    tmp_path: Path, values: dict[str, Any], said: dict[str, Any], paths: list[str], patterns: list[str]
) -> None:
    (tmp_path / "gitlab-read-token").write_text("glpat-read\n")
    url = "https://git.taaf.internal/forge"
    _, projects = read(tmp_path, site(values, read_token="glpat-read", url=f"{url}/", **said))
    server = Server(url, "glpat-read")
    assert [each for each in projects if isinstance(each, PlaceApi)] == [
        PlaceApi(server, path) for path in ["root/projet-test-taaf", *paths]
    ]
    found = [each for each in projects if isinstance(each, Pattern)]
    assert [(each.server, each.path) for each in found] == [(server, pattern) for pattern in patterns]


@pytest.mark.parametrize(
    "name",
    ["gitlab-read-token", "gitlab-write-token", "spool", "mattermost-bot-token", "mattermost-command-token"],
)
@pytest.mark.parametrize("given", [True, False])
def test_the_unit_names_a_credential_only_if_it_is_there(name: str, given: bool) -> None:
    """systemd does not start a service that lacks a credential which its unit names."""
    path = f"/etc/passerelle/{name}"
    optional = {
        "read_token": None,
        "write_token": None,
        "spool": None,
        "bot_token": None,
        "command_token": None,
        name.removeprefix("gitlab-").removeprefix("mattermost-").replace("-", "_"): path if given else None,
    }
    unit = render("passerelle-gitlab.service", webhooks_conf="/w", documents=False, **optional)
    assert (f"LoadCredential={name}:{path}" in unit.splitlines()) is given
    assert unit.count(name) == (2 if given else 0)
