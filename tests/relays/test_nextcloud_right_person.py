"""Who is named for what happened to a document: the right person, or nobody; the table of all ways is the verdict.

Each way is gone by two people in turn, with the same name again, and then by hand. All ways take their steps at the
same time, so that the rows of Nextcloud's activity are merged across them.
"""

from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import suppress
from pathlib import Path

import pytest

from tests.relays.cloud import Front
from tests.relays.nextcloud_turns import WAYS
from tests.relays.nextcloud_ways import PEOPLE, SHOWN, TREE, News, World
from tests.relays.process import Relay, wait_for
from tests.relays.sink import Sink
from tests.relays.test_nextcloud_traces import kinds
from tests.relays.test_nextcloud_who import app_password, start
from tests.standins.nextcloud_scenario import Cloud
from tests.standins.nextcloud_site import ADMIN, PASSWORD, running


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with running() as site:
        site.reset()
        for uid, name in PEOPLE.items():
            site.occ(
                "user:add", "--password-from-env", f"--display-name={name}", uid, OC_PASS=f"lab-only-{uid}"
            )
            site.share(TREE, uid)
        passwords = {ADMIN: PASSWORD, **{uid: f"lab-only-{uid}" for uid in PEOPLE}}
        yield World(site, Cloud(site.url, passwords))


@pytest.fixture(params=["disk", pytest.param("webdav", marks=pytest.mark.exhaustive)])
def source(request: pytest.FixtureRequest) -> str:
    """Where the relay sees the tree."""
    return str(request.param)


@pytest.fixture
def asking(world: World, source: str, sink: Sink, tmp_path: Path) -> Iterator[Relay]:
    """The relay for the tree, which announces everything; not started yet."""
    site = world.site
    for folder in ("Contrats", "Conges"):
        for path in (site.tree / folder).iterdir():
            site.dav("DELETE", f"{TREE}/{folder}/{path.name}").raise_for_status()
    world.upload(ADMIN, "Contrats/template.pdf", "template")
    front = Front(site)
    tree = f'tree = "{site.tree}"\nin_files = "/{TREE}"\n' if source == "disk" else f'tree = "/{TREE}"\n'
    settings = (
        f'digest_from = 0\nsource = "{source}"\npoll_seconds = 1\n'
        f'[nextcloud]\nurl = "{front.url}"\nuser = "{ADMIN}"\n[[trees]]\nburst_from = 0\n'
        f'announce = ["new", "moved_in", "version", "deleted"]\n{tree}'
    )
    relay = Relay("nextcloud", tmp_path, sink.url, settings)
    (tmp_path / "credentials" / "nextcloud-app-password").write_text(f"{app_password(site)}\n")
    yield relay
    relay.close()
    front.stop()


def documents(relay: Relay, sink: Sink, since: int) -> dict[str, list[News]]:
    """What was announced after so many posts: kinds and people, by the path."""
    by_key, found = kinds(relay), defaultdict[str, list[News]](list)
    for post in sink.posts[since:]:
        kind, _, path = by_key.get(post.key, "? ?").partition(" ")
        fields = post.payload["attachments"][0]["fields"]
        person = "".join(each["value"] for each in fields if each["title"].startswith("👤"))
        found[path].append((kind, person))
    return found


def shown(source: str, news: News) -> News:
    """How news are announced: over WebDAV a move in looks like an upload."""
    kind, person = news
    return kind if source == "disk" else kind.replace("moved_in", "new"), SHOWN[person]


def test_every_way(
    world: World, asking: Relay, source: str, sink: Sink, record_property: Callable[[str, object], None]
) -> None:
    start(asking)
    cases = {name: steps(f"w{number}") for number, (name, steps) in enumerate(WAYS.items())}
    failures: list[object] = []
    for turn in range(max(map(len, cases.values()))):
        since = len(sink.posts)
        steps = {name: each[turn] for name, each in cases.items() if turn < len(each)}
        for step in steps.values():
            step.do(world)
        wanted = {path: shown(source, news) for step in steps.values() for path, news in step.news.items()}

        def is_announced(since: int = since, wanted: dict[str, News] = wanted) -> bool:
            announced = documents(asking, sink, since)
            return all(announced[path][-1:] == [news] for path, news in wanted.items())

        with suppress(AssertionError):
            wait_for(is_announced, 30)
        announced = documents(asking, sink, since)
        for name, step in steps.items():
            allowed = [shown(source, each) for each in step.between]
            for path in step.news:
                *earlier, found = announced.pop(path, []) or [("pending", "")]
                right = found == wanted[path] and all(each in allowed for each in earlier)
                named = {found[1], *(person for _, person in earlier)}
                is_wrong = named - {"", wanted[path][1], *(person for _, person in allowed)}
                verdict = "right" if right else "WRONG" if is_wrong else "missing"
                record_property("named", (name, source, verdict))
                failures += [] if right else [(name, turn + 1, path, wanted[path], earlier, found)]
        failures += [("?", turn + 1, path, news) for path, news in announced.items()]
    assert not failures, "\n".join(map(str, failures))
