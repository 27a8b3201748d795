"""Several trees, names that must stay private, and documents that come in numbers."""

import re
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.test_nextcloud import known, start, upload

SECRET = "Zoe-Martin-licenciement"


def documents(sink: Sink) -> int:
    """How many documents the messages are about: one each, or the number that they say."""
    counts = [re.match(r"\*\*📁 (\d+) ", post.payload.get("text", "")) for post in sink.posts]
    return sum(int(count[1]) if count else 1 for count in counts)


def lines(sink: Sink) -> list[str]:
    """The lines of the messages about many documents, without those about one."""
    texts = [post.payload["text"] for post in sink.posts if "text" in post.payload]
    return [line for text in texts for line in text.split("\n") if line]


def test_each_tree_is_announced_in_its_own_channel_and_way(
    nextcloud_at: Callable[..., Relay], tree: Path, sink: Sink
) -> None:
    sink.channels |= {"compta"}
    other = tree.parent / "Compta"
    (other / "Mutuelles_2025").mkdir(parents=True)
    relay = nextcloud_at(
        tree,
        f"""
        footer = "RH"
        [[trees]]
        tree = "{other}"
        channel = "compta"
        categories = {{"mutuelles" = "🩺 Mutuelles", "factures" = "💶 Factures"}}
        icons = {{"odt" = "📜"}}
        wording = {{"new" = "{{{{ file | code }}}} est dans {{{{ folder | bold }}}}", "new.title" = "Nouvelle pièce"}}
        """,
    )
    start(relay)
    wait_for(lambda: relay.text.count("watching tree") == 2)
    wait_for(
        lambda: any(
            "Compta : 0 document(s) suivi(s)" in announced and "Documents_RH : 1" in announced
            for announced in relay.notified
        )
    )
    upload(tree / "Contrats" / "a.pdf")
    upload(other / "Mutuelles_2025" / "@all.odt")
    wait_for(lambda: len(sink.posts) == 2)
    first, second = sorted(sink.posts, key=lambda post: post.channel, reverse=True)
    assert (first.channel, second.channel) == ("home", "compta")
    assert first.payload["attachments"][0]["footer"] == "RH"
    (box,) = second.payload["attachments"]
    assert "footer" not in box
    assert (box["title"], box["text"]) == ("Nouvelle pièce", "`@\u200ball.odt` est dans **Mutuelles_2025**")
    assert box["fields"][1]["value"].endswith("🩺 Mutuelles")
    # From one tree into the other, whose readers have not seen it yet.
    (tree / "Contrats" / "ancien.pdf").rename(other / "ancien.pdf")
    wait_for(lambda: len(sink.posts) == 3)
    assert sink.posts[2].channel == "compta"
    assert "déplacé ou restauré" in sink.posts[2].shown
    wait_for(lambda: known(relay) == {"Contrats/a.pdf", "Mutuelles_2025/@all.odt", "ancien.pdf"})


def test_a_tree_that_is_missing_does_not_hold_up_the_others(
    nextcloud_at: Callable[..., Relay], tree: Path, sink: Sink, tmp_path: Path
) -> None:
    other = tmp_path / "later"
    relay = nextcloud_at(tree, f'[[trees]]\ntree = "{other}"\n')
    start(relay)
    upload(tree / "Contrats" / "a.pdf")
    wait_for(lambda: len(sink.posts) == 1)
    other.mkdir()
    wait_for(lambda: relay.text.count("watching tree") == 2)
    upload(other / "b.pdf")
    wait_for(lambda: len(sink.posts) == 2)


def test_a_tree_that_leaves_the_settings_leaves_the_index(
    nextcloud_at: Callable[..., Relay], tree: Path, sink: Sink, tmp_path: Path
) -> None:
    """Watched again, it is a new one: what came meanwhile is no news, what comes then is."""
    (other := tmp_path / "other").mkdir()
    both = f'[[trees]]\ntree = "{tree}"\n[[trees]]\ntree = "{other}"\n'
    relay = nextcloud_at(tree)
    relay.configure(both)
    start(relay)
    wait_for(lambda: relay.text.count("watching tree") == 2)
    upload(other / "b.pdf")
    wait_for(lambda: known(relay) == {"Contrats/ancien.pdf", "b.pdf"})
    relay.terminate()

    relay.configure(f'[[trees]]\ntree = "{tree}"\n')
    start(relay)
    wait_for(lambda: known(relay) == {"Contrats/ancien.pdf"})
    upload(other / "meanwhile.pdf")
    upload(tree / "Contrats" / "a.pdf")
    wait_for(lambda: len(sink.posts) == 2)
    relay.terminate()

    relay.configure(both)
    start(relay)
    wait_for(lambda: {"b.pdf", "meanwhile.pdf"} <= known(relay))
    upload(other / "after.pdf")
    wait_for(lambda: len(sink.posts) == 3)
    relay.terminate()
    assert [
        "b.pdf" in sink.posts[0].shown,
        "a.pdf" in sink.posts[1].shown,
        "after.pdf" in sink.posts[2].shown,
    ] == [True] * 3


@pytest.mark.parametrize("discretion", [pytest.param("masked", marks=pytest.mark.exhaustive), "count"])
def test_a_name_that_is_private_is_announced_nowhere(
    nextcloud_at: Callable[..., Relay], tree: Path, sink: Sink, discretion: str
) -> None:
    everything = 'announce = ["new", "moved_in", "version", "deleted"]'
    wording = 'wording = {"new" = "{{ file }} {{ path }} {{ said }}", "version" = "{{ file // 1 }}"}'
    relay = nextcloud_at(tree, f'{everything}\ndiscretion = "{discretion}"\n{wording}\n')
    (tree / "Contrats" / f"{SECRET}.pdf").write_bytes(b"first")
    start(relay)
    sink.stop()
    upload(tree / "Conges" / f"{SECRET}.pdf")
    upload(tree / "Conges" / f"contrat.{SECRET}")
    (tree / "Contrats" / f"{SECRET}.pdf").write_bytes(b"another")
    wait_for(lambda: relay.text.count("announced") >= (3 if discretion == "masked" else 2))
    sink.start()
    (tree / "Conges" / f"{SECRET}.pdf").unlink()
    wait_for(lambda: "kind=deleted" in relay.text)
    wait_for(lambda: len(sink.keys) == relay.text.count("announced"))
    for part in SECRET.split("-"):
        assert part not in repr([post.payload for post in sink.posts])
        assert part not in relay.text
        assert not any(part in announced for announced in relay.notified)
    shown = " ".join(post.shown for post in sink.posts)
    assert ("Z••••••.pdf" in shown, "c••••••`" in shown) == (discretion == "masked",) * 2
    assert "Conges" in shown


def test_a_folder_can_be_more_discreet_than_its_tree(
    nextcloud_at: Callable[..., Relay], tree: Path, sink: Sink
) -> None:
    folders = '{"Fiches_Paie" = "count", "Fiches_Paie/ouvert" = "full", "Contrats/x" = "masked"}'
    relay = nextcloud_at(tree, f"folder_discretion = {folders}\n")
    start(relay)
    for folder in ("Fiches_Paie", "Fiches_Paie/ouvert", "Fiches_Paie/deep", "Contrats/x", "Contrats"):
        (tree / folder).mkdir(exist_ok=True)
        upload(tree / folder / f"{SECRET}.pdf")
    upload(tree / "Fiches_Paie" / "other.pdf")
    wait_for(lambda: documents(sink) == 6)
    shown = {
        post.payload["attachments"][0]["fields"][0]["value"]
        for post in sink.posts
        if "attachments" in post.payload
    }
    assert shown == {f"`{SECRET}.pdf`", "`Z••••••.pdf`"}
    assert lines(sink) == [
        "**📁 3 nouveaux documents RH déposés**",
        "- **Fiches_Paie** : 2",
        "- **Fiches_Paie / deep** : 1",
    ]


def test_a_burst_becomes_a_few_messages(nextcloud: Relay, tree: Path, sink: Sink, tmp_path: Path) -> None:
    for folder in range(20):
        (tmp_path / "lot" / f"{folder:02}").mkdir(parents=True)
        for number in range(100):
            (tmp_path / "lot" / f"{folder:02}" / f"{number}.pdf").write_bytes(b"content")
    start(nextcloud)
    shutil.copytree(tmp_path / "lot", tree / "lot")
    wait_for(lambda: documents(sink) >= 2000, seconds=30)
    upload(tree / "end.pdf")
    wait_for(lambda: documents(sink) >= 2001)
    assert documents(sink) == 2001
    assert len(sink.posts) <= 25
    assert len(known(nextcloud)) == 2002
    announced = [line for line in lines(sink) if re.match(r"- \*\*lot / \d\d\*\* : \d+ \(`\d+\.pdf`, ", line)]
    assert len(announced) >= 20
    assert all(len(line) < 100 for line in announced)


def test_a_burst_that_is_killed_is_announced_all_the_same(
    nextcloud: Relay, tree: Path, sink: Sink, tmp_path: Path
) -> None:
    (tmp_path / "lot").mkdir()
    for number in range(300):
        (tmp_path / "lot" / f"{number}.pdf").write_bytes(b"content")
    start(nextcloud)
    (tmp_path / "lot").rename(tree / "lot")
    wait_for(lambda: "STATUS" in " ".join(nextcloud.notified))
    nextcloud.kill()
    assert known(nextcloud) == {"Contrats/ancien.pdf"}
    start(nextcloud)
    wait_for(lambda: documents(sink) == 300)
    assert len(known(nextcloud)) == 301
