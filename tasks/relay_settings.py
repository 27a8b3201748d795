"""The settings files of the relays, written from the models that they are read into."""

from pathlib import Path

import tomlkit

from relays.base.schema import Section
from relays.delivery.settings import BotSettings
from relays.sources.gitlab.commands.settings import ActingSettings, CommandSettings
from relays.sources.gitlab.config import GitLabSettings
from relays.sources.gitlab.readable import ReadableSettings
from relays.sources.nextcloud.cloud import AccountSettings
from relays.sources.nextcloud.config import ButtonSettings, NextcloudSettings
from relays.sources.nextcloud.options import Options, TreeOptions
from relays.sources.nextcloud.tree import BOUND
from tasks import icons
from tasks.context import CA, DOCUMENTS_SOCKET, HOOK_NAME, action_url
from tasks.documents import Tree
from tasks.made import documents_have_buttons, posts_as_bot
from tasks.site import Site

_HEADING = "# Installed by Passerelle; the next deploy puts a change made here back.\n"


def gitlab_settings(site: Site, *, signs: bool, relay: str = "") -> str:
    """The settings file of the GitLab relay; `signs`: GitLab signs what it sends."""
    wanted, hook = site.gitlab, site.mattermost.gitlab_webhook
    projects = site.project_list.entries
    log = ReadableSettings(url=wanted.url, projects=projects, hook=HOOK_NAME, proxy=wanted.proxy)
    return _written(
        GitLabSettings(
            language=site.relays.language,
            channel=hook.channel,
            icon=icons.shown(site.mattermost, hook),
            digest_from=site.relays.digest_from,
            ca=Path(CA) if site.host.ca else None,
            mattermost_proxy=site.mattermost.proxy,
            bot=_bot(site),
            signature="required" if signs else "accepted",
            detail=wanted.detail,
            projects=projects,
            other_projects=wanted.other_projects,
            mute=wanted.mute,
            people=wanted.people,
            notify=wanted.notify,
            routes=wanted.routes,
            wording=wanted.wording,
            gitlab=log if wanted.read_token else None,
            reminders=wanted.reminders,
            commands=_commands(site, relay),
            # What is as by default is not written, so that a release that does not know it can read the file.
            **wanted.model_dump(include={"conversations", "direct_messages"}, exclude_defaults=True),
        )
    )


def nextcloud_settings(site: Site, relay: str = "") -> str:
    """The settings file of the Nextcloud relay; `relay` is ADDRESS:PORT of the GitLab relay."""
    wanted, hook = site.nextcloud, site.mattermost.nextcloud_webhook
    account = AccountSettings(url=wanted.url, user=wanted.admin, proxy=wanted.proxy)
    return _written(
        NextcloudSettings(
            language=site.relays.language,
            channel=hook.channel,
            icon=icons.shown(site.mattermost, hook),
            digest_from=site.relays.digest_from,
            ca=Path(CA) if site.host.ca else None,
            mattermost_proxy=site.mattermost.proxy,
            bot=_bot(site),
            nextcloud=account if wanted.relay_password else None,
            source=wanted.source,
            poll_seconds=wanted.poll_seconds,
            **_document_buttons(site, relay),
            trees=tuple(_tree(site, tree) for tree in site.trees),
        )
    )


def _bot(site: Site) -> BotSettings | None:
    """Where a bot posts, if one does."""
    chat = site.mattermost
    return BotSettings(url=chat.url, team=chat.team) if posts_as_bot(site) else None


def _commands(site: Site, relay: str) -> CommandSettings | None:
    """Where slash commands come from, if the site has some."""
    chat = site.mattermost
    if not chat.commands:
        return None
    return CommandSettings(
        url=chat.url,
        team=chat.team,
        operators=tuple(chat.operators),
        buttons=action_url(site.relays.url, relay) if chat.buttons else None,
        gitlab=(
            ActingSettings(url=site.gitlab.url, proxy=site.gitlab.proxy) if site.gitlab.write_token else None
        ),
        documents=Path(DOCUMENTS_SOCKET) if documents_have_buttons(site) else None,
    )


def _document_buttons(site: Site, relay: str) -> dict[str, ButtonSettings]:
    """The button of documents, if the site has one; what is not there is not written."""
    if not documents_have_buttons(site):
        return {}
    url = action_url(site.relays.url, relay)
    return {"buttons": ButtonSettings(url=url, socket=Path(DOCUMENTS_SOCKET))}


def _tree(site: Site, tree: Tree) -> TreeOptions:
    asked = site.nextcloud.relay_password and tree.owner == site.nextcloud.admin
    return TreeOptions(
        **{name: getattr(tree, name) for name in Options.model_fields},
        tree=bound_at(site, tree),
        channel=tree.channel or "",
        footer=tree.footer or "",
        in_files=f"/{tree.tree}" if asked else "",
    )


def bound_at(site: Site, tree: Tree) -> str:
    """Where the relay sees a tree; its name is the last part, which messages show."""
    if site.nextcloud.source == "webdav":
        return f"/{tree.tree}"
    # Of another user's there may be one of the same name.
    of = "" if tree.owner == site.nextcloud.admin else f".{tree.owner}"
    return f"{BOUND}{of}/{tree.tree}"


def _written(settings: Section) -> str:
    """What the file holds: what is said of the relay as a whole, and of the rest what is not as by default.

    So a release that does not know a new setting reads the file of a site that does not use it.
    """
    whole = settings.model_dump(mode="json", exclude_unset=True, exclude_none=True)
    brief = settings.model_dump(mode="json", exclude_defaults=True, exclude_none=True)
    tables = {name: brief[name] for name, value in whole.items() if name in brief and _is_table(value)}
    plain = {name: value for name, value in whole.items() if not _is_table(value)}
    return _HEADING + tomlkit.dumps(plain | tables)


def _is_table(value: object) -> bool:
    return isinstance(value, dict) or (
        isinstance(value, list) and any(isinstance(each, dict) for each in value)
    )
