"""The wheels of an application for another machine's Python, gathered here into one archive."""

import subprocess
import sys
import tarfile
import tomllib
from hashlib import sha256
from pathlib import Path
from threading import Lock

from packaging.markers import default_environment
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from tasks.operations.resource import ResourceError

# Newest C library that a wheel may ask for. Debian 12, the oldest host, has 2.36.
PLATFORMS = ("manylinux_2_28", "manylinux_2_24", "manylinux_2_17", "manylinux2014", "manylinux_2_5")

_bundles: dict[tuple[object, ...], Path] = {}
_turn = Lock()


def bundle(source: Path, locks: list[Path], python: str, machine: str, cache: Path) -> Path:
    """A tar archive `wheels/` of the project at `source` and all that `locks` name, for that Python.

    The last of the locks in it names the project too. Made once in a run, however many hosts want it, in `cache`.
    """
    wanted = (source, *locks, python, machine, cache)
    with _turn:
        if wanted not in _bundles:
            _bundles[wanted] = _make_bundle(source, locks, python, machine, cache)
        return _bundles[wanted]


def _make_bundle(source: Path, locks: list[Path], python: str, machine: str, cache: Path) -> Path:
    wheels = gather(cache, locks, python, machine)
    for old in wheels.glob(f"{distribution(source)}-*.whl"):
        old.unlink()
    # -P: the modules of the project are none of hatchling's.
    build = [sys.executable, "-P", "-m", "hatchling", "build", "-t", "wheel", "-d", str(wheels)]
    _run(build, source, f"building {distribution(source)}")
    # Locked as the others are, so that they are installed together, which takes half the time.
    (own,) = wheels.glob(f"{distribution(source)}-*.whl")
    with (wheels / locks[-1].name).open("a") as lock:
        lock.write(f"./wheels/{own.name} --hash=sha256:{sha256(own.read_bytes()).hexdigest()}\n")
    archive = wheels.with_suffix(".tar")
    with tarfile.open(archive, "w") as tar:
        tar.add(wheels, "wheels")
    return archive


def distribution(source: Path) -> str:
    """The name that the wheels of the project at `source` begin with."""
    name = tomllib.loads((source / "pyproject.toml").read_text(encoding="utf-8"))["project"]["name"]
    return canonicalize_name(name).replace("-", "_")


def gather(place: Path, locks: list[Path], python: str, machine: str) -> Path:
    """A folder with the wheels that `locks` name for that Python, and the locks themselves.

    Each file is compared with its hash in the lock. What was gathered before is not fetched again.
    Raises ResourceError if a package has no wheel for that machine, or the index does not answer.
    """
    names = "-".join(lock.stem for lock in locks)
    wheels = place.resolve() / f"{names}-cp{python.replace('.', '')}-{machine}"
    wheels.mkdir(parents=True, exist_ok=True)
    copies = [wheels / lock.name for lock in locks]
    for lock, copy in zip(locks, copies, strict=True):
        copy.write_text(for_python(lock.read_text(), python, machine))
    if not _are_all_there(wheels, copies):
        _download(wheels, copies, python, machine)
    return wheels


def _are_all_there(wheels: Path, locks: list[Path]) -> bool:
    """Whether of each entry of the locks there is a file with one of its hashes; pip would take seconds to say so."""
    there = {f"sha256:{sha256(wheel.read_bytes()).hexdigest()}" for wheel in wheels.glob("*.whl")}
    entries = [line.split("--hash=")[1:] for lock in locks for line in lock.read_text().splitlines()]
    return all(there & {each.strip() for each in hashes} for hashes in entries)


def for_python(lock: str, python: str, machine: str) -> str:
    """The lock without its environment markers, and without the entries that do not apply there.

    pip judges markers by the Python that it runs on, also when it gathers for another one.
    """
    there: dict[str, str] = {
        **{key: str(value) for key, value in default_environment().items()},
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": machine,
        "sys_platform": "linux",
        "platform_system": "Linux",
        "os_name": "posix",
        "implementation_name": "cpython",
        "platform_python_implementation": "CPython",
    }
    kept = []
    for entry in lock.replace("\\\n", " ").splitlines():
        specifier, *hashes = entry.partition("#")[0].split("--hash=")
        if not specifier.strip():
            continue
        requirement = Requirement(specifier.strip())
        if requirement.marker is None or requirement.marker.evaluate(there):
            pin = f"{requirement.name}{requirement.specifier}"
            kept.append(" ".join([pin, *[f"--hash={value.strip()}" for value in hashes]]))
    return "\n".join(kept) + "\n"


def _download(cache: Path, locks: list[Path], python: str, machine: str) -> None:
    command = [
        sys.executable,
        "-m",
        "pip",
        "download",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ]
    command += ["--no-deps", "--require-hashes", "--only-binary", ":all:", "--find-links", str(cache)]
    command += ["--dest", str(cache), "--python-version", python, "--implementation", "cp"]
    for abi in (f"cp{python.replace('.', '')}", "abi3", "none"):
        command += ["--abi", abi]
    for platform in PLATFORMS:
        command += ["--platform", f"{platform}_{machine}"]
    for lock in locks:
        command += ["-r", str(lock)]
    _run(command, cache, f"gathering the wheels for Python {python} on {machine}")


def _run(command: list[str], directory: Path, what: str) -> None:
    done = subprocess.run(command, cwd=directory, capture_output=True, text=True, check=False)
    if done.returncode:
        said = [line for line in (done.stderr or done.stdout).splitlines() if line.strip()]
        raise ResourceError(f"{what} failed: {said[-1] if said else f'exit code {done.returncode}'}")
