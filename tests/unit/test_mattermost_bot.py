"""The bot account: made with the least rights, announced before, mended whatever is wrong, on a stand-in."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tasks import bot
from tasks.made import Made, described
from tasks.operations.mattermost_bot import bots_of_site
from tests.operations import Outcome, apply, dry
from tests.unit.bot_world import SITE, SWITCH, World, another_token, described_as, standing

FIRST = [
    "+ bot passerelle",
    f"~ {SWITCH}: False -> True for the bot to be made, then False again",
    "+ bot passerelle in team taaf",
    "+ bot passerelle in channel dev-notifications",
    "+ bot passerelle in channel rh-alerts",
]


@pytest.fixture
def world(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[World]:
    with standing(tmp_path, monkeypatch) as made:
        yield made


@pytest.fixture
def deployed(world: World) -> World:
    """After a deploy, which remembers it."""
    assert apply(world.deploy).error == ""
    world.made = Made(bots=frozenset(["passerelle"]))
    assert dry(world.deploy) == Outcome([], 0)
    return world


def test_a_first_deploy_makes_what_it_announces_and_the_second_nothing(world: World) -> None:
    lines = [*FIRST, f"+ {world.token} (600 root root): a token of the bot"]
    assert dry(world.deploy) == Outcome(lines, 3)
    assert world.account() == {}
    assert apply(world.deploy) == Outcome(lines, 3)
    assert apply(world.deploy) == Outcome([], 0)
    assert world.works()
    assert (world.is_on, world.memo.exists()) == (False, False)
    assert world.account()["description"] == "GitLab, Nextcloud (Passerelle)"
    assert world.descriptions() == [f"Passerelle, {SITE}, 1"]
    assert f"{world.token.stat().st_mode:o}" == "100600"
    assert world.server.api("GET", f"/users/{world.identity}")["roles"] == "system_user"


@pytest.mark.parametrize("texts", [{}, {"display_name": "System"}, {"description": "Of a plugin"}])
def test_other_bots_are_nobodys_business_whatever_they_say_of_themselves(
    world: World, texts: dict[str, str]
) -> None:
    """Mattermost makes some itself, without a description; the API leaves out what is empty."""
    world.switch(True)
    world.server.api("POST", "/bots", {"username": "system-bot", **texts})
    world.switch(False)
    before = world.account("system-bot")
    assert dry(world.deploy).lines[:5] == FIRST
    for command in (world.deploy, world.rotate, world.teardown, world.deploy):
        assert apply(command).error == ""
    assert bots_of_site(world.context.mattermost, SITE) == [world.account()]
    assert world.account("system-bot") == before


@pytest.mark.parametrize("key", ["display_name", "description"])
def test_texts_that_somebody_has_emptied_are_written_again(deployed: World, key: str) -> None:
    wanted = deployed.account()[key]
    deployed.server.api("PUT", f"/bots/{deployed.identity}", {key: ""})
    assert key not in deployed.account()
    lines = [f"~ bot passerelle: {key}: '' -> {wanted!r}"]
    assert dry(deployed.deploy) == apply(deployed.deploy) == Outcome(lines, 1)
    assert deployed.account()[key] == wanted


def test_where_the_server_lets_bots_be_made_that_stays(world: World) -> None:
    world.switch(True)
    assert not [line for line in apply(world.deploy).lines if SWITCH in line]
    assert world.is_on


def test_a_private_channel_is_posted_in_as_well(deployed: World) -> None:
    team = deployed.place().rpartition("/")[2]
    wanted = {"team_id": team, "name": "secret", "display_name": "Secret", "type": "P"}
    deployed.server.api("POST", "/channels", wanted)
    gitlab = deployed.site.gitlab
    routes = [{"channels": ["secret"], "events": ["push"]}]
    deployed.site = deployed.site.model_copy(
        update={"gitlab": type(gitlab)(**{**gitlab.model_dump(exclude_unset=True), "routes": routes})}
    )
    assert dry(deployed.deploy).lines == ["+ bot passerelle in channel secret"]
    assert apply(deployed.deploy) == Outcome(["+ bot passerelle in channel secret"], 1)
    body = {"channel_id": deployed.place("secret").rpartition("/")[2], "message": "x"}
    saved = deployed.token.read_text().strip()
    assert deployed.server.request("POST", "/api/v4/posts", body, token=saved).status_code == 201


def patched(**texts: str) -> Callable[[World], object]:
    return lambda w: w.server.api("PUT", f"/bots/{w.identity}", texts)


def out_of(channel: str = "") -> Callable[[World], object]:
    return lambda w: w.server.api("DELETE", f"{w.place(channel)}/members/{w.identity}")


def ranked(channel: str = "") -> Callable[[World], object]:
    return lambda w: w.server.api(
        "PUT", f"{w.place(channel)}/members/{w.identity}/schemeRoles", {"scheme_admin": True}
    )


def revoked(world: World) -> None:
    for token in world.server.api("GET", f"/users/{world.identity}/tokens"):
        world.server.api("POST", "/users/tokens/revoke", {"token_id": token["id"]})


def of_another(world: World) -> None:
    world.switch(True)
    other = world.server.api("POST", "/bots", {"username": "other"})["user_id"]
    world.switch(False)
    world.token.write_text(another_token(world.server, other, "x").get_secret_value())


def by_hand(world: World) -> None:
    """A token of the bot that somebody has made, and ours revoked."""
    token = another_token(world.server, world.identity, "by hand")
    world.token.write_text(token.get_secret_value())
    for each in world.server.api("GET", f"/users/{world.identity}/tokens"):
        if each["description"] != "by hand":
            world.server.api("POST", "/users/tokens/revoke", {"token_id": each["id"]})


def owner_gone(world: World) -> None:
    """The bot was made by somebody who has left."""
    server = world.server
    owner = server.add_user("olive")
    server.api("PUT", f"/users/{owner}/roles", {"roles": "system_user system_admin"})
    admin, server.token = server.token, server.login("olive")
    world.switch(True)
    mine = server.api("POST", "/bots", {"username": "tmp", "description": "x (Passerelle)"})["user_id"]
    server.token = admin
    world.switch(False)
    # It takes the place of ours.
    server.api("PUT", f"/bots/{world.identity}", {"username": "gone", "description": "x"})
    revoke_all(world, "gone")
    server.api("PUT", f"/bots/{mine}", {"username": "passerelle"})
    apply(world.deploy)
    server.api("PUT", f"/users/{owner}/active", {"active": False})


def revoke_all(world: World, name: str) -> None:
    for token in world.server.api("GET", f"/users/{world.account(name)['user_id']}/tokens"):
        world.server.api("POST", "/users/tokens/revoke", {"token_id": token["id"]})


BOT = "~ bot passerelle"
NEW = "-> a new token of the bot"
OLD = f"- token of the bot passerelle: Passerelle, {SITE}, 1"
FAULTS: list[Any] = [
    pytest.param(
        lambda w: w.server.api("POST", f"/bots/{w.identity}/disable"),
        [f"{BOT}: disabled -> enabled"],
        id="disabled",
    ),
    pytest.param(owner_gone, [f"{BOT}: disabled -> enabled"], id="disabled with its owner"),
    pytest.param(patched(username="relais"), [f"{BOT}: username: 'relais' -> 'passerelle'"], id="renamed"),
    pytest.param(
        patched(display_name="X"), [f"{BOT}: display_name: 'X' -> 'Passerelle'"], id="another display name"
    ),
    pytest.param(
        patched(description="mine"),
        [f"{BOT}: description: 'mine' -> 'GitLab, Nextcloud (Passerelle)'"],
        id="described without our mark",
    ),
    pytest.param(
        lambda w: w.server.api("PUT", f"/users/{w.identity}/roles", {"roles": "system_user system_admin"}),
        [f"{BOT}: roles: 'system_user system_admin' -> 'system_user'"],
        id="administers the system",
    ),
    pytest.param(
        lambda w: w.server.api(
            "PUT", f"/users/{w.identity}/roles", {"roles": "system_user system_post_all_public"}
        ),
        [f"{BOT}: roles: 'system_user system_post_all_public' -> 'system_user'"],
        id="posts everywhere",
    ),
    pytest.param(
        out_of(),
        [
            "+ bot passerelle in team taaf",
            "+ bot passerelle in channel dev-notifications",
            "+ bot passerelle in channel rh-alerts",
        ],
        id="out of the team",
    ),
    pytest.param(out_of("rh-alerts"), ["+ bot passerelle in channel rh-alerts"], id="out of a channel"),
    pytest.param(ranked(), [f"{BOT} in team taaf: administrator -> member"], id="administers the team"),
    pytest.param(
        ranked("rh-alerts"),
        [f"{BOT} in channel rh-alerts: administrator -> member"],
        id="administers a channel",
    ),
    pytest.param(revoked, [f"~ FILE: one that Mattermost refuses {NEW}"], id="token revoked"),
    pytest.param(
        lambda w: w.token.unlink(), ["+ FILE (600 root root): a token of the bot", OLD], id="token gone"
    ),
    pytest.param(
        lambda w: w.token.write_text(""), ["~ FILE: empty -> a token of the bot", OLD], id="token emptied"
    ),
    pytest.param(
        lambda w: w.token.write_text("nonsense"),
        [f"~ FILE: one that Mattermost refuses {NEW}", OLD],
        id="token overwritten",
    ),
    pytest.param(of_another, [f"~ FILE: another account's {NEW}", OLD], id="token of another account"),
    pytest.param(by_hand, [f"~ FILE: one that Passerelle has not made {NEW}"], id="token made by hand"),
    pytest.param(
        lambda w: another_token(w.server, w.identity, f"Passerelle, {SITE}, 2"),
        [f"~ FILE: one of several {NEW}", OLD, OLD.replace(", 1", ", 2")],
        id="two tokens",
    ),
    pytest.param(
        lambda w: w.token.chmod(0o644), ["~ FILE: 644 root root -> 600 root root"], id="token open to all"
    ),
]


@pytest.mark.sampled(4)
@pytest.mark.parametrize(("make", "reported"), FAULTS)
def test_what_is_wrong_is_reported_and_mended(
    deployed: World, make: Callable[[World], object], reported: list[str]
) -> None:
    """The dry run tells exactly what a run does; after it the bot works, with one token and no right more."""
    make(deployed)
    before = deployed.token.read_text() if deployed.token.exists() else ""
    lines = [line.replace("FILE", str(deployed.token)) for line in reported]
    assert dry(deployed.deploy).lines == lines
    done = apply(deployed.deploy)
    assert (done.error, done.lines) == ("", lines)
    assert apply(deployed.deploy) == Outcome([], 0)
    assert deployed.works()
    assert len([each for each in deployed.descriptions() if each.startswith("Passerelle, ")]) == 1
    saved = deployed.token.read_text()
    assert (saved == before) is not any("token of the bot" in line for line in lines)
    assert not [line for line in done.lines if saved.strip() in line]


def person(world: World) -> None:
    world.server.add_user("passerelle")


def foreign(world: World) -> None:
    world.switch(True)
    world.server.api("POST", "/bots", {"username": "passerelle", "description": "Somebody's"})


def foreign_disabled(world: World) -> None:
    foreign(world)
    world.server.api("POST", f"/bots/{world.identity}/disable")


@pytest.mark.parametrize(
    ("make", "why"),
    [
        (person, "a person's account has this name in Mattermost"),
        (foreign, "a bot that Passerelle has not made has this name in Mattermost"),
        (foreign_disabled, "a disabled bot that Passerelle has not made has this name in Mattermost"),
    ],
)
@pytest.mark.parametrize("perform", [dry, apply])
def test_a_name_that_is_somebody_elses_is_refused(
    world: World,
    make: Callable[[World], None],
    why: str,
    perform: Callable[[Callable[[], object]], Outcome],
) -> None:
    make(world)
    before = world.account()
    outcome = perform(world.deploy)
    assert outcome.error == f"mattermost.bot.username = 'passerelle': {why}; choose another one"
    assert outcome.differences == []
    assert world.account() == before
    # Nor does a teardown touch it.
    torn = apply(world.teardown)
    assert (torn.error, torn.differences) == ("", [])
    assert world.account() == before


def bots_token(world: World) -> str:
    world.switch(True)
    other = world.server.api("POST", "/bots", {"username": "provisioner"})["user_id"]
    world.switch(False)
    world.server.api("PUT", f"/users/{other}/roles", {"roles": "system_user system_admin"})
    return another_token(world.server, other, "x").get_secret_value()


def members_token(world: World) -> str:
    world.server.add_user("alice")
    return world.server.login("alice")


@pytest.mark.sampled(2)
@pytest.mark.parametrize(
    ("make", "why"),
    [
        (
            bots_token,
            "mattermost.token is a bot's, and bots make no bots: give that of a person who administers the system",
        ),
        (members_token, "mattermost.token must be an administrator's"),
    ],
)
@pytest.mark.parametrize("perform", [dry, apply])
def test_a_token_that_makes_no_bots_is_refused_with_the_remedy(
    world: World, make: Callable[[World], str], why: str, perform: Callable[[Callable[[], object]], Outcome]
) -> None:
    admin, world.server.token = world.server.token, make(world)
    site, world.site = world.site, described_as(world.server)
    world.server.token = admin
    outcome = perform(world.deploy)
    assert why in outcome.error
    assert not world.is_on
    world.site = site
    assert apply(world.deploy).error == ""


def test_a_bots_token_will_do_once_the_bot_is_there(deployed: World) -> None:
    token = bots_token(deployed)
    deployed.server.api("POST", f"/bots/{deployed.identity}/disable")
    admin, deployed.server.token = deployed.server.token, token
    deployed.site = described_as(deployed.server)
    deployed.server.token = admin
    assert apply(deployed.deploy).error == ""
    assert deployed.works()


def test_a_server_whose_environment_forbids_bots_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    variable = "MM_SERVICESETTINGS_ENABLEBOTACCOUNTCREATION"
    with standing(tmp_path, monkeypatch, **{variable: "false"}) as world:
        for perform in (dry, apply):
            outcome = perform(world.deploy)
            assert f"is set by the variable {variable}" in outcome.error
            assert "set it to true there, or remove it" in outcome.error


@pytest.mark.sampled(2)
@pytest.mark.parametrize("is_made", [False, True])
@pytest.mark.parametrize("is_on", [False, True])
def test_a_run_that_was_killed_while_bots_could_be_made_is_completed(
    world: World, is_made: bool, is_on: bool
) -> None:
    if is_made:
        apply(world.deploy)
    world.switch(is_on)
    world.memo.parent.mkdir(exist_ok=True)
    world.memo.touch()
    planned = dry(world.deploy).lines
    done = apply(world.deploy)
    assert (done.error, done.lines) == ("", planned)
    assert (world.is_on, world.memo.exists()) == (False, False)
    assert apply(world.deploy) == Outcome([], 0)
    assert world.works()


def test_a_rotation_leaves_the_new_token_alone(deployed: World) -> None:
    before = deployed.token.read_text().strip()
    lines = [f"~ {deployed.token}: to be replaced -> a new token of the bot", OLD]
    assert dry(deployed.rotate).lines == lines
    assert apply(deployed.rotate).lines == lines
    assert deployed.works()
    assert deployed.descriptions() == [f"Passerelle, {SITE}, 2"]
    assert deployed.server.request("GET", "/api/v4/users/me", token=before).status_code == 401
    assert apply(deployed.deploy) == Outcome([], 0)


def test_no_token_is_revoked_before_the_relays_have_another(deployed: World) -> None:
    """What a rotation does before they are installed leaves both at work; killed there, the next run completes it."""
    before = deployed.token.read_text().strip()
    assert apply(lambda: bot.provision_bot(deployed.site, deployed.context, replaced=True)).error == ""
    after = deployed.token.read_text().strip()
    assert before != after
    for token in (before, after):
        assert deployed.server.request("GET", "/api/v4/users/me", token=token).status_code == 200
    planned = dry(deployed.deploy).lines
    assert len(planned) == 3
    assert apply(deployed.deploy).lines == planned
    assert len(deployed.descriptions()) == 1
    assert deployed.works()


def test_a_teardown_revokes_and_disables_and_a_deploy_enables_again(deployed: World) -> None:
    identity = deployed.identity
    lines = [OLD, "~ bot passerelle: enabled -> disabled"]
    assert dry(deployed.teardown) == Outcome(lines, 1)
    assert deployed.works()
    assert apply(deployed.teardown) == Outcome(lines, 1)
    assert deployed.descriptions() == []
    assert deployed.account()["delete_at"] > 0
    assert apply(deployed.teardown) == Outcome([], 0)
    assert apply(deployed.deploy).error == ""
    assert deployed.works()
    assert deployed.identity == identity


def test_a_bot_that_another_site_uses_stays_enabled(deployed: World) -> None:
    another_token(deployed.server, deployed.identity, "Passerelle, kerguelen, 7")
    assert dry(deployed.deploy) == Outcome([], 0)
    assert apply(deployed.rotate).lines[1:] == [OLD]
    assert apply(deployed.teardown).lines == [OLD.replace(", 1", ", 8")]
    assert deployed.descriptions() == ["Passerelle, kerguelen, 7"]
    assert deployed.account()["delete_at"] == 0


def test_another_name_renames_the_bot_which_goes_on_with_its_posts(deployed: World) -> None:
    """Only who wrote a post may edit it."""
    identity = deployed.identity
    deployed.site = described_as(deployed.server, username="annonces", display_name="Annonces")
    lines = [
        "~ bot annonces: username: 'passerelle' -> 'annonces'",
        "~ bot annonces: display_name: 'Passerelle' -> 'Annonces'",
    ]
    assert dry(deployed.deploy) == Outcome(lines, 1)
    assert apply(deployed.deploy) == Outcome(lines, 1)
    assert deployed.account("annonces")["user_id"] == identity
    assert apply(deployed.deploy) == Outcome([], 0)


def test_webhooks_again_leave_the_bot_disabled_and_without_token(deployed: World) -> None:
    deployed.site = deployed.site.model_copy(
        update={"mattermost": deployed.site.mattermost.model_copy(update={"posting": "webhook"})}
    )
    lines = [OLD, "~ bot passerelle: enabled -> disabled"]
    assert dry(deployed.deploy) == Outcome(lines, 1)
    assert apply(deployed.deploy) == Outcome(lines, 1)
    assert deployed.descriptions() == []


@pytest.mark.sampled(2)
@pytest.mark.parametrize("command", ["deploy", "rotate", "teardown"])
@pytest.mark.parametrize("perform", [dry, apply])
def test_a_database_that_is_down_is_named_and_nothing_done(
    deployed: World, command: str, perform: Callable[[Callable[[], object]], Outcome]
) -> None:
    before = deployed.token.read_text()
    with deployed.server.database_down():
        outcome = perform(getattr(deployed, command))
    assert outcome.differences == []
    assert "the database of http" in outcome.error
    assert deployed.token.read_text() == before
    assert apply(deployed.deploy) == Outcome([], 0)


def routed(world: World, *channels: str) -> None:
    """The site's events go to these channels as well."""
    gitlab = world.site.gitlab
    given = gitlab.model_dump(exclude_unset=True)
    routes = [{"channels": list(channels), "events": ["push"]}] if channels else []
    world.site = world.site.model_copy(update={"gitlab": type(gitlab)(**{**given, "routes": routes})})


def test_the_bot_leaves_a_channel_that_it_was_put_in_and_no_other(deployed: World) -> None:
    """People may have invited it elsewhere; and nobody leaves the first channel of a team."""
    for name in ("routed", "invited"):
        wanted = {"team_id": deployed.place().rpartition("/")[2], "name": name, "display_name": name}
        deployed.server.api("POST", "/channels", {**wanted, "type": "O"})
    deployed.server.api("POST", f"{deployed.place('invited')}/members", {"user_id": deployed.identity})
    routed(deployed, "routed", "town-square")
    assert apply(deployed.deploy).error == ""
    deployed.made = described(deployed.site)
    routed(deployed)
    lines = ["- bot passerelle in channel routed"]
    assert dry(deployed.deploy) == Outcome(lines, 1)
    assert apply(deployed.deploy) == Outcome(lines, 1)
    assert apply(deployed.deploy) == Outcome([], 0)
    path = f"/api/v4{deployed.place('invited')}/members/{deployed.identity}"
    assert deployed.server.request("GET", path).status_code == 200


def test_the_bot_leaves_a_team_that_is_no_longer_the_sites(deployed: World) -> None:
    deployed.made = Made(bot_channels=frozenset({("former", "dev"), ("former", "rh")}))
    team = deployed.server.api("POST", "/teams", {"name": "former", "display_name": "F", "type": "O"})["id"]
    member = {"team_id": team, "user_id": deployed.identity}
    deployed.server.api("POST", f"/teams/{team}/members", member)
    assert dry(deployed.deploy).lines == ["- bot passerelle in team former"]
    assert apply(deployed.deploy) == Outcome(["- bot passerelle in team former"], 1)
    assert apply(deployed.deploy) == Outcome([], 0)
