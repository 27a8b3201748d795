"""Links on the host itself: the Compose project, room on the disks, and the way to each application."""

from functools import partial
from typing import Any

from relays.base import tls
from tasks.doctor.chain import Broken, Links, broken, distrusted
from tasks.doctor.look import Look
from tasks.operations.api import ApiError
from tasks.operations.compose import ALL_IN_ONE, of_service
from tasks.preflight.check import OLDEST_SYSTEMD, systemd_version

links = Links()

_LEAST_BYTES = 200_000_000
_LEAST_PART = 0.1
_LEAST_FILES = 1000
# What has another remedy than a start.
_STATES = {"snap": "docker.snap", "paused": "docker.paused", "restarting": "docker.restarting"}


@links.add("ssh")
def ssh(look: Look) -> Broken | None:
    """There is a look at all, so the host is reached."""
    return None


@links.add("docker", "ssh")
def docker(look: Look) -> Broken | None:
    """Docker answers for the Compose project, if the settings have anything in it."""
    fault = look.docker if look.site.services else None
    return (
        broken(f"docker.{fault.reason}", folder=look.infrastructure, detail=fault.detail) if fault else None
    )


@links.add("docker.services", "docker")
def services(look: Look) -> Broken | None:
    """The services that matter run; whatever runs Mattermost is known by its name or its image."""
    wanted = list(look.site.services)
    wanted += sorted({c.service for c in look.project if "mattermost" in f"{c.service} {c.image}".lower()})
    for service in wanted:
        values = {"service": service, **look.compose}
        found, elsewhere = of_service(look.project, service), of_service(look.containers, service)
        if service == ALL_IN_ONE:
            if elsewhere is None or elsewhere.state != "running":
                return broken(
                    "docker.all-in-one", service=service, state=elsewhere.state if elsewhere else "-"
                )
            continue
        if found is None and elsewhere is not None:
            return broken(
                "docker.project", name=elsewhere.project.name, other=elsewhere.project.folder, **values
            )
        if found is None:
            return broken("docker.service-missing", **values)
        if found.state != "running":
            code = _STATES.get(found.state, "docker.stopped")
            return broken(code, state=found.state, **values)
    return None


@links.add("docker.files", "docker")
def files(look: Look) -> Broken | None:
    """Compose can read the project's files, or the operators' commands fail."""
    if not look.project and not look.site.services:
        return None
    found = look.host["compose"]
    if not found["plugin"]:
        return broken("docker.plugin")
    return broken("docker.files", detail=found["said"], **look.compose) if found["code"] else None


@links.add("host.system", "ssh")
def system(look: Look) -> Broken | None:
    """systemd runs the host, and what a deploy writes can be written, and run."""
    version = systemd_version(look.ready)
    if version is None:
        return broken("host.systemd", detail=look.ready["systemd"]["said"] or "?")
    if version < OLDEST_SYSTEMD:
        return broken("host.systemd-old", version=version, least=OLDEST_SYSTEMD)
    for path, at in look.ready["places"].items():
        if at["readonly"]:
            return broken("host.read-only", place=at["at"], path=path)
        if at["noexec"] and path.startswith("/opt/"):
            return broken("host.noexec", place=at["at"], path=path)
    return None


@links.add("host.disk", "ssh")
def room(look: Look) -> Broken | None:
    """Where the relays and Docker keep their data, there is room."""
    for place, (free, whole, files) in look.host["disk"].items():
        if free < min(_LEAST_BYTES, whole * _LEAST_PART):
            return broken(
                "host.disk", place=place, free=f"{free / 1e6:.0f} Mo", whole=f"{whole / 1e6:.0f} Mo"
            )
        if files is not None and files < _LEAST_FILES:
            return broken("host.inodes", place=place, count=files)
    return None


def way_to(application: str, links: Links, *needs: str) -> None:
    """The links NAME and PORT of an application, as the host sees it."""
    links.add(f"{application}.name", "ssh", *needs)(partial(_name, application))
    links.add(f"{application}.port", f"{application}.name", *needs)(partial(_port, application))


def _name(application: str, look: Look) -> Broken | None:
    fault = look.host["web"][application]["name"]
    return broken(f"{application}.name", url=_url(application, look), detail=fault) if fault else None


def _port(application: str, look: Look) -> Broken | None:
    answer = look.host["web"][application]
    if answer["proxy"]:
        values = {"proxy": getattr(look.site, application).proxy, "setting": f"{application}.proxy"}
        return broken("host.proxy", url=_url(application, look), detail=answer["proxy"], **values)
    if answer["port"]:
        # Nobody listens there; or nobody answers, which is no fault of the application.
        code = f"{application}.port" if answer["refused"] else f"{application}.blocked"
        return broken(code, url=_url(application, look), detail=answer["port"])
    if fault := fault_of(answer):
        return distrusted(application, fault, look)
    if answer["silent"]:
        return broken(f"{application}.silent", url=_url(application, look), detail=answer["silent"])
    return None


def fault_of(answer: dict[str, Any]) -> tls.Fault | None:
    """What is wrong with the TLS of an answer."""
    if answer["tls"] is not None:
        return tls.fault(*answer["tls"])
    plain = tls.refuses_plain_http(answer["status"], answer["body"].encode())
    return tls.FAULTS["https"] if plain else None


def _url(application: str, look: Look) -> str:
    return str(getattr(look.site, application).url)


def passed_on(application: str, look: Look) -> Broken | None:
    """What answers is not the application but something in front of it, that leads elsewhere or waits for it."""
    answer, url = look.host["web"][application], _url(application, look)
    if 300 <= answer["status"] < 400:
        return broken(f"{application}.redirect", url=url, target=answer["location"][:200] or "?")
    if answer["status"] in (502, 503, 504) and not answer["body"].lstrip().startswith("{"):
        return broken(f"{application}.gateway", url=url, status=answer["status"])
    return None


def forwarding(look: Look) -> Broken | None:
    """sshd lets the doctor and the deploy through to what the host itself reaches."""
    if look.site.host.api_access == "direct":
        return None
    try:
        look.mattermost.call("GET", "/api/v4/system/ping")
    except ApiError as error:
        if error.fault:
            raise
        # Whatever it answers, something has answered.
        return None if error.status else broken("ssh.forwarding", detail=str(error))
    return None
