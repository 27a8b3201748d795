"""Tokens that setup and rotate make: whatever step fails, none is left that nobody knows of."""

import errno
import json
import os
import re
import signal
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from paramiko import SSHException
from pydantic import SecretStr

from tasks.failures import FAILURES, reason, reported
from tasks.operations.api import ApiError
from tasks.operations.resource import ResourceError
from tasks.setup import access
from tasks.setup.given import Given
from tasks.site import Site, SiteError
from tasks.tokens import gitlab, ledger, mattermost, nextcloud, renewal
from tasks.tokens.ledger import Token
from tasks.tokens.making import Maker, Undo
from tests.unit.site_data import taaf

SETTINGS = {
    "gitlab": "gitlab.token",
    "nextcloud": "nextcloud.relay_password",
    "mattermost": "mattermost.token",
}
ERRORS: list[type[Exception]] = [ResourceError, SSHException, EOFError, OSError]
# What nobody foresaw; it may hold what nobody is to see.
UNFORESEEN: list[BaseException] = [
    KeyError("secret-1-"),
    AssertionError("secret-1-"),
    UnicodeDecodeError("utf-8", b"secret-1-", 0, 1, "secret-1-"),
    SystemExit("secret-1-"),
]
FULL = OSError(errno.ENOSPC, "No space left on device")


@dataclass
class World:
    """The applications, with the tokens that they take: {number: application}; `before` is called with each step."""

    before: Callable[[str], None] = lambda step: None
    alive: dict[str, str] = field(default_factory=dict)
    steps: list[str] = field(default_factory=list)

    def step(self, name: str) -> None:
        self.steps.append(name)
        self.before(name)

    def make(self, application: str) -> tuple[str, SecretStr]:
        self.step(f"make {application}")
        number = str(len(self.steps))
        self.alive[number] = application
        return number, secret(number)

    def revoke(self, application: str, number: str) -> None:
        self.step(f"revoke {application}")
        assert self.alive.pop(number) == application


def secret(number: str) -> SecretStr:
    return SecretStr(f"secret-{number}-")


@pytest.fixture
def world(monkeypatch: pytest.MonkeyPatch) -> World:
    world, fsync = World(), os.fsync

    def by_console(container: str, name: str, user: str | None) -> dict[str, Any]:
        number, token = world.make("gitlab")
        return {
            "url": "http://git",
            "user": "root",
            "id": int(number),
            "expires_at": "2027-01-01",
            "token": token.get_secret_value(),
        }

    def by_api(api: Any) -> tuple[dict[str, Any], SecretStr]:
        number, token = world.make("gitlab")
        return {"id": int(number), "expires_at": "2027-01-01"}, token

    def write(descriptor: int) -> None:
        world.step("write")
        fsync(descriptor)

    for module in (gitlab, mattermost, nextcloud):
        name = module.__name__.rpartition(".")[2]
        monkeypatch.setattr(module, "revoke", lambda *where, name=name: world.revoke(name, where[-1]))
        if module is not gitlab:
            monkeypatch.setattr(module, "make", lambda *where, name=name: world.make(name))
    monkeypatch.setattr(gitlab, "make_by_console", by_console)
    monkeypatch.setattr(gitlab, "make", by_api)
    monkeypatch.setattr(os, "fsync", write)
    monkeypatch.setattr(renewal, "container_of", lambda site: "container")
    return world


class Applications:
    """Whose answers nobody looks at."""

    def api(self, application: str, url: str, token: SecretStr) -> Any:
        class Api:
            def call(self, *asked: Any) -> None:
                pass

        return Api()


def set_up(settings: Path, world: World, end: Exception | None = None) -> None:
    """A run of setup as far as it makes tokens, which does not come to its end."""
    applications: Any = Applications()
    undo = Undo()
    maker = Maker(settings, "server", undo)
    try:
        access.gitlab_access(applications, maker, "container", Given(), None, None)
        access.nextcloud_access(applications, maker, "container", ("http://cloud", "admin"), None, None)
        chat = access.Chat(applications.api("mattermost", "", None), "boss")
        access.mattermost_access(chat, applications, maker, "http://chat", Given())
        world.step("the plan")
        raise ResourceError("the plan is refused")
    except BaseException:
        undo.run()
        raise


def failing(*at: int, error: BaseException, world: World) -> Callable[[str], None]:
    """Have the steps of these numbers fail."""

    def before(name: str) -> None:
        if len(world.steps) in at:
            raise error

    return before


def noted(settings: Path) -> set[str]:
    return {token.id for token in ledger.read(settings)}


STEPS = [
    *(step for name in ("gitlab", "nextcloud", "mattermost") for step in (f"make {name}", "write")),
    "the plan",
    "revoke mattermost",
    "write",
    "revoke nextcloud",
    "write",
    "revoke gitlab",
]


@pytest.mark.parametrize("error", [*(kind("it fails") for kind in ERRORS), FULL, *UNFORESEEN], ids=repr)
@pytest.mark.parametrize(
    "number", range(1, len(STEPS) + 1), ids=lambda number: f"{number} {STEPS[number - 1]}"
)
def test_setup_leaves_nothing_that_it_does_not_name(
    number: int, error: BaseException, world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "passerelle.toml"
    world.before = failing(number, error=error, world=world)
    with pytest.raises((*FAILURES, type(error))):
        set_up(settings, world)
    said = capsys.readouterr().err
    left, still_noted = (
        dict(re.findall(rf"^{words}: (\S+), made by setup .*, number (\d+): \S", said, re.MULTILINE))
        for words in ("not taken back", "taken back, and noted down still")
    )
    assert left == {SETTINGS[name]: token for token, name in world.alive.items()}
    # What is left is noted down, so that the next run revokes it.
    assert noted(settings) == {*left.values(), *still_noted.values()}
    if "revoke" not in STEPS[number - 1] and number <= STEPS.index("the plan") + 1:
        assert (left, still_noted) == ({}, {})
    assert "secret-" not in said


def test_the_steps_are_all(world: World, tmp_path: Path) -> None:
    with pytest.raises(ResourceError, match="refused"):
        set_up(tmp_path / "passerelle.toml", world)
    assert world.steps == STEPS


def test_a_disk_that_stays_full(world: World, tmp_path: Path) -> None:
    """Nothing can be noted down, neither that a token is there nor that it is gone: they are revoked all the same."""
    settings = tmp_path / "passerelle.toml"

    def before(name: str) -> None:
        if name == "write":
            raise FULL

    world.before = before
    with pytest.raises(OSError, match="No space left"):
        set_up(settings, world)
    assert world.alive == {}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", range(1, len(STEPS) + 1))
def test_an_interruption_leaves_nothing(number: int, world: World, tmp_path: Path) -> None:
    # A run in the background may have inherited that it is ignored.
    inherited = signal.signal(signal.SIGINT, signal.default_int_handler)

    def before(name: str) -> None:
        if len(world.steps) == number:
            # To this thread, and so at once: another may have one of the process later.
            signal.pthread_kill(threading.get_ident(), signal.SIGINT)

    world.before = before
    try:
        with pytest.raises(KeyboardInterrupt):
            set_up(tmp_path / "passerelle.toml", world)
    finally:
        signal.signal(signal.SIGINT, inherited)
    assert world.alive == {}
    assert noted(tmp_path / "passerelle.toml") == set()


def set_up_before(settings: Path, world: World) -> Site:
    """A site with tokens that setup has made."""
    tokens: dict[str, SecretStr] = {}
    for application, setting in SETTINGS.items():
        number, tokens[setting] = world.make(application)
        token = Token("taaf.internal", setting, number, "root", ledger.mark(tokens[setting]))
        ledger.add(settings, token)
    settings.write_text("\n".join(f"{name} = '{held.get_secret_value()}'" for name, held in tokens.items()))
    values: dict[str, dict[str, SecretStr]] = {}
    for setting, held in tokens.items():
        section, _, name = setting.partition(".")
        values.setdefault(section, {})[name] = held
    return taaf(values)


@pytest.mark.parametrize("error", [ResourceError("it fails"), SSHException("it fails"), FULL], ids=repr)
@pytest.mark.parametrize("number", range(1, 10))
def test_a_rotation_that_fails_leaves_settings_that_work_and_no_stranger(
    number: int, error: Exception, world: World, tmp_path: Path
) -> None:
    settings = tmp_path / "passerelle.toml"
    site = set_up_before(settings, world)
    world.steps.clear()
    world.steps += ["made before"] * 6
    world.before = failing(number + 6, error=error, world=world)
    with pytest.raises(FAILURES):
        renewal.renew(settings, site)
    held_now = set(re.findall(r"secret-(\d+)-", settings.read_text()))
    assert len(held_now) == 3
    assert held_now <= set(world.alive)
    # Each that is in use is in the ledger still, and so is each that the next run is to revoke.
    assert set(world.alive) == noted(settings)


def test_what_is_written_into_the_settings_while_a_token_is_made_stays(world: World, tmp_path: Path) -> None:
    settings = tmp_path / "passerelle.toml"
    site = set_up_before(settings, world)
    former = noted(settings)

    def before(name: str) -> None:
        if name.startswith("make "):
            settings.write_text(f"{settings.read_text()}\n# {name}")

    world.before = before
    assert len(renewal.renew(settings, site)) == 3
    text = settings.read_text()
    assert [name for name in SETTINGS if f"# make {name}" not in text] == []
    assert set(re.findall(r"secret-(\d+)-", text)).isdisjoint(former)


REVOKE, MINE = gitlab.revoke, {"name": gitlab.NAME, "revoked": False}
REFUSED = ApiError("gitlab: 401", status=401)


@pytest.mark.parametrize(
    ("found", "itself", "ended"),
    [
        (MINE, MINE, ["7"]),
        (None, MINE, []),
        ({**MINE, "revoked": True}, MINE, []),
        ({**MINE, "name": "of another GitLab"}, MINE, []),
        (REFUSED, MINE, []),
        (REFUSED, REFUSED, None),
        (ApiError("gitlab: 502", status=502), MINE, None),
    ],
    ids=["ours", "gone", "revoked", "somebody's", "no administrator's", "not taken", "GitLab fails"],
)
def test_a_token_of_gitlab_is_revoked_if_it_is_ours(found: Any, itself: Any, ended: list[str] | None) -> None:
    """The site may have another GitLab by now, in which the number is somebody else's."""
    deleted: list[str] = []

    class Forge:
        def call(self, method: str, path: str, *, absent: tuple[str, ...]) -> Any:
            number = path.rpartition("/")[2]
            if method == "DELETE":
                deleted.append(number)
                return None
            answer = itself if number == "self" else found
            if isinstance(answer, ApiError):
                raise answer
            return answer

    forge: Any = Forge()
    if ended is None:
        with pytest.raises(ApiError):
            REVOKE(forge, "7")
    else:
        REVOKE(forge, "7")
    assert deleted == (ended or [])


def test_an_app_password_of_a_nextcloud_that_has_left_the_host_is_named(
    world: World, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    settings = tmp_path / "passerelle.toml"
    site = set_up_before(settings, world)
    settings.write_text(
        "\n".join(line for line in settings.read_text().split("\n") if "nextcloud" not in line)
    )
    left = site.model_copy(update={"nextcloud": site.nextcloud.model_copy(update={"service": ""})})
    number = next(number for number, name in world.alive.items() if name == "nextcloud")
    renewal.revoke_former(settings, left)
    assert (
        f"number {number}: not revoked, for Nextcloud is not on the host any more" in capsys.readouterr().err
    )
    assert number not in noted(settings)
    assert len(noted(settings)) == 2


def test_of_each_application_the_token_that_revokes_itself_is_the_last(world: World, tmp_path: Path) -> None:
    """A rotation that was killed may have left a newer one that is in no use."""
    settings = tmp_path / "passerelle.toml"
    site = set_up_before(settings, world)
    for application, setting in SETTINGS.items():
        ledger.add(settings, Token("taaf.internal", setting, f"newer of {application}", "root", "a mark"))
    found = [(token.application, token.id.startswith("newer")) for token in renewal.tokens_of(settings, site)]
    assert found == [
        (name, is_newer) for name in ("nextcloud", "mattermost", "gitlab") for is_newer in (True, False)
    ]


@dataclass
class Console:
    """occ in the container of Nextcloud: `listed` are its answers to a list, one after the other."""

    listed: list[tuple[bool, str]]
    added: tuple[bool, str] = (True, "No password provided.\napp password:\nabcdefghij0123456789ABCDE\n")
    deleted: list[str] = field(default_factory=list)

    def __call__(self, container: str, command: str, *arguments: str) -> tuple[bool, str]:
        if command == "user:auth-tokens:list":
            return self.listed.pop(0)
        if command == "user:auth-tokens:delete":
            self.deleted.append(arguments[-1])
            return True, ""
        return self.added


def listing(*tokens: tuple[int, int]) -> tuple[bool, str]:
    """Of (number, type)."""
    return True, "a notice\n" + json.dumps([{"id": number, "type": kind} for number, kind in tokens])


SILENT = (False, "Command is not defined")


@pytest.mark.parametrize(
    ("before", "after", "expected"),
    [
        (listing(), listing((7, 1)), "7"),
        (listing((3, 1)), listing((3, 1), (7, 1)), "7"),
        (listing((3, 1)), listing((3, 1), (7, 1), (8, 0)), "7"),  # a browser signs in meanwhile
        (listing((3, 1)), listing((7, 1)), "7"),  # another one is removed
        (listing(), listing((7, 1), (8, 1)), r"numbers 7, 8\); remove those"),
        (listing((3, 1)), listing((3, 1)), r"occ lists no new one\); remove those"),
        (listing(), SILENT, r"occ lists no new one\); remove those"),
        (SILENT, listing((7, 1)), "occ does not list the app passwords of admin: Command is not defined"),
        ((True, "no list"), listing((7, 1)), "occ does not list the app passwords of admin: no list"),
    ],
)
def test_the_number_of_an_app_password(
    before: tuple[bool, str], after: tuple[bool, str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(nextcloud, "occ", Console([before, after]))
    if expected.isdigit():
        assert nextcloud.make("container", "admin")[0] == expected
        return
    with pytest.raises(ResourceError, match=expected) as failed:
        nextcloud.make("container", "admin")
    assert "0123456789" not in str(failed.value)


@pytest.mark.parametrize(
    ("added", "deleted"),
    [
        ((True, "Deprecated: something\n"), ["7"]),
        ((False, "user not found"), []),
        ((False, "made, and then no memory for what follows"), ["7"]),
    ],
)
def test_an_app_password_that_is_not_understood_is_taken_back(
    added: tuple[bool, str], deleted: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    console = Console([listing(), listing((7, 1)) if deleted else listing()], added)
    monkeypatch.setattr(nextcloud, "occ", console)
    with pytest.raises(ResourceError, match="--nextcloud-password-file"):
        nextcloud.make("container", "admin")
    assert console.deleted == deleted


LOST = r"^host: the SSH connection has ended \(.+\); run again$"


@pytest.mark.parametrize(
    ("error", "line"),
    [
        (SiteError("gitlab.url: wrong"), "^gitlab.url: wrong$"),
        (ResourceError("gitlab: no answer"), "^gitlab: no answer$"),
        (ApiError("gitlab: no answer"), "^gitlab: no answer$"),
        (SSHException("no session"), LOST),
        (EOFError(), LOST),
        (OSError("Socket is closed"), LOST),
        (ConnectionResetError(errno.ECONNRESET, "Connection reset by peer"), LOST),
        (BrokenPipeError(errno.EPIPE, "Broken pipe"), LOST),
        (TimeoutError(), LOST),
        (OSError(errno.EHOSTUNREACH, "No route to host"), LOST),
        (OSError(errno.ENETUNREACH, "Network is unreachable"), LOST),
        (FULL, r"^No space left on device \(on this machine\); mend that, then run again$"),
        (OSError(errno.ENOSPC, "No space left on device", "/a/b"), "^/a/b: No space left on device"),
        (PermissionError(errno.EACCES, "Permission denied", "/a/b"), "^/a/b: Permission denied"),
        (OSError(errno.EROFS, "Read-only file system", "/a/b"), "^/a/b: Read-only file system"),
        (OSError(errno.EMFILE, "Too many open files"), "^Too many open files"),
        (OSError(None, "odd", "/a/b"), "^/a/b: odd"),
    ],
    ids=repr,
)
def test_why_a_command_fails(error: Exception, line: str, capsys: pytest.CaptureFixture[str]) -> None:
    def act() -> int:
        raise error

    assert re.search(line, reason(error))
    assert reported(act) == 1
    assert capsys.readouterr().err == f"{reason(error)}\n"
