"""The mission's screenshots 11 to 21: the page of each, and what must be seen on it before it is taken.

The pages have the same addresses on the real applications and on the lab's stand-ins. `{…}` is filled in from
the site and by the test that takes the picture.
"""

from dataclasses import dataclass
from typing import Literal

Application = Literal["mattermost", "gitlab", "nextcloud"]


@dataclass(frozen=True)
class Page:
    """`text` (if any) must stand in an element that `selector` finds; the picture shows that element framed."""

    item: str
    application: Application
    path: str
    selector: str
    text: str
    fr: str
    en: str


_SETTINGS = "/admin_console/integrations/integration_management"
_WEBHOOKS, _WEBHOOK = "/{team}/integrations/incoming_webhooks", ".backstage-list__item"
# The channel with this post in sight.
_POST, _THE_POST = "/{team}/pl/{post}", "#post_{post}"

PICTURES = {
    "11-mattermost-integrations-enabled": Page(
        "mattermost-webhooks",
        "mattermost",
        _SETTINGS,
        '[data-testid="ServiceSettings.EnableIncomingWebhookstrue"]:checked',
        "",
        "Mattermost : les intégrations sont activées",
        "Mattermost: integrations are enabled",
    ),
    "12-mattermost-webhook-gitlab": Page(
        "mattermost-webhooks",
        "mattermost",
        _WEBHOOKS,
        _WEBHOOK,
        "{gitlab_webhook}",
        "Mattermost : le webhook de GitLab et son URL",
        "Mattermost: GitLab's webhook and its URL",
    ),
    "13-mattermost-webhook-nextcloud": Page(
        "mattermost-webhooks",
        "mattermost",
        _WEBHOOKS,
        _WEBHOOK,
        "{nextcloud_webhook}",
        "Mattermost : le webhook de Nextcloud et son URL",
        "Mattermost: Nextcloud's webhook and its URL",
    ),
    "14-gitlab-projet-test": Page(
        "gitlab-hook",
        "gitlab",
        "/{project}",
        "h1",
        "{project_name}",
        "GitLab : le projet",
        "GitLab: the project",
    ),
    "15-gitlab-webhook-config": Page(
        "gitlab-hook",
        "gitlab",
        "/{project}/-/hooks",
        "li, tr, .card",
        ":{port}/webhook/gitlab",
        "GitLab : le webhook et ses déclencheurs",
        "GitLab: the webhook and its triggers",
    ),
    "16-mattermost-gitlab-notification": Page(
        "gitlab-hook",
        "mattermost",
        _POST,
        _THE_POST,
        "{mark}",
        "Mattermost : notification d'une issue",
        "Mattermost: notification of an issue",
    ),
    "17-gitlab-merge-request": Page(
        "merge-request",
        "gitlab",
        "/{project}/-/merge_requests/{iid}",
        "h1, h2",
        "{mark}",
        "GitLab : la merge request",
        "GitLab: the merge request",
    ),
    "18-mattermost-mr-notification": Page(
        "merge-request",
        "mattermost",
        _POST,
        _THE_POST,
        "{mark}",
        "Mattermost : notification de la merge request",
        "Mattermost: notification of the merge request",
    ),
    "19-mattermost-push-notification": Page(
        "push",
        "mattermost",
        _POST,
        _THE_POST,
        "{mark}",
        "Mattermost : notification du push",
        "Mattermost: notification of the push",
    ),
    "20-nextcloud-upload": Page(
        "upload",
        "nextcloud",
        "/apps/files/?dir=/{tree}/{folder}",
        "tr",
        "{mark}",
        "Nextcloud : le document déposé",
        "Nextcloud: the uploaded document",
    ),
    "21-mattermost-file-notification": Page(
        "upload",
        "mattermost",
        _POST,
        _THE_POST,
        "{mark}",
        "Mattermost : notification du document",
        "Mattermost: notification of the document",
    ),
}
