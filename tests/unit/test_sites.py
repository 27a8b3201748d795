"""Several sites in one file: merged with what is said of all, refused by name, kept from each other's things."""

import json
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from tasks.settings import load, merged, pick
from tasks.site import SiteError
from tests.unit.test_site import TOKENS, no_settings, settings, values

__all__ = ["no_settings", "values"]

ROOT = Path(__file__).parent.parent.parent
TWO = """
[gitlab]
url = "https://git.example.org"
people = { "camille.morel" = "cmorel" }
projects = ["commun/tout"]

[sites.kerguelen.host]
address = "ker.example.org"
[sites.kerguelen.gitlab]
url = "https://git.ker.example.org"
projects = ["ker/vivant", "ker/meteo"]
people = { "paul.petit" = "ppetit" }
[sites.kerguelen.mattermost]
team = "kerguelen"

[sites.port-aux-francais.host]
address = "paf.example.org"
"""


@pytest.fixture
def two(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    return settings(monkeypatch, tmp_path, TWO)


def test_a_site_is_what_is_said_of_all_under_what_is_said_of_it(values: dict[str, Any], two: Path) -> None:
    sites = load(values)
    assert list(sites) == ["kerguelen", "port-aux-francais"]
    first, second = sites.values()
    assert (first.host.address, second.host.address) == ("ker.example.org", "paf.example.org")
    assert (first.gitlab.url, second.gitlab.url) == ("https://git.ker.example.org", "https://git.example.org")
    # Tables are merged, lists replaced.
    assert first.gitlab.people == {"camille.morel": "cmorel", "paul.petit": "ppetit"}
    assert second.gitlab.people == {"camille.morel": "cmorel"}
    assert first.projects == ["root/projet-test-taaf", "ker/vivant", "ker/meteo"]
    assert second.projects == ["root/projet-test-taaf", "commun/tout"]
    assert (first.mattermost.team, second.mattermost.team) == ("kerguelen", "taaf")
    assert {site.gitlab.token.get_secret_value() for site in sites.values()} == {"g-token"}


def test_what_is_said_of_one_site_beats_what_is_said_of_all(
    values: dict[str, Any], two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Within each of the two, a variable beats the file."""
    monkeypatch.setenv("PASSERELLE_GITLAB__URL", "https://git.variable.org")
    monkeypatch.setenv("PASSERELLE_SITES__PORT_AUX_FRANCAIS__GITLAB__TOKEN", "of-paf")
    monkeypatch.setenv("PASSERELLE_SITES__KERGUELEN__HOST__SSH_PORT", "2222")
    monkeypatch.setenv("PASSERELLE_SITES__KERGUELEN__GITLAB__PROJECTS", '["ker/seul"]')
    first, second = load(values).values()
    assert (first.gitlab.url, second.gitlab.url) == (
        "https://git.ker.example.org",
        "https://git.variable.org",
    )
    assert (first.gitlab.token.get_secret_value(), second.gitlab.token.get_secret_value()) == (
        "g-token",
        "of-paf",
    )
    assert (first.host.address, first.host.ssh_port, second.host.ssh_port) == ("ker.example.org", 2222, None)
    assert first.projects == ["root/projet-test-taaf", "ker/seul"]


def test_a_site_can_be_described_by_variables_alone(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSERELLE_SITES__CROZET__HOST__ADDRESS", "crozet.example.org")
    sites = load(values)
    assert {name: site.host.address for name, site in sites.items()} == {"crozet": "crozet.example.org"}


def test_without_sites_there_is_one_called_by_its_address(values: dict[str, Any]) -> None:
    assert list(load(values)) == ["taaf.internal"]


def test_every_fault_of_every_site_is_reported_at_once(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.delenv("PASSERELLE_GITLAB__TOKEN")
    settings(
        monkeypatch,
        tmp_path,
        '[sites.a.host]\naddress = "a"\n[sites.a.gitlab]\ntoken = "glpat-of-a"\nproject = "projet"\n'
        '[sites.b-c.host]\naddress = "b"\nssh_port = 0\n[sites.b-c.gitlab]\nprojet = "x/y"\n[sites.d.host]\n',
    )
    with pytest.raises(SiteError) as caught:
        load(values)
    reported = str(caught.value).splitlines()
    assert len(reported) == 5
    assert reported[4].startswith(
        "sites.d.host.address is missing: set PASSERELLE_SITES__D__HOST__ADDRESS, or addre"
    )
    for line, (site, field, remedy) in zip(
        reported,
        [
            ("a", "gitlab.project = 'projet'", "set PASSERELLE_SITES__A__GITLAB__PROJECT, or project in"),
            ("b-c", "host.ssh_port = 0", "or ssh_port in [sites.b-c.host] of site.toml (mode 0600)"),
            (
                "b-c",
                "gitlab.token is missing",
                "PASSERELLE_SITES__B_C__GITLAB__TOKEN, or token in [sites.b-c",
            ),
            ("b-c", "gitlab.projet", "there is no such setting"),
        ],
        strict=False,
    ):
        assert line.startswith(f"sites.{site}.{field}")
        assert remedy in line
    assert "glpat-of-a" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "reported"),
    [
        ('sites = ["a"]\n', "sites: must be tables such as [sites.kerguelen.host] in site.toml"),
        ("[sites]\na = 1\n", "sites.a: must be a table, or have some, such as [sites.a.host]"),
        (
            "[sites.A.host]\n",
            "sites.A: a site's name is made of lower-case letters, digits and single hyphens",
        ),
        ("[sites.a_b.host]\n", "sites.a_b: a site's name"),
        ("[sites.all.host]\n", "sites.all: a site's name"),
        ('[sites.a]\nhost = "a"\n', "sites.a.host.address is missing"),
        ('[sites.a.host]\naddress = "a"\n[sites.a.hots]\n', "sites.a.hots: there is no such setting"),
    ],
)
def test_tables_that_are_no_sites_are_refused(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, text: str, reported: str
) -> None:
    settings(monkeypatch, tmp_path, text)
    with pytest.raises(SiteError, match=re.escape(reported)):
        load(values)


@pytest.mark.parametrize(
    ("variable", "reported"),
    [
        ("PASSERELLE_SITES__KERGUELEN__GITALB__TOKEN", "GITALB__TOKEN: there is no such setting"),
        ("PASSERELLE_SITES__KERGUELEN", "PASSERELLE_SITES__KERGUELEN: there is no such setting"),
        ("PASSERELLE_SITES", "PASSERELLE_SITES: there is no such setting"),
        # Misspelt, it would be a further site on the host that the settings name for all.
        ("PASSERELLE_SITES__KERGUELEM__GITLAB__TOKEN", "sites.kerguelem.host.address is missing"),
        ("PASSERELLE_SITES__A_B__GITLAB__PROJECTS", "are given as JSON"),
    ],
)
def test_a_variable_that_names_nothing_is_refused(
    values: dict[str, Any], two: Path, monkeypatch: pytest.MonkeyPatch, variable: str, reported: str
) -> None:
    monkeypatch.setenv(variable, "x-secret")
    with pytest.raises(SiteError, match=re.escape(reported)) as caught:
        load(values)
    assert "x-secret" not in str(caught.value)


# What the second of two sites says, and what is said of it: None where nothing is at odds.
RIVALS: dict[str, tuple[dict[str, Any], str | None]] = {
    "nothing in common": ({}, None),
    "the same host": (
        {"host": {"address": "A.example.org"}},
        "sites.a and sites.b both have the host a.example.org, port 22: a host holds one site",
    ),
    "another port of the same address": ({"host": {"address": "a.example.org", "ssh_port": 2222}}, None),
    "a project of the same GitLab": (
        {"gitlab": {"url": "https://git.a", "projects": ["Root/A"]}},
        "both have the project root/a of https://git.a: each deploy would lead its hook to another relay",
    ),
    "the same GitLab": ({"gitlab": {"url": "https://git.a"}}, None),
    "a pattern that finds another site's project": (
        {"gitlab": {"url": "https://git.a", "projects": ["Root/*"]}},
        "sites.b has the projects Root/* of https://git.a and sites.a has root/a: each deploy would lead their hooks "
        "to another relay; leave them out of the first one with the entry !root/a in its gitlab.projects",
    ),
    "a pattern that leaves another site's project out": (
        {"gitlab": {"url": "https://git.a", "projects": ["root/*", "!root/A"]}},
        None,
    ),
    "a group that holds another site's group": (
        {"gitlab": {"url": "https://git.a", "groups": ["shared"]}},
        "sites.b has the projects shared/** of https://git.a and sites.a has Shared/of-a/*",
    ),
    "a group that leaves another site's group out": (
        {"gitlab": {"url": "https://git.a", "groups": ["shared"], "projects": ["!shared/of-a/**"]}},
        None,
    ),
    "the same pattern": (
        {"gitlab": {"url": "https://git.a", "projects": ["shared/of-a/*"]}},
        "sites.a has the projects Shared/of-a/* of https://git.a and sites.b has shared/of-a/*",
    ),
    "a pattern of another GitLab": ({"gitlab": {"groups": ["shared"]}}, None),
    "the webhooks of the same team": (
        {"mattermost": {"url": "https://chat.a", "team": "of-a"}},
        "both have the incoming webhook 'GitLab Notifications' in the team of-a of https://chat.a",
    ),
    "the same team, other webhooks": (
        {
            "mattermost": {
                "url": "https://chat.a",
                "team": "of-a",
                "gitlab_webhook": {"display_name": "GitLab b"},
                "nextcloud_webhook": {"display_name": "Nextcloud b"},
            }
        },
        None,
    ),
    "the same channel, described otherwise": (
        {
            "mattermost": {
                "url": "https://chat.a",
                "team": "of-a",
                "gitlab_webhook": {"display_name": "GitLab b", "channel_purpose": "Ours"},
                "nextcloud_webhook": {"display_name": "Nextcloud b"},
            }
        },
        "share the channel dev-notifications in the team of-a of https://chat.a and describe it differently",
    ),
    "the same team, called otherwise": (
        {
            "mattermost": {
                "url": "https://chat.a",
                "team": "of-a",
                "team_display_name": "B",
                "gitlab_webhook": {"display_name": "GitLab b"},
                "nextcloud_webhook": {"display_name": "Nextcloud b"},
            }
        },
        "share the team of-a of https://chat.a and describe it differently ('TAAF', 'B')",
    ),
    **{
        name: (
            {
                "mattermost": {
                    "url": "https://chat.a",
                    "posting": posting,
                    "bot": {"display_name": display_name},
                    "gitlab_webhook": {"display_name": "GitLab b"},
                    "nextcloud_webhook": {"display_name": "Nextcloud b"},
                }
            },
            told,
        )
        for name, posting, display_name, told in (
            ("the same bot", "bot", "Passerelle", None),
            ("no bot where the other has one", "webhook", "B", None),
            (
                "the same bot, called otherwise",
                "bot",
                "B",
                "share the bot passerelle of https://chat.a and describe it differently",
            ),
        )
    },
    "the relay's address for the same GitLab": (
        {"gitlab": {"url": "https://git.a"}, "relays": {"address": "192.0.2.1"}},
        "both have the relay's address 192.0.2.1:8090 for https://git.a",
    ),
    "the database of the spool": (
        {"relays": {"spool": "postgresql://b:x-secret@db.example.org/passerelle?sslmode=require"}},
        "both have the database of the spool db.example.org/passerelle: the relays of one would deliver for the other",
    ),
    "another database of the same server": (
        {"relays": {"spool": "postgresql://a:x-secret@db.example.org/of-b"}},
        None,
    ),
    "another server's database": (
        {"relays": {"spool": "postgresql://a:x-secret@db.example.org:5433/passerelle"}},
        None,
    ),
    "the relay's address, another port": (
        {"gitlab": {"url": "https://git.a"}, "relays": {"address": "192.0.2.1", "port": 8091}},
        None,
    ),
}


def as_toml(sites: dict[str, Any], path: str = "sites") -> str:
    """Tables of tables."""
    lines = [f"{key} = {json.dumps(value)}" for key, value in sites.items() if not isinstance(value, dict)]
    below = [as_toml(value, f"{path}.{key}") for key, value in sites.items() if isinstance(value, dict)]
    return "\n".join([f"[{path}]", *lines, *below, ""])


def tables_of(name: str) -> dict[str, Any]:
    """A site that has nothing in common with one of another name."""
    return {
        "host": {"address": f"{name}.example.org"},
        "gitlab": {"url": f"https://git.{name}", "project": f"root/{name}"},
        "mattermost": {"url": f"https://chat.{name}", "team": f"of-{name}"},
    }


@pytest.mark.parametrize("rivalry", RIVALS)
def test_sites_that_would_fight_are_refused(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, rivalry: str
) -> None:
    change, reported = RIVALS[rivalry]
    relays = {"address": "192.0.2.1", "spool": "postgresql://a:x-secret@db.example.org/passerelle"}
    own = {"relays": relays, "mattermost": {"posting": "bot"}, "gitlab": {"projects": ["Shared/of-a/*"]}}
    sites = {"a": merged(tables_of("a"), own), "b": merged(tables_of("b"), change)}
    settings(monkeypatch, tmp_path, as_toml(sites))
    if reported is None:
        assert list(load(values)) == ["a", "b"]
    else:
        with pytest.raises(SiteError, match=re.escape(reported)) as refused:
            load(values)
        assert "x-secret" not in str(refused.value)


def test_databases_of_the_relays_own_hosts_are_not_the_same(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    spool = {"relays": {"spool": "postgresql://a:x-secret@127.0.0.1/passerelle"}}
    sites = {name: merged(tables_of(name), spool) for name in ("a", "b")}
    settings(monkeypatch, tmp_path, as_toml(sites))
    assert list(load(values)) == ["a", "b"]


def test_a_command_for_one_site_must_name_it(values: dict[str, Any], two: Path) -> None:
    sites = load(values)
    assert pick(sites, "kerguelen") == "kerguelen"
    assert pick({"crozet": sites["kerguelen"]}, None) == "crozet"
    for wanted in (None, ""):
        with pytest.raises(
            SiteError, match=r"several sites \(kerguelen, port-aux-francais\): .* --site NAME"
        ):
            pick(sites, wanted)
    with pytest.raises(SiteError, match="--site crozet: there is no such site; there is kerguelen, port-aux"):
        pick(sites, "crozet")


def test_each_site_is_a_host_with_its_own_data(
    values: dict[str, Any], two: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As pyinfra itself reads the inventory; secrets are masked in it."""
    monkeypatch.setenv("PASSERELLE_HOST__SUDO", "true")
    monkeypatch.setenv("PASSERELLE_HOST__SUDO_PASSWORD", "sudo-secret")
    done = subprocess.run(
        [str(Path(sys.executable).with_name("pyinfra")), "inventory.py", "debug-inventory", "--json"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    reported = {host["name"]: host["data"] for host in json.loads(done.stdout)}
    assert {name: data["ssh_hostname"] for name, data in reported.items()} == {
        "kerguelen": "ker.example.org",
        "port-aux-francais": "paf.example.org",
    }
    assert {name: data["site"]["gitlab"]["url"] for name, data in reported.items()} == {
        "kerguelen": "https://git.ker.example.org",
        "port-aux-francais": "https://git.example.org",
    }
    assert not [token for token in (*TOKENS.values(), "sudo-secret") if token in done.stdout]


def test_the_example_in_the_guide_is_three_sites(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """What an administrator copies from it can be used as it stands, and is what its comments say."""
    example, *_ = re.findall(r"```toml\n(.*?)```", (ROOT / "docs" / "sites.md").read_text(), re.DOTALL)
    settings(monkeypatch, tmp_path, example.replace("…", "a-token"))
    monkeypatch.setenv("HOME", str(tmp_path))
    (tmp_path / ".ssh").mkdir()
    (tmp_path / ".ssh" / "known_hosts_sites").touch()
    for name in TOKENS:
        monkeypatch.delenv(name)
    sites = load(values)
    assert list(sites) == ["siege", "kerguelen", "port-aux-francais"]
    kerguelen = sites["kerguelen"]
    assert (kerguelen.gitlab.mute.reactions, kerguelen.gitlab.mute.jobs) == (False, False)
    assert kerguelen.nextcloud.folders == ["Contrats", "Missions"]
    assert sites["siege"].projects == ["siege/infra", "siege/web", "siege/paie"]
    assert [tree.tree for tree in sites["siege"].trees] == ["Documents_RH", "Comptabilite"]
