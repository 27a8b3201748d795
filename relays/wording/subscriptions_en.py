"""What the slash command says of subscriptions, in English."""

TEXTS = {
    "command.subscription": "{target}[ ({conditions})]",
    "command.subscription.suspended": "📌 The subscription of this channel to {what} is suspended — {state}",
    "command.usage.subscribe": "subscribe project|group [conditions]",
    "command.help.subscribe": "subscribe this channel to a project (`taaf/site`) or a group (`taaf/*`, with "
    "subgroups `taaf/**`); conditions are those of routes: `issue pipeline branches=main` (channel administrators)",
    "command.usage.unsubscribe": "unsubscribe number|project|all",
    "command.help.unsubscribe": "end a subscription of this channel (channel administrators)",
    "command.usage.list": "list",
    "command.help.list": "the subscriptions of this channel",
    "command.subscribe.usage": "[{fault} is neither a project nor a group of GitLab. ]Usage: {word} `subscribe "
    "taaf/site`, `subscribe taaf/* merge_request issue`, `subscribe taaf/site pipeline actions=failed "
    'branches=main,release/*`, `subscribe taaf/site issue "labels=to do" authors=alice`',
    "command.condition.quote": 'A quotation mark or an apostrophe is not closed in {value}: write `"labels=to do"`.',
    "command.condition.unknown": "{value} is no condition; there are: {known}.",
    "command.condition.empty": "Nothing behind {value}: give a value, or several with commas between them.",
    "command.condition.long": "{value} has too many values, or one that is too long: {known} at most, of 255 "
    "characters.",
    "command.condition.event": "{value} is no event; there are: {known}.",
    "command.condition.few": "Not everybody who reads the project sees events {value}: only a route of the site "
    "(`gitlab.routes`) can lead them here. There are subscriptions to: {known}.",
    "command.condition.muted": "Events {value} are muted on this site ({known}): take them out.",
    "command.condition.action": "None of these events has the action {value}; they have: {known}.",
    "command.condition.none": "{value} fits none of these events; only these have any: {known}.",
    "command.condition.nothing": "{value} leaves nothing of {known}: take one of the two out.",
    "command.subscribe.invite": "The bot is not in this channel and could post nothing: type {bot} first, then try "
    "again.",
    "command.subscribe.direct": "The bot is not in this private conversation, and Mattermost lets nobody add it: "
    "subscribe a channel of the team instead.",
    "command.subscribe.refused.foreign": "The events of {target} do not reach this relay: no webhook sends them. "
    "Whoever sets up the site can add it to `gitlab.projects`.",
    "command.subscribe.gitlab": "⚠️ GitLab could not be read ({reason}); nothing was done. Try again later.",
    "command.subscribe.many": "Too many subscriptions: end one of them, or ask whoever sets up the site for a route.",
    "command.subscribe.done": "📌 This channel is subscribed to {what}.",
    "command.subscribe.some": "Some of these projects will not be announced here: not everybody who reads this "
    "channel can read them in GitLab.",
    "command.subscribe.notice": "📌 {name} subscribes this channel to {what}",
    "command.subscribe.refused.unknown": "🔒 GitLab shows no {target}, or nothing says that you can read all of it "
    "there: check its path. For what is not public, you have to be a member with the role Reporter at least, under the "
    "name that you have here or that the site gives (`gitlab.people`).",
    "command.subscribe.refused.open_channel": "🔒 {target} is not public, and the whole team can read this channel. "
    "Subscribe a private channel of members of the project, or ask whoever sets up the site for a route.",
    "command.subscribe.refused.crowd": "🔒 {target} is not public, and this channel has too many people to check "
    "that each can read it. Ask whoever sets up the site for a route.",
    "command.subscribe.refused.people": "🔒 {target} is not public, and nothing says that {people} can read it in "
    "GitLab: they have to be members with the role Reporter at least, under the same name or the one that the site "
    "gives (`gitlab.people`).",
    "command.subscribe.refused.site": "🔒 This site cannot ask GitLab who can read {target} "
    "(`gitlab.read_token`): only a channel that a route of the site leads this project to can subscribe to it.",
    "command.unsubscribe.usage": "Usage: {word} `unsubscribe 3` with a number of `list`, `unsubscribe taaf/site`, "
    "`unsubscribe all`",
    "command.unsubscribe.unknown": "{given} is no subscription of this channel; `list` shows them.",
    "command.unsubscribe.done": "📌 This channel is no longer subscribed to {what}.",
    "command.unsubscribe.notice": "📌 {name} ends the subscription of this channel to {what}",
    "command.list.usage": "Usage: {word} `list`; `list all` for operators",
    "command.list.none": "📌 No subscriptions. What comes here comes by the routes of the site.",
    "command.list.title": "**📌 Subscriptions of this channel**",
    "command.list.title.all": "**📌 Subscriptions of all channels**",
    "command.list.line": "- **{number}** · [{channel} · ]{what} — {name}[ — {state}]",
    "command.list.state.archived": "⏸️ the channel is archived[: announced in {fallback} instead, if a route leads "
    "the project there]",
    "command.list.state.gone": "⏸️ the bot does not see this channel any more[: announced in {fallback} instead, if "
    "a route leads the project there]",
    "command.list.state.without_bot": "⏸️ the bot is not in this channel any more[: announced in {fallback} "
    "instead, if a route leads the project there]",
    "command.list.state.unknown": "⏸️ GitLab shows nothing of it any more",
    "command.list.state.open_channel": "⏸️ the project is not public any more, and the whole team can read this "
    "channel",
    "command.list.state.crowd": "⏸️ the project is not public, and this channel has too many people to check that "
    "each can read it",
    "command.list.state.people": "⏸️ the project is not public, and not everybody who reads this channel can read it "
    "in GitLab",
    "command.list.state.site": "⏸️ no route of the site leads this project here, and the site cannot ask "
    "GitLab (`gitlab.read_token`)",
    "command.list.state.some": "⏸️ in part: not everybody who reads this channel can read all of these projects in "
    "GitLab",
}
