"""A site with buttons that act in GitLab: deployed, pressed by people, refused to others, judged."""

import json
import shlex
import time
import uuid
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import requests

from lab import state
from lab.standins.gitlab.webhooks.delivery import signature
from relays.mattermost.buttons import Signer
from tasks.site import Site
from tests.acceptance.people import Chat, Forge, marker
from tests.lab.doctor import doctor
from tests.lab.faults.bot import BOT
from tests.lab.faults.commands import COMMANDS, TOKENS
from tests.lab.runs import deploy
from tests.lab.test_drift_report import drift
from tests.relays.events import body
from tests.waiting import wait_until

Shell = Callable[[str], str]
Json = dict[str, Any]
TOKEN = "/etc/passerelle/gitlab-write-token"
RELAY = "http://127.0.0.1:8090"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The lab's own site has no buttons."""
    yield
    deploy()


def post_to(machine: Shell, path: str, content: str, headers: dict[str, str]) -> str:
    """Send something to the relay from its host; the answer's text."""
    options = " ".join(
        f"-H {shlex.quote(f'{name}: {value}')}"
        for name, value in {"Content-Type": "application/json", **headers}.items()
    )
    return machine(f"curl -sS -m 25 {options} -d {shlex.quote(content)} {RELAY}{path}")


def pipeline_fails(machine: Shell, forge: Forge, request: Json) -> int:
    """The pipeline of a merge request fails in GitLab, and the relay hears of it; its number."""
    status = {"state": "failed", "ref": request["source_branch"]}
    number = int(forge.api("POST", f"PROJECT/statuses/{request['sha']}", status)["pipeline_id"])
    event = json.loads(body("pipeline_failed_merge_request.json"))
    event["object_attributes"] |= {"id": number, "ref": request["source_branch"], "sha": request["sha"]}
    event["merge_request"] |= {"iid": request["iid"], "title": request["title"], "url": request["web_url"]}
    event["project"]["path_with_namespace"] = forge.project
    content, identity, stamp = json.dumps(event), str(uuid.uuid4()), str(int(time.time()))
    key = machine("head -n 1 /etc/passerelle/gitlab-signing-token").strip()
    signed = {
        "X-Gitlab-Event": "Pipeline Hook",
        "webhook-id": identity,
        "webhook-timestamp": stamp,
        "webhook-signature": signature(key, identity, stamp, content.encode()),
    }
    post_to(machine, "/webhook/gitlab", content, signed)
    return number


def merge_request(forge: Forge, title: str) -> Json:
    """One that is open; the push to its branch, which is announced as well, says nothing of the title."""
    name = marker()
    change = {"action": "create", "file_path": f"{name}.txt", "content": "un"}
    branch = {"branch": name, "start_branch": "main", "commit_message": name, "actions": [change]}
    forge.api("POST", "PROJECT/repository/commits", branch)
    wanted = {"source_branch": name, "target_branch": "main", "title": title}
    made: Json = forge.api("POST", "PROJECT/merge_requests", wanted)
    return made


def buttons(post: Json) -> dict[str, str]:
    """What the buttons of a post say, by their actions."""
    boxes = post["props"].get("attachments") or []
    return {action["id"]: action["name"] for box in boxes for action in box.get("actions") or []}


@pytest.mark.exhaustive
def test_people_act_in_gitlab_by_buttons(
    site: Site, machine: Shell, chat: Chat, forge: Forge, lab: state.Lab
) -> None:
    me = chat.api("GET", "/users/me")
    chat.api("PUT", "/users/me/patch", {"locale": "fr"})
    wanted = {
        **BOT,
        **COMMANDS,
        "mattermost__buttons": "true",
        "gitlab__write_token": lab.root_token,
        "gitlab__people": json.dumps({"root": me["username"]}),
    }
    first = deploy(**wanted)
    assert lab.root_token not in first.output
    assert machine(f"stat -c '%a %U' {TOKEN}").split() == ["600", "root"]
    assert deploy(**wanted).changed == 0
    assert doctor(**wanted).code == 0
    assert drift(**wanted)[0] == 0

    title, channel = marker(), "dev-notifications"
    request = merge_request(forge, title)

    def root() -> Json:
        found = [post for post in chat.about(channel, title) if not post["root_id"]]
        return next(iter(found), {"props": {}})

    def page() -> str:
        return chat.send("GET", f"{chat._site.url}/{chat._site.team}/channels/{channel}").text

    def press(action: str, **options: Any) -> Json:
        answer: Json = chat.send(
            "POST", f"{chat._site.url}/api/v4/posts/{root()['id']}/actions/{action}", **options
        ).json()
        return answer

    wait_until("its buttons", lambda: buttons(root()) == {"review": "Je relis", "mute": "Silence 1 h"})
    number = pipeline_fails(machine, forge, request)
    wait_until("one more", lambda: buttons(root()).get("retry") == "Rejouer le pipeline")
    try:
        assert press("retry")["status"] == "OK"
        assert f"Le pipeline #{number} est relancé" in page()
        assert f"Visible par {me['username']} seulement" in page()
        assert forge.api("GET", f"PROJECT/pipelines/{number}")["status"] == "running"
        wait_until("the thread says it", lambda: f"{me['username']} rejoue le pipeline" in page())
        press("retry")
        assert f"Le pipeline #{number} est déjà relancé" in page()
        press("review")
        assert "Vous êtes maintenant parmi les relecteurs dans GitLab" in page()
        changed = forge.api("GET", f"PROJECT/merge_requests/{request['iid']}")
        assert [each["username"] for each in changed["reviewers"]] == ["root"]
        wait_until("the thread says it", lambda: f"{me['username']} relit cette merge request" in page())
        press("mute")
        assert f"Silence pendant 1 h : `{site.gitlab.project}!{request['iid']}`" in page().replace(
            "<code>", "`"
        ).replace("</code>", "`")
        refused(machine, chat, root())
    finally:
        where = {"channel_id": chat.channel(channel)["id"], "team_id": chat.channel(channel)["team_id"]}
        lift = f"/passerelle mute off {site.gitlab.project}!{request['iid']}"
        chat.api("POST", "/commands/execute", {**where, "command": lift})
        forge.api("PUT", f"PROJECT/merge_requests/{request['iid']}", {"state_event": "close"})
    wait_until("no more buttons", lambda: buttons(root()) == {})


def refused(machine: Shell, chat: Chat, root: Json) -> None:
    """Strangers by Mattermost, and by the relay what is over, of another channel, or not signed."""
    name = f"stranger-{marker()}"
    user = {"username": name, "email": f"{name}@example.org", "password": "Un-mot-de-passe-1"}
    chat.api("POST", "/users", user)
    login = chat.send(
        "POST",
        f"{chat._site.url}/api/v4/users/login",
        json={"login_id": name, "password": user["password"]},
        headers={"Authorization": ""},
    )
    own = {"Authorization": f"Bearer {login.headers['Token']}"}
    with pytest.raises(requests.HTTPError, match="403"):
        chat.send("POST", f"{chat._site.url}/api/v4/posts/{root['id']}/actions/review", headers=own)

    token = machine(f"head -n 1 {TOKENS}").strip()
    conversation = "taaf/essai!1"
    action = {"id": "review", "integration": {"context": {"conversation": conversation}}}

    def pressed(signed_for: str, days: float, **context: object) -> str:
        signer = Signer("", [token], lambda: time.time() - days * 86400)
        message = signer.signed({"attachments": [{"actions": [action]}]}, signed_for)
        context_of: Json = json.loads(json.dumps(message))["attachments"][0]["actions"][0]["integration"][
            "context"
        ]
        press = {
            "user_id": chat.api("GET", "/users/me")["id"],
            "channel_id": root["channel_id"],
            "post_id": root["id"],
            "context": {**context_of, **context},
        }
        return str(
            json.loads(post_to(machine, "/mattermost/action", json.dumps(press), {}))["ephemeral_text"]
        )

    assert "Ce bouton a expiré" in pressed(root["channel_id"], 8)
    assert "Ce bouton n'est plus valable" in pressed(chat.channel("rh-alerts")["id"], 0)
    assert "Ce bouton n'est plus valable" in pressed(root["channel_id"], 0, signature="0" * 64)
    # Of our own signature, but the post does not begin that conversation.
    assert "n'est plus le premier d'un fil" in pressed(root["channel_id"], 0)
