"""A shared spool that the site leaves, for another one or for a file on the host: nothing that waits is left there.

The address in use is the first line of a file on the host, former ones follow. A relay that starts takes along what
waits in those (relays.storage.leave_shared). When all have, the tables go, and with them the former address.
"""

from hashlib import sha256

from pydantic import SecretStr
from pyinfra import host, state
from pyinfra.api import QuoteString, StringCommand

from tasks.context import SPOOL, DeployContext
from tasks.made import Made
from tasks.operations.absent import Present, no_paths
from tasks.operations.python_app import accepted
from tasks.operations.remote import run_quietly
from tasks.operations.resource import Commands, ResourceError, change, mend, note, resource, show, step
from tasks.operations.secret_file import Count, InUse
from tasks.operations.text_file import write
from tasks.relay_settings import gitlab_settings
from tasks.relays import FILE, gitlab_relay
from tasks.site import Site

_PYTHON = "/opt/passerelle/current/bin/python"
_FORGET = f"{_PYTHON} -I -m relays.sources.gitlab.drop_tables --credentials /etc/passerelle"
_REMEDY = f"mend that, or remove {SPOOL} from the host to leave them where they are"


@step("Shared spool")
def leave_former_spool(site: Site, context: DeployContext, made: Made) -> None:
    """No tables in a database that was used before, and no address of it; after every relay has left it."""
    if not made.spool:
        return
    _leave(site.relays.spool or FILE, name="Former shared spool")
    if not site.relays.spool:
        settings = gitlab_settings(site, signs=context.gitlab_signs, relay=context.relay)
        gitlab_relay(site, settings, context.webhooks_conf, _if=_is_left)
        accepted("passerelle", _if=_is_left, name="Relay without the shared spool")
        no_paths([SPOOL], _if=_is_left, name="No shared spool")


@step("Shared spool")
def forget_former_address() -> None:
    """Of a further relay host: the site's own takes the tables away."""
    _keep_one(name="Former address of the shared spool")


@step("Shared spool")
def remove_shared_spool() -> None:
    """None of the relays' tables in the databases that they share; the first host of a site takes them away."""
    _remove(name="Shared spool")


def _is_left() -> bool:
    """Whether nothing waits in a database any more, and the file on the host is in use for good."""
    return host.get_fact(InUse, paths=[SPOOL]) == [_digest(FILE)] and host.get_fact(Count, path=SPOOL) == 1


def _digest(secret: SecretStr) -> str:
    return sha256(secret.get_secret_value().encode()).hexdigest()


@resource
def _leave(wanted: SecretStr) -> Commands:
    if state.is_executing or host.get_fact(InUse, paths=[SPOOL]) == [_digest(wanted)]:
        if host.get_fact(Count, path=SPOOL) < 2:
            return
        former = f"{_FORGET} --former"
    else:
        former = _FORGET  # it will have been left
    ok, output = _run(f"{former} --dry")
    if not ok:
        note(
            [
                f"relays.spool: the former database cannot be looked at ({output}), what waits there stays; {_REMEDY}"
            ]
        )
        return
    show([f"- table {table} of the former shared spool" for table in output.split()])
    # What another relay was delivering when this one left comes along now.
    yield StringCommand("systemctl restart passerelle-gitlab.service")
    yield mend(lambda: _forget(former))
    yield write(SPOOL, f"head -n 1 {SPOOL}", "600", "root", "root")


@resource
def _keep_one() -> Commands:
    if host.get_fact(Count, path=SPOOL) > 1:
        show([f"~ {SPOOL}: two addresses -> the one in use"])
        yield write(SPOOL, f"head -n 1 {SPOOL}", "600", "root", "root")


@resource
def _remove() -> Commands:
    there = host.get_fact(Present, paths=[SPOOL, _PYTHON])
    if SPOOL not in there:
        return
    if _PYTHON not in there:
        raise ResourceError(
            f"relays.spool: its tables cannot be looked at without the relays' package; {_REMEDY}"
        )
    tables = _forget(f"{_FORGET} --dry")

    def remove() -> None:
        _forget(_FORGET)
        run_quietly(StringCommand("rm -f", QuoteString(SPOOL)))

    yield from change([*(f"- table {table}" for table in tables), f"- {SPOOL}"], remove)


def _forget(command: str) -> list[str]:
    ok, output = _run(command)
    if not ok and "still wait" in output:
        raise ResourceError(
            f"relays.spool: {output}: a relay died while it delivered; run again in half a minute"
        )
    if not ok:
        raise ResourceError(f"relays.spool: its tables cannot be removed ({output}); {_REMEDY}")
    return output.split()


def _run(command: str) -> tuple[bool, str]:
    ok, output = run_quietly(StringCommand(command, "2>&1"))
    return ok, " ".join(output.split()).removeprefix("forget: ")
