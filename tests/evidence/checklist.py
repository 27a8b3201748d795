"""The mission's checklist (phase 3, section 6), item by item, and what we add to it."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Item:
    """A line of the list: what tests are marked with, and its title in each language."""

    id: str
    fr: str
    en: str


MISSION = (
    Item(
        "mattermost-webhooks",
        "Webhooks Mattermost créés (#dev-notifications, #rh-alerts)",
        "Mattermost webhooks created (#dev-notifications, #rh-alerts)",
    ),
    Item(
        "webhook-urls",
        "URLs de webhooks sauvegardées (fichier .webhooks.conf)",
        "Webhook URLs saved (file .webhooks.conf)",
    ),
    Item("gitlab-relay", "Script Python GitLab créé et testé", "GitLab relay installed and tested"),
    Item(
        "gitlab-service",
        "Service webhook GitLab démarré (port 8090)",
        "GitLab relay's service started (port 8090)",
    ),
    Item(
        "gitlab-hook",
        "Webhook configuré dans GitLab avec triggers activés",
        "Webhook set up in GitLab with its triggers",
    ),
    Item(
        "merge-request",
        "Test MR réussi (notification reçue dans Mattermost)",
        "Merge request test passed (notification received in Mattermost)",
    ),
    Item("push", "Test Push réussi (notification reçue)", "Push test passed (notification received)"),
    Item("nextcloud-folders", "Dossier RH créé dans Nextcloud", "HR folder made in Nextcloud"),
    Item("nextcloud-relay", "Script Python Monitor créé et testé", "Nextcloud monitor installed and tested"),
    Item(
        "nextcloud-service",
        "Service monitor démarré (surveillance active)",
        "Monitor's service started (watching)",
    ),
    Item(
        "upload",
        "Test upload Nextcloud réussi (notification reçue)",
        "Upload test passed (notification received)",
    ),
    Item(
        "commands",
        "Scripts d'automatisation créés (start, stop, status, test)",
        "Operators' commands installed (start, stop, status, test)",
    ),
    Item(
        "screenshots",
        "Captures d'écran réalisées (tous les tests documentés)",
        "Screenshots taken (all tests documented)",
    ),
)

ADDED = (
    Item(
        "mattermost-bot",
        "Qui publie dans Mattermost : le bot et ses seuls droits, ou les webhooks",
        "Who posts in Mattermost: the bot with no more rights than it needs, or the webhooks",
    ),
    Item(
        "mattermost-commands",
        "Commandes slash : le relais répond dans le chat, et à l'équipe seule",
        "Slash commands: the relay answers in the chat, and the team alone",
    ),
    Item(
        "nothing-more",
        "Rien de trop : ni port, ni secret lisible, ni reste",
        "Nothing beyond it: no port, no readable secret, no leftover",
    ),
)

ITEMS = MISSION + ADDED
