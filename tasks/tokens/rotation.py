"""passerelle rotate, of the tokens: new ones, then a rotation with them, then the end of the former ones."""

import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

from paramiko import SSHException

from group_data.all import TAAF
from tasks import root
from tasks.connection import connected
from tasks.context import gitlab_api, mattermost_api
from tasks.operations.resource import ResourceError
from tasks.settings import load
from tasks.site import Site, SiteError
from tasks.ssh import connection_data
from tasks.tokens.renewal import container_of, renew, revoke_unused, tokens_of


def main(settings: Path, wanted: str | None, rotate: Callable[[], int]) -> int:
    """Renew the tokens of the sites, or of the one that is `wanted`, around `rotate`; its exit code, or 1 and why.

    A run that breaks off leaves tokens that all are good; the next one ends those that are not in use.
    """
    try:
        for line in _each(settings, wanted, renew):
            print(line)
        code = rotate()
        if code == 0:
            _each(settings, wanted, _revoked)
        return code
    except (SiteError, ResourceError) as error:
        print(error, file=sys.stderr)
    except (SSHException, EOFError, OSError) as error:
        print(
            f"host: the SSH connection has ended ({error or type(error).__name__}); run again",
            file=sys.stderr,
        )
    return 1


def _each(settings: Path, wanted: str | None, act: Callable[[Path, Site], list[str]]) -> list[str]:
    """What `act` says of each site that has tokens of setup's, on its host."""
    lines = []
    for name, site in load(TAAF).items():
        if wanted in (None, name) and tokens_of(settings, site):
            with connected((name, {"site": site, **connection_data(site.host)})):
                root.become_root()
                lines += act(settings, site)
    return lines


def _revoked(settings: Path, site: Site) -> list[str]:
    revoke_unused(
        settings,
        site.host.address,
        gitlab_api(site, site.gitlab.token),
        mattermost_api(site),
        partial(container_of, site),
    )
    return []
