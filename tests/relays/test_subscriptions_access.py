"""What is not public reaches no channel and no person that could not read it in GitLab, however it is asked for."""

import itertools
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.relays.bot_sink import BotSink
from tests.relays.commanded import bot, chat
from tests.relays.events import send
from tests.relays.gitlab_readers import GUEST, READ_TOKEN, REPORTER, GitLabReaders
from tests.relays.process import Relay, wait_for
from tests.relays.slash import ask, introduce
from tests.relays.test_subscriptions import LEVELS, event, settled

__all__ = ["bot", "chat"]

PUBLIC, INTERNAL, PRIVATE = "taaf/public", "taaf/internal", "taaf/private"
PROJECTS: dict[str, tuple[str, dict[str, object]]] = {
    PUBLIC: ("public", {}),
    INTERNAL: ("internal", {}),
    PRIVATE: ("private", {}),
    # Public ones that keep to their members what is announced.
    "taaf/public-issues-kept": ("public", {"issues_access_level": "private"}),
    "taaf/public-code-kept": ("public", {"repository_access_level": "private"}),
    "taaf/public-pipelines-kept": ("public", {"public_jobs": False}),
    "taaf/odd": ("somehow", {}),
}
KINDS = {"open": "O", "private": "P", "direct": "D", "group": "G"}
PEOPLE: dict[str, int | str | None] = {
    "member": REPORTER,
    "guest": GUEST,
    "blocked member": "blocked",
    "member with another name": REPORTER,
    "member's namesake": None,
    "stranger": None,
}
IN_GITLAB = {"member with another name": "gl.other", "member's namesake": ""}
"""What people are called there, where it is not what they are called in Mattermost."""
# Mattermost's namesake is called as somebody else is in GitLab, who is another person in Mattermost, as the site says.
SITE_SAYS = '[people]\n"gl.other" = "other"\n"namesake" = "other2"\n'
NAMES = {"member with another name": "other", "member's namesake": "namesake", "blocked member": "blocked"}
READS = {"member", "member with another name"}


def name_of(person: str) -> str:
    return NAMES.get(person, person)


def number(*parts: str) -> str:
    """An id of 26 characters."""
    return "".join(c for c in "".join(parts).lower() if c.isalnum())[:26].ljust(26, "0")


@pytest.fixture
def readers() -> Iterator[GitLabReaders]:
    made = GitLabReaders()
    for path, (visibility, more) in PROJECTS.items():
        made.project(path, visibility, **more)
        made.members[path] = {
            IN_GITLAB.get(person) or name_of(person): role for person, role in PEOPLE.items() if role
        } | {"namesake": REPORTER}
    yield made
    made.close()


@pytest.fixture
def everywhere(chat: BotSink) -> BotSink:
    """A channel of each kind for each person, who administers it and is alone in it with the bot."""
    for person in PEOPLE:
        introduce(chat, number(person), name_of(person))
        for kind, letter in KINDS.items():
            name = f"{kind}-{name_of(person)}"
            chat.ids[name] = number(kind, person)
            chat.kinds[name] = letter
            chat.present[name] = {number(person)}
            chat.managers.add((number(kind, person), number(person)))
    return chat


def subscribe(relay: Relay, kind: str, person: str, *projects: str) -> list[str]:
    """What somebody is answered who wants a channel to hear of projects."""
    name, there = f"{kind}-{name_of(person)}", number(kind, person)
    given = {"channel_name": name, "channel_id": there, "user_id": number(person)}
    return [ask(relay, f"subscribe {project} issue", **given) for project in projects]


def heard(chat: BotSink, kind: str, person: str, project: str) -> int:
    """How many messages of a project are in a channel."""
    posts = chat.written(f"{kind}-{name_of(person)}")
    return sum(f"Secret of {project} " in each.shown for each in posts)


def announce(relay: Relay, *projects: str, level: int | None = None, what: str = "now") -> None:
    """Something happens in each of the projects."""
    for project in projects:
        title = f"Secret of {project} {what}"
        assert send(relay, event(project, level=level, title=title)).status_code == 200
    wait_for(lambda: settled(relay))


@pytest.mark.sampled(2)
@pytest.mark.parametrize("token", [True, False])
def test_who_hears_of_what(
    bot: Callable[..., Relay],
    everywhere: BotSink,
    readers: GitLabReaders,
    tmp_path: Path,
    record_property: Callable[[str, object], None],
    token: bool,
) -> None:
    """Of projects of each visibility, in channels of each kind, of people who may read them and others."""
    line, table = readers.settings
    relay = bot(f'{line}{SITE_SAYS}{table if token else ""}[[routes]]\nchannels = []\nevents = ["issue"]\n')
    if token:
        (tmp_path / "credentials" / "gitlab-read-token").write_text(f"{READ_TOKEN}\n")
    relay.start()
    combinations = list(itertools.product(PROJECTS, KINDS, PEOPLE))
    for kind, person in itertools.product(KINDS, PEOPLE):
        for project, said in zip(PROJECTS, subscribe(relay, kind, person, *PROJECTS), strict=True):
            assert ("est abonné" in said) is may_hear(project, kind, person, token), said
    for project, (visibility, _) in PROJECTS.items():
        announce(relay, project, level=LEVELS.get(visibility))
    found = {each: heard(everywhere, each[1], each[2], each[0]) for each in combinations}
    for project, kind, person in combinations:
        wanted = int(may_hear(project, kind, person, token))
        record_property("heard", (project, kind, token, wanted, found[project, kind, person]))
    assert found == {each: int(may_hear(*each, token)) for each in combinations}
    assert everywhere.written("dev") == []


def may_hear(project: str, kind: str, person: str, token: bool) -> bool:
    """What is public is for everybody; the rest for members in channels that are theirs. Without a token nothing is."""
    return token and (project == PUBLIC or (kind != "open" and person in READS))


def test_once_it_is_not_public_any_more_nobody_hears_of_it_who_could_not_read_it(
    bot: Callable[..., Relay], everywhere: BotSink, readers: GitLabReaders, tmp_path: Path
) -> None:
    """The event itself says so, before GitLab is asked again; who may read it goes on hearing of it after that."""
    line, table = readers.settings
    relay = bot(f'{line}{SITE_SAYS}{table}[[routes]]\nchannels = []\nevents = ["issue"]\n')
    (tmp_path / "credentials" / "gitlab-read-token").write_text(f"{READ_TOKEN}\n")
    relay.start()
    for kind, person in itertools.product(KINDS, PEOPLE):
        subscribe(relay, kind, person, PUBLIC)
    readers.project(PUBLIC, "private")
    announce(relay, PUBLIC, level=0, what="hidden")
    assert {heard(everywhere, *each, PUBLIC) for each in itertools.product(KINDS, PEOPLE)} == {0}
    may = [each for each in itertools.product(KINDS, PEOPLE) if may_hear(PRIVATE, *each, token=True)]
    names = itertools.count()

    def all_who_may_hear_of_it() -> bool:
        announce(relay, PUBLIC, level=None if next(names) % 2 else 0, what=f"hidden {next(names)}")
        return all(heard(everywhere, *each, PUBLIC) for each in may)

    wait_for(all_who_may_hear_of_it, 30)
    others = [each for each in itertools.product(KINDS, PEOPLE) if each not in may]
    assert {each: heard(everywhere, *each, PUBLIC) for each in others} == dict.fromkeys(others, 0)
    stranger = {
        "channel_name": "private-stranger",
        "channel_id": number("private", "stranger"),
        "user_id": number("stranger"),
    }
    assert "⏸️ le projet n'est pas public" in ask(relay, "list", **stranger)


# What is asked for; in these groups the site lists `closed/**` and `part/listed`, and what is there is private.
ASKED = (
    "closed/merger",
    "closed/nothing",
    "closed/deep",
    "closed/*",
    "closed/**",
    "part/listed",
    "part/unlisted",
    "part/nothing",
    "part",
    "part/**",
    "part/below",
    "away/unlisted",
    "away",
    "nowhere/nothing",
    "nowhere",
)


@pytest.mark.parametrize("token", [True, False])
@pytest.mark.parametrize("kind", ["open", "private"])
@pytest.mark.parametrize("person", ["stranger", "guest", "member's namesake"])
def test_what_somebody_may_not_read_is_as_if_it_were_not_there(
    bot: Callable[..., Relay],
    everywhere: BotSink,
    readers: GitLabReaders,
    tmp_path: Path,
    kind: str,
    person: str,
    token: bool,
) -> None:
    """Whether the site lists it or not, asked for by its path, or by its group, whose projects are not named then."""
    for secret in ("closed/merger", "part/listed", "part/unlisted", "part/below/listed", "away/unlisted"):
        readers.project(secret, "private")
        readers.members[secret] = {"guest": GUEST, "namesake": REPORTER}
    listed = 'projects = ["closed/**", "part/listed", "part/below/listed"]\n'
    asking = f'[gitlab]\nurl = "{readers.front.url}"\n{listed}hook = "P"\n' if token else ""
    relay = bot(f"{listed}{SITE_SAYS}{asking}")
    if token:
        (tmp_path / "credentials" / "gitlab-read-token").write_text(f"{READ_TOKEN}\n")
    relay.start()
    answers = dict(zip(ASKED, subscribe(relay, kind, person, *ASKED), strict=True))
    assert {said.replace(f"`{asked}`", "X") for asked, said in answers.items()} == {
        answers[ASKED[0]].replace(f"`{ASKED[0]}`", "X")
    }


def test_what_somebody_may_read_and_the_site_does_not_list_is_named_so(
    bot: Callable[..., Relay], everywhere: BotSink, readers: GitLabReaders, tmp_path: Path
) -> None:
    """By a member, and what is public by anybody; whatever else is listed in the same group."""
    readers.project("part/listed", "private")
    for path, visibility in (("part/mine", "private"), ("open/one", "public")):
        readers.project(path, visibility)
        readers.members[path] = {"member": REPORTER}
    listed = 'projects = ["part/listed"]\n'
    relay = bot(f'{listed}{SITE_SAYS}[gitlab]\nurl = "{readers.front.url}"\n{listed}hook = "P"\n')
    (tmp_path / "credentials" / "gitlab-read-token").write_text(f"{READ_TOKEN}\n")
    relay.start()
    foreign, hidden = "n'arrivent pas à ce relais", "GitLab ne montre pas"
    asked = ("part/mine", "part/*", "open/one", "open", "part/listed")
    for person, wanted in (
        ("member", [foreign, foreign, foreign, foreign, hidden]),
        ("stranger", [hidden, hidden, foreign, foreign, hidden]),
    ):
        answers = subscribe(relay, "private", person, *asked)
        assert [text in said for text, said in zip(wanted, answers, strict=True)] == [True] * 5, answers
