"""A site whose GitLab is below a path of its server, where it was at the root before."""

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge
from tests.lab.other_sites import Shell, arrives, deployed, nothing_differs, started_with
from tests.lab.runs import pyinfra
from tests.waiting import wait_until

URL = "http://git.taaf.internal/forge/gitlab"
SETTINGS = {"gitlab__url": URL}
OVERRIDE = f"""\
services:
  gitlab:
    command: >-
      python -m lab.standins.gitlab --host 0.0.0.0 --port 80 --data /var/opt/gitlab --external-url {URL}
"""


@pytest.fixture
def below(machine: Shell) -> Iterator[None]:
    """GitLab below that path; nothing else of its server answers."""
    with started_with(machine, OVERRIDE):
        wait_until("GitLab", lambda: "OK" in machine(f"curl -s {URL}/-/health || true"), seconds=60)
        yield


@pytest.mark.exhaustive
def test_a_gitlab_below_a_path(
    below: None,
    machine: Shell,
    site: Site,
    chat: Chat,
    forge: Forge,
    cloud: Cloud,
    proxy: str | None,
    tmp_path: Path,
) -> None:
    refused = pyinfra("-y")
    assert (refused.code, refused.changed) == (1, 0)
    assert "gitlab.url" in refused.output
    assert "Traceback" not in refused.output

    deployed(**SETTINGS)
    there = Forge(site.model_copy(update={"gitlab": site.gitlab.model_copy(update={"url": URL})}), proxy)
    post = arrives(chat, there, cloud, site)
    assert f"{URL}/{site.gitlab.project}/-/issues/" in json.dumps(post)
    there.clone(tmp_path)
    nothing_differs(**SETTINGS)
    machine("/root/taaf-infrastructure/scripts/status.sh")
