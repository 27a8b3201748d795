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
    assert site.done("GET", f"/personal_access_tokens/{made['id']}") == made
    assert site.call("DELETE", f"/personal_access_tokens/{made['id']}").status_code == 204
    assert site.done("GET", f"/personal_access_tokens/{made['id']}")["revoked"]
    assert site.call("GET", "/personal_access_tokens/999").status_code == 404
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


def test_a_project_s_token_is_for_that_project_alone(site: Site) -> None:
    own, other, public = (
        site.project(visibility="private"), site.project(visibility="private"), site.project()
    )  # fmt: skip
    made = own.done("POST", "/access_tokens", name="deploy", scopes=["api"], expires_at=TOMORROW)
    headers = {"PRIVATE-TOKEN": made["token"]}
    hook = {"url": "https://hooks.example.org/", "name": "one"}
    rows = {
        "the project": ("GET", own.path, 200),
        "its hooks": ("GET", f"{own.path}/hooks", 200),
        "a hook": ("POST", f"{own.path}/hooks", 201),
        "another project": ("GET", other.path, 404),
        "hooks of another project": ("GET", f"{other.path}/hooks", 404),
        "a project that all see": ("GET", public.path, 200),
        "a hook in that": ("POST", f"{public.path}/hooks", 403),
        "GitLab's settings": ("GET", "/application/settings", 403),
        "tokens of people": ("POST", "/users/1/personal_access_tokens", 403),
        "a token of somebody else": ("GET", "/personal_access_tokens/1", 401),
        "a token that is none": ("GET", "/personal_access_tokens/999", 401),
        "a new project": ("POST", "/projects", 403),
        "itself": ("GET", "/personal_access_tokens/self", 200),
    }
    found = {
        what: (method, path, site.call(method, path, headers=headers, json=hook).status_code)
        for what, (method, path, _) in rows.items()
    }
    assert found == rows
    listed = site.call("GET", "/projects?membership=true", headers=headers).json()
    assert [each["id"] for each in listed] == [own.entity["id"]]
    assert other.entity["id"] not in [
        each["id"] for each in site.call("GET", "/projects?per_page=100", headers=headers).json()
    ]
