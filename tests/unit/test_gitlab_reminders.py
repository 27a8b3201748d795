"""Reminders as people read them, in both languages, and which channels and persons hear of what."""

import os
from datetime import date
from pathlib import Path

import pytest

from relays.mattermost.parts import cost
from relays.sources.gitlab.reminders import audience
from relays.sources.gitlab.reminders.digest import Digest
from relays.sources.gitlab.reminders.things import GitLabUser, Group, Kind, Thing
from relays.sources.gitlab.routing import Route
from relays.sources.gitlab.timestamps import moment
from relays.wording import CATALOGUES
from tests.unit.test_relays_snapshots import SNAPSHOTS, UPDATE, rendered

DAY = date(2026, 11, 30)
NOW = moment("2026-11-30T07:30:00Z")
SITE = "https://git.taaf.internal"
CAMILLE, LEO, ALEX, ZOE = (
    GitLabUser(*each)
    for each in (
        ("cmorel", "Camille Morel"),
        ("lperrin", "Léo Perrin"),
        ("arichard", "Alex Richard"),
        ("zoe", ""),
    )
)


def thing(group: Group, kind: Kind, number: int = 1, title: str = "", **said: object) -> Thing:
    known: dict[str, object] = {
        "project": "taaf/web",
        "url": f"{SITE}/{said.get('project', 'taaf/web')}/-/{kind}s/{number}",
        "since": 0.0 if said.get("due") else moment("2026-11-27T07:30:00Z"),
    }
    return Thing(group=group, kind=kind, number=number, title=title, **(known | said))  # type: ignore[arg-type]


MORNING = [
    thing("due", "issue", 5, "Bilan des quotas", due=date(2026, 11, 27), people=(ALEX,)),
    thing("due", "issue", 6, "Relevés", due=DAY, people=(CAMILLE, LEO, ALEX, ZOE), type="incident"),
    thing("due", "issue", 7, "Inventaire", due=date(2026, 12, 1), project="taaf/infra"),
    thing("due", "milestone", 2, "v1.2", due=date(2026, 12, 3)),
    thing("due", "milestone", 1, "v1.1", due=date(2026, 11, 29)),
    thing("review", "merge_request", 14, "Corrige le quota", people=(CAMILLE, ZOE)),
    thing(
        *("review", "merge_request", 12, "Ajoute l'archive"),
        people=(LEO,),
        since=moment("2026-11-20T07:30:00Z"),
        project="taaf/infra",
    ),
    thing("review", "merge_request", 15, "Aussitôt", people=(LEO,), since=NOW - 600),
    thing("review", "merge_request", 16, "Hier", people=(LEO,), since=NOW - 86_399),
    thing("review", "merge_request", 17, "Il y a un jour", people=(LEO,), since=NOW - 86_400),
    thing("review", "merge_request", 18, "Il y a une heure", people=(LEO,), since=NOW - 3_600),
    thing(
        "stale", "merge_request", 9, "Draft: Refonte", people=(CAMILLE,), since=moment("2026-10-01T00:00:00Z")
    ),
    thing("branch", "pipeline", 4711, "main", since=moment("2026-11-28T09:00:00Z")),
]
HOSTILE = [
    thing("review", "merge_request", 1, text, url=url, people=(GitLabUser("x", text),))
    for text, url in (
        *(
            (text, f"{SITE}/(a)[b] c")
            for text in (
                "@channel @all @here",
                "](https://evil.example) [x](https://evil.example)",
                "~town-square #topic `code` **bold** | table",
                "<!channel> <https://evil.example|x> &commat;all",
                "a\n# b\n- c\n\n> d",
                "",
                "\u202egnp.exe",
                "x" * 3000,
            )
        ),
        ("@channel", "javascript:alert(1)"),
        ("[x](https://evil.example)", ""),
    )
]


def said(language: str, things: list[Thing], *, project: bool = True) -> str:
    wording = CATALOGUES[language]
    digest = Digest(wording, DAY, NOW, (lambda path: path.rpartition("/")[2]) if project else lambda path: "")
    message = digest.of_channel(things)
    parts = [message.summary, rendered("", message.payload())]
    for username, own in sorted(audience.by_person(things).items()):
        parts.append(f"@{username}\n{digest.of_person(own)}")
    return "\n\n".join(parts).replace("\u200b", "·") + "\n"


@pytest.mark.parametrize("language", CATALOGUES)
@pytest.mark.parametrize("name", ["morning", "hostile"])
def test_a_digest_reads_as_it_did(name: str, language: str) -> None:
    text = said(language, {"morning": MORNING, "hostile": HOSTILE}[name])
    path = SNAPSHOTS / "reminders" / f"{name}.{language}.txt"
    if UPDATE or not (path.exists() or os.environ.get("CI")):
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    assert path.read_text(encoding="utf-8") == text


def test_no_snapshot_is_left_over() -> None:
    wanted = {f"{name}.{language}.txt" for name in ("morning", "hostile") for language in CATALOGUES}
    assert {path.name for path in Path(SNAPSHOTS / "reminders").iterdir()} == wanted


@pytest.mark.parametrize("language", CATALOGUES)
@pytest.mark.parametrize("count", [1, 10, 11, 12, 500])
@pytest.mark.parametrize("title", ["Corrige le quota", "<>&" * 100])
def test_a_digest_is_cut_to_what_mattermost_takes(language: str, count: int, title: str) -> None:
    groups: list[tuple[Group, Kind]] = [
        ("review", "merge_request"),
        ("stale", "merge_request"),
        ("branch", "pipeline"),
        ("due", "issue"),
    ]
    people = tuple(GitLabUser(f"p{n}", title) for n in range(30))
    things = [
        thing(group, kind, n, title, people=people, url=f"{SITE}/{'x' * 400}/{n}")
        for group, kind in groups
        for n in range(count)
    ]
    digest = Digest(CATALOGUES[language], DAY, NOW)
    for text in (
        digest.of_channel(things).text or "",
        digest.of_person([t for t in things if t.group != "branch"]),
    ):
        assert cost(text) <= 16_383
        lines = text.splitlines()
        for part in text.split("\n\n")[1:]:
            shown = [line for line in part.splitlines()[1:] if "…" not in line or "](" in line]
            others = [line for line in part.splitlines()[1:] if line not in shown]
            left = count - len(shown)
            assert len(shown) <= 10
            assert f" {left} " in others[0] if others else left == 0, part
        assert len(lines) <= 4 * 13 + 1


DEFAULT = Route(("dev",), language="fr")
CONFIDENTIAL = Route(("bureau",), events=("issue",), confidential=True)
OPS = Route(("ops",), events=("pipeline",), actions=("failed",), language="en")
INFRA = Route(("infra",), projects=("taaf/infra",))
NOWHERE = Route((), labels=("bruit",))
MERGED = Route(("releases",), events=("merge_request",), actions=("merge",))
ISSUE = thing("due", "issue", 1, due=DAY)
SECRET = thing("due", "issue", 2, due=DAY, confidential=True)
REVIEW = thing("review", "merge_request", 3)
BROKEN = thing("branch", "pipeline", 4, "main", branch="main")
NOISE = thing("review", "merge_request", 5, labels=frozenset({"bruit"}))
ELSEWHERE = thing("review", "merge_request", 6, project="taaf/infra")
EVERYTHING = [ISSUE, SECRET, REVIEW, BROKEN, NOISE, ELSEWHERE]


@pytest.mark.parametrize(
    ("routes", "channels", "expected"),
    [
        ([], [], {"dev": [1, 3, 4, 5, 6]}),
        ([CONFIDENTIAL], [], {"dev": [1, 3, 4, 5, 6], "bureau": [2]}),
        ([OPS, INFRA, NOWHERE], [], {"dev": [1, 3], "ops": [4], "infra": [6]}),
        # A route for what is merged is none for what waits to be.
        ([MERGED], [], {"dev": [1, 3, 4, 5, 6]}),
        ([OPS, INFRA, NOWHERE], ["matin"], {"matin": [1, 3, 4, 5, 6]}),
        ([], ["matin", "dev"], {"matin": [1, 3, 4, 5, 6], "dev": [1, 3, 4, 5, 6]}),
        # What is confidential does not get into a channel by its being named here.
        ([CONFIDENTIAL], ["matin"], {"matin": [1, 3, 4, 5, 6]}),
        ([CONFIDENTIAL], ["matin", "bureau"], {"matin": [1, 3, 4, 5, 6], "bureau": [1, 2, 3, 4, 5, 6]}),
    ],
)
def test_where_a_thing_is_said(
    routes: list[Route], channels: list[str], expected: dict[str, list[int]]
) -> None:
    found = audience.by_channel(EVERYTHING, [*routes, DEFAULT], channels)
    assert {channel: [each.number for each in said] for channel, (_, said) in found.items()} == expected


def test_a_channel_speaks_the_language_of_its_route() -> None:
    found = audience.by_channel([BROKEN], [OPS, DEFAULT], [])
    assert found["ops"][0].language == "en"


def test_a_milestone_of_a_group_is_said_once_though_each_of_its_projects_has_it() -> None:
    url = f"{SITE}/groups/taaf/-/milestones/1"
    things = [thing("due", "milestone", 1, "v1", due=DAY, project=f"taaf/{name}", url=url) for name in "ab"]
    assert len(audience.by_channel(things, [DEFAULT], [])["dev"][1]) == 1
    routes = [Route(("b",), projects=("taaf/b",)), DEFAULT]
    assert {channel: len(said) for channel, (_, said) in audience.by_channel(things, routes, []).items()} == {
        "dev": 1,
        "b": 1,
    }


def test_people_are_reminded_of_what_they_have_to_do_with_and_of_nothing_else() -> None:
    found = audience.by_person(
        [*MORNING, thing("due", "issue", 8, due=DAY, confidential=True, people=(LEO,))]
    )
    numbers = {username: sorted(each.number for each in own) for username, own in found.items()}
    assert numbers == {
        "cmorel": [6, 9, 14],
        "lperrin": [6, 8, 12, 15, 16, 17, 18],
        "arichard": [5, 6],
        "zoe": [6, 14],
    }
