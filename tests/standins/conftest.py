"""A GitLab stand-in for the tests of a module, which may send hooks to this machine, and a receiver of hooks."""

from collections.abc import Iterator

import pytest

from tests.standins.gitlab_site import Project, Receiver, Site, receiving, running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("gitlab") / "data") as started:
        started.allow("127.0.0.1")
        yield started


@pytest.fixture
def project(site: Site) -> Project:
    return site.project()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    with receiving() as started:
        yield started
