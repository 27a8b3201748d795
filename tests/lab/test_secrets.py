"""While everything is made anew, at full verbosity: no secret in any output, process list, journal or open file."""

import re
import shlex
import subprocess
import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from lab import state
from tests.acceptance.people import Forge
from tests.lab.faults.bot import BOT
from tests.lab.faults.commands import COMMANDS
from tests.lab.runs import deploy, pyinfra

Shell = Callable[[str], str]
# Who looks without a pause leaves the processors to what is looked at.
_LAST = ("nice", "-n", "19")
# Every command line that there is at any moment until the file appears, each once.
WATCH = """
until test -e /run/watched; do cat /proc/[0-9]*/cmdline 2>/dev/null | tr '\\0\\n' '  '; echo; done | sort -u
"""
# What others can read, but for the containers' volumes, which are the applications' affair.
PLACES = "/etc /opt /root /home /var/lib /var/log /var/tmp /tmp /run /dev/shm"
SEARCH = f"find {PLACES} -path /var/lib/docker -prune -o -type f -perm /o+r -print0 2>/dev/null"


@pytest.fixture(scope="module")
def secrets(machine: Shell) -> Callable[[], dict[str, str]]:
    """Every secret there is, by name: those of the site and those that the deploy has made."""

    def read() -> dict[str, str]:
        lab = state.current()
        conf = machine("cat /root/taaf-infrastructure/scripts/.webhooks.conf")
        hooks = re.findall(r"/hooks/([a-z0-9]{26})", conf)
        found = {
            "mattermost.token": lab.chat_token,
            "gitlab.token": lab.root_token,
            "gitlab.read_token": lab.read_token,
            "gitlab.write_token": machine("cat /etc/passerelle/gitlab-write-token").strip(),
            "token of the bot": machine("cat /etc/passerelle/mattermost-bot-token").strip(),
            "tokens of the commands": machine("cat /etc/passerelle/mattermost-command-token").strip(),
            "nextcloud.app_password": lab.cloud_password,
            "gitlab hook token": machine("cat /etc/passerelle/gitlab-hook-token").strip(),
            "gitlab signing token": machine("head -n 1 /etc/passerelle/gitlab-signing-token").strip(),
            "webhook for gitlab": hooks[0],
            "webhook for nextcloud": hooks[1],
        }
        assert [name for name, value in found.items() if len(value) <= 8] == [], "could not be read"
        return found

    return read


def found_in(text: str, secrets: dict[str, str]) -> list[str]:
    return [name for name, value in secrets.items() if value in text]


@pytest.fixture(scope="module")
def acting(forge: Forge) -> Iterator[dict[str, str]]:
    """Settings with a token that acts in GitLab, of which the lab's own site has none; its own site comes after."""
    wanted = {"name": "acting", "scopes": ["api"]}
    token = forge.api("POST", "users/1/personal_access_tokens", wanted)
    acts = {"gitlab__people": '{"root": "admin"}', "gitlab__write_token": token["token"]}
    yield {**BOT, **COMMANDS, **acts}
    deploy()
    forge.api("DELETE", f"personal_access_tokens/{token['id']}")


@pytest.fixture(scope="module")
def traces(machine: Shell, secrets: Callable[[], dict[str, str]], acting: dict[str, str]) -> dict[str, str]:
    """All that a deploy from scratch leaves behind or shows meanwhile."""
    machine(
        "rm -f /run/watched /etc/passerelle/gitlab-*-token /root/taaf-infrastructure/scripts/.webhooks.conf;"
        "rm -rf /opt/passerelle /var/lib/passerelle"
    )
    started = machine("date +%s").strip()
    processes: dict[str, str] = {}
    over = threading.Event()

    def watch_here() -> None:
        lines = set()
        while not over.is_set():
            ps = subprocess.run(
                [*_LAST, "ps", "axww", "-o", "args"], capture_output=True, text=True, check=True
            )
            lines.update(ps.stdout.splitlines())
        processes["here"] = "\n".join(lines)

    def watch_host() -> None:
        processes["host"] = machine(f"exec {shlex.join(_LAST)} sh -c {shlex.quote(WATCH)}")

    watchers = [threading.Thread(target=watch) for watch in (watch_here, watch_host)]
    for watcher in watchers:
        watcher.start()
    try:
        run = pyinfra("-y", "-vvv", "--debug", "--diff", **acting)
    finally:
        over.set()
        machine("touch /run/watched")
        for watcher in watchers:
            watcher.join()
    machine("rm /run/watched")
    assert run.code == 0, run.output
    assert run.changed >= 3
    return {
        "output": run.output,
        "processes of this machine": processes["here"],
        "processes of the host": processes["host"],
        "journal": machine(f"journalctl --no-pager -o export --since @{started}"),
    }


@pytest.mark.parametrize("place", ["output", "processes of this machine", "processes of the host", "journal"])
def test_no_secret_in(place: str, traces: dict[str, str], secrets: Callable[[], dict[str, str]]) -> None:
    assert len(traces[place]) > 500, "the place was not looked at"
    assert found_in(traces[place], secrets()) == []


def test_no_secret_in_a_file_that_others_can_read(
    traces: dict[str, str], machine: Shell, secrets: Callable[[], dict[str, str]]
) -> None:
    for name, value in secrets().items():
        # In a file of root's, so that no argument list holds it; a descriptor is empty for the second grep of xargs.
        machine(f"umask 077; cat > /root/pattern <<'END'\n{value}\nEND")
        hits = machine(f"{SEARCH} | xargs -0 grep -lsF -f /root/pattern || true; rm /root/pattern")
        assert hits.strip() == "", f"{name} in {hits}"


def test_the_search_finds_what_is_there(
    traces: dict[str, str], machine: Shell, secrets: Callable[[], dict[str, str]]
) -> None:
    """The tests above are worth what this one shows: a secret laid open is found."""
    token = secrets()["gitlab hook token"]
    machine(f"umask 022; cat > /var/tmp/open <<'END'\n{token}\nEND")
    try:
        with pytest.raises(AssertionError, match="gitlab hook token in /var/tmp/open"):
            test_no_secret_in_a_file_that_others_can_read({}, machine, secrets)
    finally:
        machine("rm /var/tmp/open")


def test_no_secret_in_files_of_this_checkout(
    traces: dict[str, str], secrets: Callable[[], dict[str, str]]
) -> None:
    """What git would take along, and pyinfra's own debug log."""
    root = Path(__file__).parent.parent.parent
    listed = subprocess.run(
        ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"],
        cwd=root,
        capture_output=True,
        text=True,
        check=True,
    ).stdout.split("\0")
    known = secrets()
    for path in [root / name for name in listed if name] + list(root.glob("pyinfra-debug.log")):
        if path.is_file():
            assert found_in(path.read_text(errors="replace"), known) == [], path


@pytest.mark.parametrize("path", [state.SETTINGS, state.KEY])
def test_settings_of_the_lab_are_private(path: Path) -> None:
    assert path.stat().st_mode & 0o077 == 0
