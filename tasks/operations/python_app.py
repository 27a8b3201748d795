"""A Python application as releases that switch at once, on a host that reaches no package index.

    /opt/NAME/<digest>/   a virtual environment with everything; `complete` is written last, nothing changes after it
    /opt/NAME/current     -> the release in use
The deploy brings the wheels. A release is on trial (tasks.operations.trial) from the switch until `accepted`. The
release before the current one is kept.
"""

from collections.abc import Callable
from functools import cache
from hashlib import sha256
from pathlib import Path
from typing import NamedTuple

from pyinfra import host
from pyinfra.api import StringCommand

from tasks.operations import wheels
from tasks.operations.remote import HostFact, uploaded
from tasks.operations.resource import Commands, ResourceError, resource, show
from tasks.operations.trial import Trial

INTERPRETER = (
    "python3 -c 'import sys, platform; print(*sys.version_info[:2], platform.machine())' 2>/dev/null || true"
)
"""Prints `MAJOR MINOR MACHINE` of the host's python3, or nothing."""


class Interpreter(HostFact[str]):
    """`MAJOR MINOR MACHINE` of the host's python3, or an empty string."""

    def command(self) -> str:
        return INTERPRETER


class Release(HostFact[dict[str, str]]):
    """{"current": digest in use, "complete": "yes" if `digest` was installed whole, "altered": "yes" if not so since}.

    Content, owner, mode and presence of a file all have a part in the time of the last change of its status, or of its
    folder's.
    """

    default = dict

    def command(self, app: str, digest: str) -> str:
        return (
            f'echo current=$(basename "$(readlink /opt/{app}/current)" 2>/dev/null); '
            f"cd /opt/{app}/{digest} 2>/dev/null && test -e complete && echo complete=yes && "
            "find . -cnewer complete -printf 'altered=yes\\n' -quit || true"
        )

    def process(self, output: list[str]) -> dict[str, str]:
        """The lines as a dict."""
        return dict(line.split("=", 1) for line in output if "=" in line)


@cache
def release_digest(source: Path, lock: Path) -> str:
    """Names a release by what it is made of: the files of the project and the lock, as they are at the first call."""
    digest = sha256()
    for path in sorted(source.rglob("*"), key=str):
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(source)}\0".encode() + path.read_bytes() + b"\0")
    digest.update(lock.read_bytes())
    return digest.hexdigest()[:12]


class Switch(NamedTuple):
    """What the switch to another release means for what both work on.

    `lines` of the plan; `command`, for the shell, is run right before it, with `$release` the folder of the release in
    use. A run that dies in between is begun anew by the next one.
    """

    lines: tuple[str, ...] = ()
    command: str = ""


@resource
def python_app(
    app: str,
    source: Path,
    requirements: Path,
    cache: Path,
    look: Callable[[], Switch] = Switch,
    trial: Trial | None = None,
) -> Commands:
    """Have the project at `source` in use under /opt/APP, with what `requirements`/FOLDER.txt locks.

    FOLDER is the name of the project's. `requirements`/pip.txt locks the pip that installs the rest. Wheels are
    gathered in `cache` and kept there. Where another release is to take the place of one, `look` answers what that
    means. The `trial` begins before the switch.
    """
    lock = requirements / f"{source.name}.txt"
    digest = release_digest(source, lock)
    found = host.get_fact(Release, app=app, digest=digest)
    current = found.get("current") or None
    whole = "complete" in found and "altered" not in found
    if current == digest and whole:
        return
    python, machine = supported(host.get_fact(Interpreter))
    was = (
        f"release {current}, altered since"
        if current == digest and "altered" in found
        else f"release {current}"
    )
    switch = look() if current and current != digest else Switch()
    show([f"~ {app}: {was} -> {digest} (Python {python}, {machine})", *switch.lines])
    root = f"/opt/{app}"
    yield StringCommand(f"mkdir -p {root} && rm -rf {root}/next {root}/{digest}.new")
    if not whole:
        bundle = wheels.bundle(source, [requirements / "pip.txt", lock], python, machine, cache)
        yield uploaded(bundle, f"{root}/{digest}.tar")
        yield StringCommand(_install(app, digest, lock.name, in_use=current == digest))
    trial = trial or Trial(app)
    if current != digest:
        yield trial.remember
    if current and current != digest:
        yield trial.noted(digest)
    if switch.command:
        yield StringCommand(f"release={root}/{current}; {switch.command} || {trial.roll_back}")
    yield StringCommand(f"ln -sfn {digest} {root}/next && mv -T {root}/next {root}/current")
    # The one that a trial goes back to may be older than the current one.
    kept = " ".join(f"-e {name}" for name in (digest, current) if name)
    before = f'-e "$(cat {root}/before/release 2>/dev/null || echo {digest})"'
    yield StringCommand(
        f"cd {root} && ls | grep -Ex '[0-9a-f]{{12}}' | grep -Fvx {kept} {before} | xargs -r rm -rf"
    )


@resource
def accepted(app: str) -> Commands:
    """End the trial of a new release: its services are up."""
    if host.get_fact(OnTrial, app=app):
        show([f"~ {app}: on trial -> accepted"])
        yield StringCommand(f"rm -rf /opt/{app}/before")


class OnTrial(HostFact[bool]):
    """Whether a new release of `app` is on trial."""

    default = bool

    def command(self, app: str) -> str:
        return f"test -d /opt/{app}/before && echo yes || true"

    def process(self, output: list[str]) -> bool:
        """Whether something was printed."""
        return bool(output)


def supported(interpreter: str | None) -> tuple[str, str]:
    """(`3.13`, `x86_64`) of the fact; ResourceError for a host without a Python that the relays run on."""
    words = (interpreter or "").split()
    if len(words) != 3:
        raise ResourceError("host: it has no python3; install it (apt install python3), then run again")
    if (int(words[0]), int(words[1])) < (3, 11):
        raise ResourceError(
            f"host: its python3 is {words[0]}.{words[1]}; the relays need Python 3.11 or newer"
        )
    return f"{words[0]}.{words[1]}", words[2]


def _install(app: str, digest: str, lock: str, *, in_use: bool) -> str:
    """Unpack and install from the bundle alone; every file is compared with the hash in the lock.

    Beside the place of the release, so that what is there works until the new one is whole; what fails leaves nothing.
    `in_use`: services run from what was at this place, so they start anew before it counts as whole.
    """
    root = f"/opt/{app}"
    release = f"{root}/{digest}"
    restart = f"systemctl try-restart '{app}-*.service' || true; " if in_use else ""
    pip = "PYTHONPATH=$(echo wheels/pip-*.whl) python3 -m pip --quiet --disable-pip-version-check --no-input"
    install = f"{pip} --python bin/python install --no-index --find-links wheels"
    return (
        f"set -e; umask 022; trap 'rm -rf {release}.tar {release}.new {release}.old' EXIT; "
        f"python3 -m venv --without-pip {release}.new; cd {release}.new; tar -xf {release}.tar; "
        f"{install} --require-hashes -r wheels/{lock}; rm -rf wheels; "
        f"test ! -e {release} || mv -T {release} {release}.old; mv -T {release}.new {release}; cd {release}; "
        # The second time, for making the file has changed its folder.
        f"{restart}touch complete; touch complete"
    )
