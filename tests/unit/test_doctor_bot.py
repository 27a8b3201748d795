"""The links of the bot account: each fault is named, and nothing else; a site whose webhooks post has none of them."""

from collections.abc import Callable, Iterator

import pytest

from tasks.doctor.chain import Noted
from tests.unit.doctor_world import SITE, World, sound
from tests.unit.test_doctor_checks import Change, host


@pytest.fixture(scope="module")
def world(tmp_path_factory: pytest.TempPathFactory) -> Iterator[World]:
    """A sound site whose messages a bot posts."""
    with sound(tmp_path_factory.mktemp("site")) as made:
        made.switch("EnableBotAccountCreation", True)
        texts = {"username": "passerelle", "display_name": "Passerelle"}
        bot = made.chat.api("POST", "/bots", texts | {"description": "GitLab, Nextcloud (Passerelle)"})
        made.switch("EnableBotAccountCreation", False)
        user = {"user_id": bot["user_id"]}
        made.chat.api("POST", f"/teams/{made.team()}/members", user | {"team_id": made.team()})
        for name in ("dev", "rh"):
            made.chat.api("POST", f"/channels/{made.channel(name)}/members", user)
        made.chat.api("POST", f"/users/{bot['user_id']}/tokens", {"description": f"Passerelle, {SITE}, 1"})
        told = {"access": "600", "answer": 200, "error": "", "id": bot["user_id"]}
        yield made.setting("mattermost", posting="bot").changed("bot", to=told)


def identity(world: World) -> str:
    found = world.chat.api("GET", "/bots?include_deleted=true")
    return str(next(bot["user_id"] for bot in found if bot["display_name"] == "Passerelle"))


def test_a_sound_bot_is_noted_with_its_owner(world: World) -> None:
    assert world.found() == []
    noted = [each for each in world.verdicts() if isinstance(each.finding, Noted)]
    told = {each.link: each.finding.values for each in noted if isinstance(each.finding, Noted)}
    assert told["bot.account"] == {"bot": "passerelle", "owner": "admin"}
    world.switch("DisableBotsWhenOwnerIsDeactivated", False)
    try:
        assert [each.link for each in world.verdicts() if each.finding is not None] == ["gitlab.push-limit"]
    finally:
        world.switch("DisableBotsWhenOwnerIsDeactivated", True)


def test_where_webhooks_post_nothing_is_said_of_a_bot(world: World) -> None:
    change = world.setting("mattermost", posting="webhook").changed("bot", "access", to=None)
    assert [each.link for each in change.verdicts() if each.finding is not None] == ["gitlab.push-limit"]


SEEN: dict[str, Change] = {
    "bot.token-missing": host("bot", "access", to=None),
    "bot.token-access": host("bot", "access", to="644"),
    "bot.token-refused": host("bot", "answer", to=401),
    "bot.token-silent": host("bot", to={"access": "600", "answer": 0, "error": "TimeoutError", "id": ""}),
    "bot.token-other": host("bot", "id", to="another"),
}


@pytest.mark.parametrize("code", SEEN)
def test_what_the_host_tells_of_the_token_is_named(world: World, code: str) -> None:
    assert SEEN[code](world).found() == [code]


def renamed(name: str) -> Callable[[World], object]:
    return lambda world: world.chat.api("PUT", f"/bots/{identity(world)}", {"username": name})


def ruled(roles: str) -> Callable[[World], object]:
    return lambda world: world.chat.api("PUT", f"/users/{identity(world)}/roles", {"roles": roles})


def put_back(world: World) -> None:
    world.chat.api("POST", f"/channels/{world.channel('rh')}/members", {"user_id": identity(world)})


DONE: dict[str, tuple[Callable[[World], object], Callable[[World], object]]] = {
    "bot.missing": (renamed("other"), renamed("passerelle")),
    "bot.disabled": (
        lambda w: w.chat.api("POST", f"/bots/{identity(w)}/disable"),
        lambda w: w.chat.api("POST", f"/bots/{identity(w)}/enable"),
    ),
    "bot.roles": (ruled("system_user system_admin"), ruled("system_user")),
    "bot.member": (
        lambda w: w.chat.api("DELETE", f"/channels/{w.channel('rh')}/members/{identity(w)}"),
        put_back,
    ),
}


@pytest.mark.parametrize("code", DONE)
def test_what_is_done_to_the_bot_is_named(world: World, code: str) -> None:
    act, undo = DONE[code]
    act(world)
    try:
        assert world.found() == [code]
    finally:
        undo(world)
    assert world.found() == []


def test_an_owner_who_has_left_takes_the_bot_along(world: World) -> None:
    chat = world.chat
    owner = chat.add_user("olive")
    chat.api("PUT", f"/users/{owner}/roles", {"roles": "system_user system_admin"})
    admin, chat.token = chat.token, chat.login("olive")
    world.switch("EnableBotAccountCreation", True)
    chat.api("POST", "/bots", {"username": "annonces", "description": "x (Passerelle)"})
    chat.token = admin
    chat.api("PUT", f"/users/{owner}/active", {"active": False})
    other = world.site.mattermost.bot.model_copy(update={"username": "annonces"})
    (broken,) = world.setting("mattermost", bot=other).broken()
    assert (broken.code, broken.values) == ("bot.owner", {"bot": "annonces", "owner": "olive"})


def test_a_name_that_somebody_else_has_is_told_with_the_setting(world: World) -> None:
    world.chat.add_user("quelqu-un")
    other = world.site.mattermost.bot.model_copy(update={"username": "quelqu-un"})
    (broken,) = world.setting("mattermost", bot=other).broken()
    assert broken.code == "bot.taken"
    assert broken.values["detail"].startswith("mattermost.bot.username = 'quelqu-un': a person's account")
