"""What each check promises, in French; the check's docstring says the same in English."""

FRENCH = {
    "test_integration_setting_is_in_force": "Les intégrations sont activées, telles que le serveur les annonce : "
    "une variable peut l'emporter sur la configuration.",
    "test_each_webhook_posts_to_its_channel_alone": "Chaque webhook mène à son canal : s'il menait ailleurs, des "
    "affaires RH seraient dites aux développeurs.",
    "test_channels_are_active": "Les deux canaux sont en service : un canal archivé avale ce que son webhook publie.",
    "test_channels_are_private_with_their_members_if_the_site_says_so": "Un canal qui doit être privé cache ce qui s'y "
    "écrit, et les personnes nommées pour lui le lisent.",
    "test_saved_urls_are_those_of_the_webhooks": "Les URLs sauvegardées, que lisent les relais, sont celles des "
    "webhooks en service, dans le format connu des exploitants.",
    "test_saved_urls_are_private": "Seul leur propriétaire lit les URLs sauvegardées : qui lit l'URL d'un "
    "webhook peut publier en son nom.",
    "test_relay_is_installed_with_all_it_needs": "La version en service est entière et démarre avec ses seuls "
    "paquets : rien ne reste à télécharger.",
    "test_settings_of_the_relay_are_those_of_the_site": "Le relais parle la langue du site et publie dans le canal "
    "du site.",
    "test_event_without_the_secret_is_refused": "Un événement qui ne vient pas de GitLab est refusé : le port est "
    "ouvert au réseau, le canal ne l'est pas.",
    "test_service_runs_and_starts_at_boot": "Le service tourne, et tournera après le prochain démarrage de la machine.",
    "test_service_runs_with_its_current_files": "L'unité n'a pas été modifiée depuis le démarrage du service : un "
    "redémarrage ne changerait rien.",
    "test_service_has_no_privilege": "Le relais n'est pas root et peut peu de choses : il lit ce que des inconnus "
    "envoient.",
    "test_service_logs_to_the_journal": "Ce que fait le relais est dans le journal, où les exploitants le cherchent.",
    "test_port_belongs_to_the_socket_unit": "systemd tient le port : un redémarrage du relais ne refuse aucune "
    "connexion.",
    "test_health": "Le relais dit à la supervision qu'il va bien et que rien n'est bloqué.",
    "test_event_of_a_stopped_relay_arrives": "systemd reçoit l'événement d'un relais arrêté et le démarre : le "
    "message arrive, une seule fois.",
    "test_killed_service_is_back_by_itself": "Après SIGKILL, systemd relance le service.",
    "test_project_has_a_readme": "Chaque projet existe avec un README, donc avec une branche sur laquelle travailler.",
    "test_one_hook_leads_to_the_relay_with_its_triggers": "Un seul webhook, ses déclencheurs cochés, mène au relais : "
    "un second doublerait chaque message.",
    "test_a_group_with_a_hook_of_its_own_has_one": "Là où GitLab a des webhooks de groupe, celui d'un groupe listé "
    "remplace ceux de ses projets.",
    "test_hook_has_its_secrets_and_works": "GitLab prouve son identité au relais : sinon n'importe qui sur le réseau "
    "pourrait écrire dans le canal.",
    "test_gitlab_may_reach_the_relay": "Le relais figure dans la liste autorisée de GitLab, qui refuse sinon les "
    "adresses de son propre réseau.",
    "test_secrets_of_the_hook_are_private": "Seuls root, et le service auquel systemd les remet, lisent ce par quoi "
    "GitLab prouve son identité.",
    "test_development_workflow": "4.1.1 et 4.3.1 : une issue, une merge request et sa fusion apportent chacune un "
    "message, aux seuls développeurs.",
    "test_simple_push_to_main": "4.1.2 : un push apporte un message, avec son auteur, son nombre de commits et sa "
    "branche.",
    "test_comment_and_tag": "Un commentaire et un tag sont annoncés une fois chacun, ainsi que la suppression du tag.",
    "test_tree_belongs_to_the_web_server": "Les dossiers appartiennent au serveur web : un dossier créé par root "
    "paraît bon et refuse tout dépôt.",
    "test_nextcloud_knows_the_folders": "Nextcloud liste les dossiers : ceux qui ne sont que sur le disque restent "
    "invisibles jusqu'à leur analyse.",
    "test_unknown_folder_is_not_reported": "Un dossier absent n'est pas listé, ce qui donne sa valeur à la "
    "vérification précédente.",
    "test_misspelt_tree_of_the_manual_is_not_made": "Le dossier mal orthographié n'existe pas : le moniteur écrit à "
    "la main en surveillait un que sa notice ne créait jamais.",
    "test_folder_given_to_root_is_seen_as_drift": "Le rapport de dérive nomme un dossier dont le propriétaire a "
    "changé, et ne le nomme plus une fois rétabli.",
    "test_nextcloud_relay_sees_the_tree_and_nothing_beside_it": "Le moniteur ne voit que l'arborescence RH : les "
    "autres dossiers ne le regardent pas.",
    "test_monitor_starts_when_the_tree_appears": "L'unité qui démarre le moniteur dès que l'arborescence existe est "
    "en attente.",
    "test_document_of_a_stopped_monitor_is_announced": "Un document déposé pendant l'arrêt du moniteur est annoncé "
    "à son retour, une seule fois.",
    "test_upload_of_a_document": "4.2.1 et 4.3.2 : un document déposé dans chaque dossier est annoncé une fois, avec "
    "sa catégorie, aux seules RH.",
    "test_upload_in_chunks_and_in_bulk": "Les gros fichiers que la page envoie par morceaux et les petits que le "
    "client de bureau envoie ensemble sont annoncés.",
    "test_command_can_be_run_and_is_sound": "Chaque commande est installée, exécutable et sans erreur de syntaxe.",
    "test_status_says_the_truth": "La commande d'état dit de chaque relais s'il tourne, et par son code de sortie si "
    "tout va bien.",
    "test_integration_tests_say_the_truth": "Le test des exploitants trouve ce qui est cassé et le dit par son code "
    "de sortie.",
    "test_parked_messages_can_be_listed": "Les messages mis de côté peuvent être listés : la commande atteint la base "
    "du relais et la lui laisse.",
    "test_picture_was_taken": "La page montre ce que la mission veut y voir, et sa capture est dans le rapport.",
    "test_who_posts_is_as_described_and_may_do_no_more": "Un bot est un simple utilisateur, membre des canaux où il "
    "publie, avec un jeton que seul root lit ; là où publient les webhooks, la machine n'a aucun jeton.",
    "test_who_types_a_command_is_answered_and_nobody_else": "Chaque commande slash dit où en sont les choses ; une "
    "requête sans son jeton est refusée. Sans commande, la machine n'a aucun jeton.",
    "test_who_presses_a_button_is_answered_and_nobody_else": "Le bouton du message d'une issue la passe sous silence, "
    "par Mattermost seul ; sans boutons, il n'y a rien.",
    "test_nobody_but_the_relays_says_who_takes_a_document": "Les deux relais ont seuls accès à la socket par laquelle "
    "un document est pris en charge ; sans ce bouton, elle n'existe pas.",
    "test_secrets_are_there_to_be_looked_for": "Les recherches qui suivent portent au moins sur le secret du webhook "
    "GitLab et sur les deux webhooks.",
    "test_no_copy_of_a_secret_is_readable_by_others": "Partout ailleurs où un secret a été écrit, le fichier n'est "
    "lisible que par son propriétaire.",
    "test_no_secret_in_the_process_list": "Aucune ligne de commande ni aucun environnement de processus ne contient "
    "de secret : les premières sont lisibles par tous.",
    "test_no_secret_in_the_journal": "Les relais n'écrivent jamais de secret dans le journal, que les exploitants "
    "s'envoient.",
    "test_no_port_but_the_relays": "Le relais GitLab écoute sur son port, le moniteur sur aucun, et rien d'autre de "
    "nous n'est ouvert.",
    "test_no_leftover_of_the_hand_made_way": "Ni fichier PID, ni journal, ni environnement virtuel à côté du projet "
    "Compose.",
    "test_no_temporary_file_of_the_deploy": "Le déploiement ne laisse rien dans les dossiers de fichiers temporaires.",
    "test_no_stranger_runs_a_relay": "Aucun relais ne tourne à côté de ceux de systemd : lancé à la main, il "
    "publierait tout une seconde fois.",
    "test_gitlab_reaches_the_relay": "Le conteneur de GitLab atteint le port du relais : aucun pare-feu ne les sépare.",
    "test_applications_reach_mattermost": "Les conteneurs des autres applications atteignent Mattermost par son nom.",
}
