"""A document that somebody takes: pressed in Mattermost, handed over from one sandbox to the other, shown."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest

from tasks.context import DOCUMENTS_SOCKET
from tests.acceptance.people import Chat, Cloud, marker, shown
from tests.lab.doctor import doctor
from tests.lab.runs import deploy, pyinfra
from tests.lab.test_removal import check
from tests.lab.test_slash_commands import SITE
from tests.waiting import wait_until

Shell = Callable[[str], str]
CHANNEL = "rh-alerts"
TAKEN = {**SITE, "mattermost__buttons": "true", "nextcloud__remind_after": "2d"}


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The lab's own site has no buttons."""
    yield
    deploy()


def announced(chat: Chat, cloud: Cloud) -> tuple[str, str, dict[str, Any]]:
    """What the deploy's account, now in the channel, is called, and a document with its first post."""
    me, mark = chat.api("GET", "/users/me"), marker()
    chat.api("POST", f"/channels/{chat.channel(CHANNEL)['id']}/members", {"user_id": me["id"]})
    cloud.put(f"Contrats/{mark}.pdf", b"%PDF")
    (root,) = wait_until("the document", lambda: chat.about(CHANNEL, mark))
    return me["username"], mark, root


@pytest.mark.exhaustive
def test_a_press_reaches_the_nextcloud_relay(machine: Shell, chat: Chat, cloud: Cloud) -> None:
    """Nobody but both relays gets to its socket; when it does not run, that is said, and nothing is done."""
    deploy(**TAKEN)
    assert deploy(**TAKEN).changed == 0
    assert doctor(**TAKEN).code == 0
    check(TAKEN)
    gid = machine("stat -c %g /proc/$(systemctl show -P MainPID passerelle-gitlab)").strip()
    assert machine(f"stat -c '%A %g' {DOCUMENTS_SOCKET}").split() == ["srw-rw----", gid]
    try_it = f"python3 -c \"import socket; socket.socket(socket.AF_UNIX).connect('{DOCUMENTS_SOCKET}')\""
    assert "PermissionError" in machine(f"runuser -u nobody -- {try_it} 2>&1 || true")
    me, mark, root = announced(chat, cloud)
    machine("systemctl stop passerelle-nextcloud.path passerelle-nextcloud.service")
    chat.api("POST", f"/posts/{root['id']}/actions/take", {})
    machine("systemctl start passerelle-nextcloud.service passerelle-nextcloud.path")
    machine(f"rm {DOCUMENTS_SOCKET}")
    assert doctor(**TAKEN).first == "nextcloud-relay.presses"
    machine("systemctl restart passerelle-nextcloud.service")
    assert "Pris en charge" not in shown(chat.about(CHANNEL, mark)[0])
    chat.api("POST", f"/posts/{root['id']}/actions/take", {})
    wait_until("who has taken it", lambda: f"par {me}, le " in shown(chat.about(CHANNEL, mark)[0]))
    assert len(chat.about(CHANNEL, mark)) == 1
    cloud.delete(f"Contrats/{mark}.pdf")


@pytest.mark.exhaustive
def test_a_button_outlasts_a_rotation(chat: Chat, cloud: Cloud) -> None:
    """Of the tokens by which it is signed: it is signed anew, although nothing else changes the post."""
    deploy(**TAKEN)
    me, mark, root = announced(chat, cloud)
    rotated = pyinfra("-y", deploy="rotate.py", **TAKEN)
    assert rotated.code == 0, rotated.output
    wait_until("it is signed anew", lambda: chat.about(CHANNEL, mark)[0]["edit_at"] > root["edit_at"])
    chat.api("POST", f"/posts/{root['id']}/actions/take", {})
    wait_until("who has taken it", lambda: f"par {me}, le " in shown(chat.about(CHANNEL, mark)[0]))
    cloud.delete(f"Contrats/{mark}.pdf")
