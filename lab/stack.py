"""The host container, the Compose project on it, and the settings with which the deploy finds them."""

import io
import json
import tarfile
import time
from contextlib import closing
from pathlib import Path
from typing import Any

import docker
import requests
from docker.errors import APIError, NotFound
from docker.models.containers import Container
from docker.utils.socket import STDERR, STDOUT, frames_iter

from lab import engine, images, state
from lab.progress import LabError, say, wait_for

HOST = "passerelle-lab-host"
NETWORK = "passerelle-lab"
PROJECT = "taaf-infrastructure"
INFRASTRUCTURE = f"/root/{PROJECT}"
LABEL = "passerelle.lab"
OURS: dict[str, Any] = {"label": LABEL}
MEMBERS: dict[str, Any] = {"label": f"com.docker.compose.project={PROJECT}"}


def up() -> state.Lab:
    """Bring the lab up, or what of it is missing; the lab, ready for a deploy."""
    engine.need({"ssh": "openssh-client", "git": "git"})
    client = engine.connect()
    _refuse_real(client)
    lab = state.current()
    _clear_other(client, lab)
    host_image = images.host_image(client)
    apps_image = images.apps_image(client, host_image)
    if not client.networks.list(names=[f"^{NETWORK}$"]):
        client.networks.create(NETWORK, labels={LABEL: lab.id})
    host = start_host(client, lab, host_image, HOST, "taaf", lab.ssh_port)
    state.write_private(state.KNOWN_HOSTS, known_host(host, lab.ssh_port))
    say("starting the Compose project on the host")
    write_infrastructure(host, lab, apps_image)
    _compose_up(host, lab)
    _seed(lab)
    state.write_private(state.SETTINGS, _settings(lab))
    return lab


def down() -> None:
    """Remove the lab with all its data; images stay, and an engine that was there before."""
    client = engine.connect()
    _remove(client)
    state.forget()
    engine.stop_if_ours()


def host_container(client: docker.DockerClient) -> Container:
    """The running host; LabError where there is none."""
    try:
        return client.containers.get(HOST)
    except NotFound:
        raise LabError("the lab is not up; run: make lab") from None


def run(host: Container, *command: str) -> str:
    """What a command on the host printed, warnings aside; LabError if it failed."""
    # The library loses what the engine sends together with the head of its response (docker/docker-py#2042: 6 of 1500
    # short commands were empty). So the command starts at a line that is sent after that.
    assert host.client, "it comes from one"
    api = host.client.api
    held_back = ["sh", "-c", 'read -r _ && exec "$@" </dev/null', "sh", *command]
    execution = api.exec_create(host.id, held_back, stdin=True)["Id"]
    stream: Any = api.exec_start(execution, socket=True)
    with closing(stream):
        getattr(stream, "_sock", stream).sendall(b"\n")
        frames = list(frames_iter(stream, tty=False))  # type: ignore[no-untyped-call]
    code = api.exec_inspect(execution)["ExitCode"]
    output, errors = (
        b"".join(part for source, part in frames if source == each).decode(errors="replace")
        for each in (STDOUT, STDERR)
    )
    if code:
        raise LabError(f"on the host: {' '.join(command)}: {(output + errors).strip()[-600:]}")
    return output


def _clear_other(client: docker.DockerClient, lab: state.Lab) -> None:
    """One lab fits on a machine: another checkout's, or one whose state is lost, makes room.

    The network says whose it is: it is made first. Data that it is missing for, as after a prune, are nobody's.
    """
    owners = [network.attrs["Labels"][LABEL] for network in client.networks.list(filters=OURS)]
    left = [*owners, *client.containers.list(all=True, filters=OURS), *client.volumes.list(filters=OURS)]
    if left and set(owners) != {lab.id}:
        say("removing the lab of another checkout")
        _remove(client)


def _refuse_real(client: docker.DockerClient) -> None:
    """A real site's project of this name would be taken over, its data with it."""
    strangers = [c.name for c in client.containers.list(all=True, filters=MEMBERS) if not _in_lab(c)]
    strangers += [
        v.name for v in client.volumes.list(filters=MEMBERS) if LABEL not in (v.attrs["Labels"] or {})
    ]
    if strangers:
        raise LabError(
            f"this machine has a real Compose project {PROJECT} ({', '.join(map(str, strangers))}); "
            "run the lab on another machine"
        )


def _remove(client: docker.DockerClient) -> None:
    containers = [c for c in client.containers.list(all=True, filters=MEMBERS) if _in_lab(c)]
    for container in [*containers, *client.containers.list(all=True, filters=OURS)]:
        container.remove(force=True)
    for volume in client.volumes.list(filters=OURS):
        volume.remove(force=True)
    for network in client.networks.list(filters=OURS):
        network.remove()


def _in_lab(container: Container) -> bool:
    return NETWORK in container.attrs["NetworkSettings"]["Networks"]


def start_host(
    client: docker.DockerClient, lab: state.Lab, image: str, name: str, hostname: str, ssh_port: int
) -> Container:
    """The host of that name, running, with SSH on a port of the loopback that takes the lab's key."""
    try:
        host = client.containers.get(name)
        host.start()
    except NotFound:
        say(f"starting the host {hostname}")
        root = client.info()["DockerRootDir"]
        host = client.containers.run(
            image,
            # Shared mounts before anything starts: else services do not see their credentials (LoadCredential).
            ["sh", "-c", "mount --make-rshared / && exec /sbin/init"],
            name=name,
            hostname=hostname,
            detach=True,
            network=NETWORK,
            labels={LABEL: lab.id},
            ports={"22/tcp": ("127.0.0.1", ssh_port)},
            # What systemd needs as PID 1 of a container, short of --privileged.
            cgroupns="host",
            security_opt=["seccomp=unconfined", "apparmor=unconfined"],
            cap_add=["SYS_ADMIN", "NET_ADMIN", "SYS_PTRACE"],
            tmpfs={"/run": "", "/run/lock": "", "/tmp": ""},  # noqa: S108
            volumes=[
                "/sys/fs/cgroup:/sys/fs/cgroup:rw",
                # The host commands the engine that it runs on, so the applications are its neighbours
                # and their volumes lie where Docker says they do.
                "/var/run/docker.sock:/var/run/docker.sock",
                f"{root}/volumes:{root}/volumes",
            ],
        )
    wait_for("systemd on the host", lambda: host.exec_run(["systemctl", "is-active", "-q", "ssh"])[0] == 0)
    _admit(host)
    return host


def known_host(host: Container, ssh_port: int) -> str:
    """The line of a known_hosts file for the host behind that port."""
    key = run(host, "cat", "/etc/ssh/ssh_host_ed25519_key.pub").split()[:2]
    return f"[127.0.0.1]:{ssh_port} {' '.join(key)}\n"


def _admit(host: Container) -> None:
    """Our key for root and for a user with sudo."""
    public = state.KEY.with_suffix(".pub").read_text()
    run(host, "sh", "-c", "id ops >/dev/null 2>&1 || useradd -m -s /bin/bash ops")
    for home, user in (("/root", "root"), ("/home/ops", "ops")):
        run(host, "install", "-d", "-m", "700", "-o", user, "-g", user, f"{home}/.ssh")
        _put(host, f"{home}/.ssh", {"authorized_keys": public})
        run(host, "chown", f"{user}:{user}", f"{home}/.ssh/authorized_keys")
    _put(host, "/etc/sudoers.d", {"ops": "ops ALL=(ALL) NOPASSWD: ALL\n"}, mode=0o440)


def write_infrastructure(host: Container, lab: state.Lab, image: str) -> None:
    """The folder of the Compose project on a host."""
    environment = {
        "LAB_APPS_IMAGE": image,
        "LAB_NETWORK": NETWORK,
        "LAB_GIT_PORT": lab.git_port,
        "LAB_CLOUD_PORT": lab.cloud_port,
        "LAB_CHAT_PORT": lab.chat_port,
        "GITLAB_ROOT_PASSWORD": lab.root_password,
        "GITLAB_ROOT_TOKEN": lab.root_token,
        "GITLAB_ROOT_READ_TOKEN": lab.read_token,
        "NEXTCLOUD_ADMIN_PASSWORD": lab.cloud_password,
    }
    dotenv = "".join(f"{name}={value}\n" for name, value in environment.items())
    run(host, "install", "-d", INFRASTRUCTURE)
    compose = (Path(__file__).parent / "docker-compose.yml").read_text()
    _put(host, INFRASTRUCTURE, {"docker-compose.yml": compose})
    _put(host, INFRASTRUCTURE, {".env": dotenv}, mode=0o600)


def _compose_up(host: Container, lab: state.Lab) -> None:
    run(host, "docker", "compose", "--project-directory", INFRASTRUCTURE, "up", "-d", "--quiet-pull")
    for name, port, path in (
        ("gitlab", lab.git_port, "/users/sign_in"),
        ("nextcloud", lab.cloud_port, "/status.php"),
        ("mattermost", lab.chat_port, "/api/v4/system/ping"),
    ):
        try:
            wait_for(name, lambda port=port, path=path: _answers(f"http://127.0.0.1:{port}{path}"))  # type: ignore[misc]
        except LabError as error:
            logs = run(
                host, "docker", "compose", "--project-directory", INFRASTRUCTURE, "logs", "--tail", "20", name
            )
            raise LabError(f"{error}\n{logs}") from None


def _answers(url: str) -> bool:
    try:
        return requests.get(url, timeout=5).ok
    except requests.RequestException:
        return False


def _seed(lab: state.Lab) -> None:
    """What a site's administrator has done before: a first account in Mattermost and a token for it."""
    api = f"http://127.0.0.1:{lab.chat_port}/api/v4"
    known = {"Authorization": f"Bearer {lab.chat_token}"}
    # The data are new where another checkout's lab has had its turn meanwhile.
    if lab.chat_token and requests.get(f"{api}/users/me", headers=known, timeout=30).ok:
        return
    account = {"email": "admin@taaf.internal", "username": "admin", "password": lab.chat_password}
    requests.post(f"{api}/users", json=account, timeout=30)  # refused where the account is there already
    login = requests.post(
        f"{api}/users/login", json={"login_id": "admin", "password": lab.chat_password}, timeout=30
    )
    login.raise_for_status()
    session = {"Authorization": f"Bearer {login.headers['Token']}"}
    allow = {"ServiceSettings": {"EnableUserAccessTokens": True}}
    requests.put(f"{api}/config/patch", json=allow, headers=session, timeout=30).raise_for_status()
    path = f"{api}/users/{login.json()['id']}/tokens"
    made = requests.post(path, json={"description": "passerelle"}, headers=session, timeout=30)
    made.raise_for_status()
    lab.chat_token = made.json()["token"]
    lab.save()


def _settings(lab: state.Lab) -> str:
    """The lab as a site: the TAAF's own values, and where this one is reached."""
    return as_toml(
        {
            "host": {
                "address": "127.0.0.1",
                "ssh_port": lab.ssh_port,
                "ssh_key": str(state.KEY),
                "known_hosts": str(state.KNOWN_HOSTS),
            },
            "mattermost": {"token": lab.chat_token},
            "gitlab": {
                "token": lab.root_token,
                "read_token": lab.read_token,
                "web_password": lab.root_password,
            },
            "nextcloud": {"app_password": lab.cloud_password},
        }
    )


def as_toml(sections: dict[str, dict[str, str | int]]) -> str:
    """Tables by their names as a settings file has them."""
    lines = []
    for section, values in sections.items():
        lines += [f"[{section}]", *[f"{name} = {json.dumps(value)}" for name, value in values.items()], ""]
    return "\n".join(lines)


def _put(host: Container, folder: str, texts: dict[str, str], mode: int = 0o644) -> None:
    archive = io.BytesIO()
    with tarfile.open(fileobj=archive, mode="w") as tar:
        for name, text in texts.items():
            entry = tarfile.TarInfo(name)
            entry.size, entry.mode, entry.mtime = len(text.encode()), mode, int(time.time())
            tar.addfile(entry, io.BytesIO(text.encode()))
    try:
        host.put_archive(folder, archive.getvalue())
    except APIError as error:
        raise LabError(f"the host does not take files into {folder}: {error.explanation}") from None
