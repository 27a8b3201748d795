"""Who gets memory for a body, and who a connection, where there is not enough for all."""

from dataclasses import dataclass, field

from relays.sources.gitlab.http.connection_limit import ConnectionLimit
from relays.sources.gitlab.http.memory_budget import MemoryBudget


@dataclass(eq=False)
class Body:
    """A guest that notes what happens to it."""

    length: int
    trusted: bool = False
    happened: list[str] = field(default_factory=list)

    def come_in(self) -> None:
        self.happened.append("in")

    def give_way(self) -> None:
        self.happened.append("out")


def ask(room: MemoryBudget, *bodies: Body) -> list[bool]:
    """What each of them hears at once."""
    return [room.ask(body) for body in bodies]


def test_what_fits_comes_in() -> None:
    room = MemoryBudget(100)
    bodies = [Body(60, trusted=True), Body(40, trusted=True), Body(40, trusted=True)]
    assert ask(room, *bodies) == [True, True, False]
    room.leave(bodies[1])
    assert bodies[2].happened == ["in"]
    assert [body.happened for body in bodies[:2]] == [[], []]


def test_a_smaller_one_takes_the_place_of_larger_ones_of_strangers() -> None:
    room = MemoryBudget(100)
    large, larger, small = Body(45), Body(55), Body(40)
    assert ask(room, large, larger, small) == [True, True, True]
    assert (large.happened, larger.happened) == ([], ["out"])
    # As large as what is there already: waits.
    assert not room.ask(Body(45))


def test_strangers_take_nothing_from_who_shows_the_token() -> None:
    room = MemoryBudget(100)
    strangers = [Body(1) for _ in range(100)]
    assert all(ask(room, *strangers))
    ours = [Body(60, trusted=True), Body(40, trusted=True)]
    assert ask(room, *ours) == [True, True]
    assert all(stranger.happened == ["out"] for stranger in strangers)
    assert not room.ask(Body(1))
    assert [body.happened for body in ours] == [[], []]


def test_no_line_is_held_by_being_first() -> None:
    room = MemoryBudget(100)
    inside = Body(100, trusted=True)
    assert room.ask(inside)
    strangers = [Body(80) for _ in range(50)]
    late = Body(80)
    small, ours = Body(20), Body(70, trusted=True)
    assert not any(ask(room, *strangers, late, small, ours))
    room.leave(inside)
    # The token first, then the smaller one.
    assert (ours.happened, small.happened) == (["in"], ["in"])
    room.leave(ours)
    assert (late.happened, [stranger.happened for stranger in strangers]) == (["in"], [[]] * 50)


def test_nobody_is_turned_out_in_vain() -> None:
    room = MemoryBudget(100)
    ours, stranger = Body(50, trusted=True), Body(40)
    assert ask(room, ours, stranger) == [True, True]
    assert not room.ask(Body(60, trusted=True))
    assert stranger.happened == []


def test_a_signature_that_has_turned_out_right_keeps_its_place() -> None:
    room = MemoryBudget(100)
    signed = Body(80)
    assert room.ask(signed)
    signed.trusted = True
    assert not room.ask(Body(50))
    assert signed.happened == []


def test_who_waits_and_leaves_is_forgotten() -> None:
    room = MemoryBudget(100)
    inside, waiting = Body(100, trusted=True), Body(50)
    assert ask(room, inside, waiting) == [True, False]
    room.leave(waiting)
    room.leave(inside)
    assert waiting.happened == []
    assert room.ask(Body(100))


class Member:
    """A connection."""

    def __init__(self, crowd: ConnectionLimit, expendable: bool) -> None:
        self.crowd = crowd
        self.expendable = expendable
        crowd.add(self)

    def give_up(self) -> None:
        self.crowd.discard(self)

    def give_up_if_late(self, now: float) -> None:
        pass

    def give_way(self) -> None:
        pass


def test_the_oldest_that_nothing_speaks_for_makes_room() -> None:
    crowd = ConnectionLimit()
    members = [Member(crowd, expendable) for expendable in (False, True, True, False)]
    assert crowd.make_room()
    assert list(crowd) == [members[0], *members[2:]]
    assert crowd.make_room()
    assert not crowd.make_room()
    assert list(crowd) == [members[0], members[3]]
    assert not crowd.discard(members[1])
