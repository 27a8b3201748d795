"""The rate limit, measured on 5.37 with two requests a second and a burst of three."""

from __future__ import annotations

from pathlib import Path

from tests.standins.mattermost_replay import recording
from tests.standins.mattermost_server import Site, furnished, running
from tests.waiting import wait_until

SETTINGS = {"RateLimitSettings": {"Enable": True, "PerSec": 2, "MaxBurst": 3}}
EXCHANGES = {e["name"]: e["response"] for e in recording("10")["exchanges"]}
BURST = [f"burst post {number}" for number in range(1, 6)]
HEADERS = ("X-Ratelimit-Limit", "X-Ratelimit-Remaining", "X-Ratelimit-Reset", "Retry-After", "Content-Type")


def test_burst_is_limited_as_recorded_from_the_next_start_on(tmp_path: Path) -> None:
    with running(tmp_path, "--version", "5.37") as server:
        site = furnished(server)
        server.api("PUT", "/config/patch", SETTINGS)
        answers = [site.send({"text": "not yet"}) for _ in range(6)]
        assert {answer.status_code for answer in answers} == {200}
        assert "X-Ratelimit-Limit" not in answers[0].headers
    with running(tmp_path, "--version", "5.37") as server:
        limited = Site(server, site.team_id, site.channel_id, site.hook_id)
        answers = [limited.send({"text": "burst"}) for _ in BURST]
        for name, answer in zip(BURST, answers, strict=True):
            recorded = EXCHANGES[name]
            assert (answer.status_code, answer.text) == (recorded["status"], recorded["body"])
            for header in HEADERS:
                assert answer.headers.get(header) == recorded["headers"].get(header), (name, header)
        assert server.request("GET", "/api/v4/users/me").status_code == 429, "one bucket for API and hooks"
        other = server.request("GET", "/api/v4/system/ping", headers={"X-Forwarded-For": "192.0.2.1"})
        assert other.status_code == 200, "5.37 trusts the header"
        wait_until("the bucket has room again", lambda: limited.send({"text": "later"}).ok, seconds=5)


def test_proxies_are_not_trusted_in_the_current_release(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        furnished(server)
        server.api("PUT", "/config/patch", SETTINGS)
    with running(tmp_path) as server:
        answers = [
            server.request("GET", "/api/v4/system/ping", headers={"X-Forwarded-For": f"192.0.2.{number}"})
            for number in range(8)
        ]
        assert [answer.status_code for answer in answers].count(429) >= 2
