"""Beyond the checklist: the slash commands are answered, and nobody but Mattermost gets an answer."""

import pytest
from testinfra.host import Host

from relays.wording import CATALOGUES
from tasks.context import COMMAND_TOKEN
from tasks.site import Site
from tests.acceptance.people import Chat
from tests.evidence.dossier import Dossier

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
