"""Ways on which several things are done to a document in turn, or at once, before any of it is announced."""

from collections.abc import Callable, Sequence

from tests.relays.nextcloud_ways import NOBODY, WAYS, Do, News, Step, World, does, over, way
from tests.standins.nextcloud_site import ADMIN

__all__ = ["WAYS"]
"""The simple ways, and those below."""


def before_it_is_announced(
    name: str,
    *acts: Callable[[World, str], object],
    news: News,
    between: tuple[News, ...] = (("version", "carol"),),
    first: str = ADMIN,
) -> None:
    """A way by which a document comes, and then several things are done to it at once."""

    @way(name)
    def steps(stem: str) -> Sequence[Step]:
        path = f"Conges/{stem}.pdf"

        def all_of_it(world: World) -> None:
            for act in acts:
                act(world, path)

        return [
            Step(lambda world: world.upload(first, path, "1", 1500000001), {path: ("new", first)}),
            Step(all_of_it, {path: news}, between),
        ]


def _over(person: str) -> Callable[[World, str], object]:
    return lambda world, path: over(world, person, path)


def _by_hand_later(world: World, path: str) -> None:
    world.wait_for_next_second()
    world.by_hand(path, "by hand, right after")


before_it_is_announced(
    "overwritten by two before it is announced", _over("carol"), _over("bob"), news=("version", "bob")
)
before_it_is_announced(
    "overwritten in Nextcloud, then by hand before it is announced",
    _over("carol"),
    _by_hand_later,
    news=("version", NOBODY),
)
before_it_is_announced(
    "overwritten by one, by a stranger before it is announced",
    _over("carol"),
    lambda world, path: world.drop("", path, "a stranger"),
    news=("version", NOBODY),
)
before_it_is_announced(
    "deleted by one and uploaded by the other before it is announced",
    lambda world, path: world.delete("carol", path),
    lambda world, path: world.upload("bob", path, "by bob"),
    news=("version", "bob"),
    between=(),
    first="carol",
)


@way("overwritten, and a version restored before it is announced")
def _(stem: str) -> Sequence[Step]:
    path = f"Conges/{stem}.pdf"

    def overwrite_and_restore(world: World) -> None:
        over(world, "carol", path)
        # The oldest one: what was announced last would be no change at all.
        world.restore_version("bob", path)

    return [
        Step(lambda world: world.upload(ADMIN, path, "1", 1500000001), {path: ("new", ADMIN)}),
        Step(does(over, "bob", path), {path: ("version", "bob")}),
        Step(overwrite_and_restore, {path: ("version", NOBODY)}, (("version", "carol"),)),
    ]


@way("overwritten by one, a version restored by the other")
def _(stem: str) -> Sequence[Step]:
    path = f"Conges/{stem}.pdf"
    return [
        Step(lambda world: world.upload("bob", path, "1"), {path: ("new", "bob")}),
        Step(does(over, "carol", path), {path: ("version", "carol")}),
        Step(lambda world: world.restore_version("bob", path), {path: ("version", NOBODY)}),
    ]


@way("uploaded by one, renamed by the other")
def _(stem: str) -> Sequence[Step]:
    path, other = f"Conges/{stem}.pdf", f"Conges/{stem}-2.pdf"
    return [
        Step(does(World.upload, "bob", path), {path: ("new", "bob")}),
        Step(lambda world: world.move("carol", path, other), {}),
        Step(does(over, "bob", other), {other: ("version", "bob")}),
        Step(lambda world: world.by_hand(other, "over by hand"), {other: ("version", NOBODY)}),
        # The name that is free again is another document's.
        Step(does(World.upload, "carol", path), {path: ("new", "carol")}),
        Step(does(World.delete, ADMIN, other), {other: ("deleted", ADMIN)}),
    ]


@way("restored from the trash")
def _(stem: str) -> Sequence[Step]:
    path = f"Conges/{stem}.pdf"

    def restore(person: str) -> Do:
        return lambda world: world.cloud.restore(person, f"{stem}.pdf")

    found = [Step(does(World.upload, "bob", path), {path: ("new", "bob")})]
    for person in ("carol", "bob", ADMIN):
        found += [
            Step(does(World.delete, person, path), {path: ("deleted", person)}),
            Step(restore(person), {path: ("moved_in", person)}),
        ]
    return found


@way("folder moved in, copied, deleted, restored, removed")
def _(stem: str) -> Sequence[Step]:
    folder, copied = f"Conges/{stem}", f"Conges/{stem} copied"
    names = ("a.pdf", "below/b.pdf")

    def make(world: World) -> None:
        for path in (stem, f"{stem}/below"):
            world.cloud.dav("bob", "MKCOL", path)
        for name in names:
            world.cloud.upload("bob", f"{stem}/{name}")
        world.wait_for_next_second()

    def copy_and_put(world: World) -> None:
        world.copy("carol", folder, copied)
        world.by_hand(f"{copied}/hand.pdf", "put into it by hand")
        world.upload("bob", f"{copied}/own.pdf")

    def announced(place: str, kind: str, person: str, *more: str) -> dict[str, News]:
        return {f"{place}/{name}": (kind, person) for name in (*names, *more)}

    return [
        Step(make, {}),
        Step(lambda world: world.move_in("bob", stem, folder), announced(folder, "moved_in", "bob")),
        Step(
            copy_and_put,
            announced(copied, "new", "carol")
            | {f"{copied}/hand.pdf": ("new", NOBODY), f"{copied}/own.pdf": ("new", "bob")},
        ),
        Step(does(World.delete, "bob", copied), announced(copied, "deleted", "bob", "hand.pdf", "own.pdf")),
        Step(does(World.delete, "carol", folder), announced(folder, "deleted", "carol")),
        Step(lambda world: world.cloud.restore("carol", stem), announced(folder, "moved_in", "carol")),
        Step(lambda world: world.remove_by_hand(folder), announced(folder, "deleted", NOBODY)),
    ]


@way("folder that is made, and filled by hand")
def _(stem: str) -> Sequence[Step]:
    folder = f"Conges/{stem}"

    def make(world: World) -> None:
        world.make_folder("bob", folder)
        world.by_hand(f"{folder}/hand.pdf", "put into it at once")
        world.upload("carol", f"{folder}/own.pdf")

    return [
        Step(make, {f"{folder}/hand.pdf": ("new", NOBODY), f"{folder}/own.pdf": ("new", "carol")}),
        Step(
            lambda world: world.by_hand(f"{folder}/later.pdf", "later"),
            {f"{folder}/later.pdf": ("new", NOBODY)},
        ),
    ]


@way("moved out")
def _(stem: str) -> Sequence[Step]:
    path = f"Conges/{stem}.pdf"
    return [
        Step(does(World.upload, "carol", path), {path: ("new", "carol")}),
        # Of what a recipient takes out of a share its owner hears nothing.
        Step(lambda world: world.move_out("bob", path, f"{stem}.pdf"), {path: ("deleted", NOBODY)}),
        Step(does(World.upload, "carol", path), {path: ("new", "carol")}),
        Step(lambda world: world.move_out(ADMIN, path, f"Perso/{stem}.pdf"), {path: ("deleted", ADMIN)}),
    ]
