"""Every secret between the applications and the relays, replaced without losing an event.

At each moment the relays accept what GitLab sends and hold an address that Mattermost knows. A run that breaks off
leaves a site that works; the next one finishes it.
"""

from pyinfra import host

from tasks.bot import drop_former_tokens, provision_bot
from tasks.commands import install_commands
from tasks.context import find_context
from tasks.failure_isolation import failing_alone
from tasks.former_spool import forget_former_address, leave_former_spool
from tasks.gitlab import provision_gitlab
from tasks.leftovers import remove_leftovers
from tasks.made import Made, hooks_of, set_aside
from tasks.mattermost import admit_webhooks, provision_mattermost, set_aside_webhooks
from tasks.next_port import refuse_another_port
from tasks.record import recall, remember
from tasks.relay_hosts import install_relay_host, is_relay_host, meet
from tasks.relays import install_relays, preflight
from tasks.secrets import add_secrets, drop_secrets, use_secrets
from tasks.slash_commands import provision_commands

with failing_alone():
    site = host.data.site
    here = not is_relay_host()

    if here:
        preflight(site)
        context = find_context(site)
        made = recall(site, context)
        refuse_another_port(site, made)
        aside = {(site.mattermost.team, set_aside(hook)) for hook in hooks_of(site)}
        remember(site, context, made, set_aside=aside)
        # The relays accept the old and the new secrets, then GitLab uses the new ones, then they forget the old ones.
        add_secrets()
        install_relays(site, context, made)
    meet(site)
    if not here:
        install_relay_host(site)
    meet(site)
    if here:
        use_secrets()
        provision_gitlab(site, context)
        drop_secrets()
        # New webhooks and a new token of the bot beside the old ones, then the relays use them, then Mattermost forgets
        # the old ones.
        admit_webhooks(site, context)
        set_aside_webhooks(site, context, made)
        provision_mattermost(site, context, made)
        provision_bot(site, context, replaced=True)
        # Their former tokens end at once: until the relays have the new ones, a command has to be typed again.
        provision_commands(site, context, made, replaced=True)
        install_relays(site, context, made)
        install_commands(site, context)
    meet(site)
    if not here:
        install_relay_host(site)
    meet(site)
    if here:
        leave_former_spool(site, context, made)
        drop_former_tokens(site, context, replaced=True)
        remove_leftovers(site, context, made | Made(webhooks=frozenset(aside)))
    else:
        forget_former_address()
