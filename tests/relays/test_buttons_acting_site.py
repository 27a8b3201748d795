"""Buttons that act in a GitLab whose own events come to the relay: what they bring about is seen in the thread."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.relays import gitlab_acting
from tests.relays.bot_sink import BotSink
from tests.relays.commanded import bot, chat
from tests.relays.events import body, send
from tests.relays.gitlab_site import Door
from tests.relays.pressing import SETTING, buttons, press
from tests.relays.process import TOKEN as HOOK_TOKEN
from tests.relays.process import Relay, undelivered, wait_for
from tests.relays.slash import ALICE, introduce
from tests.standins.gitlab_site import TOKEN, Site, running

__all__ = ["bot", "chat"]


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("gitlab") / "data") as started:
        started.allow("127.0.0.1")
        yield started


def test_what_a_button_does_in_gitlab_comes_back_as_an_event(
    bot: Callable[..., Relay], chat: BotSink, site: Site, tmp_path: Path
) -> None:
    """The root shows the reviewer, whom nobody writes to; and the pipeline runs again."""
    introduce(chat, ALICE, "racine", "fr")
    chat.people["racine"] = "id-of-racine"
    project = site.project(visibility="private")
    relay = bot(
        'people = { root = "racine" }', commands=f'{SETTING}\n[commands.gitlab]\nurl = "{site.url}"\n'
    )
    gitlab_acting.hand_token(tmp_path, TOKEN)
    relay.start()
    door = Door(relay)
    project.hook(door.url, "merge_requests_events", name="Passerelle", token=HOOK_TOKEN)
    try:
        project.commit("a", {"a.txt": "un\n"}, start_branch="main")
        request = {"source_branch": "a", "target_branch": "main", "title": "Quota"}
        made: dict[str, Any] = project.done("POST", "/merge_requests", **request)
        wait_for(lambda: chat.roots("dev") and undelivered(relay) == 0)
        (root,) = chat.roots("dev")
        assert "Administrator" not in reviewers(root.props)
        said = press(relay, chat, root, "review")
        assert said.startswith("👀 Vous êtes maintenant parmi les relecteurs dans GitLab")
        wait_for(lambda: "Administrator" in reviewers(root.props))
        wait_for(lambda: any("racine relit" in each.shown for each in chat.replies(root)))
        assert chat.written("@racine") == []

        reported = project.done("POST", f"/statuses/{made['sha']}", state="failed", ref="a")
        event = json.loads(body("pipeline_failed_merge_request.json"))
        event["object_attributes"] |= {"id": reported["pipeline_id"], "ref": "a", "sha": made["sha"]}
        event["merge_request"] |= {"iid": made["iid"], "title": "Quota"}
        event["project"]["path_with_namespace"] = project.full_path
        send(relay, json.dumps(event).encode())
        wait_for(lambda: "retry" in buttons(root))
        assert press(relay, chat, root, "retry").startswith(f"🔁 Le pipeline #{reported['pipeline_id']} est")
        assert project.done("GET", f"/pipelines/{reported['pipeline_id']}")["status"] == "running"
        assert TOKEN not in relay.text
    finally:
        door.close()


def reviewers(props: dict[str, Any]) -> str:
    """What a root says of them."""
    fields = [field for box in props["attachments"] for field in box["fields"]]
    return " ".join(str(each["value"]) for each in fields if each["title"] == "Relecteurs")
