"""The program as typed: its commands, their help, exit codes, settings, and what a person's mistakes bring."""

import os
import signal
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner

from passerelle.cli import cli
from tests.waiting import wait_until

ROOT = Path(__file__).parents[2]
COMMANDS = ["check", "deploy", "doctor", "drift", "lab", "rotate", "setup", "sites", "status", "teardown"]
ONE_SITE = (
    '[host]\naddress = "127.0.0.1"\nssh_port = {port}\n[mattermost]\ntoken = "t0"\n[gitlab]\ntoken = "t1"\n'
)
TWO_SITES = (
    '[mattermost]\ntoken = "t0"\n[gitlab]\ntoken = "t1"\n'
    '[sites.a.host]\naddress = "a.invalid"\n[sites.a.mattermost]\nteam = "aa"\n'
    '[sites.b.host]\naddress = "b.invalid"\n[sites.b.mattermost]\nteam = "bb"\n'
    '[sites.b.gitlab]\nproject = "root/b"\n'
)


def typed(
    *arguments: str, cwd: Path | None = None, stdin: int = subprocess.DEVNULL, **variables: str
) -> subprocess.CompletedProcess[str]:
    """The program, with no settings but those that are named."""
    clean = {name: value for name, value in os.environ.items() if not name.startswith("PASSERELLE_")}
    return subprocess.run(
        [sys.executable, "-m", "passerelle", *arguments],
        cwd=cwd or ROOT,
        env={**clean, "PYTHONPATH": str(ROOT), "COLUMNS": "100", **variables},
        stdin=stdin,
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Of a host on which nothing listens."""
    return write(tmp_path / "passerelle.toml", ONE_SITE.format(port=9))


def write(path: Path, text: str) -> Path:
    path.touch(mode=0o600)
    path.write_text(text)
    return path


def test_the_list_of_commands() -> None:
    shown = typed("--help")
    assert shown.returncode == 0
    listed = shown.stdout.partition("Commands:\n")[2].partition("\n\n")[0].splitlines()
    assert [line.split()[0] for line in listed] == COMMANDS
    assert not [line for line in listed if line.endswith("...")]  # each is expected in a line
    assert "Exit codes:" in shown.stdout


@pytest.mark.parametrize("command", COMMANDS)
@pytest.mark.parametrize("option", ["--help", "-h"])
def test_each_command_helps(command: str, option: str) -> None:
    shown = CliRunner().invoke(cli, [command, option], prog_name="passerelle")
    assert shown.exit_code == 0
    assert shown.output.startswith(f"Usage: passerelle {command}")


@pytest.mark.parametrize(
    ("arguments", "expected"),
    [
        (["bogus"], "No such command 'bogus'"),
        (["drift", "--bogus"], "No such option '--bogus'"),
        (["drift", "extra"], "unexpected extra argument"),
        (["lab", "sideways"], "'sideways' is not one of"),
        (["setup", "--ssh-key", "/nowhere"], "'/nowhere' does not exist"),
        *(([command], "run: passerelle setup") for command in COMMANDS if command not in ("lab", "setup")),
    ],
)
def test_mistakes_in_what_is_typed(arguments: list[str], expected: str, tmp_path: Path) -> None:
    done = typed(*arguments, cwd=tmp_path, HOME=str(tmp_path))
    if (ROOT / "passerelle.toml").exists() and "setup" in expected:
        pytest.skip("this checkout has settings of its own")
    assert done.returncode == 1
    assert expected in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.sampled(3)
@pytest.mark.parametrize("command", [name for name in COMMANDS if name not in ("lab", "setup", "sites")])
def test_a_site_that_there_is_not(command: str, tmp_path: Path) -> None:
    file = write(tmp_path / "two.toml", TWO_SITES)
    done = typed("--settings", str(file), command, "--site", "c")
    assert (done.returncode, done.stdout) == (1, "")
    assert done.stderr == "--site c: there is no such site; there is a, b\n"


@pytest.mark.parametrize("command", ["doctor", "status"])
def test_of_several_sites_one_is_to_be_named(command: str, tmp_path: Path) -> None:
    done = typed("--settings", str(write(tmp_path / "two.toml", TWO_SITES)), command)
    assert (done.returncode, done.stdout) == (1, "")
    assert "say which one with --site NAME" in done.stderr


def test_the_sites_are_listed(tmp_path: Path) -> None:
    done = typed("--settings", str(write(tmp_path / "two.toml", TWO_SITES)), "sites")
    assert done.returncode == 0, done.stderr
    assert [line.split()[0] for line in done.stdout.splitlines()] == ["a", "b"]


@pytest.mark.parametrize("way", ["option", "variable", "here"])
def test_where_the_settings_are_found(way: str, settings: Path, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    if way == "option":
        done = typed("--settings", str(settings), "sites", cwd=elsewhere)
    elif way == "variable":
        done = typed("sites", cwd=elsewhere, PASSERELLE_SETTINGS=str(settings))
    else:
        done = typed("sites", cwd=settings.parent)
    assert done.stdout.startswith("127.0.0.1 "), done.stderr


def test_the_option_wins_over_the_variable(settings: Path, tmp_path: Path) -> None:
    other = write(tmp_path / "other.toml", TWO_SITES)
    done = typed("--settings", str(settings), "sites", PASSERELLE_SETTINGS=str(other))
    assert done.stdout.startswith("127.0.0.1 "), done.stderr


@pytest.mark.sampled(3)
@pytest.mark.parametrize(
    ("command", "code"),
    [("deploy", 1), ("rotate", 1), ("teardown", 1), ("drift", 1), ("status", 1), ("doctor", 2)],
)
def test_a_host_that_does_not_answer(command: str, code: int, settings: Path) -> None:
    options = ["-y"] if command in ("deploy", "rotate", "teardown") else []
    done = typed("--settings", str(settings), command, *options)
    assert done.returncode == code
    assert "host.ssh_port" in done.stdout + done.stderr
    assert "Traceback" not in done.stderr


def test_nothing_of_the_folder_is_taken_for_a_module(settings: Path) -> None:
    """Whoever has a tasks.py or an inventory.py of his own can use the program beside it."""
    for name in ("tasks", "inventory", "relays", "pyinfra", "group_data"):
        (settings.parent / f"{name}.py").write_text("raise SystemExit('the wrong module')\n")
    for command in (["sites"], ["deploy", "--dry"], ["drift"]):
        done = subprocess.run(
            [sys.executable, "-P", "-m", "passerelle", "--settings", str(settings), *command],
            cwd=settings.parent,
            env={**os.environ, "PYTHONPATH": str(ROOT)},
            capture_output=True,
            text=True,
            check=False,
        )
        assert "the wrong module" not in done.stdout + done.stderr


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_shells_complete(shell: str) -> None:
    assert "passerelle" in typed(_PASSERELLE_COMPLETE=f"{shell}_source").stdout


def test_names_of_sites_are_completed(tmp_path: Path) -> None:
    file = write(tmp_path / "two.toml", TWO_SITES)
    done = typed(
        _PASSERELLE_COMPLETE="bash_complete",
        COMP_WORDS="passerelle drift --site ",
        COMP_CWORD="3",
        PASSERELLE_SETTINGS=str(file),
    )
    assert done.stdout.split() == ["plain,a", "plain,b"]


@pytest.mark.parametrize("command", ["deploy", "doctor", "drift"])
def test_what_is_read_elsewhere_names_both_ways_to_type_a_command(command: str) -> None:
    """Who reads it on the host or in the monitoring may have a checkout, or the program alone."""
    texts = [" ".join(path.read_text().split()) for path in (ROOT / "files").rglob("*") if path.is_file()]
    named = [(text.count(f"passerelle {command}"), text.count(f"make {command}")) for text in texts]
    assert any(make for _, make in named)
    assert [program for program, make in named if program != make] == []


@pytest.fixture
def silent() -> Iterator[int]:
    """A port at which somebody accepts and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


@pytest.mark.sampled(2)
@pytest.mark.parametrize("command", [["deploy", "-y"], ["drift"], ["doctor"], ["status"]])
def test_an_interrupted_command_says_so(command: list[str], silent: int, tmp_path: Path) -> None:
    file = write(tmp_path / "passerelle.toml", ONE_SITE.format(port=silent))
    process = subprocess.Popen(
        # Whoever runs the tests in the background may have Ctrl-C ignored.
        [
            "env",
            "--default-signal=INT",
            sys.executable,
            "-m",
            "passerelle",
            "--settings",
            str(file),
            *command,
        ],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        start_new_session=True,
    )
    assert accepted(silent, process), "it never connected"
    os.killpg(process.pid, signal.SIGINT)
    output, _ = process.communicate(timeout=60)
    assert process.returncode == 130, output
    assert b"interrupted" in output
    assert b"Traceback" not in output


def accepted(port: int, process: subprocess.Popen[bytes]) -> bool:
    """Whether a connection to the port comes before the process ends."""

    def look() -> bool:
        rows = [row.split() for row in Path("/proc/net/tcp").read_text().splitlines()[1:]]
        joined = any(row[1].endswith(f":{port:04X}") and row[3] == "01" for row in rows)
        return joined or process.poll() is not None

    wait_until("a connection", look, seconds=30)
    return process.poll() is None
