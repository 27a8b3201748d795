"""The lab's two images: the host, and the stand-ins on top of it."""

import shutil
import subprocess
import tempfile
from hashlib import sha256
from pathlib import Path

import docker
from docker.errors import APIError, BuildError, ImageNotFound

from lab.engine import need
from lab.progress import LabError, say
from tasks.operations.wheels import gather
from tasks.places import cache

LAB = Path(__file__).parent
PYTHON = "3.13"  # of Debian 13


def host_image(client: docker.DockerClient) -> str:
    """The name of the host's image, which is made if it is not there."""
    name = f"passerelle-lab-host:{_digest(LAB / 'host')}"
    if _missing(client, name):
        say("making the image of the host (Debian 13 with systemd)")
        if not _build(client, LAB / "host", name):
            _bootstrap(client, name)
    return name


def apps_image(client: docker.DockerClient, host: str) -> str:
    """The name of the image with the stand-ins, which is made if it is not there."""
    lock, pip = LAB.parent / "requirements" / "lab.txt", LAB.parent / "requirements" / "pip.txt"
    name = (
        f"passerelle-lab-apps:{_digest(LAB / 'apps', LAB / 'standins', LAB / 'portal', lock, pip, salt=host)}"
    )
    if _missing(client, name):
        say("making the image of the stand-ins")
        machine = client.version()["Arch"].replace("amd64", "x86_64").replace("arm64", "aarch64")
        with tempfile.TemporaryDirectory() as place:
            context = Path(place)
            wheels = gather(cache(), [pip, lock], PYTHON, machine)
            shutil.copytree(wheels, context / "wheels")
            for folder in ("standins", "portal"):
                shutil.copytree(
                    LAB / folder, context / "lab" / folder, ignore=shutil.ignore_patterns("__pycache__")
                )
            shutil.copy(LAB / "apps" / "Dockerfile", context)
            try:
                client.images.build(path=place, tag=name, buildargs={"HOST_IMAGE": host}, rm=True)
            except BuildError as error:
                said = [line.get("stream", "") for line in error.build_log if isinstance(line, dict)]
                raise LabError(
                    f"the image of the stand-ins cannot be built: {error.msg}\n{''.join(said)[-2000:]}"
                ) from None
    return name


def _build(client: docker.DockerClient, context: Path, name: str) -> bool:
    """Build from a pulled Debian image; False where no image can be pulled."""
    try:
        client.images.pull("debian", "trixie")
        client.images.build(path=str(context), tag=name, rm=True)
    except (APIError, BuildError):
        return False
    return True


def _bootstrap(client: docker.DockerClient, name: str) -> None:
    """The same image from Debian's packages alone."""
    need({"mmdebstrap": "mmdebstrap"})
    packages = ",".join((LAB / "host" / "packages.txt").read_text().split())
    with tempfile.TemporaryDirectory() as place:
        archive = Path(place) / "root.tar"
        command = ["mmdebstrap", "--variant=minbase", f"--include={packages}", "trixie", str(archive)]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise LabError(f"mmdebstrap failed: {done.stderr.strip().splitlines()[-1:]}")
        repository, _, tag = name.partition(":")
        client.api.import_image_from_file(str(archive), repository=repository, tag=tag)


def _missing(client: docker.DockerClient, name: str) -> bool:
    try:
        client.images.get(name)
    except ImageNotFound:
        return True
    return False


def _digest(*places: Path, salt: str = "") -> str:
    digest = sha256(salt.encode())
    for place in places:
        for path in sorted(place.rglob("*")) if place.is_dir() else [place]:
            if path.is_file() and "__pycache__" not in path.parts:
                digest.update(f"{path.relative_to(LAB.parent)}\0".encode() + path.read_bytes())
    return digest.hexdigest()[:12]
