"""What the patterns of a site find in GitLab at the time of a deploy: projects, and groups with a hook of their own."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from relays.sources.gitlab.project_list import ProjectList, covers, group_of
from tasks.operations.api import Api
from tasks.operations.gitlab import find_group, projects_of_group, projects_of_user
from tasks.operations.group_hooks import find_group_hooks
from tasks.site import Site


@dataclass(frozen=True)
class Members:
    """Paths of `projects` that patterns find, and no path lists; `groups` whose own hook stands for their projects'.

    `left_alone` are lines about what a pattern comes across and the site does not get.
    """

    projects: Sequence[str] = ()
    groups: Sequence[str] = ()
    left_alone: Sequence[str] = ()


def find_members(site: Site, api: Api) -> Members:
    """Ask GitLab; a page of a hundred projects is a question. ResourceError if there is no such group."""
    listed, by_group = site.project_list, {f"{group}/**" for group in site.gitlab.groups}
    groups, projects, left_alone = list[str](), dict[str, str](), dict[str, None]()
    for pattern in listed.patterns:
        group = find_group(api, group_of(pattern))
        # Its projects, of which there may be thousands, are not looked at where its own hook stands for them.
        if group and pattern in by_group and find_group_hooks(api, group_of(pattern)) is not None:
            groups.append(group_of(pattern))
            continue
        if group:
            found = projects_of_group(api, group_of(pattern), subgroups=pattern.endswith("/**"))
        else:
            found = projects_of_user(api, group_of(pattern))
        if not found:
            left_alone[f"{pattern}: there is no project yet"] = None
        for project in found:
            path = str(project["path_with_namespace"])
            if listed.names(path) or any(covers(entry, path) for entry in listed.left_out):
                continue
            if reason := _why_not(project, path, pattern, listed):
                left_alone[f"project {path}: {reason}"] = None
            else:
                projects[path.lower()] = path
    in_groups = ProjectList(f"{group}/**" for group in groups)
    by_themselves = [path for path in projects.values() if path not in in_groups]
    return Members(sorted(by_themselves), groups, list(left_alone))


def _why_not(project: Mapping[str, Any], path: str, pattern: str, listed: ProjectList) -> str:
    """Why a project that GitLab names to a pattern gets no hook; empty if it gets one."""
    if listed.pattern_of(path) is None:
        return f"shared with {group_of(pattern)} and of another group; list it in gitlab.projects to have it there"
    if project.get("marked_for_deletion_on") or project.get("marked_for_deletion_at"):
        return "it is being deleted, so it gets no hook"
    return "archived, so it gets no hook" if project.get("archived") else ""
