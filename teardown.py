"""Everything that Passerelle has made, taken away again, and nothing else; pyinfra shows it first and asks.

What people work in stays: the team, the channels and their messages, the project, the folders and their documents.
So do Mattermost's integration settings, which others may rely on.
"""

from pyinfra import host

from tasks.alone import failing_alone
from tasks.commands import remove_commands
from tasks.gitlab import remove_gitlab
from tasks.icons import remove_icons
from tasks.mattermost import remove_webhooks
from tasks.place import find_place
from tasks.relay_hosts import is_relay_host
from tasks.relays import remove_relays

with failing_alone():
    site = host.data.site

    if not is_relay_host():
        place = find_place(site)
        remove_gitlab(site, place)
        remove_relays()
        remove_webhooks(site, place)
        remove_icons(site, place)
        remove_commands(place)
    else:
        remove_relays()
