"""The package of the program: equal bytes from equal sources, all that the deploy needs in it, and nothing else."""

import hashlib
import os
import shutil
import subprocess
import sys
import tarfile
import tomllib
import zipfile
from pathlib import Path

import pytest
from packaging.requirements import Requirement

from tasks.operations.python_app import release_digest

ROOT = Path(__file__).parents[2]
WITHIN = "passerelle/project/"
# What lies in the checkout for those who work on it, and for nobody else.
LEFT_OUT = (
    *("bench/", "docs/", ".ci/", ".gitignore", "Makefile", "LICENSE"),
    *("README.md", "README.fr.md", "CHANGELOG.md", "CONTRIBUTING.md"),
)


def tracked() -> list[str]:
    """The files that git knows, or would take."""
    command = ["git", "ls-files", "-z", "--cached", "--others", "--exclude-standard"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    return [name for name in done.stdout.split("\0") if name and (ROOT / name).is_file()]


def copied(place: Path, seconds: int, mode: int) -> Path:
    """A checkout with those files, of that age and mode, and some of a lab's secrets beside."""
    for name in tracked():
        target = place / name
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(ROOT / name, target)
        target.chmod(mode)
        os.utime(target, (seconds, seconds))
    for secret in (
        "lab/.state/lab.json",
        "passerelle.toml",
        "passerelle.tokens.json",
        "tasks/__pycache__/a.pyc",
    ):
        (place / secret).parent.mkdir(parents=True, exist_ok=True)
        (place / secret).write_text("a secret")
    return place


def built(source: Path, place: Path) -> dict[str, Path]:
    """Wheel and source archive, by the ends of their names."""
    command = [sys.executable, "-P", "-m", "hatchling", "build", "-d", str(place)]
    subprocess.run(command, cwd=source, capture_output=True, check=True)
    return {
        "".join(path.suffixes[-2:]) if path.suffix == ".gz" else path.suffix: path for path in place.iterdir()
    }


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("package")


@pytest.fixture(scope="module")
def first(place: Path) -> dict[str, Path]:
    return built(copied(place / "one", 1_700_000_000, 0o644), place / "first")


def digest(path: Path) -> str:
    return hashlib.sha256(path.read_bytes()).hexdigest()


def test_the_same_sources_make_the_same_bytes(place: Path, first: dict[str, Path]) -> None:
    second = built(copied(place / "two", 1_800_000_000, 0o600), place / "second")
    assert set(first) == set(second) == {".whl", ".tar.gz"}
    assert {kind: digest(path) for kind, path in first.items()} == {
        kind: digest(path) for kind, path in second.items()
    }


def test_the_source_archive_makes_the_same_wheel(place: Path, first: dict[str, Path]) -> None:
    with tarfile.open(first[".tar.gz"]) as archive:
        archive.extractall(place / "unpacked", filter="data")
    (source,) = (place / "unpacked").iterdir()
    assert digest(built(source, place / "third")[".whl"]) == digest(first[".whl"])


def test_the_wheel_holds_what_the_deploy_and_the_checks_need(first: dict[str, Path]) -> None:
    with zipfile.ZipFile(first[".whl"]) as wheel:
        names = {name for name in wheel.namelist() if ".dist-info/" not in name}
    assert {name for name in names if not name.startswith("passerelle/")} == set()
    bundled = {name.removeprefix(WITHIN) for name in names if name.startswith(WITHIN)}
    program = {name for name in names if not name.startswith(WITHIN)}
    known = tracked()
    assert program == {name for name in known if name.startswith("passerelle/")}
    assert bundled <= set(known), "something that git does not know"
    missing = [name for name in set(known) - bundled - program if not name.startswith((*LEFT_OUT, "tests/"))]
    assert missing == []
    assert {name for name in known if name.startswith(("tests/acceptance/", "tests/evidence/"))} <= bundled


def test_no_secret_is_taken_along(first: dict[str, Path]) -> None:
    with zipfile.ZipFile(first[".whl"]) as wheel, tarfile.open(first[".tar.gz"]) as archive:
        for name in (*wheel.namelist(), *archive.getnames()):
            assert not name.endswith(("lab.json", "passerelle.toml", ".tokens.json", ".pyc")), name


def test_what_is_installed_brings_the_same_release_as_the_checkout(
    place: Path, first: dict[str, Path]
) -> None:
    with zipfile.ZipFile(first[".whl"]) as wheel:
        wheel.extractall(place / "installed")  # noqa: S202
    there = place / "installed" / WITHIN
    assert release_digest(there / "relays", there / "requirements/relays.txt") == release_digest(
        ROOT / "relays", ROOT / "requirements/relays.txt"
    )


def test_both_packages_have_one_version() -> None:
    versions = [
        tomllib.loads((ROOT / path).read_text(encoding="utf-8"))["project"]["version"]
        for path in ("pyproject.toml", "relays/pyproject.toml")
    ]
    assert versions[0] == versions[1]


def test_it_needs_what_the_deploy_needs_in_the_versions_that_are_tested() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    needs = {each.name: each for each in map(Requirement, project["dependencies"])}
    lines = (ROOT / "requirements/deploy.in").read_text(encoding="utf-8").splitlines()
    assert set(needs) == {line for line in lines if line and not line.startswith("#")} | {"pip"}
    locked = dict(
        line.split(" ")[0].split("==")
        for line in (ROOT / "requirements/deploy.txt").read_text(encoding="utf-8").splitlines()
        if "==" in line and not line.startswith((" ", "#"))
    )
    outside = [name for name, need in needs.items() if name in locked and locked[name] not in need.specifier]
    assert outside == []
