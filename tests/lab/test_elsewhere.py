"""A site none of whose applications is on its host, which has no Docker: from setup to teardown.

The lab's GitLab is somebody else's here: there is a project's token, and a reverse proxy that GitLab may reach.
"""

import os
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from datetime import date, timedelta
from pathlib import Path
from urllib.parse import quote

import pytest

from lab import state
from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge, marker
from tests.lab.person import Person, Shell, nothing_there, person
from tests.lab.runs import ROOT
from tests.lab.test_outage import seen
from tests.waiting import wait_until

__all__ = ["nothing_there", "person"]

PORT, BELOW = 8091, "/site"
PROXY = f"""
import http.server, urllib.error, urllib.request
class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        if not self.path.startswith("{BELOW}/webhook/gitlab"):
            return self.send_error(404)
        address = "http://127.0.0.1:8090" + self.path.removeprefix("{BELOW}")
        headers = {{name: value for name, value in self.headers.items() if name.lower() != "host"}}
        try:
            with urllib.request.urlopen(urllib.request.Request(address, body, headers)) as answer:
                status = answer.status
        except urllib.error.HTTPError as error:
            status = error.code
        self.send_response(status); self.send_header("Content-Length", "0"); self.end_headers()
http.server.ThreadingHTTPServer(("", {PORT}), Handler).serve_forever()
"""
TREE, FOLDER = "Documents_ailleurs", "Contrats"
PROJECT = "root/chez-quelqu-un"
INFRASTRUCTURE = "/srv/passerelle"


@pytest.fixture
def elsewhere(machine: Shell, forge: Forge, cloud: Cloud, site: Site) -> Iterator[tuple[str, str]]:
    """The address at which GitLab reaches the relay, and a token of a project; the host has no Docker meanwhile."""
    address = f"{machine('hostname -i').split()[0]}:{PORT}"
    machine(f"cat > /run/lab-proxy.py <<'END'\n{PROXY}\nEND")
    machine(
        "systemd-run --quiet --unit lab-proxy python3 /run/lab-proxy.py; mv /usr/bin/docker /usr/bin/docker.off"
    )
    before = forge.api("GET", "application/settings")["outbound_local_requests_whitelist"]
    allowed = {"outbound_local_requests_allowlist_raw": "\n".join([*before, address])}
    forge.api("PUT", "application/settings", allowed)
    body = {"name": PROJECT.partition("/")[2], "visibility": "private", "initialize_with_readme": True}
    forge.api("POST", "projects", body)
    until = str(date.today() + timedelta(days=9))
    token = {"name": "passerelle", "scopes": ["api"], "access_level": 40, "expires_at": until}
    made = forge.api("POST", "PROJECT/access_tokens", token, project=PROJECT)
    yield f"http://{address}{BELOW}", made["token"]
    machine("mv /usr/bin/docker.off /usr/bin/docker; systemctl stop lab-proxy; rm /run/lab-proxy.py")
    forge.api("DELETE", "PROJECT", project=PROJECT)
    cloud.send("DELETE", f"{site.nextcloud.url}/remote.php/dav/files/admin/{TREE}")
    forge.api("PUT", "application/settings", {"outbound_local_requests_allowlist_raw": "\n".join(before)})


def secret(folder: Path, name: str, text: str) -> str:
    (folder / name).write_text(text)
    return str(folder / name)


@pytest.mark.exhaustive
@pytest.mark.usefixtures("nothing_there")
def test_a_host_without_any_application(
    person: Person,
    elsewhere: tuple[str, str],
    site: Site,
    chat: Chat,
    forge: Forge,
    cloud: Cloud,
    machine: Shell,
    tmp_path: Path,
) -> None:
    url, token = elsewhere
    given = [
        *("--host", person.host, "--yes", "--team", site.mattermost.team),
        *("--gitlab-url", site.gitlab.url, "--gitlab-token-file", secret(tmp_path, "forge", token)),
        *("--nextcloud-url", site.nextcloud.url, "--nextcloud-user", "admin"),
        *("--nextcloud-password-file", secret(tmp_path, "cloud", person.lab.cloud_password)),
        *("--mattermost-url", site.mattermost.url, person.token(person.lab.chat_token)),
    ]
    # Where the relay is reached cannot be guessed: said, and everything taken back.
    refused = person.run("setup", *given)
    assert refused.returncode == 1, refused.stderr
    assert "give --relay-url" in refused.stderr
    assert not person.settings.exists()

    done = person.run("setup", *given, "--relay-url", url)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "The first message" in done.stderr
    values = tomllib.loads(person.settings.read_text())
    assert (values["gitlab"]["service"], values["gitlab"]["project"]) == ("", PROJECT)
    assert (values["nextcloud"]["service"], values["nextcloud"]["source"]) == ("", "webdav")
    assert values["relays"]["url"] == url
    assert [hook["url"] for hook in forge.hooks(PROJECT)] == [f"{url}/webhook/gitlab"]

    # Another tree, whose folders are made over WebDAV.
    person.variables = {"PASSERELLE_NEXTCLOUD__TREE": TREE}
    done = person.run("deploy", "--yes")
    assert done.returncode == 0, done.stdout + done.stderr
    sound(person, machine)
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"}, project=PROJECT)
    wait_until("the event", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    place = f"{site.nextcloud.url}/remote.php/dav/files/admin/{TREE}"
    assert cloud.send("PUT", f"{place}/{FOLDER}/{quote(mark)}.pdf", data=b"%PDF-1.4").ok
    wait_until("the document", lambda: chat.about("rh-alerts", mark), seconds=60)

    checked(person, tmp_path)
    drifts(person, forge)
    ended = person.run("teardown", "--yes")
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert forge.hooks(PROJECT) == []
    assert machine(f"ls /etc/passerelle /opt/passerelle {INFRASTRUCTURE}/scripts 2>/dev/null; true") == ""


def sound(person: Person, machine: Shell) -> None:
    """Nothing to do, nothing broken, by all that look."""
    found = person.run("drift")
    assert (found.returncode, found.stdout) == (0, "0 difference(s)\n"), found.stdout + found.stderr
    found = person.run("doctor")
    assert found.returncode == 0, found.stdout + found.stderr
    found = person.run("status")
    assert (found.returncode, "Docker" in found.stdout) == (0, False), found.stdout + found.stderr
    said = machine(f"{INFRASTRUCTURE}/scripts/test-integrations.sh; echo $?")
    assert said.splitlines()[-1] == "0", said
    assert "→" not in said


def checked(person: Person, tmp_path: Path) -> None:
    """The checklist holds; what only the host could show is skipped, with the reason."""
    pages = ("gitlab", "nextcloud", "commands", "relays", "scenarios")
    own = {
        **person.variables,
        "PASSERELLE_SETTINGS": str(person.settings),
        "PASSERELLE_NEXTCLOUD__APP_PASSWORD": person.lab.cloud_password,
        "PASSERELLE_HOST__SSH_KEY": str(state.KEY),
        "PASSERELLE_HOST__KNOWN_HOSTS": str(state.KNOWN_HOSTS),
    }
    done = subprocess.run(
        [
            *(
                sys.executable,
                "-m",
                "pytest",
                "-q",
                "-rs",
                "-p",
                "no:cacheprovider",
                f"--evidence={tmp_path / 'seen'}",
            ),
            *(f"tests/acceptance/test_{page}.py" for page in pages),
        ],
        cwd=ROOT,
        env={**os.environ, **own},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    for reason in (
        "Nextcloud is not on the host",
        "the allow-list of a GitLab elsewhere is somebody else's",
        "GitLab reaches the relay from elsewhere",
        "no other application is in a Compose project",
    ):
        assert reason in done.stdout


def drifts(person: Person, forge: Forge) -> None:
    """A hook that is gone, and a project that the token does not see, are named."""
    (hook,) = forge.hooks(PROJECT)
    forge.api("DELETE", f"PROJECT/hooks/{hook['id']}", project=PROJECT)
    assert person.run("drift").returncode == 2
    assert "gitlab.hook-missing" in person.run("doctor").stdout
    person.variables |= {"PASSERELLE_GITLAB__PROJECTS": '["root/projet-test-taaf"]'}
    refused = person.run("deploy", "--yes")
    assert refused.returncode != 0
    assert (
        "there is no project root/projet-test-taaf that gitlab.token may see"
        in refused.stdout + refused.stderr
    )
    assert forge.hooks(PROJECT) == []  # nothing was touched
    del person.variables["PASSERELLE_GITLAB__PROJECTS"]
    assert person.run("deploy", "--yes").returncode == 0
