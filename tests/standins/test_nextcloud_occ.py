"""occ answers as measured on Nextcloud 32.0.1, above all where it fails with exit code 0."""

import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.standins.nextcloud_site import ADMIN, TREE, WEB_USER, Site, of_path, recording, running
from tests.standins.test_nextcloud_traces import read_trace

HEADERS = ["Folders", "Files", "New", "Updated", "Removed", "Errors", "Elapsed time"]
PATH = f"--path={ADMIN}/{TREE}"
OLD = 1_600_000_000

needs_root = pytest.mark.skipif(os.geteuid() != 0, reason="changes owners")


@pytest.fixture(scope="module")
def shared() -> Iterator[Site]:
    with running() as started:
        yield started


@pytest.fixture
def site(shared: Site) -> Site:
    shared.reset()
    return shared


@pytest.fixture
def web_user_site() -> Iterator[Site]:
    """A site of www-data's, as in the container."""
    with running() as started:
        started.reset()
        give_to_web_user(started.root)
        yield started


def give_to_web_user(root: Path) -> None:
    if os.geteuid() == 0:
        subprocess.run(["chown", "-R", f"{WEB_USER}:{WEB_USER}", str(root)], check=True)


def table(output: str) -> dict[str, str]:
    """The summary table by column."""
    lines = [line for line in output.splitlines() if line.startswith("|")]
    headers, row = ([cell.strip() for cell in line.strip("|").split("|")] for line in lines)
    assert headers == HEADERS
    return dict(zip(headers, row, strict=True))


def counts(output: str) -> tuple[int, ...]:
    return tuple(int(table(output)[header]) for header in HEADERS[:-1])


def test_scan_prints_what_the_recorded_one_printed(site: Site) -> None:
    """Held against the output in the trace, its figures aside."""
    [recorded] = (
        row["result"]
        for row in map(json.loads, trace_lines("07a_cp_then_scan"))
        if row["src"] == "action" and "Folders" in str(row.get("result"))
    )
    printed = site.occ("files:scan", PATH)
    assert shape(f"{printed.returncode} {printed.stdout}") == shape(recorded)
    assert printed.stderr == ""


def trace_lines(case: str) -> list[str]:
    return (Path(__file__).parents[1] / f"fixtures/nextcloud-traces/{case}.jsonl").read_text().splitlines()


def shape(text: str) -> str:
    """Text with every figure of the table replaced, whatever its width."""
    return re.sub(r"\| [\d:]+ +", "| # ", text)


@pytest.mark.parametrize("spelling", [PATH, f"--path=/{ADMIN}/{TREE}", f"--path=/{ADMIN}/{TREE}/"])
def test_tree_made_on_disk_is_registered_by_a_scan(site: Site, spelling: str) -> None:
    site.dav("DELETE", "Documents_RH").raise_for_status()
    site.tree.mkdir()
    for folder in ("Contrats", "Conges"):
        (site.tree / folder).mkdir()
    (site.tree / "Contrats" / "hand.pdf").write_bytes(b"x")
    assert "Documents_RH" not in site.dav("PROPFIND", "").text, "on disk is not registered"
    done = site.occ("files:scan", spelling)
    assert done.returncode == 0
    # New entries are counted under Updated; so is the parent, whose date has changed.
    folders, files, new, updated, removed, errors = counts(done.stdout)
    assert (folders, files, new, removed, errors) == (3, 1, 0, 0, 0)
    assert updated >= 4
    assert "Documents_RH" in site.dav("PROPFIND", "").text
    assert counts(site.occ("files:scan", spelling).stdout) == (3, 1, 0, 0, 0, 0)


def test_scan_counts_a_removed_file(site: Site) -> None:
    site.dav("PUT", "Documents_RH/Contrats/hand.pdf", data=b"x").raise_for_status()
    (site.tree / "Contrats" / "hand.pdf").unlink()
    os.utime(site.tree / "Contrats", (OLD, OLD))  # the folder's date changes within the second otherwise
    assert counts(site.occ("files:scan", PATH).stdout) == (4, 0, 0, 1, 1, 0)
    assert "hand.pdf" not in site.dav("PROPFIND", "Documents_RH/Contrats").text


def test_scan_writes_nothing(site: Site) -> None:
    (site.tree / "Contrats" / "hand.pdf").write_bytes(b"x")
    with recording(site.tree) as recorder:
        site.occ("files:scan", PATH)
        assert recorder.read() == []


def test_shallow_scan_leaves_out_sub_folders(site: Site) -> None:
    (site.tree / "Contrats" / "hand.pdf").write_bytes(b"x")
    assert counts(site.occ("files:scan", "--shallow", PATH).stdout)[:2] == (1, 0)


def test_verbose_scan_names_what_it_sees(site: Site) -> None:
    (site.tree / "Contrats" / "hand.pdf").write_bytes(b"x")
    lines = site.occ("files:scan", "-v", PATH).stdout.splitlines()
    assert f"\tFolder\t/{ADMIN}/{TREE}/Contrats" in lines
    assert f"\tFile\t/{ADMIN}/{TREE}/Contrats/hand.pdf" in lines


def test_temporary_names_are_not_indexed(site: Site) -> None:
    names = ["abcdef.ocTransferId123.part", "foo.part", "x.filepart", "dl.crdownload", "x.tmp", ".~lock.a#"]
    for name in names:
        (site.tree / "Contrats" / name).touch()
    assert counts(site.occ("files:scan", PATH).stdout)[1] == 3
    listed = site.dav("PROPFIND", "Documents_RH/Contrats").text
    assert "part" not in listed
    assert "dl.crdownload" in listed


def test_output_option_changes_nothing(site: Site) -> None:
    printed = site.occ("files:scan", "--output=json", PATH)
    assert (printed.returncode, counts(printed.stdout)[0]) == (0, 4)


@pytest.mark.parametrize(
    ("arguments", "says", "errors"),
    [
        ([f"--path={ADMIN}/files/Nulle_part"], f"Path not found: /{ADMIN}/files/Nulle_part", 1),
        (["carole"], "Unknown user 1 carole", 0),
        (["--path=/Documents_RH"], "Unknown user 1 Documents_RH", 0),
        (["--path=/"], "Unknown user 1 ", 0),
    ],
)
def test_scan_that_scans_nothing_ends_with_0(
    site: Site, arguments: list[str], says: str, errors: int
) -> None:
    done = site.occ("files:scan", *arguments)
    assert done.returncode == 0
    assert says in done.stdout.splitlines()
    assert counts(done.stdout) == (0, 0, 0, 0, 0, errors)


def test_unreadable_folder_ends_the_scan_with_0(web_user_site: Site) -> None:
    """As traced: two folders counted (the second is the closed one), two errors, the rest not scanned."""
    closed = web_user_site.tree / "Contrats" / "rootdir"
    closed.mkdir()
    closed.chmod(0)
    quiet = web_user_site.occ("files:scan", f"{PATH}/Contrats")
    verbose = web_user_site.occ("files:scan", "-v", f"{PATH}/Contrats")
    closed.chmod(0o755)
    assert quiet.returncode == verbose.returncode == 0
    recorded = next(
        row["result"] for row in map(json.loads, trace_lines("07c_root_owned_0600")) if "rc" in row.values()
    )
    traced = [cell.strip() for cell in recorded.splitlines()[5].strip("|").split("|")]
    assert table(verbose.stdout)["Folders"] == traced[0] == "2"
    assert table(verbose.stdout)["Errors"] == table(quiet.stdout)["Errors"] == traced[5] == "2"
    assert "Error while scanning, storage not available (Directory listing failed)" in verbose.stdout


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        ([], "Please specify the user id to scan, --all to scan for all users or --path=..."),
        (["--nimporte"], 'The "--nimporte" option does not exist.'),
    ],
)
def test_wrong_command_line_ends_with_1(site: Site, arguments: list[str], says: str) -> None:
    done = site.occ("files:scan", *arguments)
    assert done.returncode == 1
    assert says in done.stdout + done.stderr


def test_unknown_command_ends_with_1(site: Site) -> None:
    done = site.occ("bidule")
    assert (done.returncode, 'Command "bidule" is not defined.' in done.stderr) == (1, True)


def test_maintenance_mode_takes_the_files_commands_and_the_web_away(site: Site) -> None:
    assert site.occ("maintenance:mode", "--on").stdout == "Maintenance mode enabled\n"
    try:
        assert site.occ("maintenance:mode", "--on").stdout == "Maintenance mode already enabled\n"
        done = site.occ("files:scan", PATH)
        assert done.returncode == 1
        assert 'There are no commands defined in the "files" namespace.' in done.stderr
        assert site.http.get(f"{site.url}/status.php", timeout=20).json()["maintenance"] is True
        refused = site.dav("PROPFIND", "")
        assert (refused.status_code, refused.headers["X-Nextcloud-Maintenance-Mode"]) == (503, "1")
    finally:
        assert site.occ("maintenance:mode", "--off").stdout == "Maintenance mode disabled\n"
    assert site.occ("maintenance:mode").stdout == "Maintenance mode is currently disabled\n"
    assert site.dav("PROPFIND", "").status_code == 207


def test_nothing_of_files_before_the_installation(tmp_path: Path) -> None:
    command = [
        sys.executable,
        "-m",
        "lab.standins.nextcloud.occ",
        "--root",
        str(tmp_path),
        "files:scan",
        PATH,
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "Nextcloud is not installed - only a limited number of commands are available" in done.stderr
    assert 'There are no commands defined in the "files" namespace.' in done.stderr


@needs_root
def test_another_unix_user_is_refused_with_0(web_user_site: Site) -> None:
    done = web_user_site.occ("files:scan", PATH, user=65534)
    assert done.returncode == 0
    assert 'Cannot write into "config" directory!' in done.stdout
    assert "Folders" not in done.stdout


@needs_root
def test_root_becomes_the_owner_of_the_configuration_but_keeps_its_group(web_user_site: Site) -> None:
    source = web_user_site.root / "paie.pdf"
    source.write_bytes(b"x")
    done = web_user_site.occ("files:put", str(source), f"{ADMIN}/{TREE}/Contrats/paie.pdf")
    assert (done.returncode, done.stdout) == (0, "")
    status = (web_user_site.tree / "Contrats" / "paie.pdf").stat()
    assert (status.st_uid, status.st_gid) == (WEB_USER, 0)


def test_every_call_closes_the_data_folder_to_others(site: Site) -> None:
    data = site.root / "data"
    for call in (lambda: site.occ("status"), lambda: site.dav("PROPFIND", "")):
        data.chmod(0o771)
        call()
        assert data.stat().st_mode & 0o777 == 0o770


def test_put_writes_under_the_final_name(site: Site, tmp_path: Path) -> None:
    (tmp_path / "hand.pdf").write_bytes(b"x")
    recorded = of_path(read_trace("07d_occ_files_put").events, "Documents_RH/Contrats/put.pdf")
    with recording(site.tree) as recorder:
        site.occ("files:put", str(tmp_path / "hand.pdf"), f"/{ADMIN}/{TREE}/Contrats/put.pdf")
        assert of_path(recorder.read(), "Contrats/put.pdf") == recorded
    assert site.dav("GET", "Documents_RH/Contrats/put.pdf").content == b"x"


def test_put_that_cannot_be_done_says_so(site: Site, tmp_path: Path) -> None:
    missing = site.occ("files:put", str(tmp_path / "none"), f"/{ADMIN}/{TREE}/Contrats/put.pdf")
    assert (missing.returncode, missing.stdout) == (1, f"Failed to open {tmp_path / 'none'}\n")
    folder = site.occ("files:put", "/etc/hostname", f"/{ADMIN}/{TREE}/Contrats")
    assert (folder.returncode, folder.stdout) == (1, f"/{ADMIN}/{TREE}/Contrats is a folder\n")


def test_status_and_users(site: Site) -> None:
    assert "  - versionstring: 32.0.1\n" in site.occ("status").stdout
    web = site.http.get(f"{site.url}/status.php", timeout=20).json()
    assert json.loads(site.occ("status", "--output=json").stdout) == web
    assert site.occ("user:list").stdout.splitlines()[0] == f"  - {ADMIN}: {ADMIN}"
    assert json.loads(site.occ("user:list", "--output=json").stdout)[ADMIN] == ADMIN


def test_php_wrapper_takes_occ_and_nothing_else(site: Site, tmp_path: Path) -> None:
    """The script as the image has it, with the code where the image has it."""
    script = (Path(__file__).parents[2] / "lab/standins/nextcloud/occ/php").read_text()
    assert "PYTHONPATH=/opt/lab " in script
    wrapper = tmp_path / "php"
    wrapper.write_text(script.replace("PYTHONPATH=/opt/lab ", f"PYTHONPATH={Path(__file__).parents[2]} "))
    wrapper.chmod(0o755)
    environment = os.environ | {"PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}"}

    def php(*arguments: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [wrapper, *arguments], cwd=site.root, env=environment, capture_output=True, text=True, check=False
        )

    assert counts(php("occ", "files:scan", PATH).stdout)[0] == 4
    assert php("occ", "files:scan").returncode == 1
    assert php("-v").returncode == 1


def test_app_passwords_are_listed_and_deleted(site: Site) -> None:
    before = json.loads(site.occ("user:auth-tokens:list", ADMIN, "--output=json").stdout)
    made = site.occ("--no-interaction", "user:auth-tokens:add", ADMIN).stdout.splitlines()
    assert made[0].startswith("No password provided")
    assert made[1] == "app password:"
    after = json.loads(site.occ("user:auth-tokens:list", ADMIN, "--output=json").stdout)
    (number,) = {each["id"] for each in after} - {each["id"] for each in before}

    def enters() -> int:
        address = f"{site.url}/remote.php/dav/files/{ADMIN}/"
        return requests.request("PROPFIND", address, auth=(ADMIN, made[2]), timeout=20).status_code

    assert enters() == 207
    for _ in range(2):  # of one that is gone nothing is said
        gone = site.occ("user:auth-tokens:delete", ADMIN, str(number))
        assert (gone.returncode, gone.stdout) == (0, "")
    assert enters() == 401
    assert site.occ("user:auth-tokens:list", "nobody").returncode == 1


def test_settings_are_told_one_by_one(site: Site) -> None:
    assert site.occ("config:system:get", "datadirectory").stdout == f"{site.root}/data\n"
    assert site.occ("config:system:get", "installed").stdout == "true\n"
    for missing in (["no-such-setting"], ["trusted_domains", "7"]):
        asked = site.occ("config:system:get", *missing)
        assert (asked.returncode, asked.stdout) == (1, "")
