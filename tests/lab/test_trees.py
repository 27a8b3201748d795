"""Watched trees of a site, from the settings to the channels of the live Mattermost."""

import json
from collections.abc import Callable, Iterator

import pytest

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, marker, shown
from tests.lab.faults.world import TREE
from tests.lab.runs import deploy, pyinfra
from tests.waiting import wait_until


@pytest.fixture
def its_own_settings(machine: Callable[[str], str]) -> Iterator[None]:
    """The site's own settings are back at the end, and the folder of the further tree is gone."""
    yield
    deploy()
    machine(f"rm -rf {TREE}/../Comptabilite")


@pytest.mark.usefixtures("its_own_settings")
def test_documents_of_a_further_tree_arrive_in_its_channel(
    chat: Chat, cloud: Cloud, site: Site, proxy: str | None
) -> None:
    dev, rh = site.mattermost.gitlab_webhook.channel, site.mattermost.nextcloud_webhook.channel
    further = {"tree": "Comptabilite", "folders": ["Factures"], "channel": dev, "discretion": "masked"}
    settings = {"nextcloud__trees": json.dumps([further])}
    deploy(**settings)
    mark = marker()
    cloud.put(f"Contrats/{mark}.pdf", b"%PDF")
    further_tree = site.nextcloud.model_copy(update={"tree": further["tree"]})
    accounts = Cloud(site.model_copy(update={"nextcloud": further_tree}), proxy)
    accounts.put(f"Factures/{mark}.pdf", b"%PDF")
    (post,) = wait_until("the document of the first tree", lambda: chat.about(rh, mark))
    chat.delete(post)
    (post,) = wait_until("the document of the further tree", lambda: chat.about(dev, "Factures"))
    assert f"{mark[0]}••••••.pdf" in shown(post)
    assert mark not in shown(post)
    chat.delete(post)
    cloud.delete(f"Contrats/{mark}.pdf")
    accounts.delete(f"Factures/{mark}.pdf")
    assert deploy(**settings).changed == 0


def test_a_channel_that_mattermost_does_not_know_is_named() -> None:
    run = pyinfra("-y", nextcloud__trees='[{"tree": "Comptabilite", "channel": "nulle-part"}]')
    assert run.code != 0
    assert "nextcloud.trees.#1: there is no channel nulle-part" in run.output
    assert "Traceback" not in run.output
    assert run.changed == 0
