"""Beyond the checklist: who posts, and that a bot may do no more than it needs."""

import pytest
import requests
from testinfra.host import Host

from tasks.context import BOT_TOKEN
from tasks.made import channels_of, posts_as_bot
from tasks.site import Site
from tests.acceptance.people import Chat
from tests.evidence.dossier import Dossier

pytestmark = pytest.mark.checklist("mattermost-bot")


def test_who_posts_is_as_described_and_may_do_no_more(
    chat: Chat, site: Site, host: Host, dossier: Dossier
) -> None:
    """A bot is a plain user in its channels whose token root alone reads; where webhooks post, the host has none."""
    saved = host.file(BOT_TOKEN)
    assert saved.exists is posts_as_bot(site)
    if not posts_as_bot(site):
        return
    assert (saved.mode, saved.user) == (0o600, "root")
    token = saved.content_string.strip()
    dossier.mask.add(token)
    bot = chat.api("GET", f"/users/username/{site.mattermost.bot.username}")
    assert bot["is_bot"]
    assert bot["delete_at"] == 0
    assert bot["roles"] == "system_user"
    for name in channels_of(site):
        member = chat.api("GET", f"/channels/{chat.channel(name)['id']}/members/{bot['id']}")
        assert not member["scheme_admin"]
    own = {"Authorization": f"Bearer {token}"}
    api = f"{site.mattermost.url}/api/v4"
    assert chat.send("GET", f"{api}/users/me", headers=own).json()["id"] == bot["id"]
    with pytest.raises(requests.HTTPError, match="403"):
        chat.send("GET", f"{api}/config", headers=own)
