"""The whole phase, step by step, on the host of each site. Each step can be read on its own in tasks/."""

from pyinfra import host

from tasks.bot import drop_former_tokens, provision_bot
from tasks.choices import show_choices
from tasks.commands import install_commands
from tasks.context import find_context
from tasks.failure_isolation import failing_alone
from tasks.former_spool import forget_former_address, leave_former_spool
from tasks.gitlab import provision_gitlab
from tasks.icons import remove_former_icons
from tasks.leftovers import remove_leftovers
from tasks.mattermost import admit_webhooks, provision_mattermost
from tasks.next_port import open_next_port, take_next_port
from tasks.nextcloud import provision_nextcloud
from tasks.record import recall, remember
from tasks.relay_hosts import install_relay_host, is_relay_host, meet
from tasks.relays import install_relays, preflight
from tasks.slash_commands import provision_commands

with failing_alone():
    site = host.data.site
    here = not is_relay_host()

    if here:
        preflight(site)
        context = find_context(site)
        made = recall(site, context)
        remember(site, context, made)
        open_next_port(site, made)
        admit_webhooks(site, context)
        provision_mattermost(site, context, made)
        provision_bot(site, context)
        provision_commands(site, context, made)
        provision_nextcloud(site, context)
        provision_gitlab(site, context)
        take_next_port(site, made)
        install_relays(site, context, made)
        install_commands(site, context)
    meet(site)
    if not here:
        install_relay_host(site)
    meet(site)
    if here:
        leave_former_spool(site, context, made)
        drop_former_tokens(site, context)
        remove_leftovers(site, context, made)
        remove_former_icons(site, context, made)
        show_choices(site, context)
    else:
        forget_former_address()
