"""A Python application as releases that switch at once, on a host that reaches no package index.

    /opt/NAME/<digest>/   a virtual environment with everything; `complete` is written last, nothing changes after it
    /opt/NAME/current     -> the release in use
    /opt/NAME/before/     while a new release is on trial: the release, settings and units before it

The deploy brings the wheels. A release is on trial from the switch until `accepted`; if a service does not come up
with it meanwhile, `roll_back` puts everything back. The release before the current one is kept.
"""

from hashlib import sha256
from pathlib import Path

from pyinfra import host
from pyinfra.api import StringCommand

from tasks.operations import wheels
from tasks.operations.remote import HostFact, uploaded
from tasks.operations.resource import Commands, ResourceError, resource, tell


class Interpreter(HostFact[str]):
    """`MAJOR.MINOR MACHINE` of the host's python3, or an empty string."""

    def command(self) -> str:
        return "python3 -c 'import sys, platform; print(*sys.version_info[:2], platform.machine())' 2>/dev/null || true"


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


def release_digest(source: Path, package: str, lock: Path) -> str:
    """Names a release by what it is made of: the package's files, its metadata and the lock."""
    digest = sha256()
    for path in [*sorted((source / package).rglob("*")), source / "pyproject.toml", lock]:
        if path.is_file() and "__pycache__" not in path.parts:
            digest.update(f"{path.relative_to(source)}\0".encode() + path.read_bytes() + b"\0")
    return digest.hexdigest()[:12]


@resource
def python_app(app: str, source: Path, package: str, requirements: Path) -> Commands:
    """Have the project at `source` in use under /opt/APP, with what `requirements`/PACKAGE.txt locks.

    `package` is the project's one package. `requirements`/pip.txt locks the pip that installs the rest.
    """
    lock = requirements / f"{package}.txt"
    digest = release_digest(source, package, lock)
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
    tell([f"~ {app}: {was} -> {digest} (Python {python}, {machine})"])
    root = f"/opt/{app}"
    yield StringCommand(f"mkdir -p {root} && rm -rf {root}/{'next' if whole else digest}")
    if not whole:
        bundle = wheels.bundle(source, [requirements / "pip.txt", lock], python, machine)
        yield uploaded(bundle, f"{root}/{digest}.tar")
        yield StringCommand(
            _install(app, digest, lock.name, wheels.distribution(source), in_use=current == digest)
        )
    if current and current != digest:
        yield StringCommand(_remember(app))
    yield StringCommand(f"ln -sfn {digest} {root}/next && mv -T {root}/next {root}/current")
    keep = "|".join(name for name in (digest, current) if name)
    yield StringCommand(f"cd {root} && ls | grep -Ex '[0-9a-f]{{12}}' | grep -Evx '{keep}' | xargs -r rm -rf")


@resource
def accepted(app: str) -> Commands:
    """End the trial of a new release: its services are up."""
    if host.get_fact(OnTrial, app=app):
        tell([f"~ {app}: new release on trial -> accepted"])
        yield StringCommand(f"rm -rf /opt/{app}/before")


class OnTrial(HostFact[bool]):
    """Whether a new release of `app` is on trial."""

    default = bool

    def command(self, app: str) -> str:
        return f"test -d /opt/{app}/before && echo yes || true"

    def process(self, output: list[str]) -> bool:
        """Whether something was printed."""
        return bool(output)


def roll_back(app: str) -> str:
    """A shell command that puts the release, the settings and the units back, if a new release is on trial.

    Services that it restarts run again as before. It fails, so that the operation does.
    """
    before, units = f"/opt/{app}/before", "/etc/systemd/system"
    return (
        f"if test -d {before}; then "
        f"cp -a {before}/settings/* /etc/{app}/ && rm -f {units}/{app}-* && cp -a {before}/units/* {units}/ && "
        f"ln -sfn $(cat {before}/release) /opt/{app}/next && mv -T /opt/{app}/next /opt/{app}/current && "
        f"systemctl daemon-reload && rm -rf {before} && systemctl restart $(cd {units} && ls -d {app}-*.service); "
        f"echo 'the new release did not come up; the one before is in use again' >&2; fi; false"
    )


def _remember(app: str) -> str:
    before = f"/opt/{app}/before"
    return (
        f"rm -rf {before}.new {before} && mkdir -m 700 -p {before}.new/settings {before}.new/units && "
        f"cp -a /etc/{app}/*.toml {before}.new/settings/ && cp -a /etc/systemd/system/{app}-* {before}.new/units/ && "
        f"basename $(readlink /opt/{app}/current) > {before}.new/release && mv -T {before}.new {before}"
    )


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


def _install(app: str, digest: str, lock: str, own: str, *, in_use: bool) -> str:
    """Unpack and install from the bundle alone; every file is compared with the hash in the lock.

    `in_use`: services run from what was at this place, so they start anew before it counts as whole.
    """
    root = f"/opt/{app}"
    release = f"{root}/{digest}"
    restart = f"systemctl try-restart '{app}-*.service' || true; " if in_use else ""
    pip = "PYTHONPATH=$(echo wheels/pip-*.whl) python3 -m pip --quiet --disable-pip-version-check --no-input"
    install = f"{pip} --python bin/python install --no-index --find-links wheels"
    return (
        f"set -e; umask 022; python3 -m venv --without-pip {release}; cd {release}; "
        f"tar -xf {root}/{digest}.tar; rm {root}/{digest}.tar; "
        f"{install} --require-hashes -r wheels/{lock}; {install} --no-deps wheels/{own}-*.whl; "
        # The second time, for making the file has changed its folder.
        f"rm -rf wheels; {restart}touch complete; touch complete"
    )
