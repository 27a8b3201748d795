"""What setup was given as options or variables, in the place of a person's answers."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from pydantic import SecretStr, TypeAdapter, ValidationError

from tasks.certificates import CertificateFile
from tasks.operations.resource import ResourceError
from tasks.site_machines import Machine


@dataclass(frozen=True)
class Given:
    """Each is None or empty where setup is to find it, or to ask."""

    host: str | None = None
    ssh_key: Path | None = None
    ca: Path | None = None
    compose_project: str | None = None
    projects: tuple[str, ...] = ()
    gitlab_admin: str | None = None
    gitlab_url: str | None = None
    gitlab_token: SecretStr | None = None
    relay_url: str | None = None
    nextcloud_user: str | None = None
    nextcloud_url: str | None = None
    nextcloud_password: SecretStr | None = None
    mattermost_url: str | None = None
    mattermost_user: str | None = None
    mattermost_password: SecretStr | None = None
    mattermost_code: str | None = None
    mattermost_token: SecretStr | None = None
    allow_tokens: bool = False
    team: str | None = None
    language: str | None = None
    yes: bool = False


_HOST = re.compile(r"(?:(?P<user>[^@]+)@)?(?P<address>\[[^]]+\]|[^:]+|[^:]*:[^:]*:.*)(?::(?P<port>\d+))?")


def machine_of(text: str, ssh_key: Path | None = None) -> Machine:
    """The machine of `[USER@]HOST[:PORT]`; ResourceError, naming what is wrong with it."""
    found = _HOST.fullmatch(text.strip())
    if found is None:
        raise ResourceError(f"host = {text!r}: must be HOST, USER@HOST or USER@HOST:PORT")
    values: dict[str, Any] = {
        "address": found["address"],
        "ssh_user": found["user"],
        "ssh_port": found["port"] and int(found["port"]),
        "ssh_key": ssh_key,
    }
    try:
        return Machine(**{name: value for name, value in values.items() if value is not None})
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False)[0]
        raise _refused("host" if fault["loc"][0] == "address" else f"host.{fault['loc'][0]}", error) from None


def certificates_of(given: Given, kept: Mapping[str, Any]) -> Path | None:
    """The file of certificates that is given, or that the settings name; ResourceError for a wrong one."""
    named = given.ca or kept.get("host", {}).get("ca")
    try:
        return TypeAdapter(CertificateFile).validate_python(named) if named else None
    except ValidationError as error:
        raise _refused("host.ca", error) from None


def _refused(setting: str, error: ValidationError) -> ResourceError:
    fault = error.errors(include_url=False, include_context=False)[0]
    return ResourceError(f"{setting} = {str(fault['input'])!r}: {fault['msg'].removeprefix('Value error, ')}")
