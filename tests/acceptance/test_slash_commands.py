"""Beyond the checklist: slash commands and buttons are answered, and nobody but Mattermost gets an answer."""

import json
from typing import Any

import pytest
from testinfra.host import Host

from relays.wording import CATALOGUES
from tasks.context import COMMAND_TOKEN, WRITE_TOKEN
from tasks.site import Site
from tests.acceptance.channel import Channel
from tests.acceptance.people import Chat, Forge
from tests.evidence.dossier import Dossier
from tests.waiting import wait_until

pytestmark = pytest.mark.checklist("mattermost-commands")


def test_who_types_a_command_is_answered_and_nobody_else(
    chat: Chat, site: Site, host: Host, dossier: Dossier
) -> None:
    """Each command says how things stand; a request without its token is refused. Without commands there is nothing."""
    saved = host.file(COMMAND_TOKEN)
    assert saved.exists is bool(site.mattermost.commands)
    if not site.mattermost.commands:
        return
    assert (saved.mode, saved.user) == (0o600, "root")
    dossier.mask.add(*saved.content_string.split())
    channel = chat.channel(site.mattermost.gitlab_webhook.channel)
    where = {"channel_id": channel["id"], "team_id": channel["team_id"]}
    titles = ("command.status.well", "command.status.degraded")
    known = {each[title] for each in CATALOGUES.values() for title in titles}
    for word in site.mattermost.commands:
        answer = chat.api("POST", "/commands/execute", {**where, "command": f"/{word} status"})
        assert answer["response_type"] == "ephemeral"
        assert answer["text"].splitlines()[0] in known
    # From the host itself, as whoever reaches the relay might.
    form = f"token=x&command=/{site.mattermost.commands[0]}&team_domain={site.mattermost.team}"
    ids = "channel_id=aaaaaaaaaaaaaaaaaaaaaaaaaa&user_id=aaaaaaaaaaaaaaaaaaaaaaaaaa"
    url = f"http://127.0.0.1:{site.relays.port}/mattermost/command"
    status = host.check_output("curl -s -o /dev/null -w '%%{http_code}' -d %s %s", f"{form}&{ids}", url)
    assert status == "401"


def test_who_presses_a_button_is_answered_and_nobody_else(
    chat: Chat, forge: Forge, dev: Channel, site: Site, host: Host, mark: str
) -> None:
    """An issue can be muted by the button of its post, through Mattermost alone; without buttons there is nothing."""
    token = host.file(WRITE_TOKEN)
    assert token.exists is bool(site.gitlab.write_token)
    assert not token.exists or (token.mode, token.user) == (0o600, "root")
    # From the host itself, as whoever reaches the relay might, who knows no signature.
    identity = "a" * 26
    context = {"action": "mute", "conversation": "a/b#1", "expires": 4102444800, "signature": "0" * 64}
    press = {"user_id": identity, "channel_id": identity, "post_id": identity, "context": context}
    url = f"http://127.0.0.1:{site.relays.port}/mattermost/action"
    answer = host.check_output("curl -s -w ' %%{http_code}' -d %s %s", json.dumps(press), url)
    content, _, status = answer.rpartition(" ")
    if not site.mattermost.buttons:
        assert status == "404"
        return
    assert status == "200"
    assert json.loads(content)["ephemeral_text"] in {each["button.unknown"] for each in CATALOGUES.values()}
    if site.gitlab.detail == "short" or site.gitlab.conversations == "single":
        return  # what has no box, or is no thread, has no buttons
    title = f"Essai {mark}"
    issue = forge.api("POST", "PROJECT/issues", {"title": title})
    post, what = dev.message(title), f"{forge.project}#{issue['iid']}"
    channel = chat.channel(site.mattermost.gitlab_webhook.channel)

    def heard(sign: str) -> list[dict[str, Any]]:
        return [each for each in chat.about(channel["name"], what) if each["message"].startswith(sign)]

    try:
        actions = [each["id"] for box in post["props"]["attachments"] for each in box.get("actions") or []]
        assert actions == ["mute"]
        # Anything but an answer of the relay's is an error here.
        chat.api("POST", f"/posts/{post['id']}/actions/mute", {})
        wait_until("the channel hears of it", lambda: heard("🔕"))
    finally:
        where = {"channel_id": channel["id"], "team_id": channel["team_id"]}
        lift = f"/{site.mattermost.commands[0]} mute off {what}"
        chat.api("POST", "/commands/execute", {**where, "command": lift})
        forge.api("PUT", f"PROJECT/issues/{issue['iid']}", {"state_event": "close"})
    wait_until("the channel hears that it is over", lambda: heard("🔔"))
    for each in (*heard("🔕"), *heard("🔔")):
        chat.delete(each)
