"""A private channel of HR: who is named for it reads what is announced, others of the team do not even see it."""

import json
import secrets
from collections.abc import Iterator
from contextlib import suppress

import pytest
import requests

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, marker
from tests.lab.doctor import doctor
from tests.lab.runs import deploy
from tests.lab.test_drift_report import drift
from tests.waiting import wait_until

PASSWORD = secrets.token_hex(16)


@pytest.fixture
def accounts(chat: Chat, site: Site) -> Iterator[tuple[str, str]]:
    """Somebody to be named, who is not in the team, and somebody else of the team; gone at the end."""
    team = chat.api("GET", f"/teams/name/{site.mattermost.team}")["id"]
    names = (f"rh-{secrets.token_hex(4)}", f"dev-{secrets.token_hex(4)}")
    numbers = []
    for name in names:
        account = {"username": name, "email": f"{name}@example.org", "password": PASSWORD}
        numbers.append(chat.api("POST", "/users", account)["id"])
    chat.api("POST", f"/teams/{team}/members", {"team_id": team, "user_id": numbers[1]})
    yield names
    channel = chat.channel(site.mattermost.nextcloud_webhook.channel)["id"]
    chat.api("PUT", f"/channels/{channel}/privacy", {"privacy": "O"})
    with suppress(requests.HTTPError):  # where the test did not come so far
        chat.api("DELETE", f"/channels/{channel}/members/{numbers[0]}")
    for number in numbers:
        chat.api("PUT", f"/users/{number}/active", {"active": False})
    deploy()


def reads(site: Site, proxy: str | None, name: str, channel: str, text: str) -> bool:
    """Whether the account, signed in by itself, finds the text in the channel."""
    person = Chat(site, proxy)
    login = {"login_id": name, "password": PASSWORD}
    token = person.send("POST", f"{site.mattermost.url}/api/v4/users/login", json=login).headers["Token"]
    person.session.headers["Authorization"] = f"Bearer {token}"
    try:
        return bool(person.about(channel, text))
    except requests.HTTPError as error:
        if error.response.status_code not in (403, 404):
            raise
        return False


@pytest.mark.exhaustive
def test_members_read_what_others_do_not_see(
    chat: Chat, cloud: Cloud, site: Site, proxy: str | None, accounts: tuple[str, str]
) -> None:
    member, other = accounts
    hook = "mattermost__nextcloud_webhook__"
    settings = {f"{hook}private": "true", f"{hook}members": json.dumps([member])}
    channel = site.mattermost.nextcloud_webhook.channel
    assert doctor(**settings).first == "mattermost.channel-public"
    deploy(**settings)
    assert deploy(**settings).changed == 0
    assert drift(**settings)[0] == 0
    assert doctor(**settings).code == 0
    mark = marker()
    cloud.put(f"Contrats/{mark}.pdf", b"%PDF")
    (post,) = wait_until("the document", lambda: chat.about(channel, mark))
    assert reads(site, proxy, member, channel, mark)
    assert not reads(site, proxy, other, channel, mark)
    chat.delete(post)
    cloud.delete(f"Contrats/{mark}.pdf")
    # Without the setting it stays as it is: nothing that was private is shown to all.
    deploy()
    assert chat.channel(channel)["type"] == "P"
