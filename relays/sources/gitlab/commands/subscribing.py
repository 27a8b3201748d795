"""What the subcommands `subscribe`, `unsubscribe` and `list` have in common."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from relays.delivery.outbox import Notification, Outbox
from relays.mattermost.channels import Channels
from relays.sources.gitlab.project_list import covers
from relays.sources.gitlab.rest import Server
from relays.sources.gitlab.router import Router
from relays.sources.gitlab.routing import shows
from relays.sources.gitlab.subscriptions import tables
from relays.sources.gitlab.subscriptions.access import UNKNOWN
from relays.sources.gitlab.subscriptions.notices import Notices
from relays.sources.gitlab.subscriptions.subscription import Place, Subscription
from relays.sources.gitlab.subscriptions.tables import Access
from relays.storage.engine import Database
from relays.storage.store import Store
from relays.storage.storing import stored

SITE = "site"
"""Why a project may not be announced in a channel: GitLab cannot be asked, and no route of the site leads it there."""


@dataclass(frozen=True)
class Subscribing:
    """What it takes. Without a bot there are no `channels`; without a read token there is no `gitlab` to ask."""

    store: Store
    outbox: Outbox
    router: Router
    channels: Channels | None
    gitlab: Server | None

    def put(self, work: Callable[[Database], list[Notification]]) -> int:
        """Store what is chosen, and what the channel hears of it; to how many posts that comes. As `stored`."""
        return stored(self.outbox.put, work)

    def notice(self, key: str, place: Place, name: str, said: Sequence[Subscription]) -> list[Notification]:
        """What a channel hears of it in its own language; nothing if it cannot."""
        return Notices(self.router.language_in, self.store.now).made(key, place, name, said)

    def refusals(self, subscription: Subscription) -> list[str]:
        """Why nothing of it is announced, in words as in subscriptions.access: one for each of its projects."""
        if self.gitlab is None:
            subscribed = self.router.subscribed
            name = subscribed.site_name(subscription.channel_id) if subscribed else ""
            return ["" if self.site_shows(name, subscription.target) else SITE]
        known = tables.access(self.store).values()
        found = [each for each in known if self._is_of(each, subscription)]
        return [each.refusal for each in found] or [UNKNOWN]

    def site_shows(self, channel: str, target: str) -> bool:
        """Whether the site's own routes lead some event of a target to a channel."""
        listed = self.router.projects.listed
        places = [each for each in (*listed.paths, *listed.patterns) if covers(target, each)]
        return any(shows(self.router.routes, channel, each) for each in (target, *places))

    @staticmethod
    def _is_of(access: Access, subscription: Subscription) -> bool:
        return access.channel_id == subscription.channel_id and subscription.matches_project(access.project)
