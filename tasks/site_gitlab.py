"""What a site may say of its GitLab: where it is, the projects, and which of their events are announced."""

from typing import Annotated

from pydantic import AfterValidator, Field, ValidationInfo

from relays.base.addresses import BaseUrl
from relays.base.schema import Section, Shown
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
from tasks.addresses import Password, Proxy, Token
from tasks.texts import ServiceName
from tasks.wording_samples import try_on_events


def _further_projects(value: list[str], info: ValidationInfo) -> list[str]:
    groups = [f"{group}/**" for group in info.data.get("groups", ())]
    for fault in ProjectList([str(info.data.get("project")), *groups, *value]).faults():
        raise ValueError(fault)
    return value


def _reminders(value: Reminders | None, info: ValidationInfo) -> Reminders | None:
    if value is not None and info.data.get("read_token") is None:
        raise ValueError("needs gitlab.read_token")
    return value


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
        '`gitlab.people`, `mattermost.commands` and `mattermost.posting = "bot"`, at a `url` that the host reaches',
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
