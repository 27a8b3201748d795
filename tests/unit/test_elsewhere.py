"""Applications that are not on the host: somebody else's GitLab by a project's token, a Nextcloud over WebDAV."""

import re
import subprocess
import tomllib
from collections.abc import Iterator
from contextlib import AbstractContextManager, nullcontext
from dataclasses import replace
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr, ValidationError

from tasks.commands import COMMANDS, command_files
from tasks.context import DeployContext, may_administer
from tasks.marks import Marks, made_by_marks
from tasks.operations import gitlab, project_hooks
from tasks.operations.api import Api, ApiError
from tasks.operations.compose import ALL_IN_ONE, DockerError
from tasks.operations.nextcloud_dav import dav_folder_tree
from tasks.operations.resource import ResourceError
from tasks.site_conflicts import rivalries
from tasks.templates import render
from tests.operations import Outcome, apply, dry
from tests.standins import gitlab_site, nextcloud_site
from tests.unit.doctor_world import CONTAINERS, sound
from tests.unit.site_data import taaf

PUBLIC = "https://hooks.example.org/site"
PRIVATE = "http://10.1.2.3:8090"
KEY = f"whsec_{'A' * 43}="
UNTIL = str(date.today() + timedelta(days=9))
CLOUD = {"service": "", "source": "webdav", "relay_password": "p-w-d"}


@pytest.fixture(scope="module")
def forge(tmp_path_factory: pytest.TempPathFactory) -> Iterator[gitlab_site.Site]:
    with gitlab_site.running(tmp_path_factory.mktemp("gitlab") / "data") as started:
        yield started


@pytest.fixture
def project(forge: gitlab_site.Site) -> gitlab_site.Project:
    return forge.project(visibility="private")


def of_project(project: gitlab_site.Project) -> str:
    """A token of the project's own."""
    made = project.done("POST", "/access_tokens", name="deploy", scopes=["api"], expires_at=UNTIL)
    return str(made["token"])


def api(forge: gitlab_site.Site, token: str) -> Api:
    return Api("gitlab", forge.url, SecretStr(token), header="PRIVATE-TOKEN")


# What the settings may say.


@pytest.mark.parametrize(
    ("nextcloud", "fault"),
    [
        (CLOUD, ""),
        ({**CLOUD, "service": "nextcloud"}, ""),
        ({**CLOUD, "source": "disk"}, 'must be "webdav" where nextcloud.service is ""'),
        ({"service": ""}, 'must be "webdav" where nextcloud.service is ""'),
        ({"service": "", "source": "webdav"}, "needs nextcloud.relay_password"),
    ],
)
def test_a_nextcloud_elsewhere_is_watched_over_webdav(nextcloud: dict[str, Any], fault: str) -> None:
    refused: AbstractContextManager[Any] = (
        pytest.raises(ValidationError, match=fault) if fault else nullcontext()
    )
    with refused:
        taaf({"nextcloud": nextcloud})


@pytest.mark.parametrize(
    ("relays", "given"),
    [
        ({}, ""),
        ({"address": "192.0.2.7"}, "192.0.2.7:8090"),
        ({"address": "2001:db8::7", "port": 9}, "[2001:db8::7]:9"),
        ({"url": "https://Hooks.example.org/site/"}, "hooks.example.org"),
        ({"url": "http://hooks.example.org:8443", "address": "192.0.2.7"}, "hooks.example.org:8443"),
    ],
)
def test_where_gitlab_reaches_the_relay(relays: dict[str, Any], given: str) -> None:
    assert taaf({"relays": relays}).relays.given == given


def test_two_sites_at_one_address_of_the_relay_are_refused() -> None:
    hooks = ({"display_name": "one"}, {"display_name": "two"})
    sites = {
        name: taaf(
            {
                "host": {"address": name},
                "gitlab": {"project": f"root/{name}"},
                "relays": {"url": PUBLIC},
                "mattermost": {"gitlab_webhook": hook, "nextcloud_webhook": {"display_name": f"{name} n"}},
            }
        )
        for name, hook in zip("ab", hooks, strict=True)
    }
    (line,) = rivalries(sites)
    assert f"both have the relay's address {PUBLIC}" in line
    assert "relays.url" in line


# GitLab.


@pytest.mark.parametrize("service", ["gitlab", ""])
@pytest.mark.parametrize("administrator", [True, False])
@pytest.mark.parametrize(
    ("relays", "relay"),
    [
        ({}, "10.1.2.3:8090"),
        ({}, "[fd00::1]:8090"),
        ({}, "192.0.0.9:8090"),  # as far as a test may name an address that is everybody's
        ({"address": "10.1.2.3"}, "10.1.2.3:8090"),
        ({"url": PUBLIC}, "hooks.example.org"),
    ],
)
def test_whose_the_allow_list_is(
    forge: gitlab_site.Site,
    project: gitlab_site.Project,
    service: str,
    administrator: bool,
    relays: dict[str, Any],
    relay: str,
) -> None:
    """An administrator's token sets it; another one does for a GitLab elsewhere that reaches the relay without."""
    own = {"service": service, "url": forge.url, "project": project.full_path}
    site = taaf({"gitlab": own, "relays": relays})
    asked = api(forge, gitlab_site.TOKEN if administrator else of_project(project))
    if administrator:
        assert may_administer(site, asked, relay)
    elif service:
        with pytest.raises(ApiError, match=r"gitlab\.token must be an administrator's"):
            may_administer(site, asked, relay)
    elif not relays and relay.startswith(("10.", "[fd")):
        with pytest.raises(
            ResourceError, match=r"^relays\.url is missing: .*; set relays\.url to an address"
        ):
            may_administer(site, asked, relay)
    else:
        assert not may_administer(site, asked, relay)


def hooked(asked: Api, path: str, url: str = f"{PUBLIC}/webhook/gitlab") -> Outcome:
    return apply(
        lambda: (
            gitlab.project(asked, path),
            project_hooks.project_hook(
                asked,
                path,
                "Passerelle",
                url,
                {"push_events": True},
                lambda: "0123456789ab",
                lambda: "t" * 30,
                lambda: KEY,
                True,
            ),
        )
    )


def test_a_project_s_token_makes_and_removes_its_hook(
    forge: gitlab_site.Site, project: gitlab_site.Project
) -> None:
    asked = api(forge, of_project(project))
    assert hooked(asked, project.full_path).changed == 1
    assert hooked(asked, project.full_path).changed == 0
    assert [hook["url"] for hook in project.done("GET", "/hooks")] == [f"{PUBLIC}/webhook/gitlab"]

    def removed() -> Outcome:
        return apply(
            lambda: project_hooks.no_project_hook(
                asked, project.full_path, "Passerelle", {"hooks.example.org"}, lambda: None
            )
        )

    assert removed().changed == 1
    assert project.done("GET", "/hooks") == []
    forge.done("DELETE", project.path)
    gone = removed()
    assert (gone.changed, gone.error) == (0, "")
    assert gone.notes == [
        f"hook Passerelle of {project.full_path}: gitlab.token sees no such project any more"
    ]


@pytest.mark.parametrize("path", ["root/none", "nobody/none"])
def test_a_project_that_the_token_does_not_see_is_named_and_not_made(
    forge: gitlab_site.Site, project: gitlab_site.Project, path: str
) -> None:
    asked = api(forge, of_project(project))
    own = {"service": "", "url": forge.url, "project": project.full_path, "projects": [path]}
    site = taaf({"gitlab": own, "relays": {"url": PUBLIC}})
    # Before anything is touched, which `deploy --yes` would else do project by project.
    with pytest.raises(ResourceError, match=f"there is no project {path} that gitlab.token may see"):
        may_administer(site, asked, "hooks.example.org")
    done = hooked(asked, path)
    assert f"there is no project {path} that gitlab.token may see" in done.error
    assert done.changed == 0


def test_an_address_that_gitlab_refuses_is_named_at_once(
    forge: gitlab_site.Site, project: gitlab_site.Project
) -> None:
    done = hooked(api(forge, of_project(project)), project.full_path, f"{PRIVATE}/webhook/gitlab")
    assert done.error.startswith(f"gitlab: it refuses a hook to {PRIVATE}/webhook/gitlab")
    assert "relays.url" in done.error


def test_without_a_record_only_the_token_s_own_projects_are_looked_through(
    forge: gitlab_site.Site, project: gitlab_site.Project, monkeypatch: pytest.MonkeyPatch
) -> None:
    forge.project()  # somebody else's, which all may see
    asked = api(forge, of_project(project))
    hooked(asked, project.full_path)
    site = taaf({"gitlab": {"url": forge.url, "service": ""}, "relays": {"url": PUBLIC}})
    context = DeployContext(
        "/srv/none", "hooks.example.org", asked, asked, True, relay_url=PUBLIC, administers=False
    )
    monkeypatch.setattr("tasks.marks._webhooks", lambda *_: frozenset())
    monkeypatch.setattr("tasks.marks._commands", lambda *_: frozenset())
    monkeypatch.setattr("tasks.marks.bots_of_site", lambda *_: [])
    shown: list[str] = []
    found = []
    done = dry(
        lambda: found.append(made_by_marks(site, context, Marks("", "/x/c", "8090", False, frozenset())))
    )
    assert (done.error, shown) == ("", [])
    assert found[0].projects == {project.full_path}
    assert found[0].addresses == {"hooks.example.org"}


# Nextcloud.


@pytest.fixture(scope="module")
def cloud() -> Iterator[nextcloud_site.Site]:
    with nextcloud_site.running() as started:
        yield started


@pytest.fixture
def dav(cloud: nextcloud_site.Site) -> Api:
    cloud.reset()
    basic = "YWRtaW46bGFiLW9ubHk="  # admin:lab-only
    return Api("nextcloud", cloud.url, SecretStr(basic), header="Authorization", scheme="Basic ")


@pytest.mark.parametrize(
    ("tree", "folders", "missing"),
    [
        ("Documents_RH", ["Contrats", "Conges"], []),
        ("Documents_RH", ["Contrats", "Été & hiver"], ["Documents_RH/Été & hiver"]),
        ("Autres 100", [], ["Autres 100"]),
        ("Autres", ["a", "b"], ["Autres", "Autres/a", "Autres/b"]),
    ],
)
def test_folders_are_made_over_webdav(
    cloud: nextcloud_site.Site, dav: Api, tree: str, folders: list[str], missing: list[str]
) -> None:
    def wanted() -> None:
        dav_folder_tree(dav, "admin", tree, folders)

    seen = dry(wanted)
    assert (seen.error, seen.differences) == ("", [f"+ folder {path} of admin" for path in missing])
    assert apply(wanted).changed == (1 if missing else 0)
    for path in (tree, *(f"{tree}/{name}" for name in folders)):
        assert cloud.dav("PROPFIND", path, headers={"Depth": "0"}).status_code == 207
    assert apply(wanted).changed == 0


def test_a_file_in_the_way_is_named(cloud: nextcloud_site.Site, dav: Api) -> None:
    cloud.dav("PUT", "Perso/Note", data=b"x").raise_for_status()
    done = apply(lambda: dav_folder_tree(dav, "admin", "Perso", ["Note"]))
    assert (
        done.error == "nextcloud: Perso/Note of admin is no folder; move it away in Nextcloud, then run again"
    )


def test_a_tree_that_is_shared_to_be_read_is_left_alone(dav: Api, monkeypatch: pytest.MonkeyPatch) -> None:
    shown = {"Reading": "<d:collection/><oc:permissions>SRG</oc:permissions>"}
    monkeypatch.setattr(
        Api,
        "properties",
        lambda self, path, asked: shown.get(path.removeprefix("/remote.php/dav/files/admin/")),
    )
    done = apply(lambda: dav_folder_tree(dav, "admin", "Reading", ["a"]))
    assert (done.error, done.changed) == ("", 0)
    assert done.notes == ["folder Reading/a of admin: it is missing, and admin may make none there"]


@pytest.mark.parametrize("password", ["wrong"])
def test_a_refused_password_is_named(cloud: nextcloud_site.Site, password: str) -> None:
    asked = Api(
        "nextcloud",
        cloud.url,
        SecretStr("eDp5"),
        header="Authorization",
        scheme="Basic ",
        setting="relay_password",
    )
    done = dry(lambda: dav_folder_tree(asked, "admin", "Documents_RH", []))
    assert "nextcloud.relay_password" in done.error
    assert password not in done.error


# The doctor, and the operators' commands.


def test_the_doctor_finds_such_a_site_sound(tmp_path: Path) -> None:
    with sound(tmp_path) as world:
        assert world.found() == []
        made = gitlab_site.Project(
            world.forge, world.forge.done("GET", f"/projects/{world.site.gitlab.project.replace('/', '%2F')}")
        )
        elsewhere = replace(
            world.setting("gitlab", service="", token=SecretStr(of_project(made)), projects=[]),
            containers=[],
            docker=DockerError("", "missing"),
            tree=None,
        )
        elsewhere = elsewhere.setting("nextcloud", service="", source="webdav").setting("relays", url=PUBLIC)
        assert elsewhere.found() == ["gitlab.hook-address"]
        elsewhere.alter_hook(url=f"{PUBLIC}/webhook/gitlab", token="t" * 20, signing_token=KEY)
        assert elsewhere.found() == []
        # The same token is not enough where GitLab is the host's.
        own = elsewhere.setting("gitlab", service="gitlab")
        assert own.found() == ["docker.missing"]
        assert "gitlab.role" in replace(own, docker=None, containers=CONTAINERS).found()


@pytest.mark.parametrize("language", ["fr", "en"])
@pytest.mark.parametrize(
    ("services", "compose", "named", "unnamed"),
    [
        (
            ("gitlab", "nextcloud"),
            "docker compose -p x",
            ["GitLab → Mattermost", "Nextcloud → Mattermost"],
            [],
        ),
        (("", "nextcloud"), "docker compose -p x", ["Nextcloud → Mattermost"], ["GitLab →"]),
        (("", ""), "docker compose -p x", ["compose ps"], ["→"]),
        (("", ""), "", [], ["→", "compose", "docker", "Docker"]),
    ],
)
def test_the_operators_commands_name_what_is_there(
    tmp_path: Path,
    language: str,
    services: tuple[str, str],
    compose: str,
    named: list[str],
    unnamed: list[str],
) -> None:
    forge, cloud = services
    site = taaf(
        {
            "gitlab": {"service": forge},
            "nextcloud": {**CLOUD, "service": cloud},
            "relays": {"url": PUBLIC, "language": language},
        }
    )
    asked = api_of_nobody()
    context = DeployContext(str(tmp_path), "hooks.example.org", asked, asked, True, relay_url=PUBLIC)
    words = {
        "site": site,
        "context": context,
        "ca": None,
        "compose": compose,
        "t": lambda fr, en: fr if language == "fr" else en,
    }
    texts = {command: render(command, **words) for command in COMMANDS if command != "parked.sh"}
    assert set(texts) <= {Path(path).name for path in command_files("/x")}
    for text in texts.values():
        done = subprocess.run(["bash", "-n"], input=text, text=True, capture_output=True, check=False)
        assert (done.returncode, done.stderr) == (0, "")
    code = "\n".join(
        line for text in texts.values() for line in text.splitlines() if not line.startswith("#")
    )
    assert 'answers "http://127.0.0.1:8090/health"' in code
    for word in named:
        assert word in code
    for word in unnamed:
        assert word not in code


def api_of_nobody() -> Api:
    return Api("gitlab", "http://nobody.invalid", SecretStr("-"), header="PRIVATE-TOKEN")


def test_the_examples_in_the_guide_are_such_sites() -> None:
    guide = (Path(__file__).parent.parent.parent / "docs" / "sites.md").read_text(encoding="utf-8")
    _, elsewhere, all_in_one = re.findall(r"```toml\n(.*?)```", guide.replace("…", "x"), re.DOTALL)
    site = taaf(tomllib.loads(elsewhere))
    assert (site.services, site.nextcloud.source, site.relays.given) == ([], "webdav", "hooks.example.org")
    assert taaf(tomllib.loads(all_in_one)).services == ["gitlab", ALL_IN_ONE]
