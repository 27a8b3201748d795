"""Routes, people and wordings of a site, from the settings to the channels of the live Mattermost."""

import json
from collections.abc import Iterator

import pytest

from tasks.site import Site
from tests.acceptance.people import Chat, Forge, marker, shown
from tests.lab.runs import deploy, pyinfra
from tests.waiting import wait_until


def settings(ops: str) -> dict[str, str]:
    """A site that sends confidential issues to one more channel and new issues, in its own words, to another."""
    routes = [
        {"confidential": True, "channels": ["rh-alerts"]},
        {"events": ["issue"], "actions": ["open"], "channels": [ops], "detail": "short", "final": False},
    ]
    wording = {"fr": {"issue.open": "🆕 {{ payload.object_attributes.title | code }}"}}
    return {"gitlab__routes": json.dumps(routes), "gitlab__wording": json.dumps(wording)}


@pytest.fixture
def ops(chat: Chat, site: Site) -> Iterator[str]:
    """A channel that a person has made; the site's own settings are back at the end."""
    team = chat.api("GET", f"/teams/name/{site.mattermost.team}")["id"]
    # An archived channel keeps its name.
    wanted = {"team_id": team, "name": marker(), "display_name": "Essai", "type": "O"}
    channel = chat.api("POST", "/channels", wanted)
    yield channel["name"]
    deploy()
    chat.api("DELETE", f"/channels/{channel['id']}")


def test_events_arrive_in_the_channels_of_their_routes(
    chat: Chat, forge: Forge, site: Site, ops: str
) -> None:
    deploy(**settings(ops))
    mark = marker()
    for title, confidential in ((f"public {mark}", False), (f"secret {mark}", True)):
        forge.api("POST", "PROJECT/issues", {"title": title, "confidential": confidential})
    dev, rh = site.mattermost.gitlab_webhook.channel, site.mattermost.nextcloud_webhook.channel
    for channel, title in ((dev, f"public {mark}"), (ops, f"public {mark}"), (rh, f"secret {mark}")):
        found = wait_until(f"{title} in {channel}", lambda c=channel: chat.about(c, mark))  # type: ignore[misc]
        assert [title in shown(post) for post in found] == [True]
        assert f"🆕 `{title}`" in shown(found[0])
        chat.delete(found[0])
    assert deploy(**settings(ops)).changed == 0


@pytest.mark.parametrize(
    ("settings", "named"),
    [
        (
            {"gitlab__routes": '[{"channels": ["nulle-part"]}]'},
            "gitlab.routes.#1: there is no channel nulle-part",
        ),
        ({"gitlab__people": '{"camille.morel": "nobody-here"}'}, "gitlab.people.camille.morel = nobody-here"),
    ],
    ids=["channel", "person"],
)
def test_what_mattermost_does_not_know_is_named(settings: dict[str, str], named: str) -> None:
    run = pyinfra("-y", **settings)
    assert run.code != 0
    assert named in run.output
    assert "Traceback" not in run.output
    assert run.changed == 0
