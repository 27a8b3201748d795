"""What a site may say of its relays: what they speak, how they are reached, and on which further hosts one is."""

import re
from typing import Annotated
from urllib.parse import urlsplit

from pydantic import AfterValidator, Field, SecretStr, ValidationInfo

from relays.base.addresses import BaseUrl
from relays.base.schema import Line, Section
from relays.delivery.settings import DigestFrom, RelayLanguage
from tasks.addresses import MachineName, Port, canonical, in_url
from tasks.site_machines import Machine


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


def _hosts(value: list[Machine], info: ValidationInfo) -> list[Machine]:
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
