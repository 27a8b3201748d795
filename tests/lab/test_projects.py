"""A site with further projects: each has its hook, its events arrive, and what goes wrong with one names it."""

from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.acceptance.people import Chat, Forge, marker
from tests.lab.runs import Run, deploy, dry, pyinfra
from tests.lab.test_outage import seen
from tests.waiting import wait_until

FURTHER = "root/annexe"
SETTINGS = {"gitlab__projects": f'["{FURTHER}"]'}


@pytest.fixture
def further(forge: Forge) -> Iterator[Run]:
    """The deploy with a further project; afterwards there is the first one alone, as before."""
    yield deploy(**SETTINGS)
    forge.api("DELETE", f"projects/{quote(FURTHER, safe='')}")
    deploy()


@pytest.mark.exhaustive
def test_each_project_has_its_hook_and_says(further: Run, forge: Forge, chat: Chat) -> None:
    assert f"+ project {FURTHER} with a README" in further.output
    assert f"+ hook Passerelle of {FURTHER} to" in further.output
    assert deploy(**SETTINGS).changed == 0
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-0"})
    wait_until("the first one's", lambda: seen(chat, "dev-notifications", mark) == ["0"])
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-1"}, project=FURTHER)
    wait_until("the further one's", lambda: seen(chat, "dev-notifications", mark) == ["0", "1"])

    # As a rotation that broke off leaves it: this hook has not got the new secrets yet.
    (hook,) = forge.hooks(FURTHER)
    altered = {"url": hook["url"], "description": "Passerelle, secrets of before", "token": "of before"}
    forge.api("PUT", f"PROJECT/hooks/{hook['id']}", altered, project=FURTHER)
    announced = dry(**SETTINGS).output
    assert f"~ hook Passerelle of {FURTHER}: description" in announced
    assert "~ hook Passerelle of root/projet-test-taaf" not in announced
    rotated = pyinfra("-y", deploy="rotate.py", **SETTINGS)
    assert rotated.code == 0, rotated.output
    assert deploy(**SETTINGS).changed == 0
    forge.api("POST", "PROJECT/issues", {"title": f"{mark}-2"}, project=FURTHER)
    wait_until("with the new secrets", lambda: seen(chat, "dev-notifications", mark) == ["0", "1", "2"])

    shown = pyinfra("--dry", deploy="teardown.py", **SETTINGS).output
    for project in ("root/projet-test-taaf", FURTHER):
        assert f"- hook Passerelle of {project} to" in shown
