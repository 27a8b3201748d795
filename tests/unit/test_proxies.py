"""HTTP proxies: whoever asks, each way to set one, servers inside and outside: who was asked."""

import json
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from pydantic import SecretStr

from group_data.all import TAAF
from relays.mattermost import later_answers
from relays.mattermost.bot_session import Bot, BotSession
from relays.mattermost.client import Hook, IncomingWebhook, Meaning
from relays.mattermost.later_answers import LaterAnswers
from relays.mattermost.markup import Markup
from relays.mattermost.slash_command import SlashCommand
from relays.sources.gitlab.rest import GitLabError, Server
from relays.sources.nextcloud.cloud import Account, Cloud, CloudError
from tasks.operations.api import Api, ApiError
from tasks.relay_settings import gitlab_settings, nextcloud_settings
from tasks.settings import merged
from tasks.setup.discovery import Applications
from tasks.site import SiteError
from tests import tls
from tests.unit.counting_proxy import Counted, everything, proxy
from tests.unit.site_data import load, taaf
from tests.unit.test_operations_tls import Straight

PROBE = Path(__file__).parent.parent.parent / "tasks" / "doctor" / "probe.py"
OUTSIDE = "app.outside.invalid"
VARIABLES = ("HTTP_PROXY", "http_proxy", "HTTPS_PROXY", "https_proxy", "ALL_PROXY", "all_proxy")


@dataclass(frozen=True)
class Way:
    """How a proxy is set: variables of the environment, where {} is its address, and whether by the settings."""

    environment: dict[str, str]
    setting: bool = False


WAYS = {
    "none": Way({}),
    "HTTP_PROXY": Way({"HTTP_PROXY": "{}"}),
    "http_proxy": Way({"http_proxy": "{}"}),
    "ALL_PROXY": Way({"ALL_PROXY": "{}"}),
    "HTTP_PROXY, NO_PROXY": Way({"HTTP_PROXY": "{}", "NO_PROXY": ".outside.invalid"}),
    "HTTPS_PROXY, for http://": Way({"HTTPS_PROXY": "{}"}),
    "setting": Way({}, setting=True),
    # Where both say something, that of the environment leads nowhere.
    "setting, and another one in the environment": Way(
        dict.fromkeys(VARIABLES, "http://127.0.0.1:9"), setting=True
    ),
    "setting, and NO_PROXY": Way({"NO_PROXY": "*"}, setting=True),
}
# Those by which this machine itself would go.
FROM_HERE = {"HTTP_PROXY", "http_proxy", "ALL_PROXY"}

Ask = Callable[[str, str | None, Path | None], object]


def _webhook(url: str, by: str | None, ca: Path | None) -> None:
    hook = Hook(f"{url}/hooks/{'a' * 26}", "c", ca=ca, proxy=by)
    assert IncomingWebhook(hook, "c").post({"text": "x"}).meaning is Meaning.POSTED


def _through_ssh(url: str, by: str | None, ca: Path | None) -> None:
    transport: Any = Straight
    Api("gitlab", url, SecretStr("t"), header="PRIVATE-TOKEN", transport=transport, ca=ca, proxy=by).call(
        "GET", "/x"
    )


def _from_here(url: str, by: str | None, ca: Path | None) -> None:
    Api("gitlab", url, SecretStr("t"), header="PRIVATE-TOKEN", ca=ca, proxy=by, near="server").call(
        "GET", "/x"
    )


def _later(url: str, by: str | None, ca: Path | None) -> None:
    command = SlashCommand("t", "c", "c" * 26, "u" * 26, "/x", (), "r" * 26)
    answers = LaterAnswers(later_answers.Server(url, ca, by), lambda seconds: None)
    assert answers.send(command, Markup("x")) == ""


CALLERS: dict[str, Ask] = {
    "the relay, answering a command later": _later,
    "the relay, posting by a webhook": _webhook,
    "the relay, posting as a bot": lambda url, by, ca: BotSession(
        Bot(url, "t", "x", "c", ca=ca, proxy=by)
    ).get("/x"),
    "the relay, reading GitLab": lambda url, by, ca: Server(url, "t", ca, by).get("version", {}, "it", ""),
    "the relay, reading Nextcloud": lambda url, by, ca: Cloud(Account(url, "u", "p", ca, by), 20).ask(
        "GET", "/x", (200,)
    ),
    "the deploy, through SSH": _through_ssh,
    "the deploy, directly": _from_here,
}


@pytest.fixture(scope="module")
def server() -> Iterator[Counted]:
    with everything() as served:
        yield served


@pytest.fixture(scope="module")
def counting(server: Counted) -> Iterator[Counted]:
    with proxy(server.port) as served:
        yield served


@pytest.fixture
def environment(monkeypatch: pytest.MonkeyPatch, counting: Counted) -> Callable[[Way], None]:
    def have(way: Way) -> None:
        for name in (*VARIABLES, "NO_PROXY", "no_proxy"):
            monkeypatch.delenv(name, raising=False)
        for name, value in way.environment.items():
            monkeypatch.setenv(name, value.format(counting.url))

    return have


# A proxy for what is inside is refused by the settings, below.
ROWS = [
    (caller, way, where)
    for caller in CALLERS
    for way in WAYS
    for where in ("inside", "outside")
    if where == "outside" or not WAYS[way].setting
]


@pytest.mark.parametrize(("caller", "way", "where"), ROWS)
def test_who_is_asked(
    caller: str,
    way: str,
    where: str,
    server: Counted,
    counting: Counted,
    environment: Callable[[Way], None],
) -> None:
    """Relays and tunnel go by the setting alone, this machine by its environment; what is near needs none."""
    set_by = WAYS[way]
    environment(set_by)
    server.asked.clear()
    counting.asked.clear()
    url = server.url if where == "inside" else f"http://{OUTSIDE}:{server.port}"
    here = caller == "the deploy, directly"
    proxied = where == "outside" and (way in FROM_HERE if here else set_by.setting)
    failures = (AssertionError, GitLabError, CloudError, ApiError, OSError)
    with suppress(*(() if proxied or where == "inside" else failures)):
        CALLERS[caller](url, counting.url if set_by.setting else None, None)
    assert counting.asked == ([OUTSIDE] if proxied else [])
    assert server.asked == ([OUTSIDE] if proxied else ["127.0.0.1"] if where == "inside" else [])


@pytest.mark.parametrize("near", ["localhost", "127.0.0.1", "server.example.org", "SERVER.example.org."])
def test_what_is_on_the_host_needs_no_proxy_of_this_machine(
    near: str, server: Counted, counting: Counted, environment: Callable[[Way], None]
) -> None:
    environment(Way({"HTTP_PROXY": "{}"}))
    counting.asked.clear()
    api = Api(
        "gitlab",
        f"http://{near}:{server.port}",
        SecretStr("t"),
        header="PRIVATE-TOKEN",
        near="server.example.org",
    )
    with suppress(ApiError):  # the name is nobody's
        api.call("GET", "/x")
    assert counting.asked == []


@pytest.mark.parametrize("caller", [name for name in CALLERS if name != "the deploy, directly"])
def test_tls_ends_at_the_server(caller: str, server: Counted, tmp_path: Path) -> None:
    """The proxy is asked to connect, and sees nothing of what goes through it."""
    front = tls.Front(server.port, tls.make("x", tls.ROOT, names=[OUTSIDE]))
    try:
        with proxy(front.port) as counted:
            CALLERS[caller](f"https://{OUTSIDE}", counted.url, tls.write(tmp_path))
            assert counted.asked == [OUTSIDE]
    finally:
        front.close()


def test_a_proxy_that_is_not_there_is_named_by_its_setting() -> None:
    result = IncomingWebhook(Hook(f"http://{OUTSIDE}/hooks/x", "c", proxy="http://127.0.0.1:9"), "c").post({})
    assert (result.reason, result.remedy) == (
        "the proxy does not lead there",
        "correct mattermost.proxy, or the proxy",
    )
    with pytest.raises(
        ApiError, match=r"the proxy does not lead there\); correct gitlab\.proxy, or the proxy"
    ):
        _through_ssh(f"http://{OUTSIDE}", "http://127.0.0.1:9", None)


# What the settings may say, and what becomes of it.


@pytest.mark.parametrize("section", ["mattermost", "gitlab", "nextcloud"])
@pytest.mark.parametrize(
    ("url", "by", "fault"),
    [
        ("https://app.example.org", "http://proxy.example.org:3128", ""),
        ("https://app.example.org", "https://proxy.example.org:3128", "must be the address of an HTTP proxy"),
        ("https://app.example.org", "http://proxy.example.org/path", "must be the address of an HTTP proxy"),
        ("https://app.example.org", "socks5://proxy.example.org", "must be the address of an HTTP proxy"),
        (
            "https://app.example.org",
            "http://me:pw@proxy.example.org",
            "must not hold a user name or a password",
        ),
        ("http://localhost:8080", "http://proxy.example.org", "is the host itself; take it out"),
        ("http://127.0.0.5", "http://proxy.example.org", "is the host itself; take it out"),
        ("http://[::1]", "http://proxy.example.org", "is the host itself; take it out"),
        ("http://Server.Example.org/git", "http://proxy.example.org", "is the host itself; take it out"),
    ],
)
def test_a_proxy_for_the_host_itself_is_refused(section: str, url: str, by: str, fault: str) -> None:
    tokens = {name: {"token": "t"} for name in ("mattermost", "gitlab")}
    settings = {"host": {"address": "server.example.org"}, section: {"url": url, "proxy": by}}
    layers = merged(TAAF, tokens, settings)
    if not fault:
        assert getattr(load(layers, {}), section).proxy == by
        return
    with pytest.raises(SiteError, match=f"^{section}\\.proxy.*: .*{fault}"):
        load(layers, {})


def test_each_relay_is_given_the_proxies_of_the_servers_that_it_asks() -> None:
    named = {
        section: f"http://{section}.proxy.example.org" for section in ("mattermost", "gitlab", "nextcloud")
    }
    site = taaf(
        {section: {"url": "https://x.example.org", "proxy": url} for section, url in named.items()},
        {"gitlab": {"read_token": "t"}, "nextcloud": {"relay_password": "p"}},
    )
    texts = {"gitlab": gitlab_settings(site, signs=True), "nextcloud": nextcloud_settings(site)}
    for section, text in texts.items():
        found = [line for line in text.splitlines() if "proxy" in line]
        assert found == [
            f'mattermost_proxy = "{named["mattermost"]}"',
            f'proxy = "{named[section]}"',
        ]
    assert "proxy" not in gitlab_settings(taaf({"gitlab": {"read_token": "t"}}), signs=True)


# The host, as the doctor and the operators' commands see it.


@pytest.mark.parametrize("way", [name for name in WAYS if WAYS[name].setting or "NO_PROXY" not in name])
def test_the_doctor_asks_as_the_relays_do(
    way: str, server: Counted, counting: Counted, environment: Callable[[Way], None]
) -> None:
    environment(WAYS[way])
    counting.asked.clear()
    by = counting.url if WAYS[way].setting else None
    script = "import json, sys; exec(sys.stdin.read().partition('if __name__')[0]); print(json.dumps({}))"
    calls = f"[web('http://{OUTSIDE}/x', True, {by!r}), ask('http://{OUTSIDE}/hooks/x', {by!r})]"
    done = subprocess.run(
        [sys.executable, "-c", script.format(calls)],
        input=PROBE.read_text(),
        capture_output=True,
        text=True,
        check=True,
    )
    page, webhook = json.loads(done.stdout)
    if by:
        assert (page["status"], page["proxy"], webhook["answer"]) == (200, "", 200)
        assert counting.asked == [OUTSIDE, OUTSIDE]
    else:
        assert page["name"]
        assert (webhook["answer"], counting.asked) == (0, [])


@pytest.mark.parametrize("scheme", ["http", "https"])
def test_the_doctor_says_what_is_wrong_with_the_proxy(scheme: str) -> None:
    script = f"exec(__import__('sys').stdin.read().partition('if __name__')[0]); print(web('{scheme}://x.invalid', "
    done = subprocess.run(
        [sys.executable, "-c", f"{script}True, 'http://127.0.0.1:9')['proxy'])"],
        input=PROBE.read_text(),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "Connection refused"


@pytest.mark.parametrize("given", [True, False])
def test_the_operators_commands_ask_as_the_relays_do(
    given: bool, server: Counted, counting: Counted, environment: Callable[[Way], None]
) -> None:
    environment(Way(dict.fromkeys(VARIABLES, "http://127.0.0.1:9")))
    text = (Path(__file__).parent.parent.parent / "files/common.sh.j2").read_text()
    function = text[text.index("answers() {") : text.index("{% if compose %}\n# reaches")]
    function = function.replace("""{{ " --cacert " ~ ca ~ " --capath /etc/ssl/certs" if ca }}""", "")
    counting.asked.clear()
    server.asked.clear()
    url = f"http://{OUTSIDE}/x" if given else server.url
    asked = f"answers '{url}'" + (f" '{counting.url}'" if given else "")
    done = subprocess.run(["bash", "-c", f"{function}\n{asked}"], capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    assert counting.asked == ([OUTSIDE] if given else [])
    assert len(server.asked) == 1


def test_setup_goes_by_the_proxies_that_the_settings_file_has(
    server: Counted, counting: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tasks.setup.discovery.host_transport", lambda _: Straight())
    counting.asked.clear()
    applications = Applications(None, {"gitlab": counting.url, "nextcloud": counting.url, "mattermost": None})
    applications.api("gitlab", f"http://{OUTSIDE}", SecretStr("t")).call("GET", "/x")
    applications.nextcloud(f"http://{OUTSIDE}", "u", SecretStr("p")).call("GET", "/x")
    applications.api("mattermost", server.url, SecretStr("t")).call("GET", "/x")
    assert counting.asked == [OUTSIDE, OUTSIDE]
