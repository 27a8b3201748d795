"""Ce que la commande slash dit des abonnements, en français."""

TEXTS = {
    "command.subscription": "{target}[ ({conditions})]",
    "command.subscription.suspended": "📌 L'abonnement de ce canal à {what} est suspendu — {state}",
    "command.usage.subscribe": "subscribe projet|groupe [conditions]",
    "command.help.subscribe": "abonner ce canal à un projet (`taaf/site`) ou à un groupe (`taaf/*`, sous-groupes "
    "compris `taaf/**`) ; les conditions sont celles des routes : `issue pipeline branches=main` (administrateurs du "
    "canal)",
    "command.usage.unsubscribe": "unsubscribe numéro|projet|all",
    "command.help.unsubscribe": "mettre fin à un abonnement de ce canal (administrateurs du canal)",
    "command.usage.list": "list",
    "command.help.list": "les abonnements de ce canal",
    "command.subscribe.usage": "[{fault} n'est ni un projet ni un groupe de GitLab. ]Usage : {word} `subscribe "
    "taaf/site`, `subscribe taaf/* merge_request issue`, `subscribe taaf/site pipeline actions=failed "
    'branches=main,release/*`, `subscribe taaf/site issue "labels=à faire" authors=alice`',
    "command.condition.quote": "Un guillemet ou une apostrophe n'est pas fermé dans {value} : écrivez `\"labels=à "
    'faire"`.',
    "command.condition.unknown": "{value} n'est pas une condition ; il y a : {known}.",
    "command.condition.empty": "Rien après {value} : donnez une valeur, ou plusieurs séparées par des virgules.",
    "command.condition.long": "{value} a trop de valeurs, ou une valeur trop longue : {known} au plus, de 255 "
    "caractères.",
    "command.condition.event": "{value} n'est pas un événement ; il y a : {known}.",
    "command.condition.few": "Certains de ceux qui lisent le projet ne voient pas les événements {value} : seule une "
    "route du site (`gitlab.routes`) peut les amener ici. Abonnements possibles : {known}.",
    "command.condition.muted": "Les événements {value} sont passés sous silence sur ce site ({known}) : ôtez-les.",
    "command.condition.action": "Aucun de ces événements n'a l'action {value} ; ils ont : {known}.",
    "command.condition.none": "{value} ne convient à aucun de ces événements, mais seulement à : {known}.",
    "command.condition.nothing": "{value} ne laisse rien de {known} : ôtez l'un des deux.",
    "command.subscribe.invite": "Le bot n'est pas dans ce canal et n'y publierait rien : tapez d'abord {bot}, puis "
    "recommencez.",
    "command.subscribe.direct": "Le bot n'est pas dans cette conversation privée, et Mattermost ne permet pas de l'y "
    "ajouter : abonnez plutôt un canal de l'équipe.",
    "command.subscribe.refused.foreign": "Les événements de {target} n'arrivent pas à ce relais : aucun webhook ne "
    "les lui envoie. La personne qui configure le site peut l'ajouter à `gitlab.projects`.",
    "command.subscribe.gitlab": "⚠️ GitLab n'a pas pu être lu ({reason}) ; rien n'a été fait. Réessayez plus tard.",
    "command.subscribe.many": "Trop d'abonnements : mettez fin à l'un d'eux, ou demandez une route à la personne qui "
    "configure le site.",
    "command.subscribe.done": "📌 Ce canal est abonné à {what}.",
    "command.subscribe.some": "Certains de ces projets n'y seront pas annoncés : certains de ceux qui lisent ce canal "
    "ne peuvent pas les lire dans GitLab.",
    "command.subscribe.notice": "📌 {name} abonne ce canal à {what}",
    "command.subscribe.refused.unknown": "🔒 GitLab ne montre pas {target}, ou rien ne dit que vous pouvez le lire en "
    "entier : vérifiez son chemin. Pour ce qui n'est pas public, il faut être membre avec le rôle Reporter au moins, "
    "sous le nom que vous avez ici ou que le site indique (`gitlab.people`).",
    "command.subscribe.refused.open_channel": "🔒 {target} n'est pas public, et toute l'équipe peut lire ce canal. "
    "Abonnez un canal privé dont chacun est membre du projet, ou demandez une route à la personne qui configure le "
    "site.",
    "command.subscribe.refused.crowd": "🔒 {target} n'est pas public, et ce canal a trop de monde pour vérifier que "
    "chacun peut le lire. Demandez une route à la personne qui configure le site.",
    "command.subscribe.refused.people": "🔒 {target} n'est pas public, et le droit de le lire dans GitLab n'est pas "
    "établi pour {people} : il faut en être membre avec le rôle Reporter au moins, sous le même nom ou celui que le "
    "site indique (`gitlab.people`).",
    "command.subscribe.refused.site": "🔒 Ce site ne peut pas demander à GitLab qui peut lire {target} "
    "(`gitlab.read_token`) : seul un canal où une route du site amène déjà ce projet peut s'y abonner.",
    "command.unsubscribe.usage": "Usage : {word} `unsubscribe 3` avec un numéro de `list`, `unsubscribe taaf/site`, "
    "`unsubscribe all`",
    "command.unsubscribe.unknown": "{given} n'est pas un abonnement de ce canal ; `list` les donne.",
    "command.unsubscribe.done": "📌 Ce canal n'est plus abonné à {what}.",
    "command.unsubscribe.notice": "📌 {name} met fin à l'abonnement de ce canal à {what}",
    "command.list.usage": "Usage : {word} `list` ; `list all` pour les opérateurs",
    "command.list.none": "📌 Aucun abonnement. Ce qui arrive ici vient des routes du site.",
    "command.list.title": "**📌 Abonnements de ce canal**",
    "command.list.title.all": "**📌 Abonnements de tous les canaux**",
    "command.list.line": "- **{number}** · [{channel} · ]{what} — {name}[ — {state}]",
    "command.list.state.archived": "⏸️ canal archivé[ : annoncé dans {fallback} à la place, si une route y mène ce "
    "projet]",
    "command.list.state.gone": "⏸️ canal que le bot ne voit plus[ : annoncé dans {fallback} à la place, si une "
    "route y mène ce projet]",
    "command.list.state.without_bot": "⏸️ le bot n'est plus dans ce canal[ : annoncé dans {fallback} à la place, si "
    "une route y mène ce projet]",
    "command.list.state.unknown": "⏸️ GitLab n'en montre plus rien",
    "command.list.state.open_channel": "⏸️ le projet n'est plus public, et toute l'équipe peut lire ce canal",
    "command.list.state.crowd": "⏸️ le projet n'est pas public, et ce canal a trop de monde pour vérifier que chacun "
    "peut le lire",
    "command.list.state.people": "⏸️ le projet n'est pas public, et certains de ceux qui lisent ce canal ne "
    "peuvent pas le lire dans GitLab",
    "command.list.state.site": "⏸️ aucune route du site n'amène ce projet ici, et le site ne peut pas interroger "
    "GitLab (`gitlab.read_token`)",
    "command.list.state.some": "⏸️ en partie : certains de ceux qui lisent ce canal ne peuvent pas lire tous ces "
    "projets dans GitLab",
}
