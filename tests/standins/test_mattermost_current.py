"""The default release, 11.6: what it does differently from the recorded 5.37."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from tests.standins.mattermost_server import Site, furnished, running

GENERAL = "web.incoming_webhook.general.app_error"
DECODE = "web.incoming_webhook.decode.app_error"
JSON = {"Content-Type": "application/json"}


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("mattermost")) as server:
        yield furnished(server)


def test_defaults(site: Site) -> None:
    service = site.server.api("GET", "/config")["ServiceSettings"]
    on = ("EnableIncomingWebhooks", "EnableOutgoingWebhooks", "EnableCommands", "EnableOAuthServiceProvider")
    off = ("EnablePostUsernameOverride", "EnablePostIconOverride", "EnableUserAccessTokens")
    assert {key: service[key] for key in (*on, *off)} == dict.fromkeys(on, True) | dict.fromkeys(off, False)


@pytest.mark.parametrize(
    ("payload", "status", "id"),
    [
        ({"text": ""}, 400, GENERAL),
        ({"text": "x", "channel": "no-such-channel"}, 404, GENERAL),
        ({"text": "x", "channel": "@nosuch"}, 400, GENERAL),
        ({"text": "x", "type": "system_join_channel"}, 400, GENERAL),
        ({"text": "a\0b"}, 500, GENERAL),
        ({"text": "x", "priority": {"requested_ack": True}}, 400, GENERAL),
        ({"text": 5}, 400, DECODE),
        ({"text": "x", "attachments": {}}, 400, DECODE),
        ([1], 400, DECODE),
    ],
)
def test_hook_errors_have_one_id_and_give_the_hook_away(
    site: Site, payload: Any, status: int, id: str
) -> None:
    answer = site.send(payload)
    assert (answer.status_code, answer.json()["id"]) == (status, id)
    assert site.hook_id in answer.json()["message"]


def test_unknown_hook_and_disabled_hooks(site: Site) -> None:
    assert site.send({"text": "x"}, hook_id="x" * 26).status_code == 400
    site.server.api("PUT", "/config/patch", {"ServiceSettings": {"EnableIncomingWebhooks": False}})
    answer = site.send({"text": "x"})
    site.server.api("PUT", "/config/patch", {"ServiceSettings": {"EnableIncomingWebhooks": True}})
    assert (answer.status_code, answer.json()["id"]) == (501, GENERAL)


def test_locked_hook_refuses_another_channel(site: Site) -> None:
    wanted = {"channel_id": site.channel_id, "display_name": "locked", "channel_locked": True}
    locked = site.server.api("POST", "/hooks/incoming", wanted)["id"]
    answer = site.send({"text": "x", "channel": "town-square"}, hook_id=locked)
    assert (answer.status_code, answer.json()["id"]) == (403, GENERAL)
    assert site.send({"text": "x", "channel": "dev-notifications"}, hook_id=locked).text == "ok"


def test_body_over_the_limit_is_cut_and_then_no_json(site: Site) -> None:
    answer = site.send({"text": "x" * 310_000})
    assert (answer.status_code, answer.json()["id"]) == (400, DECODE)
    assert answer.headers["Connection"] == "close"
    assert site.send({"text": "x" * 299_000}).text == "ok"


def test_form_and_api_bodies_over_the_limit_are_refused(site: Site) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    path = f"/hooks/{site.hook_id}"
    answer = site.server.request("POST", path, token="", data=b"payload=" + b"x" * 310_000, headers=form)
    assert answer.status_code == 413
    answer = site.server.request("POST", "/api/v4/posts", {"message": "x" * 310_000})
    assert (answer.status_code, answer.json()["id"]) == (413, "api.context.request_body_too_large.app_error")


def test_wrong_types_are_refused(site: Site) -> None:
    invalid = "api.context.invalid_body_param.app_error"
    patch = {"ServiceSettings": {"EnableIncomingWebhooks": "true"}}
    answer = site.server.request("PUT", "/api/v4/config/patch", patch)
    assert (answer.status_code, answer.json()["id"]) == (400, invalid)
    assert site.server.api("GET", "/config")["ServiceSettings"]["EnableIncomingWebhooks"] is True
    hook = {"channel_id": site.channel_id, "channel_locked": "true"}
    answer = site.server.request("POST", "/api/v4/hooks/incoming", hook)
    assert (answer.status_code, answer.json()["id"]) == (400, invalid)


def test_hook_list_counts_and_caps_a_page_at_200(tmp_path_factory: pytest.TempPathFactory) -> None:
    with running(tmp_path_factory.mktemp("mattermost")) as server:
        site = furnished(server)
        for _ in range(205):
            server.api("POST", "/hooks/incoming", {"channel_id": site.channel_id, "display_name": "same"})
        page = server.api("GET", "/hooks/incoming?per_page=500&include_total_count=true")
        rest = server.api("GET", "/hooks/incoming?per_page=200&page=1")
        assert (len(page["incoming_webhooks"]), page["total_count"], len(rest)) == (200, 206, 6)


def test_team_and_channel_rules(site: Site) -> None:
    team = {"name": "taaf", "display_name": "TAAF", "type": "O"}
    answer = site.server.request("POST", "/api/v4/teams", team)
    assert answer.json()["id"] == "store.sql_team.save_team.existing.app_error"
    channel = {"team_id": site.team_id, "name": "z", "display_name": "Z", "type": "O"}
    assert site.server.request("POST", "/api/v4/channels", channel).status_code == 201
    nameless = channel | {"name": "nameless", "display_name": ""}
    assert site.server.request("POST", "/api/v4/channels", nameless).status_code == 400


def test_overrides_that_are_off_are_silently_ignored(site: Site) -> None:
    sent = {"text": "who?", "username": "GitLab", "icon_emoji": ":rocket:"}
    assert site.send(sent).text == "ok"
    props = site.server.posts(site.channel_id)[-1]["props"]
    assert props == {"from_webhook": "true", "webhook_display_name": "GitLab"}


def test_props_over_7600_runes_and_priority_are_taken(site: Site) -> None:
    sent = {"text": "p", "props": {"delivery": "d" * 9000}, "priority": {"priority": "urgent"}}
    assert site.send(sent).text == "ok"
    post = site.server.posts(site.channel_id)[-1]
    assert post["props"]["delivery"] == "d" * 9000
    assert post["metadata"]["priority"] == {"priority": "urgent"}


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        (5, "5"),
        (123456, "123456"),
        (1234567, "1.234567e+06"),
        (1.5, "1.5"),
        (0, "0"),
        (-0.00001, "-1e-05"),
        ([1, "a"], "[1 a]"),
        ({"b": True, "a": None}, "map[a:<nil> b:true]"),
    ],
)
def test_field_values_become_text_as_go_prints_them(site: Site, value: Any, shown: str) -> None:
    site.send({"attachments": [{"fields": [{"title": "n", "value": value}]}]})
    [attachment] = site.server.posts(site.channel_id)[-1]["props"]["attachments"]
    assert attachment["fields"][0]["value"] == shown


def test_archived_channel_takes_its_hooks_and_its_name_with_it(site: Site) -> None:
    server = site.server
    wanted = {"team_id": site.team_id, "name": "old", "display_name": "Old", "type": "O"}
    channel = server.api("POST", "/channels", wanted)["id"]
    hook = server.api("POST", "/hooks/incoming", {"channel_id": channel, "display_name": "h"})["id"]
    server.api("DELETE", f"/channels/{channel}")
    by_name = f"/api/v4/teams/{site.team_id}/channels/name/old"
    assert server.request("GET", by_name).json()["id"] == "app.channel.get_by_name.missing.app_error"
    assert server.request("GET", f"{by_name}?include_deleted=true").json()["delete_at"] > 0
    assert server.request("POST", "/api/v4/channels", wanted).status_code == 400
    assert site.send({"text": "x", "channel": "old"}).status_code == 404
    server.api("POST", f"/channels/{channel}/restore")
    assert server.request("GET", f"/api/v4/hooks/incoming/{hook}").status_code == 404
    assert site.send({"text": "x"}, hook_id=hook).status_code == 400


def test_direct_message_through_a_hook(site: Site) -> None:
    assert site.send({"text": "psst", "channel": "@admin"}).text == "ok"
    assert [post["message"] for post in site.server.posts(site.channel_id) if post["message"] == "psst"] == []


def test_post_by_a_person(site: Site) -> None:
    wanted = {"channel_id": site.channel_id, "message": "from a person", "props": {"key": "value"}}
    post = site.server.api("POST", "/posts", wanted)
    assert site.server.api("GET", f"/posts/{post['id']}") == post
    assert post["props"] == {"key": "value"}
    too_long = site.server.request("POST", "/api/v4/posts", wanted | {"message": "x" * 16_384})
    assert too_long.status_code == 400


def test_environment_of_another_spelling(tmp_path_factory: pytest.TempPathFactory) -> None:
    """Go's ParseBool; numbers; a site URL."""
    environment = {
        "MM_SERVICESETTINGS_ENABLECOMMANDS": "0",
        "MM_TEAMSETTINGS_MAXUSERSPERTEAM": "7",
        "MM_SERVICESETTINGS_SITEURL": "http://chat.example.invalid",
    }
    with running(tmp_path_factory.mktemp("mattermost"), **environment) as server:
        furnished(server)
        config = server.api("GET", "/config")
        assert config["ServiceSettings"]["EnableCommands"] is False
        assert config["TeamSettings"]["MaxUsersPerTeam"] == 7
        shown = server.api("GET", "/config/client?format=old")
        assert (shown["EnableCommands"], shown["SiteURL"]) == ("false", "http://chat.example.invalid")
        assert server.api("GET", "/config/environment") == {
            "ServiceSettings": {"EnableCommands": True, "SiteURL": True},
            "TeamSettings": {"MaxUsersPerTeam": True},
        }
