"""Every secret between the applications and the relays, replaced without losing an event.

At each moment the relays accept what GitLab sends and hold an address that Mattermost knows. A run that breaks off
leaves a site that works; the next one finishes it.
"""

from pyinfra import host

from tasks.alone import failing_alone
from tasks.gitlab import provision_gitlab
from tasks.mattermost import provision_mattermost, remove_replaced_webhooks, set_aside_webhooks
from tasks.place import find_place
from tasks.relay_hosts import install_relay_host, is_relay_host, meet
from tasks.relays import install_relays, listen_beside, preflight
from tasks.secrets import add_secrets, drop_secrets, use_secrets

with failing_alone():
    site = host.data.site
    here = not is_relay_host()

    if here:
        preflight(site)
        place = find_place(site)
        # The relays accept the old and the new secrets, then GitLab uses the new ones, then they forget the old ones.
        add_secrets()
        install_relays(site, place)
    meet(site)
    if not here:
        install_relay_host(site)
    meet(site)
    if here:
        use_secrets()
        listen_beside(site)
        provision_gitlab(site, place)
        drop_secrets()
        # New webhooks beside the old ones, then the relays use them, then Mattermost forgets the old ones.
        set_aside_webhooks(site, place)
        provision_mattermost(site, place)
        install_relays(site, place)
    meet(site)
    if not here:
        install_relay_host(site)
    meet(site)
    if here:
        remove_replaced_webhooks(site, place)
