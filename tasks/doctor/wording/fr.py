"""French."""

from tasks.doctor.wording.catalogue import Catalogue, Saying

PHRASES = {
    "sound": "✅ {count} maillons examinés, aucun n'est rompu.",
    "first": "❌ Maillon rompu : {link} [{code}]",
    "why": "   Constat : {text}",
    "remedy": "   Remède  : {text}",
    "also": "❌ Rompu aussi : {link} [{code}]",
    "behind": "❔ Non examinés à cause de « {cause} » : {links}.",
    "unclear": "❔ {link} : {text}",
    "noted": "💡 {link} : {text}",
    "blind": "Le diagnostic n'a pas pu regarder : {text}",
}

LINKS = {
    "ssh": "connexion SSH à l'hôte",
    "docker": "Docker",
    "docker.services": "services Docker",
    "docker.files": "fichiers de Docker Compose",
    "host.system": "système de l'hôte",
    "host.disk": "place sur les disques",
    "mattermost.name": "nom de Mattermost",
    "mattermost.port": "port de Mattermost",
    "ssh.forwarding": "redirection SSH vers les API",
    "mattermost.health": "santé de Mattermost",
    "mattermost.token": "jeton de Mattermost",
    "mattermost.settings": "réglages d'intégration de Mattermost",
    "mattermost.team": "équipe Mattermost",
    "mattermost.channels": "canaux Mattermost",
    "webhooks.saved": "URLs de webhooks enregistrées",
    "webhooks.known": "webhooks entrants de Mattermost",
    "webhooks.target": "destination des webhooks entrants",
    "bot.account": "compte bot de Mattermost",
    "bot.member": "canaux du bot",
    "bot.token": "jeton du bot",
    "relay.release": "paquet des relais",
    "gitlab-relay.unit": "service du relais GitLab",
    "gitlab-relay.health": "santé du relais GitLab",
    "gitlab-relay.backlog": "livraisons du relais GitLab",
    "gitlab-relay.parked": "messages mis de côté (GitLab)",
    "gitlab-relay.people": "personnes de GitLab dans Mattermost",
    "gitlab.name": "nom de GitLab",
    "gitlab.port": "port de GitLab",
    "gitlab.health": "réponse de GitLab",
    "gitlab.token": "jeton de GitLab",
    "gitlab.version": "version de GitLab",
    "gitlab.clock": "horloge de GitLab",
    "gitlab.allow-list": "liste blanche de GitLab",
    "gitlab.expiry": "expiration des jetons de GitLab",
    "gitlab.push-limit": "événements des push",
    "gitlab.reach": "chemin du conteneur GitLab au relais",
    "gitlab.project": "projets GitLab",
    "gitlab.hook": "webhooks des projets GitLab",
    "gitlab.hook-secrets": "secrets du webhook GitLab",
    "gitlab.deliveries": "envois récents de GitLab",
    "gitlab.read-token": "jeton de lecture du journal de GitLab",
    "gitlab.write-token": "jeton pour agir dans GitLab",
    "nextcloud.name": "nom de Nextcloud",
    "nextcloud.port": "port de Nextcloud",
    "nextcloud.status": "état de Nextcloud",
    "nextcloud.account": "compte du relais dans Nextcloud",
    "nextcloud.volume": "volume de Nextcloud",
    "nextcloud.tree": "dossier RH",
    "nextcloud.access": "droits du dossier RH",
    "host.inotify": "limites d'inotify",
    "nextcloud-relay.unit": "service du relais Nextcloud",
    "nextcloud-relay.bound": "vue du relais sur le dossier RH",
    "nextcloud-relay.storage": "stockage du relais Nextcloud",
    "nextcloud-relay.documents": "documents connus du relais",
    "nextcloud-relay.backlog": "livraisons du relais Nextcloud",
    "nextcloud-relay.presses": "boutons des documents",
    "nextcloud-relay.parked": "messages mis de côté (Nextcloud)",
    "command.registered": "commandes slash de Mattermost",
    "command.way": "chemin des commandes slash au relais",
    "command.token": "jetons des commandes slash",
    "command.served": "réponse du relais aux commandes slash",
    "people.gitlab": "personnes des réglages dans GitLab",
    "people.mattermost": "personnes des réglages dans Mattermost",
    "people.acting": "personnes qui agissent dans GitLab",
    "action.served": "réponse du relais aux boutons",
}

_DEPLOY = "relancez le déploiement : make deploy"

BROKEN = {
    "ssh.unreachable": Saying(
        "l'hôte n'est pas joint par SSH : {detail}",
        "corrigez ce réglage de [host], ou ce qu'il désigne, puis relancez le diagnostic",
    ),
    "ssh.lost": Saying(
        "la connexion SSH s'est rompue pendant l'examen : {detail}",
        "relancez le diagnostic ; si cela se répète, examinez le réseau et journalctl -u ssh sur l'hôte",
    ),
    "ssh.sudo": Saying(
        "l'utilisateur SSH ne devient pas root : {detail}",
        "donnez-lui sudo sans mot de passe, ou mettez host.ssh_user à root",
    ),
    "ssh.forwarding": Saying(
        "l'hôte joint Mattermost, mais pas à travers la connexion SSH : {detail}",
        "autorisez AllowTcpForwarding dans sshd_config, ou mettez host.api_access à direct",
    ),
    "host.python": Saying("il n'y a pas de python3 sur l'hôte", "installez-le : apt install python3"),
    "host.python-old": Saying(
        "le python3 de l'hôte est en version {version}, il faut au moins la 3.11",
        "passez l'hôte à Debian 12, Ubuntu 24.04 ou plus récent",
    ),
    "host.systemd": Saying(
        "aucun systemd ne gère l'hôte : {detail}",
        "les relais sont des services de systemd : prenez un hôte qui en a un, Debian 12 ou Ubuntu 24.04",
    ),
    "host.systemd-old": Saying(
        "le systemd de l'hôte est en version {version}, il faut au moins la {least}",
        "passez l'hôte à Debian 12, Ubuntu 24.04 ou plus récent",
    ),
    "host.read-only": Saying(
        "{path} ne peut pas être écrit : {place} est en lecture seule",
        "dmesg dit si le disque a des erreurs ; sinon : mount -o remount,rw avec son point de montage "
        "(findmnt -T {place})",
    ),
    "host.noexec": Saying(
        "rien ne peut être exécuté dans {place}, monté avec noexec : les relais ne démarreraient pas",
        "mount -o remount,exec avec son point de montage (findmnt -T {place}), et durablement dans /etc/fstab",
    ),
    "host.api": Saying("{detail}", "corrigez ce réglage de [host], puis relancez le diagnostic"),
    "host.disk": Saying(
        "il ne reste que {free} sur {whole} à {place}",
        "libérez de la place (docker system df, journalctl --vacuum-size=200M) ; rien n'est perdu entre-temps",
    ),
    "host.inodes": Saying(
        "le disque de {place} ne peut plus recevoir que {count} fichiers",
        "supprimez des fichiers nombreux et inutiles ; df -i et du --inodes disent où ils sont",
    ),
    "host.inotify": Saying(
        "{limit} vaut {value}, il en faut au moins {least}",
        "relevez-la avec sysctl, et durablement dans /etc/sysctl.d/, puis systemctl restart passerelle-nextcloud",
    ),
    "host.proxy": Saying(
        "le proxy HTTP {proxy} ne mène pas à {url} : {detail}",
        "corrigez {setting} dans passerelle.toml et relancez le déploiement, ou faites-le autoriser par le proxy",
    ),
    "docker.engine": Saying(
        "ce qui fait tourner les conteneurs de l'hôte n'est pas pris en charge : {detail}",
        "démarrez les applications avec le Docker de root (docker-ce, docker.io), ou décrivez-les comme étant ailleurs "
        "(docs/sites.md)",
    ),
    "docker.snap": Saying(
        "Nextcloud est installé par snap, et le relais n'en voit pas les fichiers",
        'surveillez-le par WebDAV : nextcloud.service = "", nextcloud.source = "webdav" et nextcloud.relay_password',
    ),
    "docker.all-in-one": Saying(
        "le conteneur {service} de Nextcloud All-in-One ne tourne pas ({state})",
        "démarrez les conteneurs dans l'interface d'All-in-One, ou corrigez nextcloud.service",
    ),
    "docker.missing": Saying(
        "la commande docker n'existe pas sur l'hôte", "installez Docker et son greffon compose"
    ),
    "docker.folder": Saying(
        "il n'y a pas de dossier {folder} sur l'hôte", "corrigez host.infrastructure dans passerelle.toml"
    ),
    "docker.silent": Saying("Docker ne répond pas : {detail}", "démarrez Docker : systemctl start docker"),
    "docker.plugin": Saying(
        "Docker n'a pas de greffon compose",
        "installez-le (docker-compose-plugin, ou docker-compose-v2 sur Ubuntu) : docker-compose 1 ne suffit pas",
    ),
    "docker.files": Saying(
        "Docker Compose ne peut pas lire les fichiers de {folder} : {detail}",
        "corrigez le fichier jusqu'à ce que cd {folder} && {compose} config --quiet ne dise plus rien",
    ),
    "docker.project": Saying(
        "le service {service} est dans le projet Compose {name} de {other}, pas dans celui de {folder}",
        "mettez host.infrastructure à ce dossier, ou host.compose_project à {name}",
    ),
    "docker.projects": Saying(
        "plusieurs projets Compose ont été démarrés depuis {folder} : {detail}",
        "mettez host.compose_project à celui qui compte, ou retirez l'autre : docker compose -p NOM down",
    ),
    "docker.service-missing": Saying(
        "le service {service} n'a pas de conteneur",
        "cd {folder} && {compose} up -d {service}, ou corrigez le réglage service de sa section",
    ),
    "docker.paused": Saying(
        "le conteneur du service {service} est en pause", "cd {folder} && {compose} unpause {service}"
    ),
    "docker.restarting": Saying(
        "le conteneur du service {service} s'arrête et redémarre sans cesse",
        "cd {folder} && {compose} logs --tail 50 {service} dit pourquoi",
    ),
    "docker.stopped": Saying(
        "le conteneur du service {service} ne tourne pas ({state})",
        "cd {folder} && {compose} up -d {service}",
    ),
    "mattermost.name": Saying(
        "l'hôte ne résout pas le nom de {url} : {detail}", "corrigez le DNS ou /etc/hosts, ou mattermost.url"
    ),
    "mattermost.port": Saying(
        "l'hôte ne se connecte pas à {url} : {detail}", "vérifiez que Mattermost tourne, et mattermost.url"
    ),
    "mattermost.silent": Saying(
        "{url} accepte la connexion et ne répond pas : {detail}", "redémarrez Mattermost et lisez son journal"
    ),
    "mattermost.blocked": Saying(
        "rien ne répond à l'hôte à l'adresse {url} : {detail}",
        "un pare-feu ou une route les sépare ; ou corrigez mattermost.url",
    ),
    "mattermost.redirect": Saying(
        "{url} renvoie à {target}", "mettez dans mattermost.url l'adresse qui répond elle-même"
    ),
    "mattermost.gateway": Saying(
        "devant Mattermost, un serveur mandataire répond {status} à {url} : Mattermost n'est pas prêt",
        "attendez qu'il ait démarré ; sinon lisez son journal et la configuration du mandataire",
    ),
    "mattermost.stranger": Saying(
        "ce qui répond à {url} n'est pas Mattermost",
        "corrigez mattermost.url : l'adresse qui répond elle-même",
    ),
    "mattermost.database": Saying(
        "Mattermost n'atteint pas sa base de données ({detail})", "rétablissez sa base de données"
    ),
    "mattermost.files": Saying(
        "Mattermost n'atteint pas son stockage de fichiers ({detail})", "rétablissez son stockage de fichiers"
    ),
    "mattermost.unhealthy": Saying(
        "Mattermost se dit malade ({detail})", "redémarrez Mattermost et lisez son journal"
    ),
    "mattermost.token": Saying(
        "{url} refuse le jeton (401) : révoqué, compte désactivé, ou jetons personnels interdits",
        "vérifiez System Console > Integrations, créez un jeton d'administrateur et mettez-le dans mattermost.token",
    ),
    "mattermost.role": Saying(
        "le jeton n'est pas celui d'un administrateur du système",
        "donnez ce rôle à son compte, ou changez mattermost.token",
    ),
    "mattermost.api": Saying("Mattermost refuse une question : {detail}", "lisez le journal de Mattermost"),
    "mattermost.setting": Saying("{setting} : {change}", _DEPLOY),
    "mattermost.variable": Saying(
        "la variable {variable} de l'environnement de Mattermost l'emporte sur le réglage",
        "mettez {variable} à {value} dans docker-compose.yml ou retirez-la, puis recréez le conteneur",
    ),
    "mattermost.team-missing": Saying("l'équipe {team} n'existe pas", _DEPLOY),
    "mattermost.team-archived": Saying("l'équipe {team} est archivée", _DEPLOY),
    "mattermost.channel-missing": Saying("le canal {channel} n'existe pas", _DEPLOY),
    "mattermost.channel-archived": Saying(
        "le canal {channel} est archivé, ce qui a supprimé ses webhooks", _DEPLOY
    ),
    "mattermost.channel-public": Saying("le canal {channel} est public et doit être privé", _DEPLOY),
    "mattermost.member-missing": Saying("{user} n'est pas membre du canal {channel}", _DEPLOY),
    "tls.expired": Saying(
        "{url} : son certificat, ou celui de son autorité, a expiré",
        "faites-le renouveler sur le serveur ; si c'est faux, corrigez l'horloge",
    ),
    "tls.early": Saying(
        "{url} : son certificat n'est pas encore valide",
        "corrigez l'horloge, ou celle de la machine qui a fait le certificat",
    ),
    "tls.name": Saying(
        "{url} : son certificat est pour un autre nom",
        "mettez dans {setting} un nom que porte le certificat, ou faites-en faire un pour ce nom",
    ),
    "tls.self-signed": Saying(
        "{url} : son certificat est auto-signé et n'est pas connu ici",
        "nommez dans host.ca un fichier PEM avec ce certificat, puis relancez le déploiement",
    ),
    "tls.authority": Saying(
        "{url} : son certificat est d'une autorité qui n'est pas connue ici",
        "nommez dans host.ca le fichier PEM de cette autorité et relancez le déploiement, ou faites envoyer par le "
        "serveur ses certificats intermédiaires aussi",
    ),
    "tls.certificate": Saying(
        "{url} : son certificat est refusé ({detail})", "faites-en faire un bon pour le serveur"
    ),
    "tls.plain": Saying(
        "{url} : ce port ne parle pas TLS", "écrivez http:// dans {setting}, ou corrigez son port"
    ),
    "tls.https": Saying(
        "{url} : ce port attend du TLS, pas du HTTP en clair",
        "écrivez https:// dans {setting}, ou corrigez son port",
    ),
    "tls.version": Saying(
        "{url} : le serveur n'accepte pas de TLS plus récent que 1.1",
        "faites activer TLS 1.2 ou plus récent sur le serveur",
    ),
    "tls.unknown-name": Saying(
        "{url} : le serveur ne connaît pas ce nom en TLS",
        "corrigez le nom dans {setting}, ou faites-le servir par le serveur",
    ),
    "tls.broken-off": Saying(
        "{url} : le serveur interrompt TLS ({detail})",
        "corrigez le port dans {setting}, ou lisez le journal du serveur",
    ),
    "webhooks.missing": Saying("{path} n'existe pas", _DEPLOY),
    "webhooks.access": Saying(
        "{path} a le mode {mode} au lieu de 600 : d'autres ont pu lire les URLs",
        "relancez le déploiement (make deploy), puis changez les URLs : make rotate",
    ),
    "webhooks.incomplete": Saying("{name} manque dans {path}", _DEPLOY),
    "webhooks.unknown": Saying("Mattermost ne connaît plus le webhook de {name}", _DEPLOY),
    "webhooks.off": Saying("les webhooks entrants sont désactivés dans Mattermost", _DEPLOY),
    "webhooks.stranger": Saying(
        "l'adresse de {name} ne répond pas comme Mattermost ({detail})",
        "corrigez mattermost.url : l'adresse qui répond elle-même",
    ),
    "webhooks.other": Saying("{name} n'est pas l'URL du webhook « {hook} »", _DEPLOY),
    "webhooks.channel": Saying("le webhook « {hook} » ne mène pas au canal {channel}", _DEPLOY),
    "bot.missing": Saying(
        "Mattermost n'a pas de bot {bot}",
        "make deploy, avec dans mattermost.token le jeton d'une personne qui administre le système",
    ),
    "bot.taken": Saying("{detail}", "donnez un autre nom au bot : mattermost.bot.username, puis make deploy"),
    "bot.owner": Saying(
        "le compte {owner}, qui a créé le bot {bot}, a été désactivé, et le bot avec lui",
        "make deploy le réactive ; pour qu'il n'en dépende plus, désactivez dans Mattermost "
        "ServiceSettings.DisableBotsWhenOwnerIsDeactivated",
    ),
    "bot.disabled": Saying("le bot {bot} est désactivé", _DEPLOY),
    "bot.roles": Saying("le bot {bot} a plus de droits qu'il n'en faut : {roles}", _DEPLOY),
    "bot.member": Saying("le bot {bot} n'est pas membre du canal {channel}", _DEPLOY),
    "bot.token-missing": Saying("{path} n'existe pas", _DEPLOY),
    "bot.token-access": Saying("{path} a les droits {mode} au lieu de 600", _DEPLOY),
    "bot.token-refused": Saying("Mattermost refuse le jeton du bot {bot}", _DEPLOY),
    "bot.token-silent": Saying(
        "l'hôte n'a pas pu essayer le jeton du bot : {detail}",
        "vérifiez que l'hôte atteint mattermost.url, puis relancez make doctor",
    ),
    "bot.token-other": Saying("le jeton sur l'hôte n'est pas celui du bot {bot}", _DEPLOY),
    "command.missing": Saying(
        "Mattermost n'a pas de commande /{word} qui soit de Passerelle",
        "make deploy ; si une autre commande porte ce mot, changez-le dans mattermost.commands",
    ),
    "command.elsewhere": Saying("la commande /{word} ne mène pas à {url}", _DEPLOY),
    "command.site-url": Saying(
        "Mattermost ne connaît pas sa propre adresse, sans laquelle il n'exécute aucune commande",
        "indiquez-la dans Console système > Serveur web > URL du site",
    ),
    "command.way": Saying(
        "Mattermost refuse d'aller à l'adresse interne {address}, où le relais attend ses commandes", _DEPLOY
    ),
    "command.token-missing": Saying("{path} n'existe pas", _DEPLOY),
    "command.token-access": Saying("{path} a les droits {access} au lieu de 600 root root", _DEPLOY),
    "command.token-other": Saying("{path} ne contient pas les jetons des commandes slash", _DEPLOY),
    "command.unserved": Saying("le relais ne prend pas de commandes à {url} (HTTP {status})", _DEPLOY),
    "command.behind-proxy": Saying(
        "à {url}, ce n'est pas le relais qui prend les commandes (HTTP {status})",
        "que le proxy inverse de relays.url mène aussi /mattermost/command au relais, puis make doctor",
    ),
    "action.unserved": Saying("le relais ne prend pas les boutons à {url} (HTTP {status})", _DEPLOY),
    "action.behind-proxy": Saying(
        "à {url}, ce n'est pas le relais qui prend les boutons (HTTP {status})",
        "que le proxy inverse de relays.url mène aussi /mattermost/action au relais, puis make doctor",
    ),
    "relay.release": Saying("le paquet des relais manque ou est incomplet dans /opt/passerelle", _DEPLOY),
    "relay.unit-missing": Saying("{unit} n'est pas installé", _DEPLOY),
    "relay.port-taken": Saying(
        "le port {port} est pris par {holder}, pas par le relais",
        "arrêtez ce programme, puis make deploy ; ou mettez relays.port à un port libre, puis make deploy",
    ),
    "relay.port-other": Saying("le relais écoute sur le port {other}, les réglages nomment {port}", _DEPLOY),
    "relay.oom-kill": Saying(
        "{unit} a été tué faute de mémoire ({restarts} redémarrages) ; dernière ligne : {line}",
        "libérez de la mémoire sur l'hôte (free -h) ; s'il dépasse sa propre limite, relevez MemoryMax : systemctl "
        "edit {unit}",
    ),
    "relay.watchdog": Saying(
        "{unit} ne donnait plus signe de vie et a été tué ({restarts} redémarrages) ; dernière ligne : {line}",
        "regardez la charge de l'hôte et de ses disques (uptime, iostat) ; journalctl -u {unit} dit où il en était",
    ),
    "relay.credentials": Saying(
        "{unit} ne démarre pas : un fichier de secrets que son unité nomme manque ; {line}", _DEPLOY
    ),
    "relay.namespace": Saying(
        "{unit} ne démarre pas : systemd ne peut pas préparer ce qu'il doit voir ; {line}",
        "la ligne nomme le chemin ; si c'est un dossier surveillé, vérifiez le volume de Nextcloud, puis make deploy",
    ),
    "relay.loop": Saying(
        "{unit} redémarre sans cesse ({restarts} fois) ; dernière erreur : {line}",
        "l'erreur nomme le fichier et le réglage ; corrigez-le ou relancez le déploiement (make deploy)",
    ),
    "relay.stopped": Saying(
        "{unit} est arrêté ({state}) ; dernière ligne : {line}",
        "scripts/start-all-services.sh, ou make deploy",
    ),
    "relay.trigger": Saying("{unit} est arrêté ({state})", "systemctl start {unit}, ou make deploy"),
    "relay.disabled": Saying(
        "{unit} ne démarrera pas avec l'hôte ({state})", "systemctl enable {unit}, ou make deploy"
    ),
    "relay.storage": Saying(
        "{relay} n'enregistre plus rien ; dernière erreur : {line}",
        "libérez de la place ou réparez /var/lib/private/{relay} ; il reprend seul",
    ),
    "relay.spool": Saying(
        "{relay} n'enregistre plus rien dans relays.spool ; dernière erreur : {line}",
        "rétablissez ce serveur PostgreSQL, ou le chemin de l'hôte jusqu'à lui ; le relais reprend seul",
    ),
    "relay.backlog": Saying(
        "{relay} garde {count} notification(s), la plus ancienne depuis {age} ; dernière erreur : {line}",
        "rien n'est perdu : journalctl -u {relay} dit ce qui retient les messages ; relancez make deploy",
    ),
    "relay.held": Saying(
        "{relay} est retenu au canal {channel} : {detail}",
        "rien n'est perdu : relancez make deploy ; si gitlab.routes ou nextcloud.trees le nomme, rétablissez-le dans "
        "Mattermost",
    ),
    "relay.held-direct": Saying(
        "{relay} ne peut pas livrer les messages directs : {detail}",
        "rien n'est perdu : relancez make deploy, qui rétablit le bot",
    ),
    "relay.parked": Saying(
        "{count} message(s) mis de côté, que Mattermost a refusés pour leur contenu",
        "scripts/parked.sh {relay} list, puis show, retry ou drop avec leur numéro",
    ),
    "gitlab-relay.dead-letters": Saying(
        "{count} événement(s) de GitLab que le relais n'a pas pu annoncer et a mis de côté",
        "scripts/parked.sh gitlab list, puis show, retry ou drop avec leur numéro",
    ),
    "gitlab-relay.silent": Saying(
        "le relais GitLab ne répond pas sur le port {port} : {detail}",
        "systemctl restart passerelle-gitlab.service ; journalctl -u passerelle-gitlab dit pourquoi",
    ),
    "gitlab-relay.failing": Saying(
        "le relais GitLab se dit en panne ; dernière erreur : {line}",
        "systemctl restart passerelle-gitlab.service ; journalctl -u passerelle-gitlab dit pourquoi",
    ),
    "gitlab.name": Saying(
        "l'hôte ne résout pas le nom de {url} : {detail}", "corrigez le DNS ou /etc/hosts, ou gitlab.url"
    ),
    "gitlab.port": Saying(
        "l'hôte ne se connecte pas à {url} : {detail}",
        "attendez que GitLab ait démarré, ou corrigez gitlab.url",
    ),
    "gitlab.blocked": Saying(
        "rien ne répond à l'hôte à l'adresse {url} : {detail}",
        "un pare-feu ou une route les sépare ; ou corrigez gitlab.url",
    ),
    "gitlab.redirect": Saying(
        "{url} renvoie à {target}", "mettez dans gitlab.url l'adresse qui répond elle-même"
    ),
    "gitlab.gateway": Saying(
        "devant GitLab, un serveur mandataire répond {status} à {url} : GitLab n'est pas prêt",
        "attendez qu'il ait démarré (quelques minutes) ; sinon gitlab-ctl status dans son conteneur",
    ),
    "gitlab.stranger": Saying(
        "ce qui répond à {url} (HTTP {status}) n'est pas l'API de GitLab",
        "corrigez gitlab.url : l'adresse qui répond elle-même, sans chemin de trop",
    ),
    "gitlab.silent": Saying(
        "{url} accepte la connexion et ne répond pas : {detail}", "redémarrez GitLab et lisez son journal"
    ),
    "gitlab.token": Saying(
        "{url} refuse le jeton (401) : expiré, révoqué, ou compte bloqué",
        "créez un jeton d'administrateur (portée api) et mettez-le dans gitlab.token",
    ),
    "gitlab.scope": Saying(
        "le jeton n'a pas la portée qu'il lui faut ({detail})",
        "créez un jeton d'administrateur (portée api) et mettez-le dans gitlab.token",
    ),
    "gitlab.role": Saying(
        "le jeton n'est pas celui d'un administrateur, ou il lui manque la portée admin_mode",
        "changez gitlab.token",
    ),
    "gitlab.version": Saying("GitLab {version} est trop ancien", "passez à GitLab 17.1 ou plus récent"),
    "gitlab.api": Saying("GitLab refuse une question : {detail}", "lisez le journal de GitLab"),
    "gitlab.clock": Saying(
        "l'horloge de GitLab diffère de celle de l'hôte de {seconds} s ; à 300 s les signatures sont refusées",
        "mettez les deux à l'heure : timedatectl set-ntp true",
    ),
    "gitlab.allow-list": Saying(
        "{relay} n'est pas sur la liste blanche de GitLab (« URL is blocked »)", _DEPLOY
    ),
    "gitlab.push-limit": Saying(
        "push_event_hooks_limit vaut 0 : GitLab n'envoie aucun événement des push",
        "mettez-le à 3, sa valeur d'origine, ou plus : Admin > Settings > Network > Performance optimization",
    ),
    "gitlab.reach-refused": Saying(
        "depuis le conteneur GitLab, {relay} refuse la connexion",
        "vérifiez relays.address et que passerelle-gitlab.socket écoute sur toutes les adresses : make deploy",
    ),
    "gitlab.reach-rejected": Saying(
        "depuis le conteneur GitLab, {relay} n'est pas accessible : {detail}",
        "un pare-feu rejette la connexion : autorisez les réseaux de Docker vers ce port (firewalld, nftables, "
        "iptables) ; ou corrigez relays.address",
    ),
    "gitlab.reach-name": Saying(
        "depuis le conteneur GitLab, le nom de {relay} n'est pas résolu",
        "mettez une adresse dans relays.address",
    ),
    "gitlab.reach-other": Saying(
        "depuis le conteneur GitLab, ce qui répond à {relay} n'est pas le relais",
        "relays.address mène à une autre machine, ou un autre programme y écoute : corrigez-le, puis make deploy",
    ),
    "gitlab.reach-timeout": Saying(
        "depuis le conteneur GitLab, {relay} ne répond pas dans le délai",
        "un pare-feu les sépare : autorisez les réseaux de Docker vers ce port (ufw, nftables, iptables)",
    ),
    "gitlab.reach": Saying(
        "depuis le conteneur GitLab, {relay} n'est pas joint : {detail}",
        "vérifiez relays.address et le réseau du conteneur",
    ),
    "gitlab.project": Saying("le projet {project} n'existe pas", _DEPLOY),
    "gitlab.hook-missing": Saying("le projet {project} n'a pas de webhook {hook}", _DEPLOY),
    "gitlab.hook-twice": Saying(
        "{count} webhooks de {project} mènent au relais : chaque événement est envoyé plusieurs fois",
        "supprimez dans Settings > Webhooks tous les webhooks vers le relais sauf {hook}, puis make deploy",
    ),
    "gitlab.hook-address": Saying("le webhook de {project} ne mène pas à {url}", _DEPLOY),
    "gitlab.hook-disabled": Saying(
        "GitLab a désactivé le webhook de {project} après des échecs ({status}, jusqu'à {until})",
        "une fois la cause réparée, Settings > Webhooks > Test > Push events le réactive",
    ),
    "gitlab.hook-triggers": Saying("événements décochés dans le webhook de {project} : {triggers}", _DEPLOY),
    "gitlab.hook-secret-missing": Saying("le webhook de {project} n'a plus : {secrets}", _DEPLOY),
    "gitlab.hook-secrets": Saying(
        "les secrets du webhook de {project} ne sont pas ceux que le relais attend (401)", _DEPLOY
    ),
    "gitlab.secret-files": Saying("un secret du webhook manque dans /etc/passerelle", _DEPLOY),
    "gitlab.read-token": Saying(
        "gitlab.read_token ne peut pas lire le journal des envois de {project} (HTTP {status})",
        "créez un jeton de rôle Maintainer, portée read_api, mettez-le dans gitlab.read_token, puis make deploy",
    ),
    "gitlab.write-token": Saying(
        "avec gitlab.write_token, personne ne peut agir dans {project} (HTTP {status})",
        "créez un jeton de tous les projets, de rôle Developer, portée api, mettez-le dans gitlab.write_token, puis "
        "make deploy",
    ),
    "gitlab.write-scope": Saying(
        "gitlab.write_token n'a pas la portée api, sans laquelle il ne change rien",
        "créez un jeton de rôle Developer, portée api, mettez-le dans gitlab.write_token, puis make deploy",
    ),
    "gitlab.write-role": Saying(
        "gitlab.write_token a moins que le rôle Developer dans {project}",
        "donnez ce rôle à son compte, ou créez un jeton qui l'a et mettez-le dans gitlab.write_token, puis make deploy",
    ),
    "delivery.secret": Saying(
        "dernier envoi de {project} ({trigger}, {at}) : 401, un secret ou la signature diffère",
        "remplacez les secrets des deux côtés : make rotate",
    ),
    "delivery.clock": Saying(
        "dernier envoi de {project} ({trigger}, {at}) : 403, signé à plus de cinq minutes de l'heure de l'hôte",
        "mettez GitLab et l'hôte à l'heure : timedatectl set-ntp true",
    ),
    "delivery.address": Saying(
        "dernier envoi de {project} ({trigger}, {at}) : 404, ce n'est pas l'adresse du relais", _DEPLOY
    ),
    "delivery.slow": Saying(
        "dernier envoi de {project} ({trigger}, {at}) : 408, le corps est arrivé trop lentement",
        "examinez le réseau entre GitLab et l'hôte",
    ),
    "delivery.large": Saying(
        "dernier envoi de {project} ({trigger}, {at}) : 413, événement trop grand",
        "rien à réparer : cet événement-là est perdu",
    ),
    "delivery.storage": Saying(
        "dernier envoi de {project} ({trigger}, {at}) : 503, le relais n'a pas pu l'enregistrer",
        "libérez de la place, ou réparez le serveur de relays.spool ; journalctl -u passerelle-gitlab dit ce qui"
        " manque",
    ),
    "delivery.balancer": Saying(
        "dernier envoi de {project} ({trigger}, {at}) : {status}, le répartiteur n'avait aucun relais, ou le relais "
        "n'a pas pu l'enregistrer",
        "regardez l'état des relais dans le répartiteur et, sur chaque hôte de relays.hosts, journalctl -u "
        "passerelle-gitlab",
    ),
    "delivery.timeout": Saying(
        "dernier envoi de {project} ({trigger}, {at}) : aucune réponse dans le délai",
        "un pare-feu sépare GitLab du relais : autorisez les réseaux de Docker vers son port",
    ),
    "delivery.unanswered": Saying(
        "dernier envoi de {project} ({trigger}, {at}) : aucune réponse",
        "Settings > Webhooks > Edit > Recent events dit pourquoi (« URL is blocked » : make deploy ; refus : le "
        "relais était arrêté) ; après réparation, provoquez un événement",
    ),
    "delivery.other": Saying(
        "dernier envoi de {project} ({trigger}, {at}) : HTTP {status}",
        "journalctl -u passerelle-gitlab dit pourquoi",
    ),
    "nextcloud.name": Saying(
        "l'hôte ne résout pas le nom de {url} : {detail}", "corrigez le DNS ou /etc/hosts, ou nextcloud.url"
    ),
    "nextcloud.port": Saying(
        "l'hôte ne se connecte pas à {url} : {detail}", "vérifiez que Nextcloud tourne, et nextcloud.url"
    ),
    "nextcloud.silent": Saying(
        "{url} accepte la connexion et ne répond pas : {detail}", "redémarrez Nextcloud et lisez son journal"
    ),
    "nextcloud.blocked": Saying(
        "rien ne répond à l'hôte à l'adresse {url} : {detail}",
        "un pare-feu ou une route les sépare ; ou corrigez nextcloud.url",
    ),
    "nextcloud.redirect": Saying(
        "{url} renvoie à {target}", "mettez dans nextcloud.url l'adresse qui répond elle-même"
    ),
    "nextcloud.gateway": Saying(
        "devant Nextcloud, un serveur mandataire répond {status} à {url} : Nextcloud n'est pas prêt",
        "attendez qu'il ait démarré ; sinon lisez son journal et la configuration du mandataire",
    ),
    "nextcloud.untrusted": Saying(
        "{url} n'est pas un nom que Nextcloud accepte (trusted_domains)",
        "cd {folder} && {compose} exec -u www-data {service} php occ config:system:set trusted_domains 9 "
        "--value={name}",
    ),
    "nextcloud.stranger": Saying(
        "ce qui répond à {url} n'est pas Nextcloud", "corrigez nextcloud.url : l'adresse qui répond elle-même"
    ),
    "nextcloud.not-installed": Saying(
        "Nextcloud n'est pas installé", "ouvrez {url} et terminez l'installation, puis make deploy"
    ),
    "nextcloud.maintenance": Saying(
        "Nextcloud est en mode maintenance",
        "une fois la maintenance finie : cd {folder} && {compose} exec -u www-data {service} php occ "
        "maintenance:mode --off",
    ),
    "nextcloud.account": Saying(
        "{url} refuse le mot de passe d'application du relais pour {admin} (401)",
        "créez-en un autre en tant que {admin}, mettez-le dans nextcloud.relay_password, puis make deploy",
    ),
    "nextcloud.api": Saying(
        "Nextcloud refuse une question : {detail}",
        "corrigez ce qu'elle nomme, ou lisez le journal de Nextcloud",
    ),
    "nextcloud.no-volume": Saying(
        "{directory} n'est sur aucun volume : l'hôte ne voit pas les fichiers",
        "mettez les données de Nextcloud sur un volume, ou corrigez nextcloud.data_directory",
    ),
    "nextcloud.remote": Saying(
        "{tree} est sur un système de fichiers distant ({type}), où inotify n'entend rien",
        "mettez le volume sur un disque local ; d'ici là le relais compare le dossier chaque minute",
    ),
    "nextcloud.no-files": Saying(
        "{user} n'a pas de fichiers dans {directory}",
        "vérifiez nextcloud.admin et nextcloud.data_directory ; un compte n'a de fichiers qu'après une première "
        "connexion",
    ),
    "nextcloud.tree-missing": Saying("le dossier {tree} n'existe pas", _DEPLOY),
    "nextcloud.folder-missing": Saying("le dossier {folder} n'existe pas", _DEPLOY),
    "nextcloud.access": Saying(
        "{folder} a le mode {mode} et le propriétaire {owner} au lieu de {wanted} : dépôts refusés", _DEPLOY
    ),
    "nextcloud-relay.bound": Saying(
        "le service regarde un ancien dossier, pas {tree}", "systemctl restart passerelle-nextcloud.service"
    ),
    "nextcloud-relay.waiting": Saying(
        "le relais attend le dossier {tree}", "systemctl restart passerelle-nextcloud.service"
    ),
    "nextcloud-relay.documents": Saying(
        "le relais connaît {known} documents, il y en a {there}",
        "systemctl restart passerelle-nextcloud.service ; journalctl -u passerelle-nextcloud dit pourquoi",
    ),
    "nextcloud-relay.presses": Saying(
        "le relais n'entend pas qui prend un document en charge : {path} : {detail}",
        "systemctl restart passerelle-nextcloud.service ; journalctl -u passerelle-nextcloud dit pourquoi",
    ),
}

UNCLEAR = {
    "gitlab.no-date": "GitLab ne donne pas l'heure dans ses réponses",
    "gitlab.no-curl": "il n'y a pas de curl dans le conteneur du service {service}",
    "command.unseen": "l'hôte n'atteint pas {url}, où le relais prend les commandes : {detail}",
    "action.unseen": "l'hôte n'atteint pas {url}, où le relais prend les boutons : {detail}",
    "people.unseen": "gitlab.token ne laisse pas le diagnostic voir qui a un compte GitLab",
    "delivery.no-log": "GitLab {version} ne tient pas de journal des envois (17.3 ou plus récent)",
}

NOTED = {
    "gitlab.expiry": "{setting} expire le {until} : make rotate le renouvelle s'il vient de setup ; sinon, "
    "créez-en un autre",
    "bot.owned": "le bot {bot} appartient au compte {owner} : si ce compte est désactivé, le bot l'est aussi, jusqu'au "
    "make deploy suivant (ServiceSettings.DisableBotsWhenOwnerIsDeactivated)",
    "gitlab-relay.people": "{count} personne(s) de GitLab ne reçoivent pas de message direct, faute d'être trouvées "
    "dans Mattermost : {names} (gitlab.people dit qui elles y sont)",
    "people.gitlab": "personne ne se connecte à GitLab sous ces noms, par lesquels personne n'est donc mentionné, "
    "prévenu ni autorisé à agir : {names} ; corrigez-les ou retirez-les, puis make deploy",
    "people.mattermost": "personne ne se connecte à Mattermost sous ces noms, par lesquels personne n'est donc "
    "mentionné, prévenu ni autorisé à décider : {names} ; corrigez-les ou retirez-les, puis make deploy",
    "people.acting": "gitlab.people donne plusieurs comptes GitLab à une même personne, qui y agit sous le premier : "
    "{names} ; retirez les autres, puis make deploy",
    "gitlab.push-limit": "d'un push qui change plus de {limit} branches ou tags à la fois, GitLab n'envoie rien "
    "(push_event_hooks_limit : Admin > Settings > Network > Performance optimization)",
}

CATALOGUE = Catalogue(PHRASES, LINKS, BROKEN, UNCLEAR, NOTED)
