"""A Mattermost to post to, and the relays with everything in a temporary directory."""

from collections import Counter
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from tests.relays.bot_sink import BotSink
from tests.relays.conversations import Speaker
from tests.relays.process import Relay
from tests.relays.sink import Sink


@pytest.fixture(autouse=True)
def forked(monkeypatch: pytest.MonkeyPatch) -> None:
    """Have starts cost little: there are hundreds. What a relay is like when executed, other folders show as well."""
    monkeypatch.setattr(Relay, "forked", True)


@pytest.fixture
def sink() -> Iterator[Sink]:
    """A Mattermost that takes everything until asked otherwise."""
    sink = Sink()
    yield sink
    sink.go_on()
    sink.stop()


@pytest.fixture
def gitlab_with(sink: Sink, tmp_path: Path, spool: str | None) -> Iterator[Callable[[str], Relay]]:
    """Makes the GitLab relay with these settings, not started yet, on a port that the system chooses."""
    relays: list[Relay] = []

    def make(settings: str) -> Relay:
        listen = '[listen]\naddress = "127.0.0.1"\nport = 0\n'
        relays.append(Relay("gitlab", tmp_path, sink.url, f"{settings}\n{listen}", spool))
        return relays[-1]

    yield make
    for relay in relays:
        relay.close()


@pytest.fixture
def gitlab(gitlab_with: Callable[[str], Relay]) -> Relay:
    """The GitLab relay with the default settings, not started yet."""
    return gitlab_with("")


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """The HR tree, with its folders and one document that was always there."""
    root = tmp_path / "files" / "Documents_RH"
    for folder in ("Contrats", "Fiches_Paie", "Conges"):
        (root / folder).mkdir(parents=True)
    (root / "Contrats" / "ancien.pdf").write_bytes(b"always there")
    return root


@pytest.fixture
def nextcloud_at(sink: Sink, tmp_path: Path) -> Iterator[Callable[..., Relay]]:
    """Makes the Nextcloud relay for a tree with these settings of it, not started yet."""
    relays: list[Relay] = []

    def make(root: Path, settings: str = "") -> Relay:
        home = tmp_path / f"relay{len(relays)}"
        home.mkdir()
        relays.append(Relay("nextcloud", home, sink.url, f'[[trees]]\ntree = "{root}"\n{settings}'))
        return relays[-1]

    yield make
    for relay in relays:
        relay.close()


@pytest.fixture
def nextcloud(nextcloud_at: Callable[..., Relay], tree: Path) -> Relay:
    """The Nextcloud relay for `tree`, not started yet."""
    return nextcloud_at(tree)


@pytest.fixture
def one_by_one(nextcloud_at: Callable[..., Relay], tree: Path) -> Relay:
    """The Nextcloud relay for `tree`, not started yet, which announces each document by itself."""
    return nextcloud_at(tree, "burst_from = 0\n")


@pytest.fixture
def mattermost() -> Iterator[BotSink]:
    """A Mattermost with the channels `dev`, `rh` and `home`."""
    sink = BotSink("dev", "rh", "home")
    yield sink
    sink.stop()


@pytest.fixture
def news(tmp_path: Path) -> Path:
    """What the relays are to say."""
    file = tmp_path / "news"
    file.touch()
    return file


@pytest.fixture
def speaker_with(
    mattermost: BotSink, tmp_path: Path, news: Path, spool: str | None
) -> Iterator[Callable[..., Speaker]]:
    """Makes a relay with these settings, not started yet."""
    made: list[Speaker] = []

    def make(settings: str = "digest_from = 0") -> Speaker:
        home = tmp_path / f"relay{len(made)}"
        home.mkdir()
        made.append(Speaker(home, mattermost.hook_url, news, mattermost.bot, settings, spool))
        return made[-1]

    yield make
    for each in made:
        each.close()


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter) -> None:
    """The tables of who was named for what happened to documents, and of who heard of projects, if there are any.

    See test_nextcloud_right_person.py and test_subscriptions_access.py.
    """
    reports = [
        each
        for many in terminalreporter.stats.values()
        for each in many
        if getattr(each, "when", "") == "call"
    ]
    heard = [value for each in reports for name, value in each.user_properties if name == "heard"]
    if heard:
        terminalreporter.section("who heard of a project by a subscription")
        for project, channel, token in dict.fromkeys(each[:3] for each in heard):
            of = [each[3:] for each in heard if each[:3] == (project, channel, token)]
            may, may_not = ([said for wanted, said in of if bool(wanted) is asked] for asked in (True, False))
            row = f"{project:27} {channel:8} {'GitLab asked' if token else 'no read token':14}"
            terminalreporter.write_line(
                f"{row} who may: {sum(may)} messages for {len(may)}; who may not: {sum(may_not)} for {len(may_not)}"
            )
        wrong = sum(said for *_, wanted, said in heard if not wanted)
        terminalreporter.write_line(f"{len(heard)} combinations, {wrong} messages to who could not read it")
    found = (value for each in reports for name, value in each.user_properties if name == "named")
    counts = Counter(tuple(value) for value in found)
    if counts:
        terminalreporter.section("who was named")
        for way, source in dict.fromkeys((way, source) for way, source, _ in counts):
            announced = (
                f"{verdict} {counts[way, source, verdict]}" for verdict in ("right", "missing", "WRONG")
            )
            terminalreporter.write_line(f"{way:60}  {source:6}  {'  '.join(announced)}")
        wrong = sum(count for (*_, verdict), count in counts.items() if verdict == "WRONG")
        terminalreporter.write_line(f"{sum(counts.values())} news, {wrong} wrong names")
