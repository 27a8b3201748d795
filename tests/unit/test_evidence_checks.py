"""The acceptance checks as a whole: every item of the list is proved, and every check says what it promises."""

import json
import os
import subprocess
import sys
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from tests.evidence.checklist import ITEMS, MISSION
from tests.evidence.french import FRENCH

ROOT = Path(__file__).parent.parent.parent
LISTING = """
import json

def pytest_collection_finish(session):
    found = [
        {"name": item.originalname, "promise": item.function.__doc__, "items": dict.fromkeys(
            value for name, value in item.user_properties if name == "checklist")}
        for item in session.items
    ]
    print("\\n" + json.dumps(found))
"""
CONFTEST = """
from pathlib import Path
from tests.evidence import plugin
from tests.evidence.plugin import *
from tests.evidence.plugin import dossier
plugin._CHECKS = Path(__file__).parent
"""


def pytest_of(place: Path, *options: str, **files: str) -> subprocess.CompletedProcess[str]:
    """Run pytest with modules of `files` beside whatever it is to run."""
    for name, text in files.items():
        (place / f"{name}.py").write_text(text)
    return subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "-p", "no:xdist", *options],
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": f"{place}:{ROOT}"},
        capture_output=True,
        text=True,
        check=False,
    )


def run_checks(place: Path, test: str, *options: str) -> subprocess.CompletedProcess[str]:
    """Run checks of our own through the plugin, from a folder of their own with the repository's options."""
    (place / "conftest.py").write_text(CONFTEST)
    (place / "test_x.py").write_text(test)
    plugins = ["-c", str(ROOT / "pyproject.toml"), f"--rootdir={place}", "-p", "tests.conftest"]
    return pytest_of(place, *plugins, *options, str(place))


@pytest.fixture(scope="module")
def checks(tmp_path_factory: pytest.TempPathFactory) -> list[dict[str, Any]]:
    place = tmp_path_factory.mktemp("listing")
    options = ("-p", "listing", "--collect-only", "-qq", "--disruptive", "tests/acceptance")
    done = pytest_of(place, *options, listing=LISTING)
    (line,) = [line for line in done.stdout.splitlines() if line.startswith("[{")]
    found: list[dict[str, Any]] = json.loads(line)
    return found


def test_every_item_of_the_mission_is_proved(checks: list[dict[str, Any]]) -> None:
    assert len(MISSION) == 13
    covered = {item for check in checks for item in check["items"]}
    assert covered == {item.id for item in ITEMS}


def test_every_check_says_what_it_promises_in_both_languages(checks: list[dict[str, Any]]) -> None:
    assert [check["name"] for check in checks if not check["promise"]] == []
    assert {check["name"] for check in checks} == FRENCH.keys()


def test_checks_run_in_the_order_of_the_list(checks: list[dict[str, Any]]) -> None:
    """The pictures are looked for when all other items have taken theirs."""
    order = [item.id for item in ITEMS]
    places = [order.index(next(iter(check["items"]))) for check in checks]
    assert places == sorted(places)


@pytest.mark.parametrize("mark", ["", "@pytest.mark.checklist('no-such-item')\n"])
def test_check_that_is_tied_to_nothing_is_refused(tmp_path: Path, mark: str) -> None:
    done = run_checks(tmp_path, f"import pytest\n{mark}def test_x(): pass\n")
    assert done.returncode == pytest.ExitCode.USAGE_ERROR
    assert "mark it with the items of the checklist" in done.stderr


TESTS = """
import pytest

@pytest.mark.checklist("push")
def test_good(dossier):
    "It works."
    dossier.mask.add("planted-1")
    dossier.journal.record("$ ask planted-1", "answer planted-1")

@pytest.mark.checklist("push", "upload")
def test_bad(dossier):
    "It does not."
    print("printed planted-1")
    hook = "http://chat/hooks/ybndrfg8ejkmcpqxot1uwisza3"
    assert hook == "planted-1"

@pytest.mark.checklist("commands")
@pytest.mark.disruptive
def test_kill():
    "It kills."
"""


def test_run_leaves_a_report_without_its_secrets(tmp_path: Path) -> None:
    options = ("--evidence", str(tmp_path / "out"), "--junitxml", str(tmp_path / "junit.xml"))
    done = run_checks(tmp_path, TESTS, *options)
    page, junit = (tmp_path / "out/report.html").read_text(), (tmp_path / "junit.xml").read_text()
    for kept in (page, junit, done.stdout):
        assert "planted-1" not in kept
        assert "ndrfg8ejkmcpqxot1uwisza3" not in kept
    assert "$ ask •••" in page
    assert "answer •••" in page
    assert '<property name="checklist" value="upload"' in junit
    assert f"the evidence is in {tmp_path / 'out/report.html'}" in done.stdout
    assert "1 failed, 1 passed, 1 deselected" in done.stdout


def test_failed_check_says_what_was_expected_and_seen_and_what_to_do_before_any_dump(tmp_path: Path) -> None:
    run_checks(tmp_path, TESTS, "--evidence", str(tmp_path / "out"))
    page = unescape((tmp_path / "out/report.html").read_text())
    part = page[page.index("It does not.") :]
    in_order = (
        "Attendu</dt><dd>•••",
        "Constaté</dt><dd>http://chat/hooks/ybnd•••",
        "Remède</dt><dd>make doctor",
    )
    places = [part.index(words) for words in (*in_order, '<pre class="reason">')]
    assert places == sorted(places)


def test_disruptive_checks_run_when_asked_for(tmp_path: Path) -> None:
    assert "1 failed, 2 passed" in run_checks(tmp_path, TESTS, "--disruptive").stdout
