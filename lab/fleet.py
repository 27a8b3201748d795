"""Further hosts for the lab, each of them a site: its own systemd, SSH, relays, project, tree and webhooks.

They are as light as they can be: the applications are the lab's, which every host sees as its Compose project.
"""

from pathlib import Path

import docker
from docker.errors import NotFound

from lab import engine, images, stack, state
from lab.progress import LabError

OWN = "taaf"
"""The site of the lab's own host."""


def up(count: int) -> Path:
    """Have the lab with `count` further hosts; the settings file that describes all of them, site-1, site-2 and so on.

    Hosts beyond that number stay as they are. `make lab-down` removes all.
    """
    _need_room(count)
    lab = stack.up()
    client = engine.connect()
    image = images.host_image(client)
    applications = images.apps_image(client, image)

    ports = {}
    for number in range(
        1, count + 1
    ):  # one after the other: Docker may hang if it starts several systemds at once
        name = f"{stack.HOST}-{number}"
        ports[number] = _port(client, name)
        host = stack.start_host(client, lab, image, name, f"site-{number}", ports[number])
        stack.write_infrastructure(host, lab, applications)
    names = {stack.HOST: lab.ssh_port} | {f"{stack.HOST}-{number}": port for number, port in ports.items()}
    known = [stack.known_host(client.containers.get(name), port) for name, port in names.items()]
    state.write_private(state.FLEET_KNOWN_HOSTS, "".join(known))
    state.write_private(state.FLEET_SETTINGS, state.SETTINGS.read_text() + _sites(lab, ports))
    return state.FLEET_SETTINGS


def _need_room(count: int) -> None:
    """Each systemd watches files in five places, and Linux counts them by user, over all containers."""
    limit, needed = Path("/proc/sys/fs/inotify/max_user_instances"), 64 + 6 * count
    if int(limit.read_text()) < needed:
        raise LabError(
            f"{count} further hosts watch many files; run: sysctl fs.inotify.max_user_instances={needed}"
        )


def _port(client: docker.DockerClient, name: str) -> int:
    """The port of SSH on the loopback: a host that is there has one."""
    try:
        published = client.containers.get(name).attrs["HostConfig"]["PortBindings"]["22/tcp"]
    except NotFound:
        return state.free_port()
    return int(published[0]["HostPort"])


def _sites(lab: state.Lab, ports: dict[int, int]) -> str:
    """The tables of the sites: what distinguishes them, for they share the applications."""
    tables: dict[str, dict[str, str | int]] = {f"sites.{OWN}.host": _host(lab.ssh_port)}
    for number, port in ports.items():
        site = f"sites.site-{number}"
        tables |= {
            f"{site}.host": _host(port),
            f"{site}.mattermost.gitlab_webhook": {
                "display_name": f"GitLab {number}",
                "channel": f"dev-{number}",
            },
            f"{site}.mattermost.nextcloud_webhook": {
                "display_name": f"Nextcloud {number}",
                "channel": f"rh-{number}",
            },
            f"{site}.nextcloud": {"tree": f"Documents_RH_{number}"},
            f"{site}.gitlab": {"project": f"root/projet-{number}"},
        }
    return stack.as_toml(tables)


def _host(port: int) -> dict[str, str | int]:
    return {"address": "127.0.0.1", "ssh_port": port, "known_hosts": str(state.FLEET_KNOWN_HOSTS)}


def down() -> None:
    """Remove the further hosts; what their deploys have made in the applications is teardown's to remove."""
    lab, client = state.current(), engine.connect()
    for container in client.containers.list(all=True, filters={"label": f"{stack.LABEL}={lab.id}"}):
        if str(container.name).startswith(f"{stack.HOST}-"):
            container.remove(force=True)
