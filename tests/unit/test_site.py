"""Site data: merged from three places, refused with the setting's name and the remedy."""

import re
import runpy
import ssl
import textwrap
import tomllib
from pathlib import Path
from typing import Any

import pytest

from tasks.certificates import certificates
from tasks.settings import merged
from tasks.site import SiteError
from tasks.ssh import port_of
from tests import tls
from tests.unit.site_data import load

ROOT = Path(__file__).parents[2]
TOKENS = {"PASSERELLE_MATTERMOST__TOKEN": "m-token", "PASSERELLE_GITLAB__TOKEN": "g-token"}


@pytest.fixture(autouse=True)
def no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    """The machine's own settings have no part in these tests."""
    monkeypatch.delenv("PASSERELLE_SETTINGS", raising=False)


@pytest.fixture
def values(monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """The TAAF's values."""
    for name, value in TOKENS.items():
        monkeypatch.setenv(name, value)
    # Not imported: the module reads the site once, and other tests need it as it really is.
    found: dict[str, Any] = runpy.run_path(str(Path(__file__).parents[2] / "group_data" / "all.py"))["TAAF"]
    return found


def settings(monkeypatch: pytest.MonkeyPatch, place: Path, text: str, mode: int = 0o600) -> Path:
    path = place / "site.toml"
    path.write_text(text)
    path.chmod(mode)
    monkeypatch.setenv("PASSERELLE_SETTINGS", str(path))
    return path


def test_environment_beats_file_beats_values(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    settings(monkeypatch, tmp_path, '[host]\naddress = "from.file"\nssh_port = 2222\n')
    monkeypatch.setenv("PASSERELLE_HOST__SSH_PORT", "22022")
    site = load(values)
    assert (site.host.address, site.host.ssh_port) == ("from.file", 22022)
    assert site.nextcloud.tree == "Documents_RH"


def test_one_field_of_a_webhook_can_be_altered(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSERELLE_MATTERMOST__GITLAB_WEBHOOK__CHANNEL", "devs")
    hook = load(values).mattermost.gitlab_webhook
    assert (hook.channel, hook.display_name) == ("devs", "GitLab Notifications")


def test_missing_token_is_named_with_both_remedies(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("PASSERELLE_GITLAB__TOKEN")
    with pytest.raises(
        SiteError, match=r"gitlab\.token is missing: set PASSERELLE_GITLAB__TOKEN, or token in"
    ):
        load(values)


@pytest.mark.parametrize("mode", [0o644, 0o640, 0o604])
def test_file_that_others_can_read_is_refused(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path, mode: int
) -> None:
    path = settings(monkeypatch, tmp_path, "", mode)
    with pytest.raises(SiteError, match=f"chmod 600 {path}"):
        load(values)


def test_named_file_that_is_not_there_is_refused(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("PASSERELLE_SETTINGS", str(tmp_path / "none.toml"))
    with pytest.raises(SiteError, match=r"there is no file .*none\.toml"):
        load(values)


def test_file_that_does_not_parse_is_named(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    path = settings(monkeypatch, tmp_path, "[host\n")
    with pytest.raises(SiteError, match=str(path)):
        load(values)


@pytest.mark.parametrize(
    ("variable", "value", "reported"),
    [
        ("MATTERMOST__URL", "chat.example.org", "must be the address of the server"),
        ("MATTERMOST__URL", "http://me:pw@chat.example.org", "must not hold a user name or a password"),
        ("MATTERMOST__TEAM", "Équipe", "mattermost.team"),
        ("NEXTCLOUD__TREE", "..", "one folder name"),
        ("NEXTCLOUD__TREE", "a%b", "one folder name"),
        ("NEXTCLOUD__FOLDERS", '["a/b"]', "nextcloud.folders.#1"),
        ("GITLAB__PROJECT", "projet", "gitlab.project"),
        ("GITLAB__PROJECTS", '["taaf/a", "projet"]', "gitlab.projects.#2 = 'projet'"),
        ("GITLAB__PROJECTS", '["taaf/a", "TAAF/a"]', "TAAF/a is given twice: take one of them out"),
        (
            "GITLAB__PROJECTS",
            '["root/projet-test-taaf"]',
            "gitlab.projects: root/projet-test-taaf is given twice",
        ),
        ("RELAYS__PORT", "0", "relays.port"),
        ("RELAYS__DIGEST_FROM", "1", "relays.digest_from = '1'"),
        ("RELAYS__DIGEST_FROM", "10001", "from 2 to 10000, or 0"),
        ("HOST__API_ACCESS", "vpn", "host.api_access"),
        ("HOTS__ADDRESS", "x", "PASSERELLE_HOTS__ADDRESS: there is no such setting"),
        ("HOST__ADRESS", "x", "host.adress: there is no such setting"),
    ],
)
def test_unusable_value_is_refused_by_name(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, reported: str
) -> None:
    monkeypatch.setenv(f"PASSERELLE_{variable}", value)
    with pytest.raises(SiteError) as caught:
        load(values)
    assert reported in str(caught.value)


@pytest.mark.parametrize("value", ["", " ", "jeton-é"])
def test_unusable_token_is_refused_unseen(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("PASSERELLE_GITLAB__TOKEN", value)
    with pytest.raises(SiteError, match=r"gitlab\.token") as caught:
        load(values)
    assert not value.strip() or value not in str(caught.value)


@pytest.mark.parametrize(
    "value",
    [
        "",
        "db.example.org",
        "mysql://u:s3cret@db/spool",
        "postgresql://u:s3cret@db",
        "postgresql://u:s3 cret@db/d",
    ],
)
def test_unusable_spool_is_refused_unseen(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, value: str
) -> None:
    monkeypatch.setenv("PASSERELLE_RELAYS__SPOOL", value)
    with pytest.raises(SiteError, match=r"relays\.spool: must be the address of a database") as caught:
        load(values)
    assert "s3" not in str(caught.value)


@pytest.mark.parametrize("password", ["s3%zz", "s3%", "s3%2", "s3%00x"])
def test_a_spool_that_libpq_would_quote_is_refused_unseen(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, password: str
) -> None:
    monkeypatch.setenv("PASSERELLE_RELAYS__SPOOL", f"postgresql://u:{password}@db/d")
    with pytest.raises(SiteError, match=r"relays\.spool: must have % written as %25") as caught:
        load(values)
    assert "s3" not in str(caught.value)


def test_several_servers_may_be_named_for_the_spool(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "PASSERELLE_RELAYS__SPOOL", "postgresql://u:s3cret@db1:5432,db2:5433/spool?sslmode=require"
    )
    site = load(values)
    assert site.relays.spool is not None
    assert "s3cret" not in str(site.to_json()) + repr(site)


@pytest.mark.parametrize(
    ("settings", "reported"),
    [
        ({}, "needs relays.spool"),
        ({"RELAYS__SPOOL": "postgresql://u:p@db/d"}, "needs relays.address"),
        (
            {"RELAYS__SPOOL": "postgresql://u:p@db/d", "RELAYS__ADDRESS": "lb"},
            "R2 is given twice: take one of them out",
        ),
    ],
)
def test_relay_hosts_that_cannot_work_are_refused(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, settings: dict[str, str], reported: str
) -> None:
    for name, value in settings.items():
        monkeypatch.setenv(f"PASSERELLE_{name}", value)
    monkeypatch.setenv("PASSERELLE_RELAYS__HOSTS", '[{"address": "r2"}, {"address": "R2"}]')
    with pytest.raises(SiteError, match=r"relays\.hosts") as caught:
        load(values)
    assert reported in str(caught.value)


def test_the_host_of_a_site_is_no_further_relay_host(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PASSERELLE_RELAYS__SPOOL", "postgresql://u:p@db/d")
    monkeypatch.setenv("PASSERELLE_RELAYS__ADDRESS", "lb")
    monkeypatch.setenv("PASSERELLE_RELAYS__HOSTS", '[{"address": "taaf.internal"}]')
    with pytest.raises(SiteError, match=r"the host taaf\.internal, port 22 twice: .*relays\.hosts"):
        load(values)


def test_a_relay_host_is_reached_as_the_host_is_unless_it_says_otherwise(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch
) -> None:
    for name, value in {
        "HOST__SSH_USER": "ops",
        "HOST__SUDO": "true",
        "RELAYS__SPOOL": "postgresql://u:p@db/d",
        "RELAYS__ADDRESS": "lb",
        "RELAYS__HOSTS": '[{"address": "r2", "ssh_port": 2222}, {"address": "r3", "sudo": false}]',
    }.items():
        monkeypatch.setenv(f"PASSERELLE_{name}", value)
    r2, r3 = load(values).relay_hosts
    assert (r2.address, r2.ssh_port, r2.ssh_user, r2.sudo) == ("r2", 2222, "ops", True)
    assert (r3.address, r3.ssh_port, r3.ssh_user, r3.sudo) == ("r3", None, "ops", False)
    assert port_of(r3) == 22


@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GITLAB__PROJECTS", "taaf/infra"),
        ("NEXTCLOUD__FOLDERS", "Contrats,Conges"),
        ("GITLAB__MUTE", "jobs"),
        ("GITLAB__ROUTES", "[{"),
        ("RELAYS__HOSTS", "r2"),
        ("GITLAB", "{"),
        ("HOST", "server.example.org"),
    ],
)
def test_a_variable_that_is_no_list_or_table_is_named(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, variable: str, value: str
) -> None:
    monkeypatch.setenv("PASSERELLE_HOST__SSH_PORT", "22")
    monkeypatch.setenv(f"PASSERELLE_{variable}", value)
    with pytest.raises(SiteError, match=rf"^PASSERELLE_{variable}: lists and tables are given as JSON"):
        load(values)


@pytest.mark.parametrize("end", ["\n", "\r\n", " ", "\t\r"])
@pytest.mark.parametrize(
    ("variable", "value"),
    [
        ("GITLAB__TOKEN", "glpat-x"),
        ("GITLAB__WEB_PASSWORD", "pass word"),
        ("NEXTCLOUD__APP_PASSWORD", "abcde"),
        ("HOST__SUDO_PASSWORD", "pass word"),
        ("RELAYS__SPOOL", "postgresql://u:p@db/d"),
        ("MATTERMOST__URL", "https://chat.example.org"),
        ("HOST__ADDRESS", "server.example.org"),
        ("HOST__INFRASTRUCTURE", "/srv/taaf"),
        ("MATTERMOST__TEAM", "taaf"),
        ("NEXTCLOUD__TREE", "Documents_RH"),
    ],
)
def test_what_was_copied_along_with_a_value_is_left_out(
    values: dict[str, Any], monkeypatch: pytest.MonkeyPatch, variable: str, value: str, end: str
) -> None:
    monkeypatch.setenv(f"PASSERELLE_{variable}", f"{value}{end}")
    section, _, name = variable.lower().partition("__")
    found = getattr(getattr(load(values), section), name)
    assert (found if isinstance(found, str) else found.get_secret_value()) == value


def test_every_secret_is_known_as_one(values: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    """Whatever may be shown is masked by this list: a setting that is added to the secrets is on it."""
    given = {
        "HOST__SUDO_PASSWORD": "sudo-secret",
        "GITLAB__READ_TOKEN": "read-secret",
        "GITLAB__WRITE_TOKEN": "write-secret",
        "GITLAB__WEB_PASSWORD": "web-secret",
        "NEXTCLOUD__APP_PASSWORD": "app-secret",
        "NEXTCLOUD__RELAY_PASSWORD": "relay-secret",
        "RELAYS__SPOOL": "postgresql://u:spool-secret@db/d",
        "RELAYS__ADDRESS": "lb",
        "RELAYS__HOSTS": '[{"address": "r2", "sudo_password": "r2-secret"}]',
    }
    needed = {
        "MATTERMOST__POSTING": "bot",
        "MATTERMOST__COMMANDS": '["passerelle"]',
        "GITLAB__PEOPLE": '{"a": "b"}',
    }
    for name, value in {**given, **needed}.items():
        monkeypatch.setenv(f"PASSERELLE_{name}", value)
    site = load(values)
    assert len(re.findall(r"\*{10}", str(site.to_json()))) == len(site.secrets)
    assert sorted(site.secrets) == sorted(
        [
            *TOKENS.values(),
            *(each for name, each in given.items() if name not in ("RELAYS__ADDRESS", "RELAYS__HOSTS")),
            "r2-secret",
        ]
    )


def test_secrets_are_masked_where_pyinfra_prints_data(values: dict[str, Any]) -> None:
    shown = str(load(values).to_json()) + repr(load(values))
    assert "m-token" not in shown
    assert "g-token" not in shown


def example(page: str) -> str:
    """The first example of settings in a document."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = re.search(r"^ *```toml\n(.*?)^ *```", text, re.DOTALL | re.MULTILINE)
    assert found
    return found[1]


@pytest.mark.parametrize("page", ["docs/operate.md", "docs/exploitation.fr.md"])
def test_the_example_in_the_guides_is_a_site(page: str, values: dict[str, Any]) -> None:
    """What an administrator copies from them can be used as it stands, with the tokens put in."""
    given = tomllib.loads(textwrap.dedent(example(page)).replace("…", "a-token"))
    site = load(merged(values, given))
    assert (site.host.address, site.portal_url) == (given["host"]["address"], None)


def test_the_example_of_routes_is_a_site(values: dict[str, Any]) -> None:
    reported = tomllib.loads(example("docs/routing.md"))
    chat = values["mattermost"] | {"posting": "bot"}
    site = load(values | {"mattermost": chat, "gitlab": values["gitlab"] | reported["gitlab"]})
    assert [route.channels for route in site.gitlab.routes] == [
        ("astreinte",),
        ("secu", "dev-notifications"),
        ("secu",),
        (),
    ]


def test_the_example_of_trees_is_a_site(values: dict[str, Any]) -> None:
    reported = tomllib.loads(example("docs/documents.md").replace("…", "an-app-password"))["nextcloud"]
    first, further = load(values | {"nextcloud": values["nextcloud"] | reported}).trees
    assert (first.tree, first.channel, first.folder_discretion) == (
        "Documents_RH",
        "rh-alerts",
        {"Fiches_Paie": "count"},
    )
    assert (further.tree, further.channel, further.owner) == ("Comptabilite", "compta", "admin")


@pytest.mark.parametrize(
    ("setting", "value", "words"),
    [
        (
            "routes",
            [{"channels": ["ops"], "events": ["push"], "actions": ["merge"]}],
            "route 1 can never match",
        ),
        ("routes", [{"channels": ["Ops"]}], "gitlab.routes.#1.channels.#1 = 'Ops'"),
        (
            "routes",
            [{"channels": ["ops"], "event": ["push"]}],
            "gitlab.routes.#1.event: there is no such setting",
        ),
        ("mute", {"jbs": True}, "gitlab.mute.jbs: there is no such setting"),
        ("people", {"lperrin": "all"}, "gitlab.people.lperrin = 'all': is not the name of one user"),
        (
            "notify",
            {"lperrin": ["reviews"]},
            "gitlab.notify.lperrin.#1 = 'reviews': Input should be 'assigned'",
        ),
        ("notify", {"lperrin": True}, "gitlab.notify.lperrin = True"),
        ("notify", {"@lperrin": []}, "gitlab.notify: @lperrin is no user name in GitLab"),
        ("notify", {"a": [], "A": []}, "gitlab.notify: a and A are one user of GitLab"),
        ("wording", {"fr": {"psh": "x"}}, "there is no event psh"),
        ("wording", {"fr": {"push": "{{"}}, "not a Jinja2 template: line 1"),
        ("wording", {"fr": {"push": "{{ payload.usr }}"}}, "no sample of push has usr"),
        ("wording", {"fr": {"push": "{{ 1 / 0 }}"}}, "fails on a sample of push: division by zero"),
        ("wording", {"fr": {"push": "  "}}, "it says nothing"),
        ("detail", "long", "gitlab.detail = 'long'"),
    ],
)
def test_what_cannot_be_worded_so_is_refused(
    values: dict[str, Any], setting: str, value: object, words: str
) -> None:
    with pytest.raises(SiteError, match=re.escape(words)) as refused:
        load(values | {"gitlab": values["gitlab"] | {setting: value}})
    assert f"PASSERELLE_GITLAB__{setting.upper()}" in str(refused.value) or "no such setting" in words
    assert "g-token" not in str(refused.value)


def test_certificates_alone_are_brought_to_the_host(tmp_path: Path) -> None:
    """Whatever else is in the file stays on this machine."""
    file = tmp_path / "ca.pem"
    pems = f"{tls.ROOT.pem}{tls.GOOD.pem}"
    file.write_bytes(f"# Autorité du site\r\n{pems}Signé : C. Morel\n".replace("\n", "\r\n").encode())
    assert certificates(file) == pems


@pytest.mark.parametrize(
    ("content", "reported"),
    [
        (None, "there is no such file on this machine"),
        (b"", "holds no certificate in PEM"),
        (b"ssh-ed25519 AAAA x", "holds no certificate in PEM"),
        ((tls.GOOD.pem + tls.GOOD.private_pem).encode(), "holds a private key"),
        (ssl.PEM_cert_to_DER_cert(tls.ROOT.pem), "is not PEM: convert it with openssl x509 -inform der"),
        (tls.ROOT.pem[:-30].encode(), "holds no certificate in PEM"),
        (tls.ROOT.pem.replace("MII", "MMM", 1).encode(), "holds a certificate that cannot be read"),
    ],
    ids=["missing", "empty", "other", "key", "DER", "cut", "broken"],
)
def test_a_file_of_certificates_that_cannot_be_used_is_refused(
    values: dict[str, Any],
    monkeypatch: pytest.MonkeyPatch,
    tmp_path: Path,
    content: bytes | None,
    reported: str,
) -> None:
    file = tmp_path / "ca.pem"
    if content is not None:
        file.write_bytes(content)
    monkeypatch.setenv("PASSERELLE_HOST__CA", str(file))
    with pytest.raises(SiteError, match=re.escape(f"host.ca = '{file}': {reported}")) as refused:
        load(values)
    assert "set PASSERELLE_HOST__CA" in str(refused.value)
    assert "PRIVATE" not in str(refused.value)
