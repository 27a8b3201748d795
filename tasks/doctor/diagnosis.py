"""passerelle doctor: the first broken link between the applications, and its remedy; nothing is changed.

Exit code 0: no link is broken; 2: one is, printed in the language of the site; 1: the doctor could not look, and why.
"""

import sys

from tasks.doctor import bot, commands, deliveries, gitlab, machine, mattermost, nextcloud, people, relays
from tasks.doctor.chain import Broken, unreached, walk
from tasks.doctor.connection import Refused, looking
from tasks.doctor.report import lines
from tasks.doctor.wording import CATALOGUES
from tasks.failures import reported
from tasks.operations.masking import Mask
from tasks.operations.resource import ResourceError
from tasks.places import as_typed
from tasks.settings import pick

CHAIN = (
    *machine.links,
    *mattermost.links,
    *bot.links,
    *relays.release_links,
    *relays.gitlab_links,
    *gitlab.links,
    *deliveries.links,
    *nextcloud.links,
    *relays.nextcloud_links,
    *commands.links,
    *people.links,
)


def main(wanted: str | None = None) -> int:
    """Look, report, return the exit code; `wanted` names one of several sites."""
    return reported(lambda: _diagnose(wanted))


def _diagnose(wanted: str | None) -> int:
    from inventory import hosts, sites

    name = pick(sites, wanted)
    site, target = sites[name], next(entry for entry in hosts if entry[0] == name)
    # What others have written is masked once more before it is shown.
    catalogue, mask = CATALOGUES[site.relays.language], Mask(site.secrets)
    try:
        with looking(site, target) as look:
            verdicts = walk(CHAIN, look)
    except Refused as refusal:
        verdicts = unreached(CHAIN, refusal.finding)
    except ResourceError as error:
        print(mask(catalogue.phrases["blind"].format(text=error)), file=sys.stderr)
        return 1
    for line in lines(verdicts, catalogue):
        print(as_typed(mask(line)))
    return 2 if any(isinstance(verdict.finding, Broken) for verdict in verdicts) else 0
