"""Ways by which documents come into a watched tree and change, each as steps with what is to be announced."""

import shutil
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.relays.process import wait_for
from tests.standins.nextcloud_scenario import Cloud
from tests.standins.nextcloud_site import ADMIN, Site

TREE = "Documents_RH"
PEOPLE = {"bob": "Bob Martin", "carol": "Carole Émery"}
GUEST = "Zo%C3%A9 %26 Cie"
NOBODY = ""
SHOWN = {**PEOPLE, ADMIN: ADMIN, GUEST: "Zoé & Cie (invité)", NOBODY: ""}


@dataclass
class World:
    """A Nextcloud, and the disk that its files are on. Paths are those in the tree unless something else is said."""

    site: Site
    cloud: Cloud

    def upload(self, person: str, path: str, content: str = "content", mtime: int | None = None) -> None:
        self.cloud.upload(person, f"{TREE}/{path}", content, mtime)

    def delete(self, person: str, path: str) -> None:
        self.cloud.dav(person, "DELETE", f"{TREE}/{path}")

    def move(self, person: str, path: str, to: str) -> None:
        self.cloud.dav(person, "MOVE", f"{TREE}/{path}", to=f"{TREE}/{to}")

    def move_out(self, person: str, path: str, to: str) -> None:
        """To a path in one's files."""
        self.cloud.dav(person, "MOVE", f"{TREE}/{path}", to=to)

    def move_in(self, person: str, source: str, path: str) -> None:
        """From a path in one's files."""
        self.cloud.dav(person, "MOVE", source, to=f"{TREE}/{path}")

    def copy(self, person: str, source: str, path: str) -> None:
        self.cloud.dav(person, "COPY", f"{TREE}/{source}", to=f"{TREE}/{path}")

    def make_folder(self, person: str, path: str) -> None:
        self.cloud.dav(person, "MKCOL", f"{TREE}/{path}")

    def drop(self, nickname: str, path: str, content: str = "content") -> None:
        """As a stranger does with a link that may change files."""
        folder, _, name = path.partition("/")
        self.cloud.drop(folder, name, nickname, content)

    def restore_version(self, person: str, path: str) -> None:
        self.cloud.restore_version(person, f"{TREE}/{path}")

    def by_hand(self, path: str, content: str) -> None:
        """Put a file onto the disk, or write over it, and have Nextcloud take it over."""
        place = self.site.tree / path
        place.parent.mkdir(exist_ok=True)
        place.write_bytes(content.encode())
        self.scan()

    def remove_by_hand(self, path: str) -> None:
        """From the disk, and have Nextcloud take that over."""
        place = self.site.tree / path
        shutil.rmtree(place) if place.is_dir() else place.unlink()
        self.scan()

    def scan(self) -> None:
        """As an administrator does."""
        self.site.occ("files:scan", f"--path={ADMIN}/files/{TREE}")

    def occ_put(self, path: str, content: str) -> None:
        """Put a file with occ."""
        source = self.site.root / "put"
        source.write_bytes(content.encode())
        self.site.occ("files:put", str(source), f"{ADMIN}/files/{TREE}/{path}")

    def wait_for_next_second(self) -> None:
        """Rows of the activity bear whole seconds: what is done within one cannot always be distinguished."""
        now = int(time.time())
        wait_for(lambda: int(time.time()) > now)


News = tuple[str, str]
Do = Callable[[World], object]
Act = Callable[[World, str, str], object]
"""What a person does to the document at a path."""


@dataclass(frozen=True)
class Step:
    """Something that is done, and what is to be announced of it: the kind and the person, by the path.

    `between`: what may be announced before, where two things are done and a look falls in between.
    """

    do: Do
    news: dict[str, News]
    between: tuple[News, ...] = ()


Way = Callable[[str], Sequence[Step]]
"""The steps, with a name of its own for the documents in them."""

WAYS: dict[str, Way] = {}


def way(name: str) -> Callable[[Way], Way]:
    """Enters a way into the table."""

    def add(steps: Way) -> Way:
        WAYS[name] = steps
        return steps

    return add


def does(act: Act, person: str, path: str) -> Do:
    return lambda world: act(world, person, path)


def arriving(name: str, act: Act, kind: str = "new", people: tuple[str, str] = ("bob", "carol")) -> None:
    """A way by which a document comes: two people in turn, then by hand; it is deleted in between."""

    @way(name)
    def steps(stem: str) -> Sequence[Step]:
        path = f"Conges/{stem}.pdf"
        found = []
        for person, other in zip(people, ("carol", "bob"), strict=True):
            found += [
                Step(does(act, person, path), {path: (kind, person)}),
                Step(does(World.delete, other, path), {path: ("deleted", other)}),
            ]
        return [
            *found,
            Step(lambda world: world.by_hand(path, "by hand"), {path: ("new", NOBODY)}),
            Step(lambda world: world.remove_by_hand(path), {path: ("deleted", NOBODY)}),
        ]


def changing(name: str, act: Act, people: Sequence[str] = ("bob", "carol", "bob")) -> None:
    """A way by which a document gets another content: several people in turn, then by hand."""

    @way(name)
    def steps(stem: str) -> Sequence[Step]:
        path = f"Conges/{stem}.pdf"
        return [
            Step(lambda world: world.upload(ADMIN, path, "first"), {path: ("new", ADMIN)}),
            *(Step(does(act, person, path), {path: ("version", person)}) for person in people),
            Step(lambda world: world.by_hand(path, "written over by hand"), {path: ("version", NOBODY)}),
        ]


def over(world: World, person: str, path: str) -> None:
    """Write over a document, as the web interface does."""
    world.upload(person, path, f"written by {person}")


def _in_two_steps(world: World, person: str, path: str) -> None:
    world.upload(person, path, "")
    world.upload(person, path, f"by {person}")


def _move_in(world: World, person: str, path: str) -> None:
    outside = f"Perso/own-{path.rpartition('/')[2]}" if person == ADMIN else f"own-{path.rpartition('/')[2]}"
    world.cloud.upload(person, outside)
    world.move_in(person, outside, path)


def _replace(world: World, person: str, path: str) -> None:
    """As office programs save: a temporary file, the old one away, the new one in its place."""
    folder, _, name = path.rpartition("/")
    world.upload(person, f"{folder}/~{person}-{name}.tmp", f"saved by {person}")
    world.move(person, f"{folder}/~{person}-{name}.tmp", path)


_TWICE_NOBODY = (NOBODY, NOBODY)
arriving("upload", World.upload)
arriving("upload with a date", lambda world, person, path: world.upload(person, path, mtime=1500000000))
arriving(
    "upload in chunks", lambda world, person, path: world.cloud.upload_in_chunks(person, f"{TREE}/{path}")
)
arriving("upload in bulk", lambda world, person, path: world.cloud.upload_in_bulk(person, [f"{TREE}/{path}"]))
arriving("upload of an external client", _in_two_steps)
arriving("copy", lambda world, person, path: world.copy(person, "Contrats/template.pdf", path))
arriving("move in from one's own files", _move_in, "moved_in")
arriving("move in by the owner", _move_in, "moved_in", (ADMIN, ADMIN))
arriving("link without a nickname", World.drop, people=_TWICE_NOBODY)
arriving("link with a nickname", World.drop, people=(GUEST, GUEST))
arriving("occ files:put", lambda world, _, path: world.occ_put(path, "put"), people=_TWICE_NOBODY)
arriving("copy by hand", lambda world, _, path: world.by_hand(path, "hand"), people=_TWICE_NOBODY)
changing("overwrite", over)
changing(
    "overwrite with a date",
    lambda world, person, path: world.upload(person, path, f"by {person}", 1500000000 + len(person)),
)
changing(
    "overwrite in chunks",
    lambda world, person, path: world.cloud.upload_in_chunks(person, f"{TREE}/{path}", f"chunks {person}"),
)
changing("save by replacing", _replace)
changing("overwrite by a link", lambda world, _, path: world.drop("", path, "dropped over it"), (NOBODY,))
