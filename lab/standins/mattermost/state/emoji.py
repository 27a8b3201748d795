"""The emoji names the stand-in knows: common ones, and those notifications use as icons."""

from __future__ import annotations

EMOJI = {
    "+1": "👍", "-1": "👎", "alarm_clock": "⏰", "arrow_up": "⬆️", "arrows_counterclockwise": "🔄",
    "ballot_box_with_check": "☑️", "bar_chart": "📊", "bell": "🔔", "bookmark": "🔖", "boom": "💥",
    "briefcase": "💼", "broken_heart": "💔", "bug": "🐛", "bulb": "💡", "calendar": "📆", "card_index": "📇",
    "card_index_dividers": "🗂️", "chart_with_upwards_trend": "📈", "clap": "👏", "clipboard": "📋",
    "closed_lock_with_key": "🔐", "cloud": "☁️", "construction": "🚧", "crayon": "🖍️", "date": "📅",
    "email": "📧", "envelope": "✉️", "exclamation": "❗", "eyes": "👀", "file_cabinet": "🗄️",
    "file_folder": "📁", "fire": "🔥", "fox_face": "🦊", "gear": "⚙️", "grey_question": "❔", "hammer": "🔨",
    "hammer_and_wrench": "🛠️", "heart": "❤️", "heavy_check_mark": "✔️", "heavy_plus_sign": "➕",
    "hourglass": "⌛", "hourglass_flowing_sand": "⏳", "inbox_tray": "📥", "information_source": "ℹ️",
    "key": "🔑", "label": "🏷️", "large_blue_circle": "🔵", "link": "🔗", "lock": "🔒", "mag": "🔍",
    "mailbox": "📫", "memo": "📝", "moneybag": "💰", "no_entry": "⛔", "octopus": "🐙",
    "open_file_folder": "📂", "outbox_tray": "📤", "package": "📦", "page_facing_up": "📄",
    "page_with_curl": "📃", "palm_tree": "🌴", "paperclip": "📎", "passport_control": "🛂", "pencil": "📝",
    "pencil2": "✏️", "penguin": "🐧", "pushpin": "📌", "question": "❓", "recycle": "♻️", "red_circle": "🔴",
    "repeat": "🔁", "robot": "🤖", "rocket": "🚀", "rotating_light": "🚨", "round_pushpin": "📍",
    "scroll": "📜", "shield": "🛡️", "slightly_smiling_face": "🙂", "smile": "😄", "snowflake": "❄️",
    "sparkles": "✨", "speech_balloon": "💬", "spiral_calendar_pad": "🗓️", "spiral_note_pad": "🗒️", "star": "⭐",
    "stopwatch": "⏱️", "sunny": "☀️", "tada": "🎉", "thumbsup": "👍", "thumbsdown": "👎", "ticket": "🎫",
    "truck": "🚚", "twisted_rightwards_arrows": "🔀", "umbrella": "☔", "unlock": "🔓", "warning": "⚠️",
    "wastebasket": "🗑️", "wave": "👋", "white_check_mark": "✅", "wrench": "🔧", "x": "❌", "zap": "⚡",
}  # fmt: skip


def image_path(name: str) -> str | None:
    """Where Mattermost serves the picture of a known emoji; posts with an icon emoji carry it."""
    character = EMOJI.get(name)
    if character is None:
        return None
    return f"/static/emoji/{'-'.join(f'{ord(c):x}' for c in character if c != '️')}.png"
