"""What channels have subscribed to in the chat, layered over the site's routes.

`subscription` says what one is and `conditions` reads what is typed of it, `tables` stores them, `view` is what the
router goes by, `access` finds out who could read a project in GitLab, and `watch` does so again at intervals.

    channel     by its number, so that it stays the same whatever it is called
    access      a project is announced in a channel only if everybody there could read it in GitLab
"""
