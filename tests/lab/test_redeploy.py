"""A deploy of what is there already."""

from collections.abc import Iterator

import pytest

from tests.lab.runs import deploy, dry


@pytest.fixture(scope="module", autouse=True)
def deployed() -> None:
    """Whatever other tests have left."""
    deploy()


@pytest.fixture
def own_language() -> Iterator[None]:
    """The site's own, at the end."""
    yield
    deploy()


def test_second_deploy_changes_nothing() -> None:
    assert deploy().changed == 0


def test_dry_run_of_what_is_there_announces_nothing() -> None:
    run = dry()
    assert "~ " not in run.output
    assert "+ " not in run.output


def test_deploy_through_sudo_finds_the_same() -> None:
    """The SSH user is not root and becomes it through sudo."""
    run = deploy(host__ssh_user="ops", host__sudo="true", host__infrastructure="/root/taaf-infrastructure")
    assert run.changed == 0


@pytest.mark.exhaustive
@pytest.mark.usefixtures("own_language")
@pytest.mark.parametrize("language", ["en", "fr"])
def test_other_language_is_announced_and_comes_into_force(language: str) -> None:
    """The relays start anew with their settings."""
    before = deploy(relays__language="fr" if language == "en" else "en").output
    run = deploy(relays__language=language)
    assert run.changed >= 3, before
    assert "runs with an older configuration" in run.output
    assert deploy(relays__language=language).changed == 0
