"""Events of projects that are not the site's own: whatever their kind, they are announced nowhere."""

import json
from dataclasses import fields
from pathlib import Path

import pytest

from relays.sources.gitlab.event import project_of, read_event
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.projects import Projects
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Route

SAMPLES = sorted((Path(__file__).parents[2] / "tasks" / "samples" / "gitlab").glob("[a-z]*.json"))


def dispatched(payload: Payload, *projects: str) -> tuple[str, list[str]]:
    """The reason and the channels of a site with these projects that mutes nothing."""
    mute = Mute(*[False] * len(fields(Mute)))
    routes = [Route(("secret",), confidential=True), Route(("home",))]
    reason, messages = Router(routes, mute, projects=Projects(projects)).dispatch(read_event(payload))
    return reason, list(messages)


@pytest.mark.parametrize("sample", SAMPLES, ids=lambda path: path.stem)
def test_each_kind_is_announced_of_own_projects_alone(sample: Path) -> None:
    """What names no project cannot be of another one: that of a group hook which somebody has made for it."""
    payload = Payload(json.loads(sample.read_text(encoding="utf-8")))
    announced = dispatched(payload)
    project = project_of(payload)
    assert dispatched(payload, project.lower(), "root/other") == announced
    assert dispatched(payload, "root/other") == (("foreign", []) if project else announced)


def test_most_kinds_name_their_project() -> None:
    silent = {
        sample.stem
        for sample in SAMPLES
        if not project_of(Payload(json.loads(sample.read_text(encoding="utf-8"))))
    }
    assert len(silent) < len(SAMPLES) / 2, silent
