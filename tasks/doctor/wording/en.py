"""English."""

from relays.base.tls import FAULTS
from tasks.doctor.wording.catalogue import Catalogue, Saying

PHRASES = {
    "sound": "✅ {count} links examined, none is broken.",
    "first": "❌ Broken link: {link} [{code}]",
    "why": "   Finding: {text}",
    "remedy": "   Remedy:  {text}",
    "also": "❌ Also broken: {link} [{code}]",
    "behind": '❔ Not examined because of "{cause}": {links}.',
    "unclear": "❔ {link}: {text}",
    "noted": "💡 {link}: {text}",
    "blind": "The doctor could not look: {text}",
}

LINKS = {
    "ssh": "SSH to the host",
    "docker": "Docker",
    "docker.services": "Docker services",
    "docker.files": "files of Docker Compose",
    "host.system": "system of the host",
    "host.disk": "room on the disks",
    "mattermost.name": "Mattermost's name",
    "mattermost.port": "Mattermost's port",
    "ssh.forwarding": "SSH forwarding to the APIs",
    "mattermost.health": "Mattermost's health",
    "mattermost.token": "Mattermost's token",
    "mattermost.settings": "Mattermost's integration settings",
    "mattermost.team": "Mattermost's team",
    "mattermost.channels": "Mattermost's channels",
    "webhooks.saved": "saved webhook URLs",
    "webhooks.known": "Mattermost's incoming webhooks",
    "webhooks.target": "target of the incoming webhooks",
    "bot.account": "Mattermost's bot account",
    "bot.member": "the bot's channels",
    "bot.token": "the bot's token",
    "relay.release": "package of the relays",
    "gitlab-relay.unit": "service of the GitLab relay",
    "gitlab-relay.health": "health of the GitLab relay",
    "gitlab-relay.backlog": "deliveries of the GitLab relay",
    "gitlab-relay.parked": "parked messages (GitLab)",
    "gitlab-relay.people": "people of GitLab in Mattermost",
    "gitlab.name": "GitLab's name",
    "gitlab.port": "GitLab's port",
    "gitlab.health": "GitLab's answer",
    "gitlab.token": "GitLab's token",
    "gitlab.version": "GitLab's version",
    "gitlab.clock": "GitLab's clock",
    "gitlab.allow-list": "GitLab's allow-list",
    "gitlab.expiry": "end of GitLab's tokens",
    "gitlab.push-limit": "events of pushes",
    "gitlab.reach": "way from GitLab's container to the relay",
    "gitlab.project": "GitLab's projects",
    "gitlab.hook": "webhook of GitLab's project",
    "gitlab.hook-secrets": "secrets of GitLab's webhook",
    "gitlab.deliveries": "GitLab's recent deliveries",
    "gitlab.read-token": "token for GitLab's log",
    "gitlab.write-token": "token to act in GitLab with",
    "nextcloud.name": "Nextcloud's name",
    "nextcloud.port": "Nextcloud's port",
    "nextcloud.status": "Nextcloud's state",
    "nextcloud.account": "the relay's account in Nextcloud",
    "nextcloud.volume": "Nextcloud's volume",
    "nextcloud.tree": "HR folder",
    "nextcloud.access": "access to the HR folder",
    "host.inotify": "limits of inotify",
    "nextcloud-relay.unit": "service of the Nextcloud relay",
    "nextcloud-relay.bound": "the relay's view of the HR folder",
    "nextcloud-relay.storage": "storage of the Nextcloud relay",
    "nextcloud-relay.documents": "documents that the relay knows",
    "nextcloud-relay.backlog": "deliveries of the Nextcloud relay",
    "nextcloud-relay.presses": "buttons of documents",
    "nextcloud-relay.parked": "parked messages (Nextcloud)",
    "command.registered": "Mattermost's slash commands",
    "command.way": "the slash commands' way to the relay",
    "command.token": "tokens of the slash commands",
    "command.served": "the relay's answer to slash commands",
    "people.gitlab": "people of the settings in GitLab",
    "people.mattermost": "people of the settings in Mattermost",
    "people.acting": "people who act in GitLab",
    "action.served": "the relay's answer to buttons",
}

_DEPLOY = "deploy again: make deploy"

BROKEN = {
    "ssh.unreachable": Saying(
        "the host is not reached by SSH: {detail}",
        "correct this setting of [host], or what it says, then run the doctor again",
    ),
    "ssh.lost": Saying(
        "the SSH connection broke during the examination: {detail}",
        "run the doctor again; if it happens again, look at the network and at journalctl -u ssh on the host",
    ),
    "ssh.sudo": Saying(
        "the SSH user does not become root: {detail}",
        "give it sudo without a password, or set host.ssh_user to root",
    ),
    "ssh.forwarding": Saying(
        "the host reaches Mattermost, but not through the SSH connection: {detail}",
        "allow AllowTcpForwarding in sshd_config, or set host.api_access to direct",
    ),
    "host.python": Saying("the host has no python3", "install it: apt install python3"),
    "host.python-old": Saying(
        "the host's python3 is {version}, at least 3.11 is needed",
        "upgrade the host to Debian 12, Ubuntu 24.04 or newer",
    ),
    "host.systemd": Saying(
        "no systemd runs the host: {detail}",
        "the relays are services of systemd: take a host that has it, Debian 12 or Ubuntu 24.04",
    ),
    "host.systemd-old": Saying(
        "the host's systemd is {version}, at least {least} is needed",
        "upgrade the host to Debian 12, Ubuntu 24.04 or newer",
    ),
    "host.read-only": Saying(
        "{path} cannot be written: {place} is read-only",
        "dmesg says whether the disk has errors; else mount -o remount,rw with its mount point (findmnt -T {place})",
    ),
    "host.noexec": Saying(
        "nothing can be run from {place}, which is mounted noexec: the relays would not start",
        "mount -o remount,exec with its mount point (findmnt -T {place}), and for good in /etc/fstab",
    ),
    "host.api": Saying("{detail}", "correct this setting of [host], then run the doctor again"),
    "host.disk": Saying(
        "only {free} of {whole} are left at {place}",
        "make room (docker system df, journalctl --vacuum-size=200M); nothing is lost meanwhile",
    ),
    "host.inodes": Saying(
        "the disk of {place} takes only {count} more files",
        "remove files that are many and useless; df -i and du --inodes say where they are",
    ),
    "host.inotify": Saying(
        "{limit} is {value}, at least {least} are needed",
        "raise it with sysctl, and for good in /etc/sysctl.d/, then systemctl restart passerelle-nextcloud",
    ),
    "host.proxy": Saying(
        "the HTTP proxy {proxy} does not lead to {url}: {detail}",
        "correct {setting} in passerelle.toml and deploy again, or have the proxy let this through",
    ),
    "docker.engine": Saying(
        "what runs the containers of the host is not supported: {detail}",
        "start the applications with the Docker of root (docker-ce, docker.io), or describe them as being elsewhere "
        "(docs/sites.md)",
    ),
    "docker.snap": Saying(
        "Nextcloud is installed as a snap, and the relay does not see its files",
        'watch it over WebDAV: nextcloud.service = "", nextcloud.source = "webdav" and nextcloud.relay_password',
    ),
    "docker.all-in-one": Saying(
        "the container {service} of Nextcloud All-in-One does not run ({state})",
        "start the containers in the interface of All-in-One, or correct nextcloud.service",
    ),
    "docker.missing": Saying("the host has no docker command", "install Docker with its compose plugin"),
    "docker.folder": Saying(
        "there is no folder {folder} on the host", "correct host.infrastructure in passerelle.toml"
    ),
    "docker.silent": Saying("Docker does not answer: {detail}", "start Docker: systemctl start docker"),
    "docker.plugin": Saying(
        "Docker has no compose plugin",
        "install it (docker-compose-plugin, or docker-compose-v2 on Ubuntu): docker-compose 1 will not do",
    ),
    "docker.files": Saying(
        "Docker Compose cannot read the files of {folder}: {detail}",
        "correct the file until cd {folder} && {compose} config --quiet says nothing any more",
    ),
    "docker.project": Saying(
        "the service {service} is in the Compose project {name} of {other}, not in that of {folder}",
        "set host.infrastructure to that folder, or host.compose_project to {name}",
    ),
    "docker.projects": Saying(
        "several Compose projects were started from {folder}: {detail}",
        "set host.compose_project to the one that is meant, or remove the other one: docker compose -p NAME down",
    ),
    "docker.service-missing": Saying(
        "the service {service} has no container",
        "cd {folder} && {compose} up -d {service}, or correct the setting service of its section",
    ),
    "docker.paused": Saying(
        "the container of the service {service} is paused", "cd {folder} && {compose} unpause {service}"
    ),
    "docker.restarting": Saying(
        "the container of the service {service} ends and starts again and again",
        "cd {folder} && {compose} logs --tail 50 {service} says why",
    ),
    "docker.stopped": Saying(
        "the container of the service {service} does not run ({state})",
        "cd {folder} && {compose} up -d {service}",
    ),
    "mattermost.name": Saying(
        "the host does not resolve the name of {url}: {detail}",
        "correct the DNS or /etc/hosts, or mattermost.url",
    ),
    "mattermost.port": Saying(
        "the host does not connect to {url}: {detail}", "check that Mattermost runs, and mattermost.url"
    ),
    "mattermost.silent": Saying(
        "{url} accepts the connection and does not answer: {detail}", "restart Mattermost and read its log"
    ),
    "mattermost.blocked": Saying(
        "nothing answers the host at {url}: {detail}",
        "a firewall or a route stands between them; or correct mattermost.url",
    ),
    "mattermost.redirect": Saying(
        "{url} redirects to {target}", "set mattermost.url to the address that answers itself"
    ),
    "mattermost.gateway": Saying(
        "a proxy in front of Mattermost answers {status} at {url}: Mattermost is not ready",
        "wait until it has started; else read its log and the configuration of the proxy",
    ),
    "mattermost.stranger": Saying(
        "what answers at {url} is not Mattermost", "correct mattermost.url: the address that answers itself"
    ),
    "mattermost.database": Saying(
        "Mattermost does not reach its database ({detail})", "bring its database back"
    ),
    "mattermost.files": Saying(
        "Mattermost does not reach its file store ({detail})", "bring its file store back"
    ),
    "mattermost.unhealthy": Saying(
        "Mattermost calls itself unhealthy ({detail})", "restart Mattermost and read its log"
    ),
    "mattermost.token": Saying(
        "{url} refuses the token (401): revoked, its account deactivated, or personal tokens switched off",
        "look at System Console > Integrations, make a token of an administrator and set mattermost.token",
    ),
    "mattermost.role": Saying(
        "the token is not a system administrator's", "give its account that role, or change mattermost.token"
    ),
    "mattermost.api": Saying("Mattermost refuses a question: {detail}", "read Mattermost's log"),
    "mattermost.setting": Saying("{setting}: {change}", _DEPLOY),
    "mattermost.variable": Saying(
        "the variable {variable} of Mattermost's environment beats the setting",
        "set {variable} to {value} in docker-compose.yml or remove it, then recreate the container",
    ),
    "mattermost.team-missing": Saying("there is no team {team}", _DEPLOY),
    "mattermost.team-archived": Saying("the team {team} is archived", _DEPLOY),
    "mattermost.channel-missing": Saying("there is no channel {channel}", _DEPLOY),
    "mattermost.channel-archived": Saying(
        "the channel {channel} is archived, which has removed its webhooks", _DEPLOY
    ),
    "mattermost.channel-public": Saying("the channel {channel} is public and is to be private", _DEPLOY),
    "mattermost.member-missing": Saying("{user} is no member of the channel {channel}", _DEPLOY),
    # As the deploy and the relays word it.
    **{f"tls.{code}": Saying(f"{{url}}: {fault.what}", fault.remedy) for code, fault in FAULTS.items()},
    "webhooks.missing": Saying("there is no {path}", _DEPLOY),
    "webhooks.access": Saying(
        "{path} has the mode {mode} instead of 600: others may have read the URLs",
        "deploy again (make deploy), then replace the URLs: make rotate",
    ),
    "webhooks.incomplete": Saying("{name} is missing in {path}", _DEPLOY),
    "webhooks.unknown": Saying("Mattermost does not know the webhook of {name} any more", _DEPLOY),
    "webhooks.off": Saying("incoming webhooks are switched off in Mattermost", _DEPLOY),
    "webhooks.stranger": Saying(
        "the address of {name} does not answer as Mattermost does ({detail})",
        "correct mattermost.url: the address that answers itself",
    ),
    "webhooks.other": Saying('{name} is not the URL of the webhook "{hook}"', _DEPLOY),
    "webhooks.channel": Saying('the webhook "{hook}" does not lead to the channel {channel}', _DEPLOY),
    "bot.missing": Saying(
        "Mattermost has no bot {bot}",
        "make deploy, with the token of a person who administers the system in mattermost.token",
    ),
    "bot.taken": Saying("{detail}", "give the bot another name: mattermost.bot.username, then make deploy"),
    "bot.owner": Saying(
        "the account {owner}, which made the bot {bot}, was deactivated, and the bot with it",
        "make deploy enables it again; for it not to depend on that account, switch off "
        "ServiceSettings.DisableBotsWhenOwnerIsDeactivated in Mattermost",
    ),
    "bot.disabled": Saying("the bot {bot} is disabled", _DEPLOY),
    "bot.roles": Saying("the bot {bot} has more rights than it needs: {roles}", _DEPLOY),
    "bot.member": Saying("the bot {bot} is no member of the channel {channel}", _DEPLOY),
    "bot.token-missing": Saying("there is no {path}", _DEPLOY),
    "bot.token-access": Saying("{path} has the mode {mode} instead of 600", _DEPLOY),
    "bot.token-refused": Saying("Mattermost refuses the token of the bot {bot}", _DEPLOY),
    "bot.token-silent": Saying(
        "the host could not try the bot's token: {detail}",
        "see to it that the host reaches mattermost.url, then make doctor again",
    ),
    "bot.token-other": Saying("the token on the host is not that of the bot {bot}", _DEPLOY),
    "command.missing": Saying(
        "Mattermost has no command /{word} of Passerelle's",
        "make deploy; if another command has this word, change it in mattermost.commands",
    ),
    "command.elsewhere": Saying("the command /{word} does not lead to {url}", _DEPLOY),
    "command.site-url": Saying(
        "Mattermost does not know its own address, without which it runs no command",
        "write it into System Console > Web Server > Site URL",
    ),
    "command.way": Saying(
        "Mattermost refuses to go to the internal address {address}, where the relay waits for its commands",
        _DEPLOY,
    ),
    "command.token-missing": Saying("there is no {path}", _DEPLOY),
    "command.token-access": Saying("{path} has the access {access} instead of 600 root root", _DEPLOY),
    "command.token-other": Saying("{path} does not hold the tokens of the slash commands", _DEPLOY),
    "command.unserved": Saying("the relay takes no commands at {url} (HTTP {status})", _DEPLOY),
    "command.behind-proxy": Saying(
        "at {url} it is not the relay that takes the commands (HTTP {status})",
        "have the reverse proxy of relays.url lead /mattermost/command to the relay as well, then make doctor",
    ),
    "action.unserved": Saying("the relay takes no presses of buttons at {url} (HTTP {status})", _DEPLOY),
    "action.behind-proxy": Saying(
        "at {url} it is not the relay that takes the presses of buttons (HTTP {status})",
        "have the reverse proxy of relays.url lead /mattermost/action to the relay as well, then make doctor",
    ),
    "relay.release": Saying("the package of the relays is missing or not whole in /opt/passerelle", _DEPLOY),
    "relay.unit-missing": Saying("{unit} is not installed", _DEPLOY),
    "relay.port-taken": Saying(
        "the port {port} is taken by {holder}, not by the relay",
        "stop that program, then make deploy; or set relays.port to one that is free, then make deploy",
    ),
    "relay.port-other": Saying("the relay listens on the port {other}, the settings name {port}", _DEPLOY),
    "relay.oom-kill": Saying(
        "{unit} was killed for want of memory ({restarts} starts); last line: {line}",
        "free memory on the host (free -h); if it exceeds its own limit, raise MemoryMax: systemctl edit {unit}",
    ),
    "relay.watchdog": Saying(
        "{unit} gave no sign of life and was killed ({restarts} starts); last line: {line}",
        "look at the load of the host and its disks (uptime, iostat); journalctl -u {unit} says where it was",
    ),
    "relay.credentials": Saying(
        "{unit} does not start: a file with secrets that its unit names is missing; {line}", _DEPLOY
    ),
    "relay.namespace": Saying(
        "{unit} does not start: systemd cannot prepare what it is to see; {line}",
        "the line names the path; if it is a watched folder, check Nextcloud's volume, then make deploy",
    ),
    "relay.loop": Saying(
        "{unit} starts again and again ({restarts} times); last error: {line}",
        "the error names the file and the setting; correct it or deploy again (make deploy)",
    ),
    "relay.stopped": Saying(
        "{unit} is stopped ({state}); last line: {line}", "scripts/start-all-services.sh, or make deploy"
    ),
    "relay.trigger": Saying("{unit} is stopped ({state})", "systemctl start {unit}, or make deploy"),
    "relay.disabled": Saying(
        "{unit} will not start with the host ({state})", "systemctl enable {unit}, or make deploy"
    ),
    "relay.storage": Saying(
        "{relay} can store nothing any more; last error: {line}",
        "make room or repair /var/lib/private/{relay}; it goes on by itself",
    ),
    "relay.spool": Saying(
        "{relay} can store nothing in relays.spool any more; last error: {line}",
        "bring that PostgreSQL server back, or the host's way to it; the relay goes on by itself",
    ),
    "relay.backlog": Saying(
        "{relay} holds {count} notification(s), the oldest for {age}; last error: {line}",
        "nothing is lost: journalctl -u {relay} says what holds the messages up; run make deploy",
    ),
    "relay.held": Saying(
        "{relay} is held up at the channel {channel}: {detail}",
        "nothing is lost: run make deploy; if gitlab.routes or nextcloud.trees name it, restore it in Mattermost",
    ),
    "relay.held-direct": Saying(
        "{relay} is held up with direct messages: {detail}",
        "nothing is lost: run make deploy, which sets the bot right",
    ),
    "relay.parked": Saying(
        "{count} parked message(s), which Mattermost has refused for what they are",
        "scripts/parked.sh {relay} list, then show, retry or drop with their number",
    ),
    "gitlab-relay.dead-letters": Saying(
        "{count} event(s) of GitLab that the relay could not announce and has put aside",
        "scripts/parked.sh gitlab list, then show, retry or drop with their number",
    ),
    "gitlab-relay.silent": Saying(
        "the GitLab relay does not answer on the port {port}: {detail}",
        "systemctl restart passerelle-gitlab.service; journalctl -u passerelle-gitlab says why",
    ),
    "gitlab-relay.failing": Saying(
        "the GitLab relay says that it fails; last error: {line}",
        "systemctl restart passerelle-gitlab.service; journalctl -u passerelle-gitlab says why",
    ),
    "gitlab.name": Saying(
        "the host does not resolve the name of {url}: {detail}",
        "correct the DNS or /etc/hosts, or gitlab.url",
    ),
    "gitlab.port": Saying(
        "the host does not connect to {url}: {detail}", "wait until GitLab has started, or correct gitlab.url"
    ),
    "gitlab.blocked": Saying(
        "nothing answers the host at {url}: {detail}",
        "a firewall or a route stands between them; or correct gitlab.url",
    ),
    "gitlab.redirect": Saying(
        "{url} redirects to {target}", "set gitlab.url to the address that answers itself"
    ),
    "gitlab.gateway": Saying(
        "a proxy in front of GitLab answers {status} at {url}: GitLab is not ready",
        "wait until it has started (some minutes); else gitlab-ctl status in its container",
    ),
    "gitlab.stranger": Saying(
        "what answers at {url} (HTTP {status}) is not GitLab's API",
        "correct gitlab.url: the address that answers itself, without a path too many",
    ),
    "gitlab.silent": Saying(
        "{url} accepts the connection and does not answer: {detail}", "restart GitLab and read its log"
    ),
    "gitlab.token": Saying(
        "{url} refuses the token (401): expired, revoked, or its account blocked",
        "make a token of an administrator (scope api) and set gitlab.token",
    ),
    "gitlab.scope": Saying(
        "the token has not the scope that it needs ({detail})",
        "make a token of an administrator (scope api) and set gitlab.token",
    ),
    "gitlab.role": Saying(
        "the token is not an administrator's, or it lacks the scope admin_mode", "change gitlab.token"
    ),
    "gitlab.version": Saying("GitLab {version} is too old", "upgrade to GitLab 17.1 or newer"),
    "gitlab.api": Saying("GitLab refuses a question: {detail}", "read GitLab's log"),
    "gitlab.clock": Saying(
        "GitLab's clock differs from the host's by {seconds} s; at 300 s signatures are refused",
        "set both right: timedatectl set-ntp true",
    ),
    "gitlab.allow-list": Saying('{relay} is not on GitLab\'s allow-list ("URL is blocked")', _DEPLOY),
    "gitlab.push-limit": Saying(
        "push_event_hooks_limit is 0: GitLab sends no event of any push",
        "set it to 3, as it was at first, or more: Admin > Settings > Network > Performance optimization",
    ),
    "gitlab.reach-refused": Saying(
        "seen from GitLab's container, {relay} refuses the connection",
        "check relays.address and that passerelle-gitlab.socket listens on all addresses: make deploy",
    ),
    "gitlab.reach-rejected": Saying(
        "seen from GitLab's container, there is no way to {relay}: {detail}",
        "a firewall rejects the connection: let Docker's networks through to this port (firewalld, nftables, "
        "iptables); or correct relays.address",
    ),
    "gitlab.reach-name": Saying(
        "seen from GitLab's container, the name of {relay} is not resolved",
        "set relays.address to an address",
    ),
    "gitlab.reach-other": Saying(
        "seen from GitLab's container, what answers at {relay} is not the relay",
        "relays.address leads to another machine, or another program listens there: correct it, then make deploy",
    ),
    "gitlab.reach-timeout": Saying(
        "seen from GitLab's container, {relay} does not answer in time",
        "a firewall stands between them: let Docker's networks through to this port (ufw, nftables, iptables)",
    ),
    "gitlab.reach": Saying(
        "seen from GitLab's container, {relay} is not reached: {detail}",
        "check relays.address and the container's network",
    ),
    "gitlab.project": Saying("there is no project {project}", _DEPLOY),
    "gitlab.hook-missing": Saying("the project {project} has no webhook {hook}", _DEPLOY),
    "gitlab.hook-twice": Saying(
        "{count} webhooks of {project} lead to the relay: each event is sent several times",
        "remove all webhooks to the relay but {hook} in Settings > Webhooks, then make deploy",
    ),
    "gitlab.hook-address": Saying("the webhook of {project} does not lead to {url}", _DEPLOY),
    "gitlab.hook-disabled": Saying(
        "GitLab has disabled the webhook of {project} after failures ({status}, until {until})",
        "once the cause is mended, Settings > Webhooks > Test > Push events enables it",
    ),
    "gitlab.hook-triggers": Saying("events unticked in the webhook of {project}: {triggers}", _DEPLOY),
    "gitlab.hook-secret-missing": Saying("the webhook of {project} has lost: {secrets}", _DEPLOY),
    "gitlab.hook-secrets": Saying(
        "the secrets of the webhook of {project} are not those that the relay expects (401)", _DEPLOY
    ),
    "gitlab.secret-files": Saying("a secret of the webhook is missing in /etc/passerelle", _DEPLOY),
    "gitlab.read-token": Saying(
        "gitlab.read_token may not read the log of deliveries of {project} (HTTP {status})",
        "make a token with the role Maintainer and the scope read_api, set gitlab.read_token, then make deploy",
    ),
    "gitlab.write-token": Saying(
        "with gitlab.write_token nobody can act in {project} (HTTP {status})",
        "make a token of all projects with the role Developer and the scope api, set gitlab.write_token, then make "
        "deploy",
    ),
    "gitlab.write-scope": Saying(
        "gitlab.write_token has not the scope api, without which it changes nothing",
        "make a token with the role Developer and the scope api, set gitlab.write_token, then make deploy",
    ),
    "gitlab.write-role": Saying(
        "gitlab.write_token has less than the role Developer in {project}",
        "give its account that role there, or make a token that has it and set gitlab.write_token, then make deploy",
    ),
    "delivery.secret": Saying(
        "newest delivery of {project} ({trigger}, {at}): 401, a secret or the signature differs",
        "replace the secrets on both sides: make rotate",
    ),
    "delivery.clock": Saying(
        "newest delivery of {project} ({trigger}, {at}): 403, signed more than five minutes from the host's time",
        "set GitLab and the host right: timedatectl set-ntp true",
    ),
    "delivery.address": Saying(
        "newest delivery of {project} ({trigger}, {at}): 404, that is not the relay's address", _DEPLOY
    ),
    "delivery.slow": Saying(
        "newest delivery of {project} ({trigger}, {at}): 408, the body came too slowly",
        "look at the network between GitLab and the host",
    ),
    "delivery.large": Saying(
        "newest delivery of {project} ({trigger}, {at}): 413, the event is too large",
        "nothing to mend: this event is lost",
    ),
    "delivery.storage": Saying(
        "newest delivery of {project} ({trigger}, {at}): 503, the relay could not store it",
        "make room, or repair the server of relays.spool; journalctl -u passerelle-gitlab says what is missing",
    ),
    "delivery.balancer": Saying(
        "newest delivery of {project} ({trigger}, {at}): {status}, the load balancer had no relay, or the relay could "
        "not store it",
        "look at the relays in the load balancer and at journalctl -u passerelle-gitlab on each host of relays.hosts",
    ),
    "delivery.timeout": Saying(
        "newest delivery of {project} ({trigger}, {at}): no answer in time",
        "a firewall stands between GitLab and the relay: let Docker's networks through to its port",
    ),
    "delivery.unanswered": Saying(
        "newest delivery of {project} ({trigger}, {at}): no answer",
        'Settings > Webhooks > Edit > Recent events says why ("URL is blocked": make deploy; refused: the relay '
        "was stopped); once mended, cause an event",
    ),
    "delivery.other": Saying(
        "newest delivery of {project} ({trigger}, {at}): HTTP {status}",
        "journalctl -u passerelle-gitlab says why",
    ),
    "nextcloud.name": Saying(
        "the host does not resolve the name of {url}: {detail}",
        "correct the DNS or /etc/hosts, or nextcloud.url",
    ),
    "nextcloud.port": Saying(
        "the host does not connect to {url}: {detail}", "check that Nextcloud runs, and nextcloud.url"
    ),
    "nextcloud.silent": Saying(
        "{url} accepts the connection and does not answer: {detail}", "restart Nextcloud and read its log"
    ),
    "nextcloud.blocked": Saying(
        "nothing answers the host at {url}: {detail}",
        "a firewall or a route stands between them; or correct nextcloud.url",
    ),
    "nextcloud.redirect": Saying(
        "{url} redirects to {target}", "set nextcloud.url to the address that answers itself"
    ),
    "nextcloud.gateway": Saying(
        "a proxy in front of Nextcloud answers {status} at {url}: Nextcloud is not ready",
        "wait until it has started; else read its log and the configuration of the proxy",
    ),
    "nextcloud.untrusted": Saying(
        "{url} is no name that Nextcloud accepts (trusted_domains)",
        "cd {folder} && {compose} exec -u www-data {service} php occ config:system:set trusted_domains 9 "
        "--value={name}",
    ),
    "nextcloud.stranger": Saying(
        "what answers at {url} is not Nextcloud", "correct nextcloud.url: the address that answers itself"
    ),
    "nextcloud.not-installed": Saying(
        "Nextcloud is not installed", "open {url} and finish the installation, then make deploy"
    ),
    "nextcloud.maintenance": Saying(
        "Nextcloud is in maintenance mode",
        "once it is over: cd {folder} && {compose} exec -u www-data {service} php occ maintenance:mode --off",
    ),
    "nextcloud.account": Saying(
        "{url} refuses the relay's app password for {admin} (401)",
        "make a new one as {admin}, set nextcloud.relay_password and deploy again: make deploy",
    ),
    "nextcloud.api": Saying(
        "Nextcloud refuses a question: {detail}", "correct what it names, or read Nextcloud's log"
    ),
    "nextcloud.no-volume": Saying(
        "{directory} is on no volume: the host does not see the files",
        "put Nextcloud's data on a volume, or correct nextcloud.data_directory",
    ),
    "nextcloud.remote": Saying(
        "{tree} is on a remote file system ({type}), where inotify hears nothing",
        "put the volume on a local disk; until then the relay compares the folder once a minute",
    ),
    "nextcloud.no-files": Saying(
        "{user} has no files in {directory}",
        "check nextcloud.admin and nextcloud.data_directory; an account has files only after its first login",
    ),
    "nextcloud.tree-missing": Saying("there is no folder {tree}", _DEPLOY),
    "nextcloud.folder-missing": Saying("there is no folder {folder}", _DEPLOY),
    "nextcloud.access": Saying(
        "{folder} has the mode {mode} and the owner {owner} instead of {wanted}: uploads are refused", _DEPLOY
    ),
    "nextcloud-relay.bound": Saying(
        "the service looks at an old folder, not at {tree}", "systemctl restart passerelle-nextcloud.service"
    ),
    "nextcloud-relay.waiting": Saying(
        "the relay waits for the folder {tree}", "systemctl restart passerelle-nextcloud.service"
    ),
    "nextcloud-relay.documents": Saying(
        "the relay knows {known} documents, there are {there}",
        "systemctl restart passerelle-nextcloud.service; journalctl -u passerelle-nextcloud says why",
    ),
    "nextcloud-relay.presses": Saying(
        "the relay does not hear who takes a document: {path}: {detail}",
        "systemctl restart passerelle-nextcloud.service; journalctl -u passerelle-nextcloud says why",
    ),
}

UNCLEAR = {
    "gitlab.no-date": "GitLab does not say the time in its answers",
    "gitlab.no-curl": "there is no curl in the container of the service {service}",
    "command.unseen": "the host does not reach {url}, where the relay takes commands: {detail}",
    "action.unseen": "the host does not reach {url}, where the relay takes presses of buttons: {detail}",
    "people.unseen": "gitlab.token does not let the doctor see who is a user of GitLab",
    "delivery.no-log": "GitLab {version} keeps no log of deliveries (17.3 or newer)",
}

NOTED = {
    "gitlab.expiry": "{setting} expires on {until}: make rotate renews it if setup has made it, else make another one",
    "bot.owned": "the bot {bot} belongs to the account {owner}: if that is deactivated, so is the bot, until the next "
    "make deploy (ServiceSettings.DisableBotsWhenOwnerIsDeactivated)",
    "gitlab-relay.people": "{count} user(s) of GitLab get no direct messages, for they are not found in Mattermost: "
    "{names} (gitlab.people says who they are there)",
    "people.gitlab": "nobody signs in to GitLab by these names, so nobody is mentioned, written to or acts by them: "
    "{names}; correct them or take them out, then make deploy",
    "people.mattermost": "nobody signs in to Mattermost by these names, so nobody is mentioned, written to or decides "
    "by them: {names}; correct them or take them out, then make deploy",
    "people.acting": "gitlab.people names several users of GitLab for one person, who acts there as the first one: "
    "{names}; take the others out, then make deploy",
    "gitlab.push-limit": "of a push that changes more than {limit} branches or tags at once, GitLab sends nothing "
    "(push_event_hooks_limit: Admin > Settings > Network > Performance optimization)",
}

CATALOGUE = Catalogue(PHRASES, LINKS, BROKEN, UNCLEAR, NOTED)
