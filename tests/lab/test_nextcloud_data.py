"""Nextcloud's data elsewhere than in the volume of the lab: in a folder of the host, in another volume."""

from collections.abc import Iterator
from dataclasses import dataclass

import pytest

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge
from tests.lab.faults.world import INFRASTRUCTURE, TREE
from tests.lab.other_sites import Shell, arrives, deployed, nothing_differs, started_with

# The host of the lab and its Docker, which is this machine's, have no other folder in common.
VOLUMES = "/var/lib/docker/volumes"
ELSEWHERE = "passerelle-lab-data"
HOME = TREE.removesuffix("/data/admin/files/Documents_RH")
EXTERNAL = f"volumes: {{elsewhere: {{external: true, name: {ELSEWHERE}}}}}\n"


@dataclass(frozen=True)
class Place:
    """Where the data lie on the host, what of Nextcloud lies there, and the mounts that Compose makes of it."""

    name: str
    path: str
    holds: str
    mounts: tuple[str, ...]

    def __str__(self) -> str:
        return self.name


PLACES = [
    Place(
        "all in a folder", f"{VOLUMES}/{ELSEWHERE}/srv", HOME, (f"{VOLUMES}/{ELSEWHERE}/srv:/var/www/html",)
    ),
    Place(
        "the data in a folder",
        f"{VOLUMES}/{ELSEWHERE}/srv",
        f"{HOME}/data",
        ("nextcloud_data:/var/www/html", f"{VOLUMES}/{ELSEWHERE}/srv:/var/www/html/data"),
    ),
    Place("all in another volume", f"{VOLUMES}/{ELSEWHERE}/_data", HOME, ("elsewhere:/var/www/html",)),
    Place(
        "the data in another volume",
        f"{VOLUMES}/{ELSEWHERE}/_data",
        f"{HOME}/data",
        ("nextcloud_data:/var/www/html", "elsewhere:/var/www/html/data"),
    ),
]


@pytest.fixture
def moved(machine: Shell, place: Place) -> Iterator[None]:
    """The data there, with their owners and modes; in their volume again at the end, where they stayed."""
    override = "services:\n  nextcloud:\n    volumes: !override\n"
    override += "".join(f"      - {mount}\n" for mount in place.mounts)
    if in_volume := any(mount.startswith("elsewhere:") for mount in place.mounts):
        override += EXTERNAL
        machine(f"docker volume create --label passerelle.lab=data {ELSEWHERE}")
    try:
        machine(
            f"cd {INFRASTRUCTURE} && docker compose stop nextcloud 2>&1; "
            f"mkdir -p {place.path} && cp -aT {place.holds} {place.path}"
        )
        with started_with(machine, override):
            yield
    finally:
        machine(f"cd {INFRASTRUCTURE} && docker compose up -d 2>&1")
        machine(f"docker volume rm {ELSEWHERE}" if in_volume else f"rm -rf {VOLUMES}/{ELSEWHERE}")


@pytest.mark.exhaustive
@pytest.mark.parametrize("place", PLACES, ids=str)
def test_data_are_found_where_they_lie(
    place: Place, moved: None, machine: Shell, site: Site, chat: Chat, forge: Forge, cloud: Cloud
) -> None:
    deployed()
    seen = machine("systemctl show --value -p BindReadOnlyPaths passerelle-nextcloud.service")
    tree = f"{place.path}{TREE.removeprefix(place.holds)}"
    assert tree in seen
    assert TREE not in seen
    arrives(chat, forge, cloud, site)
    nothing_differs()
    # What is missing is made there, and registered with Nextcloud.
    machine(f"rm -rf {tree}/Contrats")
    deployed()
    machine(f"test -d {tree}/Contrats")
    nothing_differs()
