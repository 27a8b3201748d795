"""The whole phase, step by step, on the host of each site. Each step can be read on its own in tasks/."""

from pyinfra import host

from tasks.alone import failing_alone
from tasks.commands import install_commands
from tasks.gitlab import provision_gitlab
from tasks.mattermost import provision_mattermost
from tasks.nextcloud import provision_nextcloud
from tasks.place import find_place
from tasks.relay_hosts import install_relay_host, is_relay_host, meet
from tasks.relays import install_relays, listen_beside, preflight

with failing_alone():
    site = host.data.site
    here = not is_relay_host()

    if here:
        preflight(site)
        place = find_place(site)
        listen_beside(site)
        provision_mattermost(site, place)
        provision_nextcloud(site, place)
        provision_gitlab(site, place)
        install_relays(site, place)
        install_commands(site, place)
    meet(site)
    if not here:
        install_relay_host(site)
