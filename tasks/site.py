"""What a site may say of itself: every setting of Passerelle, its type, its default and its meaning.

Where the settings come from is in tasks.settings.
"""

import re
from collections.abc import Iterator
from typing import Annotated, Self

from pydantic import BaseModel, BeforeValidator, Field, SecretStr, ValidationError, model_validator
from pyinfra.api.exceptions import PyinfraError

from relays.base.addresses import BaseUrl
from relays.base.schema import Section
from relays.sources.gitlab.project_list import ProjectList
from relays.sources.nextcloud.options import FURTHER_USERNAME, USERNAME
from tasks.documents import Tree
from tasks.site_effects import without_effect
from tasks.site_gitlab import GitLab
from tasks.site_machines import Host, Machine
from tasks.site_mattermost import Mattermost
from tasks.site_nextcloud import Nextcloud
from tasks.site_relays import Relays


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


class Site(Section):
    """One site: its host, its three applications, its relays."""

    host: Host = Field(description="the machine that runs the three applications")
    portal_url: Annotated[BaseUrl | None, BeforeValidator(lambda value: value or None)] = Field(
        None, description='a further page that `status.sh` looks at; `""`: none'
    )
    mattermost: Mattermost = Field(description="Mattermost, the team and the two incoming webhooks")
    nextcloud: Nextcloud = Field(description="Nextcloud and the watched trees")
    gitlab: GitLab = Field(description="GitLab, the projects, and which events are announced where and how")
    relays: Relays = Field(description="the two relays")

    @model_validator(mode="after")
    def _has_effect(self) -> Self:
        if faults := [*without_effect(self.mattermost, self.nextcloud, self.gitlab, self.relays)]:
            raise ValidationError.from_exception_data("site", faults)
        return self

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
