"""The mission's tests 4.1 to 4.3: what people do, and the one message that each deed brings to its channel."""

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge, marker, shown
from tests.waiting import wait_until


class Channel:
    """A channel as its reader sees it; what a test has brought there is taken away at the end."""

    def __init__(self, chat: Chat, name: str):
        self._chat, self._name = chat, name
        self.marks: list[str] = []

    def message(self, *words: str) -> dict[str, Any]:
        """The message that holds all words, as soon as there is one."""
        return wait_until(f"a message in {self._name} with {words}", lambda: self._all(*words))[0]

    def count(self, *words: str) -> int:
        """How many messages hold all words."""
        return len(self._all(*words))

    def _all(self, *words: str) -> list[dict[str, Any]]:
        return [post for post in self._chat.posts(self._name) if all(word in shown(post) for word in words)]

    def clear(self) -> None:
        for mark in self.marks:
            for post in self._all(mark):
                self._chat.delete(post)


@pytest.fixture
def mark() -> str:
    """What all that a test does is called, so that its messages can be told from others."""
    return marker()


@pytest.fixture
def dev(chat: Chat, site: Site, mark: str) -> Iterator[Channel]:
    channel = Channel(chat, site.mattermost.gitlab_webhook.channel)
    channel.marks.append(mark)
    yield channel
    channel.clear()


@pytest.fixture
def rh(chat: Chat, site: Site, mark: str) -> Iterator[Channel]:
    channel = Channel(chat, site.mattermost.nextcloud_webhook.channel)
    channel.marks.append(mark)
    yield channel
    channel.clear()


def test_development_workflow(forge: Forge, copy: Path, dev: Channel, rh: Channel, mark: str) -> None:
    """4.1.1, 4.1.2 and 4.3.1: issue, branch with a push, merge request, merge; exactly one message each."""
    issue = forge.api("POST", "PROJECT/issues", {"title": f"Quota faux {mark}"})
    assert "issue" in shown(dev.message(f"Quota faux {mark}"))

    branch = f"feature/{mark}"
    forge.commit(copy, branch, f"Correction {mark}")
    pushed = dev.message("📦", branch)
    assert pushed["props"]["override_username"] == "GitLab Bot"

    body = {"source_branch": branch, "target_branch": "main", "title": f"Demande {mark}"}
    request = forge.api("POST", "PROJECT/merge_requests", body)
    opened = dev.message("a ouvert", f"Demande {mark}")
    assert f"Source: {branch}" in shown(opened)
    wait_until(
        "the merge request can be merged",
        lambda: (
            forge.api("GET", f"PROJECT/merge_requests/{request['iid']}")["detailed_merge_status"]
            == "mergeable"
        ),
    )
    forge.api("PUT", f"PROJECT/merge_requests/{request['iid']}/merge")
    dev.message("a fusionné", f"Demande {mark}")

    forge.api("PUT", f"PROJECT/issues/{issue['iid']}", {"state_event": "close"})
    dev.message("a fermé", f"Quota faux {mark}")
    # Messages of a channel come in order, so whatever was sent twice is there by now.
    assert dev.count("a ouvert", f"Demande {mark}") == 1
    assert dev.count("a fusionné", f"Demande {mark}") == 1
    assert dev.count("a ouvert", f"Quota faux {mark}") == 1
    assert dev.count("📦", branch) == 1
    assert rh.count(mark) == 0


def test_simple_push_to_main(forge: Forge, copy: Path, dev: Channel, mark: str) -> None:
    """4.1.2: one push, one message with its author, its number of commits and its branch."""
    before = dev.count("📦", "main")
    forge.commit(copy, "main", f"feat: ajout {mark}", file=f"{mark}.txt")
    wait_until("the message of the push", lambda: dev.count("📦", "main") == before + 1)


def test_comment_and_tag(forge: Forge, copy: Path, dev: Channel, mark: str) -> None:
    """A comment on an issue and a tag, each told once; the edit of an issue's bookkeeping is not."""
    issue = forge.api("POST", "PROJECT/issues", {"title": f"Question {mark}"})
    forge.api("POST", f"PROJECT/issues/{issue['iid']}/notes", {"body": f"Réponse {mark}"})
    assert f"Commentaire: Réponse {mark}" in shown(dev.message("a commenté", f"Réponse {mark}"))
    forge.git("tag", f"v-{mark}", at=copy)
    forge.git("push", "--quiet", "origin", f"v-{mark}", at=copy)
    dev.message("🏷️", f"v-{mark}")
    assert dev.count("a commenté", mark) == 1
    forge.git("push", "--quiet", "origin", f":v-{mark}", at=copy)
    dev.message("🗑️", f"v-{mark}")


@pytest.mark.parametrize(
    ("folder", "category"),
    [("Contrats", "📋 Contrats"), ("Fiches_Paie", "💰 Fiches de Paie"), ("Conges", "🏖️ Congés")],
)
def test_upload_of_a_document(
    cloud: Cloud, dev: Channel, rh: Channel, mark: str, folder: str, category: str
) -> None:
    """4.2.1 and 4.3.2: a document in each folder is told once, with its category, in #rh-alerts alone."""
    cloud.put(f"{folder}/{mark}.pdf", b"%PDF-1.4 " + b"x" * 3063)
    try:
        post = rh.message(f"{mark}.pdf")
        text = shown(post)
        assert "📄 Nouveau document RH déposé" in text
        assert f"Catégorie: {category}" in text
        assert "Taille: 3.00 KB" in text
        assert post["props"]["override_username"] == "Nextcloud RH Bot"
        cloud.put(f"{folder}/{mark}-2.pdf", b"%PDF-1.4")
        rh.message(f"{mark}-2.pdf")
        assert rh.count(f"{mark}.pdf") == 1
        assert dev.count(mark) == 0
    finally:
        cloud.delete(f"{folder}/{mark}.pdf")
        cloud.delete(f"{folder}/{mark}-2.pdf")


def test_upload_in_chunks_and_in_bulk(cloud: Cloud, rh: Channel, mark: str) -> None:
    """The web page sends large files in pieces, the desktop client small ones together: each is told once."""
    names = [f"{mark}-a.pdf", f"{mark}-b.pdf", f"{mark}-c.pdf"]
    cloud.put_in_chunks(f"Contrats/{names[0]}", [b"x" * 6_000_000, b"y" * 1_000_000])
    try:
        cloud.put_in_bulk({f"Contrats/{name}": b"bulk " * 40 for name in names[1:]})
        assert "Taille: 6.68 MB" in shown(rh.message(names[0]))
        for name in names:
            rh.message(name)
        assert [rh.count(name) for name in names] == [1, 1, 1]
    finally:
        for name in names:
            cloud.delete(f"Contrats/{name}")
