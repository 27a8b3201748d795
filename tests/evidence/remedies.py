"""What to do about a check that failed, in French and in English: by the item of the list, or for single checks."""

from collections.abc import Iterable

_DEPLOY = (
    "make deploy rétablit ce qui diffère ; si l'écart reste, make doctor nomme ce qui s'y oppose.",
    "make deploy puts back what differs; if it stays, make doctor names what stands in the way.",
)
_FOLLOW = (
    "make doctor suit la chaîne et nomme le premier maillon rompu, avec son remède.",
    "make doctor follows the chain and names the first broken link, with its remedy.",
)
_REPLACE = (
    "Supprimez la copie, puis remplacez les secrets : make rotate.",
    "Remove the copy, then replace the secrets: make rotate.",
)

ITEMS: dict[str, tuple[str, str]] = {
    "mattermost-webhooks": _DEPLOY,
    "webhook-urls": _DEPLOY,
    "gitlab-relay": _DEPLOY,
    "gitlab-service": _DEPLOY,
    "gitlab-hook": _DEPLOY,
    "merge-request": _FOLLOW,
    "push": _FOLLOW,
    "nextcloud-folders": _DEPLOY,
    "nextcloud-relay": _DEPLOY,
    "nextcloud-service": _DEPLOY,
    "upload": _FOLLOW,
    "commands": _DEPLOY,
    "screenshots": (
        "Installez Chromium (Debian : apt install chromium) et donnez gitlab.web_password et nextcloud.app_password ; "
        "sinon, réparez d'abord ce que la page devait montrer.",
        "Install Chromium (Debian: apt install chromium) and set gitlab.web_password and nextcloud.app_password; "
        "otherwise first mend what the page should have shown.",
    ),
    "mattermost-bot": _DEPLOY,
    "mattermost-commands": _DEPLOY,
    "nothing-more": (
        "Retirez de la machine ce qui est nommé : Passerelle ne l'y a pas mis.",
        "Remove from the host what is named: Passerelle has not put it there.",
    ),
}

CHECKS: dict[str, tuple[str, str]] = {
    "test_gitlab_reaches_the_relay": (
        "Autorisez les réseaux de Docker vers le port du relais dans le pare-feu de la machine, ou corrigez "
        "relays.address.",
        "Let Docker's networks through to the relay's port in the host's firewall, or correct relays.address.",
    ),
    "test_applications_reach_mattermost": (
        "Vérifiez que le nom de Mattermost se résout dans les conteneurs (DNS, extra_hosts) et qu'aucun pare-feu ne "
        "les sépare.",
        "Check that Mattermost's name resolves in the containers (DNS, extra_hosts) and that no firewall is between "
        "them.",
    ),
    "test_health": _FOLLOW,
    "test_no_copy_of_a_secret_is_readable_by_others": _REPLACE,
    "test_no_secret_in_the_process_list": (
        "Arrêtez le processus nommé, puis remplacez les secrets : make rotate.",
        "End the process that is named, then replace the secrets: make rotate.",
    ),
    "test_no_secret_in_the_journal": (
        "Remplacez les secrets (make rotate), puis purgez le journal : journalctl --rotate --vacuum-time=1s.",
        "Replace the secrets (make rotate), then clear the journal: journalctl --rotate --vacuum-time=1s.",
    ),
    "test_no_stranger_runs_a_relay": (
        "Arrêtez le relais lancé à la main : il publie tout une seconde fois.",
        "End the relay that was started by hand: it posts everything a second time.",
    ),
}


def remedy(function: str, items: Iterable[str], language: str) -> str:
    """The remedy of a check, in that language."""
    found = CHECKS.get(function) or next((ITEMS[item] for item in items if item in ITEMS), _FOLLOW)
    return found[0] if language == "fr" else found[1]
