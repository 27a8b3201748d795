"""Another port for the GitLab relay, without a moment at which GitLab finds none.

The next port is opened by a unit of its own while the first one goes on listening; the relay takes what comes in on
both. Then GitLab's hooks move. Then the first unit takes the next port as well, beside the other one (ReusePort), which
goes. Meanwhile systemd holds what comes while the relay starts again.
"""

from hashlib import sha256

from pyinfra import host
from pyinfra.api import StringCommand

from tasks.made import Made
from tasks.operations.remote import HostFact
from tasks.operations.resource import Commands, ResourceError, resource, show, step
from tasks.operations.text_file import Files, write
from tasks.operations.unit import FOLDER, Units, saying_why
from tasks.relays import TRIAL, socket_unit, this_release
from tasks.site import Site

SOCKET, NEXT, SERVICE = (
    "passerelle-gitlab.socket",
    "passerelle-gitlab-next.socket",
    "passerelle-gitlab.service",
)


class Port(HostFact[tuple[str, str]]):
    """(port that the first unit names, release in use), each empty if there is none."""

    def command(self) -> str:
        return (
            f"echo port=$(sed -n 's/^ListenStream=//p' {FOLDER}/{SOCKET} 2>/dev/null); "
            'echo release=$(basename "$(readlink /opt/passerelle/current)" 2>/dev/null)'
        )

    def process(self, output: list[str]) -> tuple[str, str]:
        """Two lines."""
        values = dict(line.partition("=")[::2] for line in output)
        return values.get("port", ""), values.get("release", "")


@step("Relays")
def open_next_port(site: Site, made: Made) -> None:
    """The port that the settings describe beside another one that is in use, before any hook leads there."""
    if _is_another(site, made):
        _open(site.relays.port, name="Next port of the gitlab relay")


@step("Relays")
def take_next_port(site: Site, made: Made) -> None:
    """The port that the settings describe in the place of another one, after the hooks have moved.

    Or no next port, after they have moved back.
    """
    if _is_another(site, made):
        _take(site.relays.port, name="Port of the gitlab relay")
    else:
        _close(site.relays.port, name="No next port of the gitlab relay")


def refuse_another_port(site: Site, made: Made) -> None:
    """ResourceError where the settings describe another port than the one in use: a rotation does not move it."""
    if _is_another(site, made):
        raise ResourceError(
            f"relays.port = {site.relays.port}: the relays of this site listen on {made.port}; "
            "run deploy.py, which moves the port, then rotate.py"
        )


def _is_another(site: Site, made: Made) -> bool:
    return made.port not in ("", str(site.relays.port))


def _is_changing(port: int, units: dict[str, dict[str, str]]) -> bool:
    before, release = host.get_fact(Port) or ("", "")
    # An earlier release takes what comes in on one port alone.
    return units[SOCKET].get("ActiveState") == "active" and before != str(port) and release == this_release()


@resource
def _open(port: int) -> Commands:
    units = host.get_fact(Units, units=[SOCKET, NEXT])
    text = socket_unit(port, is_next=True)
    is_open = units[NEXT]["text"] == sha256(text.encode()).hexdigest()
    if not _is_changing(port, units) or (is_open and units[NEXT].get("ActiveState") == "active"):
        return
    before, _ = host.get_fact(Port)
    show([f"~ port of the gitlab relay: {before} -> {port}, both open until GitLab's hooks have moved"])
    failed = (
        f"{{ {saying_why([NEXT])}; systemctl disable -q --now {NEXT}; rm -f {FOLDER}/{NEXT}; systemctl daemon-reload; "
        f"systemctl reset-failed {SERVICE}; systemctl restart {SERVICE}; "
        f"echo 'relays.port = {port} cannot be opened; if something else has it (ss -ltnp), choose another one' >&2; "
        "false; }"
    )
    # In one go: the service is started by the next connection, and no socket is opened under its running service.
    start = (
        # An earlier run may have opened yet another one.
        f"{{ systemctl stop {NEXT} 2>/dev/null; systemctl daemon-reload; }} && systemctl enable -q {NEXT} && "
        f"systemctl restart {SERVICE}"
    )
    then = f"&& {start} && systemctl is-active -q {NEXT} && {TRIAL.keeping(NEXT)} || {failed}"
    yield write(f"{FOLDER}/{NEXT}", "cat", "644", "root", "root", text, then)


@resource
def _take(port: int) -> Commands:
    units = host.get_fact(Units, units=[SOCKET, NEXT])
    if units[NEXT].get("ActiveState") == "active" and _is_changing(port, units):
        show([f"~ {FOLDER}/{SOCKET}: other content"])
        failed = f"{{ {saying_why([SOCKET, SERVICE])}; false; }}"
        then = f"&& {{ systemctl daemon-reload && systemctl restart {SOCKET} {SERVICE} || {failed}; }}"
        yield write(f"{FOLDER}/{SOCKET}", "cat", "644", "root", "root", socket_unit(port), then, trial=TRIAL)


@resource
def _close(port: int) -> Commands:
    """Have no next port that the settings do not name any more: the relay holds it until it starts again."""
    path = f"{FOLDER}/{NEXT}"
    _, found = host.get_fact(Files, paths=[path]).get(path, ("", ""))
    if found and found != sha256(socket_unit(port, is_next=True).encode()).hexdigest():
        show([f"- {path}"])
        yield StringCommand(
            f"systemctl disable -q --now {NEXT}; rm -f {FOLDER}/{NEXT}; systemctl daemon-reload;"
            f" systemctl try-restart {SERVICE}"
        )
