"""A site whose messages a bot posts: there and back without losing an event, rotated, torn down, judged."""

from collections.abc import Callable, Iterator
from contextlib import suppress

import pytest
import requests

from tasks.site import Site
from tests.acceptance.people import Chat, Cloud, Forge, marker, shown
from tests.lab.doctor import doctor
from tests.lab.faults.bot import BOT, TOKEN
from tests.lab.faults.world import World
from tests.lab.removal.cases import without_token
from tests.lab.runs import deploy, pyinfra
from tests.lab.test_outage import seen
from tests.waiting import wait_until

Shell = Callable[[str], str]
Events = Callable[[], tuple[str, int]]
RELAYS = "passerelle-gitlab.service passerelle-nextcloud.service"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """The lab's own site stays with its webhooks."""
    yield
    deploy()


@pytest.fixture
def world(site: Site, chat: Chat, forge: Forge, machine: Shell) -> World:
    return World(site, chat, forge, machine)


def bot_of(chat: Chat) -> dict[str, object]:
    """The bot, disabled or not."""
    found = chat.api("GET", "/bots?include_deleted=true&per_page=200")
    return next(each for each in found if each["username"] == "passerelle")


def me(chat: Chat, token: str) -> requests.Response:
    """What Mattermost says to a token."""
    proxies = {"http": chat.proxy, "https": chat.proxy} if chat.proxy else None
    url = f"{chat._site.url}/api/v4/users/me"
    return requests.get(url, headers={"Authorization": f"Bearer {token}"}, proxies=proxies, timeout=20)


def test_a_bot_posts_and_webhooks_again_and_no_event_is_lost(world: World, events: Events) -> None:
    """Without the token for GitLab's log, so nothing is fetched afterwards."""
    alone = without_token(world)
    deploy(**alone)
    made = deploy(**BOT, **alone)
    assert "+ bot" in made.output or "bot passerelle: disabled -> enabled" in made.output
    saved = world.machine(f"cat {TOKEN}").strip()
    assert saved not in made.output
    assert world.machine(f"stat -c '%a %U' {TOKEN}").split() == ["600", "root"]
    assert deploy(**BOT, **alone).changed == 0
    title = marker()
    world.forge.api("POST", "PROJECT/issues", {"title": title})
    wait_until("a post of the bot", lambda: world.chat.about("dev-notifications", title))
    (post,) = world.chat.about("dev-notifications", title)
    assert post["user_id"] == bot_of(world.chat)["user_id"]
    back = deploy(**alone)
    assert "token of the bot passerelle" in back.output
    assert bot_of(world.chat)["delete_at"] != 0
    assert me(world.chat, saved).status_code == 401
    assert world.machine(f"ls {TOKEN} 2>/dev/null || true").strip() == ""
    assert deploy(**alone).changed == 0
    mark, count = events()
    assert count > 10, "hardly anything happened meanwhile"
    numbers = {str(number) for number in range(count)}
    with suppress(AssertionError):
        wait_until(
            "all events", lambda: numbers == set(seen(world.chat, "dev-notifications", mark)), seconds=60
        )
    assert numbers - set(seen(world.chat, "dev-notifications", mark)) == set()


@pytest.mark.exhaustive
def test_versions_of_a_document_answer_in_its_thread(chat: Chat, cloud: Cloud) -> None:
    deploy(**BOT)
    mark = marker()
    cloud.put(f"Contrats/{mark}.pdf", b"%PDF")
    (root,) = wait_until("the document", lambda: chat.about("rh-alerts", mark))
    for number in range(2):
        cloud.put(f"Contrats/{mark}.pdf", b"%PDF" + b"x" * 2000 * (number + 1))
        wait_until(
            "the version",
            lambda count=number + 2: len(chat.about("rh-alerts", mark)) == count,  # type: ignore[misc]
        )
    first, *answers = chat.about("rh-alerts", mark)
    assert first["id"] == root["id"]
    assert [each["root_id"] for each in answers] == [root["id"]] * 2
    wait_until("the root shows it", lambda: "3.91 KB" in shown(chat.about("rh-alerts", mark)[0]))
    assert "Nouvelle version" in shown(chat.about("rh-alerts", mark)[0])
    cloud.delete(f"Contrats/{mark}.pdf")


@pytest.mark.exhaustive
def test_a_rotation_replaces_the_token_and_loses_no_event(machine: Shell, chat: Chat, events: Events) -> None:
    deploy(**BOT)
    before = machine(f"cat {TOKEN}").strip()
    run = pyinfra("-y", deploy="rotate.py", **BOT)
    mark, count = events()
    assert run.code == 0, run.output
    after = machine(f"cat {TOKEN}").strip()
    assert before != after
    assert before not in run.output
    assert after not in run.output
    assert (me(chat, before).status_code, me(chat, after).status_code) == (401, 200)
    wait_until("all events", lambda: len(set(seen(chat, "dev-notifications", mark))) == count, seconds=60)
    assert deploy(**BOT).changed == 0


@pytest.mark.exhaustive
def test_a_teardown_disables_the_bot_and_a_deploy_brings_it_back(machine: Shell, chat: Chat) -> None:
    deploy(**BOT)
    saved = machine(f"cat {TOKEN}").strip()
    shown_first = pyinfra("--dry", deploy="teardown.py", **BOT)
    assert "~ bot passerelle: enabled -> disabled" in shown_first.output
    assert me(chat, saved).status_code == 200
    run = pyinfra("-y", deploy="teardown.py", **BOT)
    assert run.code == 0, run.output
    assert bot_of(chat)["delete_at"] != 0
    assert me(chat, saved).status_code == 401
    assert pyinfra("-y", deploy="teardown.py", **BOT).changed == 0
    deploy(**BOT)
    assert bot_of(chat)["delete_at"] == 0
    assert deploy(**BOT).changed == 0


@pytest.mark.exhaustive
def test_the_doctor_judges_the_bot(world: World) -> None:
    deploy(**BOT)
    assert doctor(**BOT).code == 0
    identity = bot_of(world.chat)["user_id"]
    world.chat.api("POST", f"/bots/{identity}/disable")
    ill = doctor(**BOT)
    assert ill.code == 2
    assert "[bot.disabled]" in ill.output
    deploy(**BOT)
    assert doctor(**BOT).code == 0
