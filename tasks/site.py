"""What a site may say of itself: every setting of Passerelle, its type, its default and its meaning.

Where the settings come from is in tasks.settings.
"""

import re
from collections.abc import Iterator
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    Field,
    SecretStr,
    ValidationError,
    ValidationInfo,
)
from pydantic_core import InitErrorDetails, PydanticCustomError
from pyinfra.api.exceptions import PyinfraError

from relays.base.addresses import BaseUrl
from relays.base.schema import Line, Section, Shown
from relays.delivery.settings import DigestFrom, RelayLanguage
from relays.sources.gitlab.config import (
    HowConversing,
    InPerson,
    MessageDetail,
    Muted,
    OtherProjects,
    OwnWording,
    Routes,
    UserNamesSetting,
)
from relays.sources.gitlab.project_list import GroupPath, ProjectEntry, ProjectList, ProjectPath
from relays.sources.gitlab.reminders.settings import Reminders
from relays.sources.gitlab.wishes import InPersonWishes
from relays.sources.nextcloud.config import PollSeconds, Source
from relays.sources.nextcloud.options import FURTHER_USERNAME, USERNAME
from tasks.addresses import (
    MachineName,
    Password,
    Port,
    Proxy,
    Token,
    canonical,
    in_url,
)
from tasks.documents import Announced, Folders, Tree, Trees
from tasks.site_machines import Host, Machine
from tasks.site_mattermost import Mattermost
from tasks.texts import ContainerFolder, FolderName, ServiceName
from tasks.wording_samples import try_on_events


def _source(value: str, info: ValidationInfo) -> str:
    if value == "disk" and info.data.get("service") == "":
        raise ValueError(
            'must be "webdav" where nextcloud.service is "": the host sees no files of one elsewhere'
        )
    if value == "webdav" and info.data.get("relay_password") is None:
        raise ValueError("needs nextcloud.relay_password")
    owners = {tree.owner for tree in info.data.get("trees", [])}
    if value == "webdav" and owners - {None, info.data.get("admin")}:
        raise ValueError("shows the admin's files, so all nextcloud.trees must be in them")
    return value


def _spool(value: SecretStr) -> SecretStr:
    # What libpq could not decode, it would quote.
    if re.search("%(?![0-9A-Fa-f]{2})|%00", value.get_secret_value()):
        raise ValueError("must have % written as %25 in the user's name and password")
    # Several servers may be named, which no address of the web has, so what is behind the scheme is libpq's.
    if not re.fullmatch(r"postgres(ql)?://\S+/\S+", value.get_secret_value()):
        raise ValueError(
            "must be the address of a database, such as postgresql://USER:PASSWORD@HOST/DATABASE"
        )
    return value


def _further_projects(value: list[str], info: ValidationInfo) -> list[str]:
    groups = [f"{group}/**" for group in info.data.get("groups", ())]
    for fault in ProjectList([str(info.data.get("project")), *groups, *value]).faults():
        raise ValueError(fault)
    return value


def _reminders(value: Reminders | None, info: ValidationInfo) -> Reminders | None:
    if value is not None and info.data.get("read_token") is None:
        raise ValueError("needs gitlab.read_token")
    return value


def _hosts(value: list["Machine"], info: ValidationInfo) -> list["Machine"]:
    needed = {
        "spool": "which they share what waits in",
        "address": "at which GitLab finds all of them: that of the load balancer",
    }
    for name, what in needed.items():
        if value and not (info.data.get(name) or (name == "address" and info.data.get("url"))):
            raise ValueError(f"needs relays.{name}, {what}")
    known = set()
    for machine in value:
        if canonical(machine.address) in known:
            raise ValueError(f"{machine.address} is given twice: take one of them out")
        known.add(canonical(machine.address))
    return value


def _documents(value: "Nextcloud", info: ValidationInfo) -> "Nextcloud":
    chat = info.data.get("mattermost")
    if chat is None or chat.buttons:
        return value
    places: list[tuple[tuple[str | int, ...], Announced]] = [((), value)]
    places += [(("trees", place), tree) for place, tree in enumerate(value.trees)]
    needs = "needs mattermost.buttons = true, by which people say that they take a document"
    faults = [
        InitErrorDetails(
            type=PydanticCustomError("value_error", needs),
            loc=(*place, "remind_after"),
            input=tree.remind_after,
        )
        for place, tree in places
        if tree.remind_after
    ]
    if faults:
        raise ValidationError.from_exception_data("nextcloud", faults)
    return value


def _relays(value: "Relays", info: ValidationInfo) -> "Relays":
    documents = info.data.get("nextcloud")
    if value.hosts and documents and any(tree.remind_after for tree in (documents, *documents.trees)):
        raise ValueError(
            "hosts and nextcloud.remind_after do not go together: where several hosts take presses in, documents have "
            "no button; take one of them out"
        )
    return value


def _secrets_in(value: object) -> Iterator[SecretStr]:
    if isinstance(value, SecretStr):
        yield value
    elif isinstance(value, BaseModel):
        for name in type(value).model_fields:
            yield from _secrets_in(getattr(value, name))
    elif isinstance(value, list):
        for each in value:
            yield from _secrets_in(each)


class SiteError(PyinfraError):
    """Settings that cannot be used: for each its name, its value and the remedy, one line each."""


def is_site_name(name: str) -> bool:
    """Whether a site may be called so: a variable can name it, and pyinfra knows no group of this name."""
    fits = re.fullmatch(r"[a-z0-9]+(-[a-z0-9]+)*", name) is not None
    return fits and len(name) <= 63 and name not in ("all", "hosts", "inventory", "sites")


class Nextcloud(Announced):
    """Where Nextcloud is, and the first of the watched trees."""

    url: BaseUrl = Field(description="address of Nextcloud")
    proxy: Proxy
    service: ServiceName = Field(
        "nextcloud",
        description='the Compose service; `""`: Nextcloud is not on the host, `source` is `webdav`',
    )
    data_directory: ContainerFolder = Field(
        "/var/www/html/data", description="Nextcloud's `datadirectory` in the container"
    )
    admin: FolderName = Field("admin", description="the user whose files hold the tree")
    tree: FolderName = Field(
        description="the watched folder, announced in the channel of `nextcloud_webhook`"
    )
    folders: Folders = Field(description="folders in it, created if they are missing")
    app_password: Token | None = Field(None, description="app password of the admin, for `make check` only")
    trees: Trees = Field([], description="further watched trees")
    relay_password: Token | None = Field(
        None,
        description="app password of the admin for the relay: with it messages say who brought a document, and their "
        "title opens it; the host must reach `url`",
    )
    source: Annotated[Source, AfterValidator(_source)] = Field("disk", validate_default=True)
    poll_seconds: PollSeconds


class GitLab(Section):
    """Where GitLab is, the projects, and which of their events are announced where and how."""

    url: BaseUrl = Field(description="address of GitLab")
    proxy: Proxy
    service: ServiceName = Field(
        "gitlab", description='the Compose service; `""`: GitLab is not on the host, such as GitLab.com'
    )
    token: Token = Field(
        description="personal access token of an administrator, scope `api` (with Admin Mode on, also `admin_mode`); "
        "of a GitLab that is not on the host any token with scope `api` and the role Maintainer in the projects will "
        "do, such as a project's own"
    )
    project: ProjectPath = Field(
        description="`namespace/name`, created with a README if it is missing and `token` is an administrator's; `make "
        "check` works in it"
    )
    groups: list[GroupPath] = Field(
        [],
        description="groups all of whose projects, those of subgroups too, are the site's: by a hook of the group "
        "where the edition has such (Premium) and the token is an owner's, else by a hook of each project there is",
    )
    projects: Annotated[list[ProjectEntry], AfterValidator(_further_projects)] = Field(
        [],
        description='further ones by their full paths, such as `["taaf/infra", "taaf/web"]`; messages then call each '
        "by the shortest end of its path that no other one has. `taaf/*` are all projects of a group or a user, "
        "`taaf/**` those of its subgroups too, `!taaf/secret` or `!taaf/old/*` is left out; a new one gets its hook "
        "with the next deploy",
    )
    other_projects: OtherProjects
    read_token: Token | None = Field(
        None,
        description="access token of all projects, role Maintainer, scope `read_api`: with it the relay backfills what "
        "GitLab could not deliver while it was down, and reads what `[gitlab.reminders]` reminds people of; "
        "needs GitLab 17.4 or newer, at a `url` that the host reaches",
    )
    write_token: Token | None = Field(
        None,
        description='access token of all projects, role Developer, scope `api`: with it, who presses "I\'ll review" '
        'becomes a reviewer in GitLab, and "Retry pipeline" runs one that failed again, each for those who may there '
        "themselves, as whom `gitlab.people` names; role Maintainer for pipelines of protected branches. Needs "
        '`mattermost.commands` and `mattermost.posting = "bot"`, at a `url` that the host reaches',
    )
    web_user: Shown = Field(
        "root", description="who signs in to GitLab's pages for the pictures of `make check`"
    )
    web_password: Password | None = Field(None, description="of `web_user`, for these pictures only")
    detail: MessageDetail
    conversations: HowConversing
    direct_messages: InPerson
    reminders: Annotated[Reminders | None, AfterValidator(_reminders)] = Field(
        None, description="what people are reminded of in the morning; without the table, of nothing"
    )
    mute: Muted
    routes: Routes
    people: UserNamesSetting
    notify: InPersonWishes
    wording: Annotated[OwnWording, AfterValidator(try_on_events)]

    @property
    def further_channels(self) -> list[tuple[str, str]]:
        """The channels that events and reminders are said in beside that of the webhook, each with its setting."""
        routed = [
            (f"gitlab.routes.#{number}", channel)
            for number, route in enumerate(self.routes, start=1)
            for channel in route.channels
        ]
        named = self.reminders.channels if self.reminders else ()
        return [*routed, *(("gitlab.reminders.channels", channel) for channel in named)]


class Relays(Section):
    """The two relays."""

    language: RelayLanguage
    address: MachineName | None = Field(
        None,
        description="the host as GitLab's container reaches it; without it, found from the host's default route",
    )
    url: BaseUrl | None = Field(
        None,
        description="where GitLab sends events if not to `address` and `port`: a reverse proxy that leads to the port, "
        "such as `https://hooks.example.org`; `/webhook/gitlab` is put behind it, and for Mattermost's slash commands "
        "and buttons `/mattermost/command` and `/mattermost/action`",
    )
    port: Port = Field(
        8090, description="of the GitLab relay; another one is listened on before GitLab's hooks move to it"
    )
    digest_from: DigestFrom
    footer: Line = Field("", description="last line of a message about a document")
    spool: Annotated[SecretStr, AfterValidator(_spool)] | None = Field(
        None,
        description="`postgresql://…`: the GitLab relay keeps what waits in a database that the host reaches, which "
        "several relays may share; without it, in a file on the host",
    )

    hosts: Annotated[list[Machine], AfterValidator(_hosts)] = Field(
        [],
        description="further hosts with a GitLab relay, behind a load balancer at `relays.address`; need `spool`. What "
        "is left out is as in `[host]`",
    )

    @property
    def given(self) -> str:
        """The relay's HOST:PORT for GitLab as far as the settings say it, empty where the host is to be asked."""
        if self.url:
            return urlsplit(self.url).netloc.lower()
        return f"{in_url(self.address)}:{self.port}" if self.address else ""


def _writing(value: GitLab, info: ValidationInfo) -> GitLab:
    chat = info.data.get("mattermost")
    if value.write_token is None or chat is None or (chat.commands and chat.posting == "bot"):
        return value
    needs = 'needs mattermost.commands and mattermost.posting = "bot", by which people have something done'
    fault = InitErrorDetails(
        type=PydanticCustomError("value_error", needs), loc=("write_token",), input=value.write_token
    )
    raise ValidationError.from_exception_data("gitlab", [fault])


class Site(Section):
    """One site: its host, its three applications, its relays."""

    host: Host = Field(description="the machine that runs the three applications")
    portal_url: Annotated[BaseUrl | None, BeforeValidator(lambda value: value or None)] = Field(
        None, description='a further page that `status.sh` looks at; `""`: none'
    )
    mattermost: Mattermost = Field(description="Mattermost, the team and the two incoming webhooks")
    nextcloud: Annotated[Nextcloud, AfterValidator(_documents)] = Field(
        description="Nextcloud and the watched trees"
    )
    gitlab: Annotated[GitLab, AfterValidator(_writing)] = Field(
        description="GitLab, the projects, and which events are announced where and how"
    )
    relays: Annotated[Relays, AfterValidator(_relays)] = Field(description="the two relays")

    @property
    def services(self) -> list[str]:
        """The Compose services of those applications that the settings have on the host."""
        return [name for name in (self.gitlab.service, self.nextcloud.service) if name]

    @property
    def secrets(self) -> list[str]:
        """The values of all settings that nobody may see."""
        return [secret.get_secret_value() for secret in _secrets_in(self)]

    @property
    def projects(self) -> list[str]:
        """Every GitLab project that is named by its path, the first one as well."""
        return list(self.project_list.paths)

    @property
    def project_list(self) -> ProjectList:
        """What the settings say of GitLab's projects."""
        wanted = self.gitlab
        return ProjectList([wanted.project, *wanted.projects, *(f"{group}/**" for group in wanted.groups)])

    @property
    def trees(self) -> list[Tree]:
        """Every watched tree, the first one as well, with nothing left open."""
        nextcloud, default = self.nextcloud, self.mattermost.nextcloud_webhook.channel
        first = Tree(
            **{name: getattr(nextcloud, name) for name in Tree.model_fields if hasattr(nextcloud, name)}
        )
        return [
            tree.model_copy(
                update={
                    "owner": tree.owner or nextcloud.admin,
                    "channel": tree.channel or default,
                    "footer": self.relays.footer if tree.footer is None else tree.footer,
                    "label": "" if tree.label is None and tree is not first else tree.label,
                    "username": tree.username or (USERNAME if tree is first else FURTHER_USERNAME),
                }
            )
            for tree in (first, *nextcloud.trees)
        ]

    @property
    def relay_hosts(self) -> list[Machine]:
        """The further hosts of the GitLab relay, with nothing left open."""
        own = self.host.model_dump(include=set(Machine.model_fields))
        return [Machine(**own | each.model_dump(exclude_unset=True)) for each in self.relays.hosts]
