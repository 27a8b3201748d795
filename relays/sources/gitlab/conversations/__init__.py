"""Conversations: what belongs together is one thread in a channel, whose first post, the root, shows how things stand.

    contribution    what an event says of a conversation; each kind of event says it (event_kind.EventKind.contribution)
    facts           the readers that the kinds share
    state           what is known of a conversation, and how contributions change it
    table           where states are stored, and the channels that have a root
    root            a state as the first post
    conversing      from an event that is announced to the posts of its conversation, in the transaction that takes it
    replies         what is said below the root
    notices         whom an event concerns in person

A conversation is that of a merge request, an issue or another work item, the pipelines of a branch, a release, or an
environment. What is confidential has conversations of its own, so that no root elsewhere shows anything of it.

The kinds import what is pure here (contribution, facts); the rest imports the kinds.
"""
