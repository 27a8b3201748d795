"""A site whose applications speak TLS with certificates of its own authority, on the live host."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from docker import DockerClient
from docker.models.containers import Container

from lab import stack
from relays.base.tls import context
from tasks.site import Site
from tests import tls
from tests.acceptance.people import Chat, Cloud, Forge
from tests.evidence.keys import trusted_keys
from tests.lab.doctor import doctor
from tests.lab.other_sites import Shell, arrives
from tests.lab.runs import deploy, pyinfra
from tests.lab.test_drift_report import drift
from tests.waiting import wait_until

NAME = "secure.taaf.internal"
PORTS = {"mattermost": 8443, "gitlab": 8444, "nextcloud": 8445}
BEHIND = {8443: "chat.taaf.internal", 8444: "git.taaf.internal", 8445: "cloud.taaf.internal"}
# Whose certificates the front shows, on the host.
SHOWN = "/run/lab-tls.pem"
FRONT = f"""
import asyncio, ssl
async def copy(source, target):
    try:
        while data := await source.read(65536):
            target.write(data); await target.drain()
        target.write_eof() if target.can_write_eof() else target.close()
    except OSError:
        target.close()
async def lead(name, reader, writer):
    there, back = await asyncio.open_connection(name, 80)
    await asyncio.gather(copy(reader, back), copy(there, writer))
    writer.close(); back.close()
async def main():
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER); context.load_cert_chain("{SHOWN}")
    for port, name in {BEHIND!r}.items():
        await asyncio.start_server(lambda r, w, name=name: lead(name, r, w), "127.0.0.1", port, ssl=context)
    await asyncio.Event().wait()
asyncio.run(main())
"""


@pytest.fixture(scope="module")
def front(engine_client: DockerClient) -> Iterator[Callable[[tls.Identity], None]]:
    """Has all three applications at https:// on the host, with a certificate; gone at the end, and so are we."""
    host = stack.host_container(engine_client)

    def run(command: str) -> str:
        return stack.run(host, "sh", "-c", command)

    def wear(identity: tls.Identity) -> None:
        put(host, "/run/lab-tls.py", FRONT)
        put(host, SHOWN, identity.pem + identity.private_pem)
        run("systemctl stop lab-tls 2>/dev/null; systemd-run --quiet --unit lab-tls python3 /run/lab-tls.py")
        wait_until(
            "the front", lambda: "OK" in run(f"curl -ks https://{NAME}:8443/api/v4/system/ping || true")
        )

    run(f"echo '127.0.0.1 {NAME}' >> /etc/hosts")
    yield wear
    run("systemctl stop lab-tls; rm -f /run/lab-tls.*")
    # Docker's own mount: written, not replaced.
    run(f"grep -v ' {NAME}' /etc/hosts > /run/hosts; cat /run/hosts > /etc/hosts")
    deploy()


def put(host: Container, path: str, text: str) -> None:
    stack.run(host, "sh", "-c", f"umask 077; cat > {path} <<'END'\n{text}\nEND")


@pytest.fixture
def secure(site: Site) -> dict[str, str]:
    """The settings of a site at https://."""
    password = site.nextcloud.app_password
    assert password
    urls = {f"{name}__url": f"https://{NAME}:{port}" for name, port in PORTS.items()}
    return {**urls, "nextcloud__relay_password": password.get_secret_value()}


def seen(site: Site, settings: dict[str, str], ca: Path) -> Site:
    """The site as those settings describe it."""
    parts: dict[str, Any] = {
        name: getattr(site, name).model_copy(update={"url": settings[f"{name}__url"]}) for name in PORTS
    }
    return site.model_copy(update={**parts, "host": site.host.model_copy(update={"ca": ca})})


@pytest.mark.exhaustive
def test_unknown_authority_is_reported_by_all_alike(
    front: Callable[[tls.Identity], None], secure: dict[str, str]
) -> None:
    front(tls.make("x", tls.ROOT, names=[NAME]))
    words = (
        f"mattermost: {secure['mattermost__url']}: its certificate is of an authority that is not known here; "
        "name the PEM file of that authority in host.ca"
    )
    run = pyinfra("-y", **secure)
    assert (run.code, run.changed) == (1, 0)
    assert words in run.output
    assert "forward" not in run.output
    code, printed, complaint = drift(**secure)
    assert (code, printed) == (1, "")
    assert words in complaint
    found = doctor(**secure)
    assert (found.code, found.first) == (2, "tls.authority")
    assert "host.ca" in found.remedy
    for output in (run.output, complaint, found.output):
        assert "Traceback" not in output


@pytest.mark.exhaustive
def test_site_of_its_own_authority(
    front: Callable[[tls.Identity], None],
    secure: dict[str, str],
    machine: Shell,
    site: Site,
    chat: Chat,
    proxy: str | None,
    tmp_path: Path,
) -> None:
    """Deploy, relays, commands, doctor and checks; then the authority is exchanged, then given up."""
    front(tls.make("x", tls.ROOT, names=[NAME]))
    ca = tls.write(tmp_path)
    secure["host__ca"] = str(ca)
    deploy(**secure)
    assert machine("stat -c '%a %U' /etc/passerelle/ca.pem").strip() == "644 root"
    assert deploy(**secure).changed == 0
    there = seen(site, secure, ca)
    people = Chat(there, proxy), Forge(there, proxy), Cloud(there, proxy)
    arrives(*people, site, by="admin")
    people[1].clone(tmp_path)
    assert len([*trusted_keys([secure["gitlab__url"]], proxy, ca)]) == 1
    machine("/root/taaf-infrastructure/scripts/status.sh")
    wait_until_sound_with(secure)

    machine("echo >> /etc/passerelle/ca.pem")
    code, printed, _ = drift(**secure)
    assert code == 2
    assert "/etc/passerelle/ca.pem" in printed

    other = tls.make("Nouvelle autorité", authority=True)
    ca.write_text(tls.ROOT.pem + other.pem)
    deploy(**secure)
    front(tls.make("x", other, names=[NAME]))
    context.cache_clear()
    people = Chat(there, proxy), Forge(there, proxy), Cloud(there, proxy)
    arrives(*people, site, by="admin")

    deploy()
    assert machine("ls /etc/passerelle/ca.pem 2>&1 || true").strip().endswith("No such file or directory")
    assert deploy().changed == 0


def wait_until_sound_with(settings: dict[str, str]) -> None:
    """Until the doctor finds nothing broken."""
    wait_until("the doctor is content", lambda: doctor(**settings).code == 0, seconds=120, every=1)
