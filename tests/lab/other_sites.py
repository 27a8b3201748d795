"""Sites other than the lab's own: its applications started otherwise, what arrives there, and that nothing differs."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge, marker, shown
from tests.lab.doctor import doctor
from tests.lab.faults.world import INFRASTRUCTURE
from tests.lab.runs import deploy, pyinfra
from tests.lab.test_drift_report import drift
from tests.waiting import wait_until

Shell = Callable[[str], str]


def address(machine: Shell, container: str) -> str:
    """The address of a container of the lab, which this machine and the host reach alike."""
    asked = '{{(index .NetworkSettings.Networks "passerelle-lab").IPAddress}}'
    return machine(f"docker inspect {container} --format '{asked}'").strip()


@contextmanager
def started_with(machine: Shell, override: str) -> Iterator[None]:
    """The lab's applications with a Compose override, as long as the block lasts; it ends as it was found."""
    file = f"{INFRASTRUCTURE}/docker-compose.override.yml"
    up = f"cd {INFRASTRUCTURE} && docker compose up -d 2>&1"
    try:
        machine(f"cat > {file} <<'END'\n{override}END\n{up}")
        yield
    finally:
        machine(f"rm -f {file}; {up}")
        deployed()


def deployed(**settings: str) -> None:
    """A deploy, as soon as the applications answer."""
    wait_until("the deploy", lambda: pyinfra("-y", **settings).code == 0, seconds=120, every=1)


def arrives(chat: Chat, forge: Forge, cloud: Cloud, site: Site, by: str = "") -> dict[str, Any]:
    """An event and a document are announced, the latter with the words `by`; the post about the event."""
    mark = marker()
    forge.api("POST", "PROJECT/issues", {"title": mark})
    cloud.put(f"Contrats/{mark}.pdf", b"%PDF")
    posts = []
    for hook, words in ((site.mattermost.gitlab_webhook, ""), (site.mattermost.nextcloud_webhook, by)):
        (post,) = wait_until(hook.channel, lambda hook=hook: chat.about(hook.channel, mark), seconds=60)  # type: ignore[misc]
        assert words in shown(post)
        posts.append(post)
        chat.delete(post)
    cloud.delete(f"Contrats/{mark}.pdf")
    return posts[0]


def nothing_differs(**settings: str) -> None:
    """Nothing is to be done and nothing broken, as deploy, drift and doctor see it."""
    assert (run := deploy(**settings)).changed == 0, run.output
    assert drift(**settings) == (0, "0 difference(s)\n", "")

    def sound() -> bool:
        found = doctor(**settings)
        if found.code:
            print(found.output)
        return found.code == 0

    wait_until("the doctor is content", sound, seconds=60, every=1)
