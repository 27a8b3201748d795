"""The two Mattermost releases the stand-in can be.

11.6 is the default; 5.37 is the release the recordings under ``tests/fixtures`` were made with. Every
difference between the two lives here, so that the rest of the code names what differs and not which
release it is.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Release:
    """What one release does differently from the other."""

    version: str
    ping_keys: tuple[str, ...]
    """Keys of ``GET /system/ping`` that are always empty without mobile or desktop version settings."""
    wrong_types_are_zero: bool
    """A JSON value of the wrong type is taken as the type's zero value instead of being refused."""
    specific_hook_errors: bool
    """``POST /hooks/{id}`` names the cause in the error id; otherwise one general id, with the hook's id
    (a secret) in the message."""
    props_limit: int
    """Runes of JSON that the props of one post may have."""
    body_limit: int
    """Bytes read of a request's body (MaxFileSize in 5.37, MaximumPayloadSizeBytes + 512 in 11.6)."""
    mentions_in_fields: bool
    """Whether the values of attachment fields notify people."""
    channels_in_attachments: bool
    """Whether channels are looked for in attachments as well."""
    hooks_total_count: bool
    """Whether the hook list knows ``include_total_count``."""
    post_priority: bool
    """Whether a webhook payload may hold ``priority``."""
    forwarded_for_is_client: bool
    """Whether X-Forwarded-For is the client address by default (TrustedProxyIPHeader)."""
    oauth_provider_default: bool
    """The default of ServiceSettings.EnableOAuthServiceProvider."""
    channel_name_min: int
    channel_display_name_required: bool
    duplicate_team_id: str
    """Error id of a team name that is taken."""
    parent_id: bool
    """Whether posts say their root a second time, as `parent_id`."""
    too_long_id: str
    """Error id of a message that is too long."""
    stored_props: int
    """Runes of JSON that the props of a post may have which the API is given."""
    collapsed_threads: bool
    """Whether a channel shows roots alone, each with its thread, by default (CollapsedThreads)."""
    plain_triggers: bool
    """Whether the word of a slash command may have nothing but letters, digits and `._-/`."""
    commands_say_root: bool
    """Whether the request of a slash command names the thread that it was typed in."""
    public_presses: bool
    """Whether everybody of a team may press the buttons in its public channels, unjoined."""
    edit_time_limit: bool
    """Whether PostEditTimeLimit holds, which in 5.37 needs a licence."""
    emoji_kilobytes: int
    """How large the upload of a custom emoji may be."""
    system_emoji_id: str
    """Error id of a custom emoji with the name of one that every server has."""


V5_37 = Release(
    version="5.37.0",
    ping_keys=(
        "AndroidLatestVersion",
        "AndroidMinVersion",
        "DesktopLatestVersion",
        "DesktopMinVersion",
        "IosLatestVersion",
        "IosMinVersion",
    ),
    wrong_types_are_zero=True,
    specific_hook_errors=True,
    props_limit=7_600,
    body_limit=50 * 1024 * 1024,
    mentions_in_fields=False,
    channels_in_attachments=False,
    hooks_total_count=False,
    post_priority=False,
    forwarded_for_is_client=True,
    oauth_provider_default=False,
    channel_name_min=2,
    channel_display_name_required=False,
    duplicate_team_id="app.team.save.existing.app_error",
    parent_id=True,
    too_long_id="model.post.is_valid.msg.app_error",
    stored_props=8_000,
    collapsed_threads=False,
    plain_triggers=False,
    commands_say_root=False,
    public_presses=False,
    edit_time_limit=False,
    emoji_kilobytes=1024,
    system_emoji_id="model.emoji.name.app_error",
)

V11_6 = Release(
    version="11.6.0",
    ping_keys=(
        "ActiveSearchBackend",
        "AndroidLatestVersion",
        "AndroidMinVersion",
        "IosLatestVersion",
        "IosMinVersion",
    ),
    wrong_types_are_zero=False,
    specific_hook_errors=False,
    props_limit=760_000,
    body_limit=300_000 + 512,
    mentions_in_fields=True,
    channels_in_attachments=True,
    hooks_total_count=True,
    post_priority=True,
    forwarded_for_is_client=False,
    oauth_provider_default=True,
    channel_name_min=1,
    channel_display_name_required=True,
    duplicate_team_id="store.sql_team.save_team.existing.app_error",
    parent_id=False,
    too_long_id="model.post.is_valid.message_length.app_error",
    stored_props=800_000,
    collapsed_threads=True,
    plain_triggers=True,
    commands_say_root=True,
    public_presses=True,
    edit_time_limit=True,
    emoji_kilobytes=512,
    system_emoji_id="model.emoji.system_emoji_name.app_error",
)

RELEASES = {"5.37": V5_37, "11.6": V11_6}
