"""What a site may say of its machines, and how each is reached."""

from typing import Annotated, Literal

from pydantic import Field

from relays.base.schema import Section
from tasks.addresses import ExistingFile, HostFolder, MachineName, Password, Port, PrivateKey, UserName
from tasks.certificates import CertificateFile


class Machine(Section):
    """A machine, and how it is reached."""

    address: MachineName = Field(description="name or address that SSH connects to")
    ssh_port: Port | None = Field(None, description="without it, what `~/.ssh/config` says, else 22")
    ssh_user: UserName | None = Field(None, description="without it, what `~/.ssh/config` says, else root")
    ssh_key: PrivateKey | None = Field(
        None,
        description="private key file; one with a passphrase goes into the agent. Without it, what `~/.ssh/config` "
        "says, the agent and `~/.ssh`",
    )
    known_hosts: ExistingFile | None = Field(
        None,
        description="file that must hold the host's key; without it, `~/.ssh/known_hosts`, and a new key is accepted "
        "at the first contact",
    )
    sudo: bool = Field(False, description="the SSH user becomes root through sudo")
    sudo_password: Password | None = Field(
        None,
        description="what sudo asks for, in `PASSERELLE_HOST__SUDO_PASSWORD` for one; without it and where sudo asks, "
        "a person is asked once",
    )


class Host(Machine):
    """The machine that runs the three applications."""

    infrastructure: HostFolder = Field(
        "~/taaf-infrastructure",
        description="folder of `docker-compose.yml` or `compose.yaml` on the host; `~` is the SSH user's",
    )
    ca: CertificateFile | None = Field(
        None,
        description="PEM file on this machine: private authorities, or self-signed certificates, of the applications' "
        "`https://`; trusted beside those that this machine, the host and certifi know, by deploy, relays, commands "
        "and checks",
    )
    compose_project: Annotated[str, Field(pattern=r"^[a-z0-9][a-z0-9_-]*$")] | None = Field(
        None,
        description="name of the Compose project, if several were started from that folder or it was started from "
        "another one; without it, the one that runs there",
    )
    api_access: Literal["ssh", "direct"] = Field(
        "ssh",
        description="`ssh`: the APIs are called through the SSH connection, so only the host must reach them (sshd "
        "must allow forwarding); `direct`: from this machine",
    )
