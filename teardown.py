"""Everything that Passerelle has made, taken away again, and nothing else; pyinfra shows it first and asks.

What people work in stays: the team, the channels and their messages, the project, the folders and their documents.
A bot is disabled, for the messages are its own and Mattermost deletes none.
So do Mattermost's integration settings, which others may rely on.
"""

from pyinfra import host

from tasks.bot import remove_bots
from tasks.context import find_context
from tasks.failure_isolation import failing_alone
from tasks.former_hosts import find_former_hosts, remove_relays_of
from tasks.former_spool import remove_shared_spool
from tasks.icons import remove_icons
from tasks.leftovers import remove_files, remove_from_gitlab
from tasks.mattermost import remove_webhooks
from tasks.record import forget, recall, wanted
from tasks.relay_hosts import is_relay_host
from tasks.relays import remove_relays, stop_relays
from tasks.slash_commands import remove_commands, remove_connections
from tasks.tokens.renewal import revoke_tokens

with failing_alone():
    site = host.data.site

    if not is_relay_host():
        context = find_context(site)
        made = recall(site, context)
        everything = made | wanted(site, context)
        remove_from_gitlab(context, made, everything)
        stop_relays()
        remove_shared_spool()
        remove_relays()
        remove_webhooks(context, everything.webhooks, made, though_hidden=True)
        remove_commands(context, everything.commands, made, though_hidden=True)
        remove_connections(context, made.connections)
        remove_bots(context, everything.bots)
        remove_icons(context, everything)
        remove_files(everything.files)
        former, _ = find_former_hosts((made - wanted(site, context)).machines)
        remove_relays_of(former)
        forget()
        revoke_tokens(site)
    else:
        stop_relays()
        remove_shared_spool()
        remove_relays()
