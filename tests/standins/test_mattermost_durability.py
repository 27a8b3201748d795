"""State outlives a SIGKILL and a restart."""

from __future__ import annotations

from pathlib import Path

from tests.standins.mattermost_server import PASSWORD, Site, furnished, running


def test_everything_is_there_after_sigkill(tmp_path: Path) -> None:
    settings = {"EnablePostUsernameOverride": True, "EnableUserAccessTokens": True}
    with running(tmp_path) as server:
        site = furnished(server)
        server.api("PUT", "/config/patch", {"ServiceSettings": settings})
        access_token = server.api("POST", "/users/me/tokens", {"description": "deploy"})["token"]
        assert site.send({"text": "before", "username": "GitLab"}).text == "ok"
        seen = _everything(site)
        server.kill()
    with running(tmp_path) as restarted:
        again = Site(restarted, site.team_id, site.channel_id, site.hook_id)
        restarted.token = server.token
        assert _everything(again) == seen
        restarted.token = access_token
        assert restarted.api("GET", "/users/me")["username"] == "admin"
        assert restarted.login("admin"), f"with {PASSWORD}"
        assert again.send({"text": "after"}).text == "ok"
        assert [post["message"] for post in restarted.posts(site.channel_id)] == ["before", "after"]


def _everything(site: Site) -> object:
    paths = (
        "/users/me",
        "/config",
        f"/teams/{site.team_id}",
        f"/channels/{site.channel_id}",
        f"/hooks/incoming/{site.hook_id}",
        f"/channels/{site.channel_id}/posts",
        f"/users/me/teams/{site.team_id}/channels/members",
    )
    return {path: site.server.api("GET", path) for path in paths}


def test_each_accepted_post_is_there_when_the_server_dies_at_once(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        site = furnished(server)
        for number in range(50):
            assert site.send({"text": str(number)}).text == "ok"
        server.kill()
    with running(tmp_path) as restarted:
        restarted.token = server.token
        assert [post["message"] for post in restarted.posts(site.channel_id)] == [str(n) for n in range(50)]


def test_create_at_strictly_increases(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        site = furnished(server)
        for _ in range(30):
            site.send({"text": "x"})
        times = [post["create_at"] for post in server.posts(site.channel_id)]
        assert len(set(times)) == 30
        assert times == sorted(times)


def test_since_finds_what_is_new_and_what_was_deleted(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        site = furnished(server)
        for text in ("old", "doomed"):
            site.send({"text": text})
        old, doomed = server.posts(site.channel_id)
        server.api("DELETE", f"/posts/{doomed['id']}")
        site.send({"text": "new"})
        assert server.request("GET", f"/api/v4/posts/{doomed['id']}").status_code == 404
        assert [post["message"] for post in server.posts(site.channel_id)] == ["old", "new"]
        changed = server.posts(site.channel_id, since=old["update_at"])
        assert [post["message"] for post in changed] == ["doomed", "new"]
        assert [post["delete_at"] > 0 for post in changed] == [True, False]
