"""The probe as it runs on the host: one process of the standard library, here with commands that answer as asked."""

import json
import os
import socket
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.doctor.machine import fault_of as tls_fault
from tests import tls
from tests.standins import mattermost_server

PROBE = Path(__file__).parent.parent.parent / "tasks" / "doctor" / "probe.py"
UNITS = {
    "passerelle-gitlab.service": "ActiveState=active\nSubState=running\nUnitFileState=enabled\nNRestarts=0\n"
    "Result=success\nMainPID=0\nActiveEnterTimestampMonotonic=1000000",
    "passerelle-gitlab.socket": "ActiveState=active\nUnitFileState=enabled",
}
JOURNAL = [
    {"MESSAGE": "old error", "PRIORITY": "3", "SYSLOG_IDENTIFIER": "python"},
    {"MESSAGE": "misconfigured reason=HTTP 404", "PRIORITY": "3", "SYSLOG_IDENTIFIER": "python"},
    {"MESSAGE": "delivered", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "python"},
    {"MESSAGE": "Main process exited", "PRIORITY": "5", "SYSLOG_IDENTIFIER": "systemd"},
]

Ask = Callable[..., dict[str, Any]]


@pytest.fixture(scope="module")
def chat(tmp_path_factory: pytest.TempPathFactory) -> Iterator[mattermost_server.Site]:
    with mattermost_server.running(tmp_path_factory.mktemp("chat")) as server:
        yield mattermost_server.furnished(server)


@pytest.fixture
def commands(tmp_path: Path) -> Path:
    """A folder of commands that the probe finds before those of this machine."""
    folder = tmp_path / "bin"
    folder.mkdir()
    return folder


def answering(folder: Path, name: str, script: str) -> None:
    """Put a command there that is this shell script."""
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


@pytest.fixture
def ask(tmp_path: Path, commands: Path) -> Ask:
    """Runs the probe, with questions changed as asked."""

    def run(**questions: Any) -> dict[str, Any]:
        asked = {
            "infrastructure": str(tmp_path),
            "webhooks_conf": str(tmp_path / "webhooks.conf"),
            "units": list(UNITS),
            "server": "passerelle-gitlab.service",
            "watcher": "passerelle-gitlab.service",
            "port": 9,
            "gitlab_container": "f00",
            "compose": ["docker", "compose"],
            "relay": "127.0.0.1:9",
            "places": ["/", "/nowhere"],
            "tree": None,
            "folders": ["Contrats", "Conges"],
            "bound": "/nowhere",
            "status": str(tmp_path / "status.json"),
            "gitlab_status": str(tmp_path / "gitlab" / "status.json"),
            "pages": {},
            "chat_proxy": None,
            "bot": None,
            "command": None,
            "action": None,
            "documents": None,
            **questions,
        }
        done = subprocess.run(
            [sys.executable, "-I", "-", json.dumps(asked)],
            input=PROBE.read_text(),
            env={**os.environ, "PATH": f"{commands}:{os.environ['PATH']}"},
            capture_output=True,
            text=True,
            check=True,
        )
        found: dict[str, Any] = json.loads(done.stdout)
        return found

    return run


def test_states_of_units_and_the_last_error(ask: Ask, commands: Path) -> None:
    cases = "".join(f"{name}) echo '{text}';;" for name, text in UNITS.items())
    answering(commands, "systemctl", f'case "$4" in {cases} esac')
    journal = "\n".join(json.dumps(entry) for entry in JOURNAL)
    answering(commands, "journalctl", f"cat <<'END'\n{journal}\nEND")
    reported = ask()
    service = reported["units"]["passerelle-gitlab.service"]
    assert (service["ActiveState"], service["Result"]) == ("active", "success")
    assert int(service["uptime"]) > 0
    assert reported["journal"] == {"passerelle-gitlab.service": "misconfigured reason=HTTP 404"}


def test_a_process_that_does_not_come_up_is_reported_by_its_last_words(ask: Ask, commands: Path) -> None:
    answering(commands, "systemctl", "echo ActiveState=activating")
    said = [*JOURNAL, {"MESSAGE": "x.toml: unknown", "PRIORITY": "6", "SYSLOG_IDENTIFIER": "python"}]
    journal = "\n".join(json.dumps(entry) for entry in said)
    answering(commands, "journalctl", f"cat <<'END'\n{journal}\nEND")
    assert ask()["journal"]["passerelle-gitlab.service"] == "x.toml: unknown"


def test_a_process_that_was_never_started_is_not_reported_by_the_words_of_the_one_before(
    ask: Ask, commands: Path
) -> None:
    """systemd could not hand it a credential: what it says itself is the answer."""
    answering(commands, "systemctl", "echo ActiveState=activating; echo InvocationID=f00f00")
    last = {"MESSAGE": "Failed to set up credentials", "SYSLOG_IDENTIFIER": "systemd"}
    earlier = "\n".join(json.dumps(entry) for entry in JOURNAL)
    asked = f"*_SYSTEMD_INVOCATION_ID=f00f00*) echo '{json.dumps(last)}'"
    answering(commands, "journalctl", f"case \"$*\" in {asked};; *) cat <<'END'\n{earlier}\nEND\n;; esac")
    assert ask()["journal"]["passerelle-gitlab.service"] == "Failed to set up credentials"


@pytest.mark.parametrize(
    ("script", "reported"),
    [
        ("echo warning >&2", {"plugin": True, "code": 0, "said": "warning"}),
        (
            "test $2 = version || { echo noise >&2; echo yaml: line 3 >&2; exit 15; }",
            {"plugin": True, "code": 15, "said": "yaml: line 3"},
        ),
        (
            "echo unknown flag: --quiet >&2; exit 125",
            {"plugin": False, "code": 125, "said": "unknown flag: --quiet"},
        ),
    ],
)
def test_whether_compose_reads_its_files_is_reported(
    ask: Ask, commands: Path, script: str, reported: dict[str, Any]
) -> None:
    answering(commands, "docker", script)
    assert ask()["compose"] == reported


@pytest.mark.parametrize("code", [7, 28])
def test_how_the_container_fails_to_reach_the_relay_is_reported(ask: Ask, commands: Path, code: int) -> None:
    answering(commands, "systemctl", "echo ActiveState=active")
    said = f"echo '* connect to 10.0.0.5: No route to host' >&2; echo 'curl: ({code})' >&2; exit {code}"
    answering(commands, "docker", f'test "$1 $2" = "exec f00" && {{ {said}; }}')
    reach = ask()["reach"]
    assert (reach["code"], reach["said"], reach["body"]) == (code, f"curl: ({code})", "")
    assert "No route to host" in reach["why"]


def test_a_relay_that_is_stopped_is_not_started_by_a_question(
    ask: Ask, commands: Path, tmp_path: Path
) -> None:
    """systemd starts it at the first connection to its port."""
    answering(commands, "systemctl", "echo ActiveState=inactive")
    answering(commands, "docker", f'test "$1" = exec && touch {tmp_path}/connected; exit 7')
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(0)
        port = listener.getsockname()[1]
        reported = ask(port=port, command=f"http://127.0.0.1:{port}/mattermost/command")
        with pytest.raises(BlockingIOError):
            listener.accept()
    assert reported["health"] == {"error": "", "figures": {}}
    assert reported["command"] is None
    assert not (tmp_path / "connected").exists()


def test_where_commands_lead_is_asked_without_a_command(
    ask: Ask, commands: Path, chat: mattermost_server.Site
) -> None:
    answering(commands, "systemctl", "echo ActiveState=active")
    assert ask(command=f"{chat.server.url}/nowhere")["command"]["status"] in (200, 404)
    assert ask(command="http://127.0.0.1:9/mattermost/command")["command"]["refused"] is True
    assert ask()["command"] is None


def test_webhooks_are_asked_without_a_post_and_their_addresses_stay(
    ask: Ask, tmp_path: Path, chat: mattermost_server.Site
) -> None:
    conf = tmp_path / "webhooks.conf"
    conf.touch(mode=0o600)
    hook = f"{chat.server.url}/hooks/{chat.hook_id}"
    unknown = hook[:-1] + ("b" if hook.endswith("a") else "a")
    conf.write_text(f'# comment\nGITLAB_WEBHOOK_URL="{hook}"\nNEXTCLOUD_WEBHOOK_URL="{unknown}"\n')
    reported = ask()
    assert reported["access"] == "600"
    assert {name: hook["answer"] for name, hook in reported["webhooks"].items()} == {
        "GITLAB_WEBHOOK_URL": 404,
        "NEXTCLOUD_WEBHOOK_URL": 400,
    }
    assert chat.hook_id not in json.dumps(reported)
    assert chat.server.posts(chat.channel_id) == []


def test_pages_are_reported_with_what_is_wrong(ask: Ask, chat: mattermost_server.Site) -> None:
    reported = ask(
        pages={
            "there": (f"{chat.server.url}/api/v4/system/ping?get_server_status=true", True),
            "refused": ("http://127.0.0.1:9/", True),
            "unknown": ("http://name.invalid/", True),
        }
    )["web"]
    assert json.loads(reported["there"]["body"])["status"] == "OK"
    assert reported["refused"]["port"]
    assert reported["refused"]["refused"] is True
    assert reported["unknown"]["name"]
    assert not reported["there"]["port"]


def test_tls_is_judged_where_the_relays_send_secrets(
    ask: Ask, tmp_path: Path, chat: mattermost_server.Site, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As the deploy and the relays judge it, by what the machine trusts; elsewhere any certificate will do."""
    behind = int(chat.server.url.rpartition(":")[2])
    fronts = {name: tls.Front(behind) for name in (*tls.FAULTS, *tls.PLAIN_REFUSALS, "good")}
    for name, front in fronts.items():
        arrange = (
            tls.FAULTS[name][0] if name in tls.FAULTS else tls.PLAIN_REFUSALS.get(name, lambda front: None)
        )
        arrange(front)
    https = {name: front.url for name, front in fronts.items()}
    urls = {
        name: url.replace("https", "http") if name in tls.PLAIN_REFUSALS else url
        for name, url in https.items()
    }
    monkeypatch.setenv("SSL_CERT_FILE", str(tls.write(tmp_path)))
    judged = ask(pages={name: (url, True) for name, url in urls.items()})["web"]
    free = ask(pages={name: (url, False) for name, url in urls.items()})["web"]
    for front in fronts.values():
        front.close()

    def code(answer: dict[str, Any]) -> str:
        fault = tls_fault(answer)
        return fault.code if fault else ""

    expected = {name: code for name, (_, code) in tls.FAULTS.items()}
    expected |= dict.fromkeys(tls.PLAIN_REFUSALS, "https") | {"good": ""}
    assert {name: code(answer) for name, answer in judged.items()} == expected
    of_certificates = {"expired", "early", "name", "self-signed", "authority", "certificate"}
    assert {name: code(answer) for name, answer in free.items()} == {
        name: "" if code in of_certificates else code for name, code in expected.items()
    }


def test_tree_is_measured(ask: Ask, tmp_path: Path) -> None:
    tree = tmp_path / "Documents_RH"
    (tree / "Contrats" / "2026").mkdir(parents=True)
    (tree / "Contrats").chmod(0o700)
    for name in ("a.pdf", "b.pdf.part", ".c.pdf"):
        (tree / "Contrats" / name).touch()
    reported = ask(tree=str(tree))["tree"]
    assert reported["access"]["Contrats"] == ["700", os.getuid()]
    assert reported["access"]["Conges"] is None
    assert reported["owner"] == os.getuid()
    assert reported["directories"] == 3
    # All of them are new, so a relay may still be about to look at them.
    assert reported["documents"] == 0
    assert reported["type"]
    assert ask(tree=str(tmp_path / "nowhere"))["tree"] == {"files": True, "there": False}
    assert ask(tree=str(tmp_path / "no" / "where"))["tree"] == {"files": False, "there": False}


@pytest.mark.parametrize(
    ("text", "reported"),
    [('{"version": 1, "backlog": 0}', {"version": 1, "backlog": 0}), ("{", {}), (None, {})],
)
def test_status_of_the_relay_is_data(
    ask: Ask, tmp_path: Path, text: str | None, reported: dict[str, int]
) -> None:
    if text is not None:
        (tmp_path / "status.json").write_text(text)
    assert ask()["status"] == reported


def test_whose_the_token_of_the_bot_is(ask: Ask, chat: mattermost_server.Site, tmp_path: Path) -> None:
    """It does not leave the host, and an answer that cannot be had is told by its kind alone."""
    url, file = f"{chat.server.url}/api/v4/users/me", tmp_path / "token"
    assert ask()["bot"] == {"access": None, "answer": 0, "error": "", "id": ""}
    assert ask(bot=[str(file), url])["bot"]["access"] is None
    file.write_text(f"{chat.server.token}\n")
    file.chmod(0o640)
    me = chat.server.api("GET", "/users/me")["id"]
    assert ask(bot=[str(file), url])["bot"] == {"access": "640", "answer": 200, "error": "", "id": me}
    assert ask(bot=[str(file), "http://127.0.0.1:9/"])["bot"]["error"] == "ConnectionRefusedError"
    assert ask(bot=[str(file), chat.server.url])["bot"]["id"] == ""
    file.write_text("s3cret-token\n")
    told = ask(bot=[str(file), url])["bot"]
    assert (told["answer"], "s3cret" in str(told)) == (401, False)
    file.write_text("s3cret\ntoken\n")
    assert "s3cret" not in str(ask(bot=[str(file), url])["bot"])


def test_a_socket_is_heard_at_or_not(ask: Ask) -> None:
    """Gone, left behind by a process that was killed, and listened at."""
    with tempfile.TemporaryDirectory(prefix="passerelle-") as folder:  # the path of a socket is short
        path = f"{folder}/documents.sock"
        assert ask(documents=path)["deaf"] == "No such file or directory"
        with socket.socket(socket.AF_UNIX) as listener:
            listener.bind(path)
            assert ask(documents=path)["deaf"] == "Connection refused"
            listener.listen()
            assert ask(documents=path)["deaf"] == ""
    assert ask()["deaf"] is None
