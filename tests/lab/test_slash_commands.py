"""A site with a slash command: deployed, asked by people, rotated, judged, torn down."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from tasks.site import Site
from tests.acceptance.people import Chat, Forge, marker
from tests.lab.doctor import doctor
from tests.lab.faults.bot import BOT
from tests.lab.faults.commands import COMMANDS, TOKENS
from tests.lab.faults.world import INFRASTRUCTURE
from tests.lab.runs import deploy, pyinfra
from tests.lab.test_drift_report import drift
from tests.lab.test_removal import check
from tests.waiting import wait_until

Shell = Callable[[str], str]
SITE = {**BOT, **COMMANDS}
CHOICES = f"{INFRASTRUCTURE}/scripts/choices.sh"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The lab's own site has no commands."""
    yield
    deploy()


def run(chat: Chat, text: str, channel: str = "dev-notifications") -> dict[str, Any]:
    """Type a command as the deploy's account; what it is answered."""
    there = chat.channel(channel)
    where = {"channel_id": there["id"], "team_id": there["team_id"]}
    answer: dict[str, Any] = chat.api(
        "POST", "/commands/execute", {**where, "command": f"/passerelle {text}"}
    )
    return answer


def on_page(chat: Chat, person: str, text: str) -> str:
    """Type it on the page of the channel; the page afterwards."""
    url = f"{chat._site.url}/{chat._site.team}/channels/dev-notifications/commands"
    return chat.send("POST", url, data={"person": person, "command": f"/passerelle {text}"}).text


def test_people_are_answered_by_a_site_with_a_command(machine: Shell, chat: Chat) -> None:
    me = chat.api("GET", "/users/me")["username"]
    # Before anything is asked, for the relay remembers for a while how somebody reads.
    chat.api("PUT", "/users/me/patch", {"locale": "en"})
    first = deploy(**SITE)
    saved = machine(f"cat {TOKENS}").strip()
    assert saved not in first.output
    assert deploy(**SITE).changed == 0
    assert doctor(**SITE).code == 0
    check(SITE)
    assert "Passerelle: everything works" in on_page(chat, me, "status")
    assert f"Visible par {me} seulement" in on_page(chat, me, "help")
    # Who waits for GitLab is answered later, on the page.
    on_page(chat, me, "todo")
    waits = (
        "What waits for you in GitLab",
        "Nothing waits for you",
        "Nothing says which GitLab account is yours",
    )
    wait_until("what waits", lambda: any(each in on_page(chat, me, "help") for each in waits))
    # What is chosen in the chat is named, and is no difference.
    run(chat, "notify quiet 19:00-08:00")
    wait_until("it is chosen", lambda: f"in person to {me}" in machine(f"{CHOICES} list"))
    run(chat, "mute 1h taaf/essai")
    wait_until("it is chosen", lambda: "taaf/essai" in run(chat, "mute")["text"])
    code, said, _ = drift(**SITE)
    assert code == 0
    assert "choice in the chat: silence of taaf/essai in dev-notifications until" in said
    assert f"choice in the chat: in person to {me}: as the site says, not 19:00-08:00" in said
    machine(f"{CHOICES} export > /tmp/choices")
    run(chat, "mute off taaf/essai")
    run(chat, "notify reset")
    chosen = ("taaf/essai", "in person")
    wait_until("it is over", lambda: not any(each in machine(f"{CHOICES} list") for each in chosen))
    machine(f"{CHOICES} import < /tmp/choices && rm /tmp/choices")
    assert "taaf/essai" in machine(f"{CHOICES} list")
    assert f"in person to {me}" in machine(f"{CHOICES} list")
    run(chat, "mute off taaf/essai")
    run(chat, "notify reset")


@pytest.mark.exhaustive
def test_a_channel_subscribes_to_what_everybody_in_it_may_read(
    site: Site, machine: Shell, chat: Chat, forge: Forge
) -> None:
    """A project that is not public in no channel of the team; once it is, its events are said there, once."""
    deploy(**SITE)
    project, channel = site.gitlab.project, site.mattermost.nextcloud_webhook.channel
    before = forge.api("GET", "PROJECT")["visibility"]
    try:
        forge.api("PUT", "PROJECT", {"visibility": "private"})
        assert f"`{project}` is not public" in run(chat, f"subscribe {project} issue", channel)["text"]
        assert "GitLab shows no `autre/projet`" in run(chat, "subscribe autre/projet", channel)["text"]
        forge.api("PUT", "PROJECT", {"visibility": "public"})
        assert f"is subscribed to `{project}`" in run(chat, f"subscribe {project} issue", channel)["text"]
        code, said, _ = drift(**SITE)
        assert code == 0
        assert f"choice in the chat: subscription of {channel} to {project} (issue), of " in said
        assert f"subscription of {channel} to {project} (issue)" in machine(f"{CHOICES} list")
        title = marker()
        forge.api("POST", "PROJECT/issues", {"title": title})
        both = (channel, site.mattermost.gitlab_webhook.channel)
        wait_until("it is said in both", lambda: all(chat.about(each, title) for each in both))
        assert [len(chat.about(each, title)) for each in both] == [1, 1]
        assert f"by the subscription to `{project}`" in run(chat, "why", channel)["text"]
        assert "is no longer subscribed" in run(chat, f"unsubscribe {project}", channel)["text"]
    finally:
        forge.api("PUT", "PROJECT", {"visibility": before})


@pytest.mark.exhaustive
def test_a_rotation_replaces_the_tokens(machine: Shell, chat: Chat) -> None:
    deploy(**SITE)
    before = machine(f"cat {TOKENS}").strip()
    rotated = pyinfra("-y", deploy="rotate.py", **SITE)
    assert rotated.code == 0, rotated.output
    after = machine(f"cat {TOKENS}").strip()
    assert before != after
    assert before not in rotated.output
    assert after not in rotated.output
    assert run(chat, "status")["response_type"] == "ephemeral"
    assert deploy(**SITE).changed == 0


@pytest.mark.exhaustive
def test_a_teardown_removes_the_command(machine: Shell, chat: Chat) -> None:
    deploy(**SITE)
    run_ = pyinfra("-y", deploy="teardown.py", **SITE)
    assert run_.code == 0, run_.output
    with pytest.raises(requests.HTTPError, match="404"):
        run(chat, "status")
    service = chat.api("GET", "/config")["ServiceSettings"]
    assert machine("hostname -i").split()[0] not in service["AllowedUntrustedInternalConnections"]
    assert pyinfra("-y", deploy="teardown.py", **SITE).changed == 0
    deploy(**SITE)
    assert run(chat, "status")["response_type"] == "ephemeral"
