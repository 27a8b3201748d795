"""What the operations compute by themselves; what they do to real servers is in tests/lab."""

import base64
import shutil
import subprocess
from hashlib import sha256
from pathlib import Path

import pytest
from pydantic import SecretStr

from tasks.operations import secret_file
from tasks.operations.compose import Container
from tasks.operations.gitlab import signs
from tasks.operations.nextcloud import Folders, scan_fault, team_folders
from tasks.operations.python_app import release_digest, supported
from tasks.operations.resource import ResourceError, differences
from tasks.operations.secret_file import SIGNING_TOKEN, TOKEN, InUse
from tasks.operations.unit import digest
from tasks.operations.wheels import for_python
from tasks.templates import render
from tests.operations import Outcome, apply
from tests.unit.noisy import printed

TABLE = """
+---------+-------+-----+---------+---------+--------+--------------+
| Folders | Files | New | Updated | Removed | Errors | Elapsed time |
+---------+-------+-----+---------+---------+--------+--------------+
| {folders}       | 0     | 0   | 4       | 0       | {errors}      | 00:00:00     |
+---------+-------+-----+---------+---------+--------+--------------+
"""


@pytest.mark.parametrize(
    ("ok", "output", "fault"),
    [
        (True, TABLE.format(folders=4, errors=0), None),
        (True, TABLE.format(folders=0, errors=0), "it went through no folder"),
        (True, TABLE.format(folders=4, errors=2), "2 errors"),
        (
            True,
            "Path not found: admin/files/X\n" + TABLE.format(folders=0, errors=1),
            "Path not found: admin/files/X",
        ),
        (True, "Unknown user 1 nobody\n" + TABLE.format(folders=0, errors=0), "Unknown user 1 nobody"),
        (
            True,
            "Error during scan: opendir(/data/admin/files/X/a): Failed to open directory: Permission denied\n"
            + TABLE.format(folders=4, errors=2),
            "Error during scan: opendir(/data/admin/files/X/a): Failed to open directory: Permission denied",
        ),
        (True, 'Cannot write into "config" directory!', 'Cannot write into "config" directory!'),
        (True, "", "it went through no folder"),
        (False, "", "it failed and said nothing"),
        (False, 'There are no commands defined in the "files" namespace.', "There are no commands defined"),
    ],
)
def test_scan_is_judged_by_what_occ_prints(ok: bool, output: str, fault: str | None) -> None:
    """Its exit code is 0 in most of these cases (measured on Nextcloud 32.0.1)."""
    found = scan_fault(ok, output)
    assert found is None if fault is None else (found or "").startswith(fault)


VOLUME = {"Source": "/var/lib/docker/volumes/x/_data", "Destination": "/var/www/html"}
DATA = {"Source": "/srv/cloud", "Destination": "/var/www/html/data"}


@pytest.mark.parametrize(
    ("ok", "output", "names"),
    [
        (True, "[]", set()),
        (True, '[{"id":1,"mount_point":"RH","groups":{"rh":31},"quota":-3,"size":0,"acl":false}]', {"RH"}),
        (True, 'PHP Warning: x in y\n[{"id":1,"mountPoint":"/RH"},{"id":2,"mountPoint":"A/B"}]', {"RH", "A"}),
        (False, 'There are no commands defined in the "groupfolders" namespace.', set()),
        (True, 'Cannot write into "config" directory!', set()),
        (True, "[warning] something else]", set()),
    ],
)
def test_team_folders_are_read_from_what_occ_prints(ok: bool, output: str, names: set[str]) -> None:
    assert team_folders(ok, output) == names


@pytest.mark.parametrize(
    ("mounts", "path", "outside"),
    [
        ([VOLUME], "/var/www/html/data/admin", "/var/lib/docker/volumes/x/_data/data/admin"),
        ([VOLUME, DATA], "/var/www/html/data/admin", "/srv/cloud/admin"),
        ([DATA, VOLUME], "/var/www/html/data", "/srv/cloud"),
        ([DATA], "/var/www/html/database", None),
        ([], "/var/www/html/data", None),
    ],
)
def test_path_of_a_container_on_the_host(
    mounts: list[dict[str, str]], path: str, outside: str | None
) -> None:
    assert Container("id", [*mounts]).host_path(path) == outside


def test_differences_name_the_nested_setting() -> None:
    current = {"Service": {"a": True, "b": 1}, "Other": 5}
    wanted = {"Service": {"a": True, "b": 2, "c": None}, "Other": 5}
    assert list(differences(current, wanted)) == ["~ Service.b: 1 -> 2"]


LOCK = """\
both==1.0 \\
    --hash=sha256:aa \\
    --hash=sha256:bb
    # via nothing
old==2.0 ; python_full_version < '3.13' \\
    --hash=sha256:cc
windows==3.0 ; sys_platform == 'win32' \\
    --hash=sha256:dd
"""


def test_lock_for_another_python_keeps_what_applies_there() -> None:
    assert for_python(LOCK, "3.13", "x86_64") == "both==1.0 --hash=sha256:aa --hash=sha256:bb\n"
    assert for_python(LOCK, "3.11", "aarch64").splitlines()[1] == "old==2.0 --hash=sha256:cc"


@pytest.mark.parametrize(
    ("interpreter", "reported"),
    [
        (None, "no python3"),
        ("", "no python3"),
        ("3 9 x86_64", "3.11 or newer"),
        ("2 7 x86_64", "3.11 or newer"),
    ],
)
def test_host_without_a_usable_python_is_reported(interpreter: str | None, reported: str) -> None:
    with pytest.raises(ResourceError, match=reported):
        supported(interpreter)
    assert supported("3 11 aarch64") == ("3.11", "aarch64")


def test_release_is_named_by_its_content(tmp_path: Path) -> None:
    """Equal content, equal name; any file of the project, or the lock, makes another release."""
    for name in ("relays/a.py", "relays/pyproject.toml", "lock.txt"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(name)

    def named() -> str:
        release_digest.cache_clear()
        return release_digest(tmp_path / "relays", tmp_path / "lock.txt")

    first = named()
    assert named() == first
    (tmp_path / "relays/__pycache__").mkdir()
    (tmp_path / "relays/__pycache__/a.pyc").write_text("x")
    assert named() == first
    seen = {first}
    for name in ("relays/a.py", "relays/pyproject.toml", "lock.txt", "relays/b.py"):
        (tmp_path / name).write_text("changed")
        seen.add(named())
    assert len(seen) == 5


def test_digest_keeps_parts_apart() -> None:
    assert digest("ab", "c") != digest("a", "bc")
    assert digest("a", None) == digest("a", "")


@pytest.mark.parametrize(
    ("version", "signed"),
    [
        ("19.1.0", True),
        ("19.1.0-ee", True),
        ("19.2.0-pre", True),
        ("19.10.3", True),
        ("20.0.0-rc42-ee", True),
        ("19.0.4", False),
        ("18.11.0", False),
        ("9.1.0", False),
        ("", False),
        ("unknown", False),
    ],
)
def test_gitlab_that_signs_is_known_by_its_version(version: str, signed: bool) -> None:
    """In 19.0 an administrator may have switched it off, so nothing is required of that one."""
    assert signs(version) is signed


def shell(command: str) -> str:
    return subprocess.run(["sh", "-c", command], capture_output=True, text=True, check=True).stdout


def test_generated_secrets_are_random_and_of_their_form() -> None:
    tokens, signing_tokens = (
        {shell(TOKEN) for _ in range(3)},
        {shell(SIGNING_TOKEN).strip() for _ in range(3)},
    )
    assert len(tokens | signing_tokens) == 6
    for token in tokens:
        assert len(base64.urlsafe_b64decode(f"{token}=")) == 32
    for token in signing_tokens:
        assert len(base64.b64decode(token.removeprefix("whsec_"), validate=True)) == 32


def test_secret_in_use_is_the_first_line(tmp_path: Path) -> None:
    """However the file ends, and whatever follows; so GitLab's hook is left alone while a second one is accepted."""
    contents = ["one", "one\n", "\n  one \n\ntwo\n", "two\none", ""]
    paths = [tmp_path / f"it's {number}" for number in range(len(contents))]
    for path, content in zip(paths, contents, strict=True):
        path.write_text(content)
    command = InUse().command([str(path) for path in [tmp_path / "missing", *paths]])
    wanted = [sha256(text).hexdigest() for text in (b"one", b"one", b"one", b"two", b"")]
    assert InUse().process(shell(command.get_raw_value()).splitlines()) == wanted


@pytest.mark.parametrize("value", ["it's", "a b", "$(touch x)", "`x`", 'a"b', "é", "-n"])
def test_shell_words_in_commands_stay_words(value: str) -> None:
    from tasks.templates import _environment

    word = _environment.from_string("printf '%s' {{ v | shell }}").render(v=value)
    assert subprocess.run(["sh", "-c", word], capture_output=True, text=True, check=True).stdout == value


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="needs systemd-analyze")
@pytest.mark.parametrize("tree", ["/srv/Documents_RH", "/srv/Documents RH", "/srv/100 % RH"])
def test_units_are_sound(tmp_path: Path, tree: str) -> None:
    """Also for a tree whose name has a space or a percent sign in it."""
    text = render(
        "passerelle-nextcloud.service",
        webhooks_conf="/tmp/w",
        trees={f"/run/p/{tree[5:]}": tree, "/run/p/b": "/srv/b"},
        app_password="/tmp/p",
        bot_token="/tmp/b",
        command_token="/tmp/c",
        documents=True,
    )
    unit = tmp_path / "passerelle-nextcloud.service"
    unit.write_text(text.replace("/opt/passerelle/current/bin/python", "/bin/true"))
    done = subprocess.run(
        ["systemd-analyze", "verify", str(unit)], capture_output=True, text=True, check=False
    )
    assert [line for line in done.stderr.splitlines() if unit.name in line] == []


@pytest.mark.parametrize(
    ("output", "found"),
    [
        (["41ed|755|www-data|www-data|7|/f/A"], {"/f/A": "directory|755|www-data|www-data|7"}),
        (
            ["41ed|755|w|w|7|/f/A", "stat: cannot statx '/f/B': No such file or directory"],
            {"/f/A": "directory|755|w|w|7"},
        ),
        (
            ["stat: cannot statx '/f/A': Permission denied"],
            {"": "stat: cannot statx '/f/A': Permission denied"},
        ),
        (
            ["Error response from daemon: container 1 is restarting"],
            {"": "Error response from daemon: container 1 is restarting"},
        ),
        (["WARNING: old", "41ed|755|w|w|7|/f/A"], {"/f/A": "directory|755|w|w|7"}),
        (["81ed|755|w|w|7|/f/A", "stat: cannot statx '/f/A/B': Not a directory"], {"/f/A": "file|755|w|w|7"}),
        ([], {}),
    ],
)
def test_a_folder_that_cannot_be_looked_at_is_not_absent(output: list[str], found: dict[str, str]) -> None:
    assert Folders().process(printed("\n".join(output))) == found


def test_a_secret_that_is_succeeded_stays_beside_the_new_one(tmp_path: Path) -> None:
    """Each once, in the order in which they were in use; one that comes back is first again."""
    path = tmp_path / "spool"

    def have(secret: str) -> Outcome:
        return apply(lambda: secret_file.succeeding_secret(str(path), SecretStr(secret)))

    assert have("one").differences == [f"+ {path} (600 root root)"]
    assert have("one") == Outcome([], 0)
    assert have("two").differences == [f"~ {path}: another one in use, the former one beside it"]
    assert path.read_text().split() == ["two", "one"]
    assert have("two") == Outcome([], 0)
    assert have("one").changed == 1
    assert path.read_text().split() == ["one", "two"]
    assert have("file").changed == 1
    assert path.read_text().split() == ["file", "one", "two"]
    path.chmod(0o644)
    assert have("file").differences == [f"~ {path}: 644 root root -> 600 root root"]
    assert path.stat().st_mode & 0o777 == 0o600
    assert path.read_text().split() == ["file", "one", "two"]
