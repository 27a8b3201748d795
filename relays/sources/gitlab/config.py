"""What gitlab.toml says. Settings that a site writes as well are types, which the deploy uses too (tasks.site)."""

from dataclasses import replace
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, ValidationInfo

from relays.base.schema import Section
from relays.delivery.settings import RelaySettings
from relays.mattermost.settings import ChannelName, MattermostName
from relays.sources.gitlab.commands.settings import CommandSettings
from relays.sources.gitlab.http.memory_budget import ROOM_BYTES
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.project_list import ProjectEntry
from relays.sources.gitlab.projects import Projects
from relays.sources.gitlab.readable import ReadableSettings
from relays.sources.gitlab.reminders.settings import Reminders
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import Conversations, Detail, Route, faults
from relays.sources.gitlab.templates import EventTemplates, template_faults
from relays.sources.gitlab.wishes import InPersonWishes, check_user_names
from relays.wording import CATALOGUES, Language

# GitLab sends nothing larger.
_MAX_BODY_BYTES = 25 * 1024 * 1024


def _check_routes(routes: tuple[Route, ...], info: ValidationInfo) -> tuple[Route, ...]:
    for place, reason in faults(routes, info.data.get("mute", Mute())):
        raise ValueError(f"route {place + 1} can never match: {reason}")
    return routes


def _check_wording(wording: dict[Language, dict[str, str]]) -> dict[Language, dict[str, str]]:
    for language, templates in wording.items():
        for name, reason in template_faults(templates, (), CATALOGUES[language]):
            raise ValueError(f"the {language} template {name} cannot be used: {reason}")
    return wording


def _with_log(reminders: Reminders | None, info: ValidationInfo) -> Reminders | None:
    if reminders is not None and info.data.get("gitlab") is None:
        raise ValueError("reads GitLab, and there is no table [gitlab]: add it with url, projects and hook")
    return reminders


OtherProjects = Annotated[
    bool,
    Field(
        default=False,
        description="events of projects that are not listed are announced as well: for a group hook or a system hook "
        "that you have made by hand, with the token and signing token in `/etc/passerelle`. Otherwise they are counted "
        "(`foreign` in `/health` and `/metrics`) and not announced",
    ),
]
MessageDetail = Annotated[Detail, Field("full", description="of messages; `short`: one line each")]
HowConversing = Annotated[
    Conversations,
    Field(
        "threads",
        description="what a bot makes of events that belong together (a merge request, an issue, the pipelines of a "
        "branch, a release, an environment): `threads`, a thread whose first post shows how things stand; `in place`, "
        "that post alone; `single`, a post for each event, as webhooks do",
    ),
]
InPerson = Annotated[
    bool,
    Field(
        default=True,
        description="a bot writes to people in person what they have to do or wait for: assigned, asked for a review, "
        "mentioned, their pipeline broken or fixed, changes requested, their merge request approved or merged",
    ),
]
Muted = Annotated[Mute, Field(Mute(), description="what is not announced")]
Routes = Annotated[
    tuple[Route, ...],
    AfterValidator(_check_routes),
    Field(
        default=(),
        description="further channels, tried in order; what none takes goes to that of the webhook",
    ),
]
UserNamesSetting = Annotated[
    dict[str, MattermostName],
    AfterValidator(check_user_names),
    Field(
        default={},
        description="from user names in GitLab to those in Mattermost; who is assigned or asked for a review is "
        "mentioned",
    ),
]
OwnWording = Annotated[
    dict[Language, dict[str, str]],
    AfterValidator(_check_wording),
    Field(default={}, description="own sentences, Jinja2 templates, by language and event"),
]


class Listen(Section):
    """Where the relay listens if systemd hands it no socket."""

    address: str = Field(default="0.0.0.0", min_length=1, description="of this machine")  # noqa: S104
    port: int = Field(default=8090, ge=0, le=65535, description="`0`: any")


class GitLabSettings(RelaySettings):
    """The file of the GitLab relay."""

    channel: ChannelName = Field(
        default="dev-notifications", description="that the incoming webhook was made for"
    )
    signature: Literal["accepted", "required"] = Field(
        default="accepted", description="whether webhooks without a signature are refused"
    )
    detail: MessageDetail
    conversations: HowConversing
    direct_messages: InPerson
    projects: tuple[ProjectEntry, ...] = Field(
        default=(), description="those of the site, as in `gitlab.projects`; none: all"
    )
    other_projects: OtherProjects
    max_body_bytes: int = Field(
        default=_MAX_BODY_BYTES, ge=1024, le=ROOM_BYTES, description="of a webhook; a larger one is refused"
    )
    listen: Listen = Field(default=Listen(), description="without a socket of systemd's")
    mute: Muted
    people: UserNamesSetting
    notify: InPersonWishes
    routes: Routes
    wording: OwnWording
    gitlab: ReadableSettings | None = Field(
        default=None, description="where what could not be delivered is read"
    )
    commands: CommandSettings | None = Field(default=None, description="the slash commands that are answered")
    reminders: Annotated[Reminders | None, AfterValidator(_with_log)] = Field(
        default=None, description="what people are reminded of in the morning"
    )

    def router(self) -> Router:
        """What decides what is announced where and how. Only a bot converses: webhooks make single posts."""
        everything = Route(
            (self.channel,), language=self.language, detail=self.detail, conversations=self.conversations
        )
        routes = [*self.routes, everything]
        if self.bot is None:
            routes = [replace(route, conversations=None) for route in routes]
        rewordings: dict[str, EventTemplates] = {
            language: EventTemplates(templates) for language, templates in self.wording.items()
        }
        projects = Projects(self.projects, self.other_projects)
        return Router(routes, self.mute, self.people, rewordings, projects)
