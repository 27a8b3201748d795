"""Mattermost's errors: ids and messages."""

from __future__ import annotations

from collections.abc import Mapping

MESSAGES = {
    "api.bot.create_disabled": "Bot creation has been disabled.",
    "api.channel.create_channel.direct_channel.team_restricted_error": (
        "A direct channel cannot be created between these users because they do not share a team in common."
    ),
    "api.channel.delete_channel.cannot.app_error": "Unable to delete the default channel {channel}.",
    "api.channel.restore_channel.restored.app_error": (
        "Unable to unarchive channel. The channel is not archived."
    ),
    "api.command.disabled.app_error": "Commands have been disabled by the system admin.",
    "api.command.duplicate_trigger.app_error": (
        "This trigger word is already in use. Please choose another word."
    ),
    "api.command.execute_command.create_post_failed.app_error": (
        "Command '{trigger}' failed to post response. Please contact your System Administrator."
    ),
    "api.post.do_action.action_id.app_error": "Invalid action id.",
    "api.post.do_action.action_integration.app_error": "Action integration error.",
    "api.command.execute_command.failed.app_error": "Command with a trigger of '{trigger}' failed.",
    "api.command.execute_command.failed_resp.app_error": (
        "Command with a trigger of '{trigger}' returned response {answered}."
    ),
    "api.command.execute_command.not_found.app_error": (
        "Command with a trigger of '{trigger}' not found. To send a message beginning with \"/\", "
        "try adding an empty space at the beginning of the message."
    ),
    "api.command.team_mismatch.app_error": "Unable to update commands across teams.",
    "api.config.update_config.clear_siteurl.app_error": "Site URL cannot be cleared.",
    "api.context.404.app_error": "Sorry, we could not find the page.",
    "api.context.invalid_body_param.app_error": "Invalid or missing {name} in request body.",
    "api.context.invalid_param.app_error": "Invalid {name} parameter.",
    "api.context.invalid_url_param.app_error": "Invalid or missing {name} parameter in request URL.",
    "api.context.permissions.app_error": "You do not have the appropriate permissions.",
    "api.context.request_body_too_large.app_error": "Request body too large.",
    "api.context.session_expired.app_error": "Invalid or expired session, please login again.",
    "api.context.token_provided.app_error": (
        "Session is not OAuth but token was provided in the query string."
    ),
    "api.emoji.create.duplicate.app_error": (
        "Unable to create emoji. Another emoji with the same name already exists."
    ),
    "api.emoji.create.other_user.app_error": "Invalid user id.",
    "api.emoji.create.parse.app_error": "Unable to create emoji. Could not understand request.",
    "api.emoji.create.too_large.app_error": "Unable to create emoji. Image must be less than {size} in size.",
    "api.emoji.disabled.app_error": "Custom emoji have been disabled by the system admin.",
    "api.emoji.upload.image.app_error": "Unable to create emoji. File must be a PNG, JPEG, or GIF.",
    "api.incoming_webhook.disabled.app_error": "Incoming webhooks have been disabled by the system admin.",
    "api.incoming_webhook.invalid_username.app_error": "Invalid username.",
    "api.post.create_webhook_post.creating.app_error": "Error creating post.",
    "api.user.create_user.no_open_server": (
        "This server does not allow open signups.  "
        "Please speak with your Administrator to receive an invitation."
    ),
    "api.channel.create_direct_channel.invalid_user.app_error": "Invalid user ID for direct channel creation.",
    "api.post.create_post.can_not_post_to_deleted.error": "Can not post to deleted channel.",
    "api.post.create_post.channel_root_id.app_error": "Invalid ChannelId for RootId parameter.",
    "api.post.create_post.root_id.app_error": "Invalid RootId parameter.",
    "api.post.deduplicate_create_post.failed_to_get": (
        "Failed to fetch original post after deduplicating a client repeating the same request."
    ),
    "api.post.delete_post.can_not_delete_post_in_deleted.error": "Can not delete a post in a deleted channel.",
    "api.post.patch_post.can_not_update_post_in_deleted.error": "Can not update a post in a deleted channel.",
    "api.post.update_post.permissions_time_limit.app_error": (
        "Post edit is only allowed for {seconds} seconds. Please ask your System Administrator for details."
    ),
    "api.reaction.save.archived_channel.app_error": "You cannot react in an archived channel.",
    "api.reaction.save_reaction.user_id.app_error": "You cannot save reaction for the other user.",
    "api.user.login.bot_login_forbidden.app_error": "Bot login is forbidden.",
    "api.user.login.blank_pwd.app_error": "Password field must not be blank",
    "api.user.login.invalid_credentials_email_username": "Enter a valid email or username and/or password.",
    "api.user.update_user_roles.license.app_error": (
        "Custom Permission Schemes not supported by current license"
    ),
    "api.webhook.incoming.error": "Could not decode the multipart payload of incoming webhook.",
    "api.webhook.team_mismatch.app_error": "Unable to update webhook across teams.",
    "app.channel.create_channel.internal_error": "Unable to save channel.",
    "app.channel.get.existing.app_error": "Unable to find the existing channel.",
    "app.channel.get_by_name.missing.app_error": "Channel does not exist.",
    "app.channel.get_channels.not_found.app_error": "No channels were found.",
    "app.channel.get_member.missing.app_error": "No channel member found for that user ID and channel ID.",
    "app.channel.update.bad_id": "Unable to update the channel.",
    "app.emoji.get.no_result": "We couldn't find the emoji.",
    "app.post.save.app_error": "Unable to save the Post.",
    "app.post.save.existing.app_error": "You cannot update an existing Post.",
    "app.post.get_posts_since.app_error": "Unable to get the posts for the channel.",
    "app.post.get.app_error": "Unable to get the post.",
    "app.team.get.find.app_error": "Unable to find the existing team.",
    "app.team.get_by_name.app_error": "Unable to find the existing team.",
    "app.team.get_by_name.missing.app_error": "Unable to find the existing team.",
    "app.team.get_member.missing.app_error": "No team member found for that user ID and team ID.",
    "app.team.save.existing.app_error": "Must call update for existing team.",
    "app.user.get_by_username.app_error": (
        "Unable to find an existing account matching your username for this team. "
        "This team may require an invite from the team owner to join."
    ),
    "app.user.missing_account.const": "Unable to find the user.",
    "app.user.save.email_exists.app_error": "An account with that email already exists.",
    "app.user.save.username_exists.app_error": "An account with that username already exists.",
    "app.user_access_token.get_by_user.app_error": "Unable to get the personal access token.",
    "app.command_webhook.get.missing": "Unable to find the webhook.",
    "app.command_webhook.try_use.invalid": "Invalid webhook.",
    "app.user_access_token.disabled": (
        "Personal access tokens are disabled on this server. "
        "Please contact your system administrator for details."
    ),
    "app.webhooks.get_incoming.app_error": "Unable to get the webhook.",
    "app.webhooks.save_incoming.existing.app_error": "You cannot overwrite an existing IncomingWebhook.",
    "app.webhooks.update_incoming.app_error": "Unable to update the IncomingWebhook.",
    "model.emoji.name.app_error": "Name must be 1 to 64 lowercase alphanumeric characters.",
    "model.emoji.system_emoji_name.app_error": "Name conflicts with existing system emoji name.",
    "model.channel.is_valid.1_or_more.app_error": "Name must be 1 or more lowercase alphanumeric characters.",
    "model.channel.is_valid.2_or_more.app_error": "Name must be 2 or more lowercase alphanumeric characters.",
    "model.channel.is_valid.display_name.app_error": "Invalid display name.",
    "model.channel.is_valid.header.app_error": "Invalid header.",
    "model.channel.is_valid.purpose.app_error": "Invalid purpose.",
    "model.channel.is_valid.type.app_error": "Invalid type.",
    "model.command.is_valid.trigger.app_error": "Invalid trigger.",
    "model.command.is_valid.url_http.app_error": (
        "Invalid URL. Must be a valid URL and start with http:// or https://."
    ),
    "model.config.is_valid.login_attempts.app_error": (
        "Invalid maximum login attempts for service settings. Must be a positive number."
    ),
    "model.incoming_hook.description.app_error": "Invalid description.",
    "model.incoming_hook.display_name.app_error": "Invalid title.",
    "model.incoming_hook.icon_url.app_error": "Invalid post icon.",
    "model.incoming_hook.parse_data.app_error": "Unable to parse incoming data.",
    "model.post.is_valid.msg.app_error": "Invalid message.",
    "model.post.is_valid.props.app_error": "Invalid props.",
    "model.post.is_valid.message_length.app_error": "Post Message property is longer than the maximum.",
    "model.team.is_valid.characters.app_error": "Name must be 2 or more lowercase alphanumeric characters.",
    "model.team.is_valid.name.app_error": "Invalid name.",
    "model.team.is_valid.reserved.app_error": "This URL is unavailable. Please try another.",
    "model.team.is_valid.type.app_error": "Invalid type.",
    "model.user.is_valid.email.app_error": "Invalid email.",
    "model.user.is_valid.pwd.app_error": "Invalid password.",
    "model.user.is_valid.username.app_error": "Invalid username.",
    "standin.not_recorded.app_error": "The database does not answer, and how this was said was not recorded.",
    "store.sql_bot.get.missing.app_error": "Bot does not exist.",
    "store.sql_channel.save_channel.exists.app_error": (
        "A channel with that name already exists on the same team."
    ),
    "store.sql_command.save.get.app_error": "Unable to get the command.",
    "store.sql_team.save_team.existing.app_error": "Must call update for existing team.",
    "web.command_webhook.parse.app_error": "Unable to parse incoming data.",
    "web.incoming_webhook.channel.app_error": "Couldn't find the channel.",
    "web.incoming_webhook.channel_locked.app_error": (
        "This webhook is not permitted to post to the requested channel."
    ),
    "web.incoming_webhook.decode.app_error": (
        "Failed to decode the payload of media type {media_type} for incoming webhook {hook_id}."
    ),
    "web.incoming_webhook.disabled.app_error": "Incoming webhooks have been disabled by the system admin.",
    "web.incoming_webhook.general.app_error": (
        "Failed to handle the payload of media type {media_type} for incoming webhook {hook_id}."
    ),
    "web.incoming_webhook.invalid.app_error": "Invalid webhook.",
    "web.incoming_webhook.permissions.app_error": "Inappropriate channel permissions.",
    "web.incoming_webhook.split_props_length.app_error": (
        "Unable to split webhook props into {limit} character parts."
    ),
    "web.incoming_webhook.text.app_error": "No text specified.",
    "web.incoming_webhook.user.app_error": "Couldn't find the user.",
}


CLOSE = {"Connection": "close"}
"""Header of an answer after which the connection is closed."""

NO_COOKIE = {"Set-Cookie": "MMAUTHTOKEN=; Path=/; Max-Age=0; HttpOnly"}
"""Header of an answer that ends a session."""


class ApiError(Exception):
    """An error answer of the API.

    ``id`` is Mattermost's error id (a key of MESSAGES), ``parameters`` fill the message's placeholders,
    ``headers`` go with the answer.
    """

    def __init__(
        self, id: str, status: int, *, headers: Mapping[str, str] | None = None, **parameters: object
    ) -> None:
        super().__init__(id)
        self.id = id
        self.status = status
        self.headers = headers
        self.message = MESSAGES[id].format(**parameters)


def invalid_body(name: str) -> ApiError:
    """400 for a body that is no JSON, or whose ``name`` is missing or wrong."""
    return ApiError("api.context.invalid_body_param.app_error", 400, name=name)


def invalid_url(name: str) -> ApiError:
    """400 for a malformed id or name in the path."""
    return ApiError("api.context.invalid_url_param.app_error", 400, name=name)


def forbidden() -> ApiError:
    """403: the caller's roles lack the permission."""
    return ApiError("api.context.permissions.app_error", 403)
