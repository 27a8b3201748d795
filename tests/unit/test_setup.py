"""What setup makes of answers, of what it finds, and of a settings file that is there already."""

import errno
import json
import tomllib
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from tasks.operations.api import ApiError
from tasks.operations.compose import Container, Project
from tasks.operations.resource import ResourceError
from tasks.settings_file import replace_file
from tasks.setup import discovery
from tasks.setup.applications import elsewhere, project_of
from tasks.setup.discovery import WITHOUT_PROJECT, among
from tasks.setup.given import Given, machine_of
from tasks.setup.settings_file import with_values
from tasks.setup.site import Team, missing, projects_of, team_of, values
from tasks.tokens import ledger, mattermost
from tasks.tokens.ledger import Token


@pytest.mark.parametrize(
    ("answer", "address", "user", "port"),
    [
        ("server.example.org", "server.example.org", None, None),
        ("ops@server", "server", "ops", None),
        ("ops@server:2222", "server", "ops", 2222),
        ("server:22", "server", None, 22),
        ("192.0.2.7", "192.0.2.7", None, None),
        ("2001:db8::7", "2001:db8::7", None, None),
        ("root@[2001:db8::7]:22", "2001:db8::7", "root", 22),
        (" alias ", "alias", None, None),
    ],
)
def test_a_host_as_people_write_it(answer: str, address: str, user: str | None, port: int | None) -> None:
    machine = machine_of(answer)
    assert (machine.address, machine.ssh_user, machine.ssh_port) == (address, user, port)


@pytest.mark.parametrize(
    "answer", ["", "http://server", "ser ver", "server:99999", "a@b@c", "server/path", "s\0"]
)
def test_a_host_that_is_none_is_told(answer: str) -> None:
    with pytest.raises(ResourceError, match=r"^host"):
        machine_of(answer)


def box(
    service: str, image: str, project: str = "site", state: str = "running", number: int = 1
) -> Container:
    return Container(
        f"{project}-{service}-{number}", image=image, service=service, state=state, number=number,
        project=Project(project, f"/srv/{project}"),
    )  # fmt: skip


OWN = [
    box("gitlab", "gitlab/gitlab-ce:19.1"),
    box("nextcloud", "nextcloud:32"),
    box("mattermost", "mm/mattermost:11"),
]


@pytest.mark.parametrize(
    ("containers", "chosen"),
    [
        (OWN, {"gitlab": "gitlab", "nextcloud": "nextcloud", "mattermost": "mattermost"}),
        (OWN[:2], {"gitlab": "gitlab", "nextcloud": "nextcloud"}),
        (
            [box("forge", "gitlab/gitlab-ee:19"), box("cloud", "registry.local:5000/nextcloud:32-apache")],
            {"gitlab": "forge", "nextcloud": "cloud"},
        ),
        (
            [
                *OWN,
                box("gitlab-runner", "gitlab/gitlab-runner:19"),
                box("cron", "nextcloud:32"),
                box("db", "nextcloud"),
            ],
            {"gitlab": "gitlab", "nextcloud": "nextcloud", "mattermost": "mattermost"},
        ),
        (
            [box("my-gitlab", "x"), box("nextcloud-app", "y"), box("nextcloud-redis", "redis")],
            {"gitlab": "my-gitlab", "nextcloud": "nextcloud-app"},
        ),
    ],
)
def test_applications_are_known_by_service_or_image(
    containers: list[Container], chosen: dict[str, str]
) -> None:
    (found,) = among(containers)
    assert {what: each.service for what, each in found.containers.items()} == chosen
    assert (found.name, found.folder, found.alone) == ("site", "/srv/site", True)


def test_several_projects_are_all_found() -> None:
    other = [
        box("gitlab", "gitlab/gitlab-ce", "other"),
        box("nextcloud", "nextcloud", "other"),
        box("x", "y", "third"),
    ]
    assert [found.name for found in among([*OWN, *other])] == ["other", "site"]


@pytest.mark.parametrize(
    "containers",
    [[], [box("web", "nginx")], OWN[:1], [box("gitlab", "x"), box("nextcloud", "y", state="exited")]],
)
def test_no_project_is_told_with_what_there_is(containers: list[Container]) -> None:
    with pytest.raises(ResourceError, match="no Compose project on the host has a GitLab and a Nextcloud"):
        among(containers)


EXISTING = """\
# my site
[host]
address = "server"  # behind the door

[gitlab]
  token = "old"
url = 'http://git'

[[gitlab.routes]]
channels = ["a"]
"""


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ("", {"portal_url": "", "host": {"address": "x"}, "gitlab": {"token": 'q"u#o\\te é'}}),
        ("", {"gitlab": {"projects": ["a/b", "c/d"], "port": 3}}),
        (EXISTING, {"gitlab": {"token": "new"}}),
        (EXISTING, {"gitlab": {"token": "new", "service": "forge"}, "host": {"sudo": True}}),
        (EXISTING, {"portal_url": "", "mattermost": {"url": "http://chat"}}),
        ("language = 1\n[a]\nb = 1", {"portal_url": "", "a": {"c": 2}}),
        ('portal_url = "http://x"\n', {"portal_url": "", "a": {"c": 2}}),
        ('gitlab = {token = "old", url = "u"}\n', {"gitlab": {"token": "new"}}),
        ('gitlab.token = "old"\n', {"gitlab": {"token": "new", "url": "u"}}),
        ('[gitlab]\ntoken = """\nold"""\n', {"gitlab": {"token": "new"}}),
    ],
)
def test_values_are_set_and_all_the_rest_stays(text: str, values: dict[str, Any]) -> None:
    after = with_values(text, values)
    found = tomllib.loads(after)
    for name, value in values.items():
        assert (
            {key: found[name][key] for key in value} == value
            if isinstance(value, dict)
            else found[name] == value
        )
    kept = [line for line in text.splitlines() if line.strip() and "old" not in line and "portal" not in line]
    kept = [line for line in kept if '"""' not in line]
    assert [line for line in after.splitlines() if line in kept] == kept


@pytest.mark.parametrize("text", ["gitlab = 1\n", '[[gitlab]]\ntoken = "old"\n'])
def test_what_is_no_table_is_left_alone(text: str) -> None:
    with pytest.raises(ResourceError, match="gitlab: must be a table"):
        with_values(text, {"gitlab": {"token": "new"}})


def test_what_people_have_written_stays() -> None:
    wanted = {
        "portal_url": "",
        "gitlab": {"url": "http://found", "token": "new"},
        "host": {"address": "server"},
    }
    kept = {"gitlab": {"url": "http://mine", "token": "old"}, "host": {"address": "server"}}
    assert missing(wanted, kept, set()) == {"portal_url": ""}
    assert missing(wanted, kept, {"gitlab.token"}) == {"portal_url": "", "gitlab": {"token": "new"}}


class Chat:
    """Mattermost's API as far as it is asked here."""

    def __init__(self, *teams: str) -> None:
        self._teams = teams

    def pages(self, path: str) -> list[dict[str, Any]]:
        assert path == "/api/v4/teams"
        archived = {"name": "gone", "display_name": "Gone", "delete_at": 5}
        return [
            archived,
            *({"name": name, "display_name": name.title(), "delete_at": 0} for name in self._teams),
        ]


@pytest.mark.parametrize(
    ("teams", "given", "settings", "url", "team"),
    [
        (["one"], Given(), {}, "http://chat.x.org", ("one", "One")),
        ([], Given(), {}, "http://chat.taaf.internal", ("taaf", "TAAF")),
        ([], Given(), {}, "https://chat.kerguelen.example.org", ("example", "Example")),
        ([], Given(), {}, "http://192.0.2.1:8065", ("passerelle", "Passerelle")),
        ([], Given(), {}, "http://chat", ("passerelle", "Passerelle")),
        (["one", "two"], Given(team="two"), {}, "http://chat", ("two", "Two")),
        (["one"], Given(team="new"), {}, "http://chat", ("new", "NEW")),
        (
            ["one", "two"],
            Given(),
            {"team": "three", "team_display_name": "The 3"},
            "http://chat",
            ("three", "The 3"),
        ),
    ],
)
def test_the_team(
    teams: list[str], given: Given, settings: dict[str, str], url: str, team: tuple[str, str]
) -> None:
    found = team_of(Chat(*teams), url, given, settings)  # type: ignore[arg-type]
    assert (found.name, found.display_name) == team


def test_of_several_teams_a_script_names_one() -> None:
    with pytest.raises(ResourceError, match=r"several \(one, two\).*--team"):
        team_of(Chat("two", "one"), "http://chat", Given(), {})  # type: ignore[arg-type]


class Forge:
    """GitLab as an administrator's token sees it, or another's, which is a member of all that there is."""

    def __init__(self, *projects: str, is_admin: bool = True) -> None:
        self._projects = projects
        self._is_admin = is_admin

    def call(self, method: str, path: str) -> Any:
        if path.endswith("/settings"):
            if not self._is_admin:
                raise ApiError("403", 403)
            return {}
        size = int(path.partition("per_page=")[2] or 20)
        return [{"path_with_namespace": name} for name in self._projects[:size]]

    def pages(self, path: str) -> Any:
        return [{"path_with_namespace": name} for name in self._projects]


@pytest.mark.parametrize(
    ("there", "given", "settings", "projects"),
    [
        (["a/b"], (), {}, ["a/b"]),
        ([], (), {}, ["root/passerelle"]),
        (["a/b", "c/d"], (), {}, ["root/passerelle"]),
        (["a/b"], ("x/y", "v/w"), {}, ["x/y", "v/w"]),
        (["a/b"], (), {"project": "x/y"}, []),
    ],
)
def test_the_projects(
    there: list[str], given: tuple[str, ...], settings: dict[str, str], projects: list[str]
) -> None:
    assert projects_of(Forge(*there), "root", Given(projects=given), settings) == projects  # type: ignore[arg-type]


@pytest.mark.parametrize("number", [0, 1, 2, 100, 101, 250])
def test_a_member_chooses_among_all_of_his_projects(number: int, monkeypatch: pytest.MonkeyPatch) -> None:
    there = [f"a/{each}" for each in range(number)]
    asked: list[list[str]] = []

    def choose(what: str, among: list[str], option: str) -> str:
        asked.append(among)
        return among[-1]

    monkeypatch.setattr("tasks.setup.site.choose", choose)
    forge: Any = Forge(*there, is_admin=False)
    if not there:
        with pytest.raises(ResourceError, match="member of no project"):
            projects_of(forge, "root", Given(), {})
        return
    assert projects_of(forge, "root", Given(), {}) == [there[-1]]
    assert asked in ([], [there])


TOKEN = Token("server", "gitlab.token", "7", "root", ledger.mark("secret"), "2027-01-01")


def test_the_ledger_holds_no_secret_and_is_private(tmp_path: Path) -> None:
    settings = tmp_path / "passerelle.toml"
    assert ledger.read(settings) == []
    ledger.add(settings, TOKEN)
    other = Token("server", "mattermost.token", "8", "admin", ledger.mark("other"))
    ledger.add(settings, other)
    file = tmp_path / "passerelle.tokens.json"
    assert file.stat().st_mode & 0o777 == 0o600
    assert "secret" not in file.read_text()
    assert ledger.read(settings) == [TOKEN, other]
    ledger.drop(settings, TOKEN)
    ledger.drop(settings, other)
    assert not file.exists()


@pytest.mark.parametrize("text", ["", "{", "[1]", json.dumps([{"host": "x"}])])
def test_a_ledger_that_cannot_be_read_is_told(text: str, tmp_path: Path) -> None:
    (tmp_path / "passerelle.tokens.json").write_text(text)
    with pytest.raises(ResourceError, match=r"passerelle\.tokens\.json.* cannot be read"):
        ledger.read(tmp_path / "passerelle.toml")


def test_a_file_is_replaced_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real, link = tmp_path / "real.toml", tmp_path / "link.toml"
    real.write_text("before")
    link.symlink_to(real)
    replace_file(link, "after")
    assert (link.is_symlink(), real.read_text(), real.stat().st_mode & 0o777) == (True, "after", 0o600)

    def full(descriptor: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("os.fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: .*link\.toml"):
        replace_file(link, "never")
    assert real.read_text() == "after"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["link.toml", "real.toml"]


@pytest.mark.parametrize(
    ("status", "code", "kind"),
    [
        (401, "api.user.login.invalid_credentials_email_username", mattermost.WrongPassword),
        (400, "api.user.login.blank_pwd.app_error", mattermost.WrongPassword),
        (401, "mfa.validate_token.authenticate.app_error", mattermost.CodeNeeded),
        (401, "api.user.check_user_mfa.bad_code.app_error", mattermost.CodeNeeded),
        (500, "", ApiError),
    ],
)
def test_why_a_log_in_fails(status: int, code: str, kind: type[ResourceError]) -> None:
    class Refusing:
        def header(self, *asked: Any) -> str:
            raise ApiError("refused", status, code)

    with pytest.raises(kind):
        mattermost.log_in(lambda token: Refusing(), "http://chat", "admin", SecretStr("x"))  # type: ignore[arg-type,return-value]


FORGE, CLOUD = OWN[:1], OWN[1:2]


@pytest.mark.parametrize(
    ("containers", "elsewhere", "chosen"),
    [
        (OWN, {"gitlab"}, {"gitlab", "nextcloud", "mattermost"}),
        (CLOUD, {"gitlab"}, {"nextcloud"}),
        (FORGE, {"nextcloud"}, {"gitlab"}),
        (OWN[1:], {"gitlab", "nextcloud"}, {"nextcloud", "mattermost"}),
        (OWN[2:], {"gitlab", "nextcloud"}, {"mattermost"}),
        ([], {"gitlab", "nextcloud"}, set()),
        ([box("web", "nginx")], {"gitlab", "nextcloud"}, set()),
        (FORGE, {"gitlab"}, "no Compose project on the host has a Nextcloud that runs"),
        (CLOUD, {"nextcloud"}, "no Compose project on the host has a GitLab that runs"),
        (CLOUD, set(), "no Compose project on the host has a GitLab and a Nextcloud that run"),
    ],
)
def test_what_is_elsewhere_is_not_missed(
    containers: list[Container], elsewhere: set[str], chosen: set[str] | str
) -> None:
    if isinstance(chosen, str):
        with pytest.raises(ResourceError, match=chosen):
            among(containers, elsewhere)
        return
    (found,) = among(containers, elsewhere)
    assert set(found.containers) == chosen
    assert found.number("gitlab") == (FORGE[0].id if "gitlab" in chosen else None)


@pytest.mark.parametrize("application", ["gitlab", "nextcloud"])
def test_what_the_settings_say_is_elsewhere_is_not_what_runs_on_the_host(
    application: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A former one, say: no token of the site's is made in it."""
    monkeypatch.setattr(discovery, "projects", lambda elsewhere: among(OWN, elsewhere))
    existing: dict[str, dict[str, Any]] = {"host": {}, "gitlab": {}, "nextcloud": {}, "mattermost": {}}
    found = project_of(Given(), existing | {application: {"service": ""}})
    assert set(found.containers) == {"gitlab", "nextcloud", "mattermost"} - {application}


SECRET = SecretStr("s")
NOTHING: dict[str, dict[str, Any]] = {"gitlab": {}, "nextcloud": {}}


@pytest.mark.parametrize(
    ("given", "kept", "expected"),
    [
        (Given(), {}, set()),
        (Given(gitlab_url="https://gitlab.com"), {}, set()),
        (Given(gitlab_url="https://gitlab.com", gitlab_token=SECRET), {}, {"gitlab"}),
        (Given(nextcloud_url="https://cloud", nextcloud_password=SECRET), {}, {"nextcloud"}),
        (Given(), {"gitlab": {"service": ""}}, {"gitlab"}),
        # A GitLab of the host's that has stopped since is no GitLab elsewhere.
        (Given(), {"gitlab": {"url": "http://git", "token": "t"}}, set()),
    ],
)
def test_what_may_be_elsewhere(given: Given, kept: dict[str, Any], expected: set[str]) -> None:
    assert elsewhere(given, {**NOTHING, **kept}) == expected


def test_what_is_elsewhere_is_written_down() -> None:
    written = values(
        machine=machine_of("server"),
        given=Given(),
        found=among([], {"gitlab", "nextcloud"})[0],
        team=Team("x", "X"),
        chat=("http://chat", SECRET),
        forge=("https://gitlab.com", SECRET),
        projects=["group/project"],
        relay="https://hooks.example.org",
        cloud=("https://cloud", "admin", None, SECRET),
        elsewhere=True,
    )
    assert written["gitlab"]["service"] == ""
    assert (written["nextcloud"]["service"], written["nextcloud"]["source"]) == ("", "webdav")
    assert written["relays"]["url"] == "https://hooks.example.org"
    assert written["host"]["infrastructure"] == WITHOUT_PROJECT
