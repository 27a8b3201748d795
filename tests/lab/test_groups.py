"""All projects of a group: those there are, those to come, those that leave, and what two hundred of them cost."""

import json
import statistics
import time
from collections.abc import Iterator
from urllib.parse import quote

import pytest

from tests.acceptance.people import Chat, Forge, marker
from tests.lab.doctor import doctor
from tests.lab.runs import deploy, dry, pyinfra
from tests.lab.test_outage import seen
from tests.waiting import wait_until

GROUP = "essai-tous"
SETTINGS = {"gitlab__projects": json.dumps([f"{GROUP}/*", f"!{GROUP}/secret"])}


class Group:
    """A group of the lab's GitLab; its projects are gone at the end, the group stays, empty."""

    def __init__(self, forge: Forge) -> None:
        self._forge = forge
        if not any(each["full_path"] == GROUP for each in forge.api("GET", "groups?per_page=100")):
            forge.api("POST", "groups", {"name": GROUP, "path": GROUP})
        self._number = forge.api("GET", f"groups/{GROUP}")["id"]
        self.made: list[str] = []

    def project(self, name: str) -> str:
        """A project of it, with its path."""
        values = {"name": name, "path": name, "namespace_id": self._number, "initialize_with_readme": True}
        self.made.append(self._forge.api("POST", "projects", values)["path_with_namespace"])
        return self.made[-1]

    def clear(self) -> None:
        for path in self.made:
            self._forge.api("DELETE", f"projects/{quote(path, safe='')}")


@pytest.fixture
def group(forge: Forge) -> Iterator[Group]:
    made = Group(forge)
    yield made
    deploy()
    made.clear()


@pytest.mark.exhaustive
def test_a_group_is_followed(group: Group, forge: Forge, chat: Chat) -> None:
    """A project that is made after the deploy is announced as soon as it has its hook; the relay needs no restart."""
    web, secret, mark = group.project("web"), group.project("secret"), marker()
    first = deploy(**SETTINGS)
    assert f"+ hook Passerelle of {web} to" in first.output
    assert secret not in first.output
    assert deploy(**SETTINGS).changed == 0

    later = group.project("later")
    announced = dry(**SETTINGS).output
    assert f"+ hook Passerelle of {later} to" in announced
    assert "passerelle-gitlab.service" not in "".join(
        line for line in announced.splitlines() if "] ~ " in line
    )
    assert deploy(**SETTINGS).changed == 2, "the hook, and the record of it"
    for number, path in enumerate((web, later)):
        forge.api("POST", "PROJECT/issues", {"title": f"{mark}-{number}"}, project=path)
    wait_until("both are announced", lambda: seen(chat, "dev-notifications", mark) == ["0", "1"])

    # What is taken away in GitLab is found by the doctor, and named by the next dry run.
    (found,) = forge.hooks(later)
    forge.api("DELETE", f"PROJECT/hooks/{found['id']}", project=later)
    judged = doctor(**SETTINGS)
    assert (judged.first, later in judged.output) == ("gitlab.hook-missing", True), judged.output
    forge.api("POST", f"projects/{quote(later, safe='')}/archive")
    archived = dry(**SETTINGS).output
    assert f"! project {later}: archived, so it gets no hook" in archived
    assert f"+ hook Passerelle of {later}" not in archived

    shown = pyinfra("--dry", deploy="teardown.py", **SETTINGS).output
    assert f"- hook Passerelle of {web} to" in shown


@pytest.mark.exhaustive
def test_two_hundred_projects_cost_little(group: Group) -> None:
    """A deploy that changes nothing: at most twice that of one project, and five milliseconds a project."""
    for number in range(200):
        group.project(f"p-{number}")
    many = {"gitlab__projects": json.dumps([f"{GROUP}/*"])}
    deploy(**many)

    def seconds(**settings: str) -> float:
        began = time.monotonic()
        assert deploy(**settings).changed == 0
        return time.monotonic() - began

    of_many = statistics.median(seconds(**many) for _ in range(3))
    deploy()
    of_one = statistics.median(seconds() for _ in range(3))
    print(f"one project {of_one:.2f} s, 200 of a group {of_many:.2f} s")
    assert of_many <= 2 * of_one + 200 * 0.005
