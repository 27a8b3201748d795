"""What the TAAF wants of its site. Another site alters these values in passerelle.toml or the environment."""

# A host's data is its own site's: see inventory.py.
__all__: list[str] = []

TAAF = {
    "host": {"address": "taaf.internal"},
    "portal_url": "http://taaf.internal",
    "mattermost": {
        "url": "http://chat.taaf.internal",
        "team": "taaf",
        "team_display_name": "TAAF",
        "gitlab_webhook": {
            "display_name": "GitLab Notifications",
            "description": "Notifications automatiques des merge requests et commits",
            "channel": "dev-notifications",
            "channel_display_name": "dev-notifications",
            "channel_purpose": "Notifications GitLab",
        },
        "nextcloud_webhook": {
            "display_name": "Nextcloud File Monitor",
            "description": "Notifications de nouveaux fichiers RH",
            "channel": "rh-alerts",
            "channel_display_name": "rh-alerts",
            "channel_purpose": "Nouveaux documents RH",
        },
    },
    "nextcloud": {
        "url": "http://cloud.taaf.internal",
        "tree": "Documents_RH",
        "folders": ["Contrats", "Fiches_Paie", "Conges"],
    },
    "gitlab": {
        "url": "http://git.taaf.internal",
        "project": "root/projet-test-taaf",
    },
    "relays": {"language": "fr", "port": 8090, "footer": "Nextcloud TAAF - Documents RH"},
}
