"""The mission's tests 4.1 to 4.3: what people do, and the one message that each deed brings to its channel."""

from pathlib import Path

import pytest

from relays.sources.gitlab.noise import is_bot
from tasks.site import Site
from tests.acceptance.channel import Channel, words
from tests.acceptance.people import Cloud, Forge, shown
from tests.evidence.camera import Camera
from tests.waiting import wait_until


@pytest.mark.checklist("merge-request")
def test_development_workflow(
    forge: Forge, copy: Path, dev: Channel, rh: Channel, mark: str, site: Site, camera: Camera
) -> None:
    """4.1.1 and 4.3.1: an issue, a merge request and its merge each bring one message, to developers alone."""
    language = site.relays.language
    opens, merges = words(language, "merge_request.open"), words(language, "merge_request.merge")
    issue_title = f"Quota faux {mark}"
    issue = forge.api("POST", "PROJECT/issues", {"title": issue_title})
    announced = dev.message(words(language, "issue.open"), issue_title)
    camera.take("16-mattermost-gitlab-notification", post=announced["id"], mark=mark)

    branch, title = f"feature/{mark}", f"Demande {mark}"
    forge.commit(copy, branch, f"Correction {mark}")
    pushed = dev.message("📦", branch)
    assert pushed["props"]["override_username"] == "GitLab Bot"

    body = {"source_branch": branch, "target_branch": "main", "title": title}
    request = forge.api("POST", "PROJECT/merge_requests", body)
    opened = dev.message(opens, title)
    assert f"Source: {branch}" in shown(opened)
    camera.take("17-gitlab-merge-request", iid=request["iid"], mark=mark)
    camera.take("18-mattermost-mr-notification", post=opened["id"], mark=mark)
    wait_until(
        "the merge request can be merged",
        lambda: (
            forge.api("GET", f"PROJECT/merge_requests/{request['iid']}")["detailed_merge_status"]
            == "mergeable"
        ),
    )
    forge.api("PUT", f"PROJECT/merge_requests/{request['iid']}/merge")
    dev.message(merges, title)

    forge.api("PUT", f"PROJECT/issues/{issue['iid']}", {"state_event": "close"})
    dev.message(words(language, "issue.close"), issue_title)
    # Messages of a channel come in order, so whatever was sent twice is there by now.
    assert dev.count(opens, title) == 1
    assert dev.count(merges, title) == 1
    assert dev.count(words(language, "issue.open"), issue_title) == 1
    assert dev.count("📦", branch) == 1
    assert rh.count(mark) == 0


@pytest.mark.checklist("push")
def test_simple_push_to_main(forge: Forge, copy: Path, dev: Channel, mark: str, camera: Camera) -> None:
    """4.1.2: a push brings one message, with its author, its number of commits and its branch."""
    text = f"feat: ajout {mark}"
    forge.commit(copy, "main", text, file=f"{mark}.txt")
    announced = dev.message("📦", "main", text)
    camera.take("19-mattermost-push-notification", post=announced["id"], mark=mark)
    assert "1 commit(s)" in shown(announced)
    # A second message would come before that of the next push.
    forge.commit(copy, "main", f"feat: suite {mark}", file=f"{mark}.txt")
    dev.message("📦", f"feat: suite {mark}")
    assert dev.count("📦", text) == 1


@pytest.mark.checklist("push")
def test_comment_and_tag(forge: Forge, copy: Path, dev: Channel, mark: str, site: Site) -> None:
    """A comment on an issue and a tag are announced once each, and that the tag is gone."""
    comments = words(site.relays.language, "note.text")
    issue = forge.api("POST", "PROJECT/issues", {"title": f"Question {mark}"})
    forge.api("POST", f"PROJECT/issues/{issue['iid']}/notes", {"body": f"Réponse {mark}"})
    # What a project's or a group's token says is no talk of people's.
    is_announced = not (site.gitlab.mute.bots and is_bot(forge.api("GET", "user")["username"]))
    if is_announced:
        assert f": Réponse {mark}" in shown(dev.message(comments, f"Réponse {mark}"))
    forge.git("tag", f"v-{mark}", at=copy)
    forge.git("push", "--quiet", "origin", f"v-{mark}", at=copy)
    dev.message("🏷️", f"v-{mark}")
    assert dev.count(comments, mark) == is_announced
    forge.git("push", "--quiet", "origin", f":v-{mark}", at=copy)
    dev.message("🗑️", f"v-{mark}")


@pytest.mark.checklist("upload")
@pytest.mark.parametrize(
    ("folder", "category"),
    [("Contrats", "contracts"), ("Fiches_Paie", "payslips"), ("Conges", "leave")],
)
def test_upload_of_a_document(
    cloud: Cloud,
    dev: Channel,
    rh: Channel,
    mark: str,
    folder: str,
    category: str,
    site: Site,
    camera: Camera,
) -> None:
    """4.2.1 and 4.3.2: a document in each folder is announced once, with its category, to HR alone."""
    language = site.relays.language
    cloud.put(f"{folder}/{mark}.pdf", b"%PDF-1.4 " + b"x" * 3063)
    try:
        post = rh.message(f"{mark}.pdf")
        if folder == "Contrats":
            camera.take("20-nextcloud-upload", folder=folder, mark=mark)
            camera.take("21-mattermost-file-notification", post=post["id"], mark=mark)
        text = shown(post)
        assert f"📄 {words(language, 'document.new.title')}" in text
        assert f": {words(language, f'category.{category}')}" in text
        assert ": 3.00 KB" in text
        assert post["props"]["override_username"] == "Nextcloud RH Bot"
        cloud.put(f"{folder}/{mark}-2.pdf", b"%PDF-1.4")
        rh.message(f"{mark}-2.pdf")
        assert rh.count(f"{mark}.pdf") == 1
        assert dev.count(mark) == 0
    finally:
        cloud.delete(f"{folder}/{mark}.pdf")
        cloud.delete(f"{folder}/{mark}-2.pdf")


@pytest.mark.checklist("upload")
def test_upload_in_chunks_and_in_bulk(cloud: Cloud, rh: Channel, mark: str) -> None:
    """Large files that the web page sends in pieces and small ones that the desktop client sends together."""
    names = [f"{mark}-a.pdf", f"{mark}-b.pdf", f"{mark}-c.pdf"]
    cloud.put_in_chunks(f"Contrats/{names[0]}", [b"x" * 6_000_000, b"y" * 1_000_000])
    try:
        cloud.put_in_bulk({f"Contrats/{name}": b"bulk " * 40 for name in names[1:]})
        assert ": 6.68 MB" in shown(rh.message(names[0]))
        for name in names:
            rh.message(name)
        assert [rh.count(name) for name in names] == [1, 1, 1]
    finally:
        for name in names:
            cloud.delete(f"Contrats/{name}")
