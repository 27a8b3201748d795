"""What a site wants told, as gitlab.toml says it."""

from dataclasses import fields, replace
from pathlib import Path

from jinja2 import TemplateError

from relays.base.settings import StartError, Table
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.people import is_name
from relays.sources.gitlab.projects import Projects
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import CONVERSATIONS, DETAILS, LANGUAGES, Route, faults
from relays.sources.gitlab.templates import EventTemplates


def read_dispatcher(file: Path, settings: Table) -> Router:
    """The part of the settings that decides what is announced where and how. StartError if any of it cannot be.

    Only a bot converses: without one each event is a post, whatever is said of conversations.
    """
    language = settings.choice("language", LANGUAGES, "fr")
    detail = settings.choice("detail", DETAILS, "full")
    conversations = settings.choice("conversations", CONVERSATIONS, "threads")
    channel = settings.text("channel", "dev-notifications")
    everything = Route((channel,), language=language, detail=detail, conversations=conversations)
    mute = _read_mute(settings.table("mute"))
    routes = [_read_route(table, everything) for table in settings.tables("routes")]
    for place, reason in faults(routes, mute):
        raise StartError(f"{file}: [[routes]] {place + 1} can never match: {reason}")
    people = settings.mapping("people")
    for user, name in people.items():
        if not is_name(name):
            raise StartError(f"{file}: [people] {user} = {name!r} is no user name of Mattermost: correct it")
    wording = _read_wording(file, settings.table("wording"))
    projects = Projects(settings.texts("projects", ()), settings.flag("other_projects", False))
    routes.append(everything)
    if "bot" not in settings:
        routes = [replace(route, conversations="single") for route in routes]
    return Router(routes, mute, people, wording, projects)


def _read_mute(table: Table) -> Mute:
    mute = Mute(**{each.name: table.flag(each.name, True) for each in fields(Mute)})
    table.done()
    return mute


def _read_route(table: Table, default: Route) -> Route:
    route = Route(
        channels=table.texts("channels"),
        projects=table.texts("projects", ()),
        events=table.texts("events", ()),
        actions=table.texts("actions", ()),
        branches=table.texts("branches", ()),
        labels=table.texts("labels", ()),
        confidential=table.flag("confidential", False),
        final=table.flag("final", True),
        language=table.choice("language", LANGUAGES, default.language),
        detail=table.choice("detail", DETAILS, default.detail),
        conversations=table.choice("conversations", CONVERSATIONS, default.conversations),
    )
    table.done()
    return route


def _read_wording(file: Path, table: Table) -> dict[str, EventTemplates]:
    sources = {language: table.mapping(language) for language in LANGUAGES}
    table.done()
    rewordings: dict[str, EventTemplates] = {}
    for language, templates in sources.items():
        try:
            rewordings[language] = EventTemplates(templates)
        except TemplateError as error:
            raise StartError(f"{file}: [wording.{language}] is not Jinja2 ({error}): correct it") from None
    return rewordings
