"""Personal access tokens of the GitLab stand-in: by the API, by the console, until they end."""

import json
import os
import subprocess
import sys
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import pytest

from tasks.tokens.gitlab import _SCRIPT
from tests.standins.gitlab_site import EXTERNAL_URL, Site, running

TOMORROW = str(date.today() + timedelta(days=1))


def console(data: Path, script: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "lab.standins.gitlab.console"],
        input=script,
        env={**os.environ, "GITLAB_DATA": str(data)},
        capture_output=True,
        text=True,
        check=False,
    )


def knows(site: Site, token: str) -> int:
    return site.call("GET", "/personal_access_tokens/self", headers={"PRIVATE-TOKEN": token}).status_code


def test_a_token_lives_from_its_making_to_its_end(site: Site) -> None:
    made = site.done(
        "POST", "/users/1/personal_access_tokens", name="one", scopes=["api"], expires_at=TOMORROW
    )
    token = made.pop("token")
    assert (made["name"], made["scopes"], made["expires_at"]) == ("one", ["api"], TOMORROW)
    shown = site.call("GET", "/personal_access_tokens/self", headers={"PRIVATE-TOKEN": token}).json()
    assert shown == made
    assert site.call("DELETE", f"/personal_access_tokens/{made['id']}").status_code == 204
    assert knows(site, token) == 401
    assert site.call("DELETE", "/personal_access_tokens/999").status_code == 404


@pytest.mark.parametrize(
    ("wrong", "status"),
    [
        ({"name": "", "scopes": ["api"]}, 400),
        ({"name": "x"}, 400),
        ({"name": "x", "scopes": ["api"], "expires_at": str(date.today())}, 400),
        ({"name": "x", "scopes": ["api"], "expires_at": str(date.today() + timedelta(days=366))}, 400),
    ],
)
def test_tokens_that_cannot_be(site: Site, wrong: dict[str, Any], status: int) -> None:
    assert site.call("POST", "/users/1/personal_access_tokens", json=wrong).status_code == status
    assert site.call("POST", "/users/9/personal_access_tokens", json=wrong).status_code == 404


def test_the_console_makes_a_token_with_the_script_of_setup(tmp_path: Path) -> None:
    with running(tmp_path / "data") as site:
        asked = {"name": 'l\'un "#{1}"', "user": None, "days": 30}
        done = console(tmp_path / "data", _SCRIPT.format(asked=json.dumps(asked)))
        told = json.loads(done.stdout.removeprefix("passerelle "))
        assert (told["url"], told["user"], told["user_id"]) == (EXTERNAL_URL, "root", 1)
        assert told["expires_at"] == str(date.today() + timedelta(days=30))
        shown = site.call(
            "GET", "/personal_access_tokens/self", headers={"PRIVATE-TOKEN": told["token"]}
        ).json()
        assert (shown["id"], shown["name"], shown["scopes"]) == (told["id"], asked["name"], ["api"])
        nobody = console(tmp_path / "data", _SCRIPT.format(asked=json.dumps({**asked, "user": "nobody"})))
        assert (nobody.returncode, nobody.stdout) == (1, "")
        assert console(tmp_path / "data", "puts 1").returncode == 1
