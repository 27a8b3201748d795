"""What an earlier lab has left makes room for this checkout's, whatever of it is left."""

from types import SimpleNamespace
from typing import Any, cast
from unittest.mock import Mock

import docker
import pytest

from lab import stack
from lab.state import Lab

OURS, OTHERS = "ours", "another checkout's"

# The networks, each with whose it is; whether there are data; whether all of it is removed.
LEFT: dict[str, tuple[list[str], bool, bool]] = {
    "nothing": ([], False, False),
    "this checkout's": ([OURS], True, False),
    "this checkout's, with a further network": ([OURS, OURS], True, False),
    "this checkout's, before its data": ([OURS], False, False),
    "another checkout's": ([OTHERS], True, True),
    "another checkout's, without data": ([OTHERS], False, True),
    "data alone, as after a prune": ([], True, True),
}


@pytest.mark.parametrize("what", LEFT)
def test_what_is_left_of_another_lab_is_removed(what: str) -> None:
    owners, data, removed = LEFT[what]
    networks = [Mock(attrs={"Labels": {stack.LABEL: owner}}) for owner in owners]
    volumes = [Mock()] * data
    client = SimpleNamespace(
        networks=Mock(list=Mock(return_value=networks)),
        containers=Mock(list=Mock(return_value=[])),
        volumes=Mock(list=Mock(return_value=volumes)),
    )
    stack._clear_other(cast(docker.DockerClient, client), cast(Lab, cast(Any, SimpleNamespace(id=OURS))))
    assert [each.remove.called for each in [*networks, *volumes]] == [removed] * (len(networks) + data)
