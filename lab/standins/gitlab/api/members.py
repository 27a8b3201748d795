"""Members of projects and groups, inherited ones among them: `/members/all`."""

from starlette.responses import Response

from lab.standins.gitlab.api import namespaces, projects
from lab.standins.gitlab.api.call import Call
from lab.standins.gitlab.payloads.user import brief

_OWNER, _MAINTAINER = 50, 40


def of_project(call: Call) -> Response:
    """`GET /projects/:id/members/all`."""
    return _listed(call, projects.find(call).id)


def of_group(call: Call) -> Response:
    """`GET /groups/:id/members/all`."""
    namespaces.find_group(call)
    return _listed(call, None)


def _listed(call: Call, project_id: int | None) -> Response:
    """All people, who own everything here, and the account of a token of that project."""
    web_root = call.instance.config.external_url
    members = [
        {**brief(user, web_root), "access_level": _OWNER if user.only_in is None else _MAINTAINER}
        for user in call.instance.users.all()
        if user.only_in in (None, project_id)
    ]
    return call.page(members)
