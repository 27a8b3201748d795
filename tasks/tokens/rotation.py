"""passerelle rotate, of the tokens: new ones, then a rotation with them, then the end of the former ones."""

from collections.abc import Callable
from pathlib import Path

from group_data.all import TAAF
from tasks import root
from tasks.connection import connected
from tasks.failures import reported
from tasks.settings import load
from tasks.site import Site
from tasks.ssh import connection_data
from tasks.tokens.renewal import renew, revoke_former, tokens_of


def main(settings: Path, wanted: str | None, rotate: Callable[[], int]) -> int:
    """Renew the tokens of the sites, or of the one that is `wanted`, around `rotate`; its exit code, or 1 and why.

    A run that breaks off leaves tokens that all are good; the next one ends those that are not in use.
    """

    def act() -> int:
        for line in _each(settings, wanted, renew):
            print(line)
        code = rotate()
        if code == 0:
            _each(settings, wanted, _revoked)
        return code

    return reported(act)


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
    revoke_former(settings, site)
    return []
