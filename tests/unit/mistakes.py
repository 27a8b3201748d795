"""What goes wrong in a first passerelle.toml: each mistake, and what the one line about it must name."""

import codecs
import json
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import Any

GOOD = """
[host]
address = "127.0.0.1"
ssh_port = 9

[mattermost]
token = "m-token-that-is-secret"

[gitlab]
token = "g-token-that-is-secret"
"""
SECRETS = ("m-token-that-is-secret", "g-token-that-is-secret", "s3cret")


@dataclass(frozen=True)
class Mistake:
    """`text` is the file, or with `setting` and `value` a good file with that setting; `named` stands in the line.

    `mode` is that of the file, None for a folder of its name.
    """

    name: str
    named: str
    text: str | bytes = GOOD
    setting: str = ""
    value: Any = None
    mode: int | None = 0o600

    def __str__(self) -> str:
        return self.name


def _set(name: str, setting: str, value: Any, named: str) -> Mistake:
    return Mistake(name, named, GOOD, setting, value)


FILES = [
    Mistake("a table that is not closed", "is not valid TOML", GOOD + "\n[relays\n"),
    Mistake("a text without quotes", "is not valid TOML", GOOD.replace('"127.0.0.1"', "127.0.0.1")),
    Mistake("a colon for the equals sign", "is not valid TOML", GOOD.replace("ssh_port =", "ssh_port:")),
    Mistake("typographic quotes", "is not valid TOML", GOOD.replace('"127.0.0.1"', "“127.0.0.1”")),
    Mistake("a table given twice", "is not valid TOML", GOOD + "\n[host]\nssh_port = 22\n"),
    Mistake(
        "a Windows path", "is not valid TOML", GOOD.replace("ssh_port = 9", 'ssh_key = "C:\\Users\\me\\key"')
    ),
    Mistake("UTF-16 with a mark", "UTF-16; save it as UTF-8", codecs.BOM_UTF16_LE + GOOD.encode("utf-16-le")),
    Mistake("UTF-16 without a mark", "UTF-16; save it as UTF-8", GOOD.lstrip().encode("utf-16-le")),
    Mistake("Latin-1", "line 3: is not UTF-8", GOOD.replace("127.0.0.1", "hôte").encode("latin-1")),
    Mistake("readable by all", "chmod 600", GOOD, mode=0o644),
    Mistake("readable by the group", "chmod 600", GOOD, mode=0o640),
    Mistake("a folder", "is not a file", GOOD, mode=None),
    Mistake("an empty file", "mattermost.token is missing", ""),
    Mistake("one token only", "gitlab.token is missing", GOOD.partition("[gitlab]")[0]),
    Mistake("nested without end", "is not valid TOML", "x = " + "[" * 100_000),
    Mistake("a section that is none", "gitlabb: there is no such setting", GOOD + "\n[gitlabb]\nurl = 'x'\n"),
    Mistake("a section as a value", "relays", "relays = 3\n" + GOOD),
    Mistake(
        "a value as a section", "host.address", GOOD.replace('address = "127.0.0.1"', "address = { x = 1 }")
    ),
]

VALUES = [
    _set("a setting that is none", "host.adress", "x", "host.adress: there is no such setting"),
    _set("an empty address", "host.address", "", "host.address"),
    _set("an address of spaces", "host.address", "  ", "host.address"),
    _set("a URL for an address", "host.address", "https://server.example.org", "without http://"),
    _set("user@host", "host.address", "root@server.example.org", "ssh_user"),
    _set("host:port", "host.address", "server.example.org:2222", "port has a setting of its own"),
    _set("[IPv6]:port", "host.address", "[2001:db8::1]:22", "port has a setting of its own"),
    _set("a name with a space", "host.address", "my server", "host.address = 'my server'"),
    _set("a look-alike letter", "host.address", "sеrver.example.org", "ASCII"),
    _set("two dots", "host.address", "server..example.org", "host.address"),
    _set("a label beyond DNS", "host.address", f"{'a' * 64}.example.org", "host.address"),
    _set("every address", "host.address", "::", "is not the address of one machine"),
    _set("port 0", "host.ssh_port", 0, "host.ssh_port = 0"),
    _set("a flag for a port", "host.ssh_port", True, "host.ssh_port = True: must be a number"),
    _set("a port beyond all ports", "host.ssh_port", 70000, "host.ssh_port = 70000"),
    _set("a port in letters", "host.ssh_port", "ssh", "host.ssh_port = 'ssh'"),
    _set("an empty user", "host.ssh_user", "", "host.ssh_user"),
    _set("a key that is not there", "host.ssh_key", "/nowhere/id_ed25519", "there is no such file"),
    _set("a folder for a key", "host.ssh_key", "/tmp", "is not a file"),
    _set("a file that is no key", "host.ssh_key", "/etc/hostname", "host.ssh_key"),
    _set("a public key", "host.ssh_key", "PUBLIC", "is a public key"),
    _set("a key of PuTTY", "host.ssh_key", "PUTTY", "puttygen"),
    _set("a key with a passphrase", "host.ssh_key", "ENCRYPTED", "ssh-add"),
    _set(
        "known_hosts that is not there", "host.known_hosts", "/nowhere/known_hosts", "there is no such file"
    ),
    _set("yes for true", "host.sudo", "maybe", "host.sudo = 'maybe'"),
    _set("a relative folder", "host.infrastructure", "taaf-infrastructure", "must be absolute"),
    _set("somebody else's home", "host.infrastructure", "~ops/taaf", "must be absolute, or begin with ~/"),
    _set("an empty folder", "host.infrastructure", "", "host.infrastructure"),
    _set("a folder with dots", "host.infrastructure", "/srv/../etc", "without . and .."),
    _set("a way to the APIs that is none", "host.api_access", "vpn", "host.api_access = 'vpn'"),
    _set("a URL without http", "mattermost.url", "chat.example.org", "must be the address of the server"),
    _set("another scheme", "mattermost.url", "ftp://chat.example.org", "must be the address of the server"),
    _set(
        "a user in the URL", "mattermost.url", "http://me:s3cret@chat.example.org", "user name or a password"
    ),
    _set("a space in the URL", "gitlab.url", "https://git.example .org", "no spaces"),
    _set(
        "a port in letters in the URL",
        "gitlab.url",
        "https://git.example.org:https",
        "the address of the server",
    ),
    _set(
        "a query in the URL", "nextcloud.url", "https://cloud.example.org/?a=b", "the address of the server"
    ),
    _set("an empty URL", "nextcloud.url", "", "nextcloud.url"),
    _set(
        "a name that is none in the URL", "gitlab.url", "https://git..org", "gitlab.url = 'https://git..org'"
    ),
    _set("a line break in the URL", "gitlab.url", "https://git.example.org\n/a", "no spaces"),
    _set("a certificate that is not there", "host.ca", "/nowhere/ca.pem", "there is no such file"),
    _set("a key for a certificate", "host.ca", "PRIVATE", "holds a private key"),
    _set("a file that is no certificate", "host.ca", "/etc/hostname", "holds no certificate in PEM"),
    _set("a team by its display name", "mattermost.team", "Terres Australes", "mattermost.team"),
    _set("an empty token", "mattermost.token", "", "mattermost.token"),
    _set("a token of spaces", "gitlab.token", "   ", "gitlab.token"),
    _set("a token with a line inside", "gitlab.token", "glpat-s3cret\nmore", "gitlab.token: holds a space"),
    _set("a token with a tab inside", "gitlab.token", "glpat-s3cret\tmore", "gitlab.token: holds a space"),
    _set("a token with NUL", "gitlab.token", "glpat-s3cret\0", "gitlab.token: holds a space"),
    _set("a token with letters of no token", "gitlab.token", "glpat-s3cret-é", "gitlab.token: holds a space"),
    _set("the README's token", "gitlab.token", "…", "the README's example"),
    _set("a number for a token", "gitlab.token", 12345, "gitlab.token"),
    _set(
        "a channel by its display name", "mattermost.gitlab_webhook.channel", "Dev Notifications", "channel"
    ),
    _set(
        "a name of a webhook beyond 64 bytes",
        "mattermost.gitlab_webhook.display_name",
        "é" * 33,
        "must take 64 bytes at most",
    ),
    _set(
        "an empty name of a webhook",
        "mattermost.nextcloud_webhook.display_name",
        " ",
        "nextcloud_webhook.display_name",
    ),
    _set(
        "the channel that cannot be private",
        "mattermost.nextcloud_webhook",
        {"channel": "town-square", "private": True},
        "nextcloud_webhook.private = True: town-square cannot be private",
    ),
    _set(
        "a member by the name that people see",
        "mattermost.nextcloud_webhook.members",
        ["Camille Morel"],
        "nextcloud_webhook.members.#1",
    ),
    _set("a bot called like a person", "mattermost.bot.username", "Le Robot", "lower-case letters, digits"),
    _set("a bot with a name that is taken", "mattermost.bot.username", "all", "none of all, channel"),
    _set("a bot without a name", "mattermost.bot.display_name", " ", "mattermost.bot.display_name"),
    _set("a command with a slash", "mattermost.commands", ["/passerelle"], "mattermost.commands"),
    _set("a command of two words", "mattermost.commands", ["a b"], "mattermost.commands"),
    _set("a command twice", "mattermost.commands", ["a", "a"], "a is given twice: take one of them out"),
    _set("operators without a command", "mattermost.operators", ["alice"], "needs mattermost.commands"),
    _set("buttons without a command", "mattermost.buttons", True, "needs mattermost.commands"),
    Mistake(
        "buttons of a webhook",
        'needs mattermost.posting = "bot", for a webhook posts no buttons',
        GOOD.replace("[mattermost]", '[mattermost]\ncommands = ["passerelle"]'),
        "mattermost.buttons",
        True,
    ),
    _set("reminders without a button", "nextcloud.remind_after", "2d", "needs mattermost.buttons = true"),
    _set(
        "reminders of a further tree, without a button",
        "nextcloud.trees",
        [{"tree": "Compta", "remind_after": "2d"}],
        "nextcloud.trees.#1.remind_after = '2d': needs mattermost.buttons = true",
    ),
    Mistake(
        "reminders and further hosts",
        "hosts and nextcloud.remind_after do not go together",
        GOOD.replace(
            "[mattermost]", '[mattermost]\nposting = "bot"\ncommands = ["passerelle"]\nbuttons = true'
        )
        + '\n[nextcloud]\nremind_after = "2d"\n'
        + '\n[relays]\naddress = "192.0.2.9"\nspool = "postgresql://u:s3cret@db.example.org/relays"\n',
        "relays.hosts",
        [{"address": "192.0.2.8"}],
    ),
    _set("a span of time without its unit", "nextcloud.remind_after", "2", 'such as "12h" or "2d"'),
    _set("a reminder at once", "nextcloud.remind_after", "5min", 'from "1h" to "60d"'),
    _set("a reminder after a year", "nextcloud.remind_after", "365d", 'from "1h" to "60d"'),
    _set("another way of posting", "mattermost.posting", "robot", "mattermost.posting = 'robot'"),
    _set("a purpose of two lines", "mattermost.gitlab_webhook.channel_purpose", "a\nb", "channel_purpose"),
    _set(
        "no service of Nextcloud's, and its disk",
        "nextcloud.service",
        "",
        "nextcloud.source = 'disk': must be",
    ),
    _set("a proxy that is none", "gitlab.proxy", "socks5://proxy", "gitlab.proxy = 'socks5://proxy'"),
    _set("a path for the relay alone", "relays.url", "/webhook/gitlab", "relays.url = '/webhook/gitlab'"),
    _set(
        "a container for a service", "nextcloud.service", "taaf/nextcloud", "a service in docker-compose.yml"
    ),
    _set("a relative data folder", "nextcloud.data_directory", "data", "must be an absolute path"),
    _set("a folder beyond what disks take", "nextcloud.folders", ["é" * 121], "nextcloud.folders.#1"),
    _set("a folder twice", "nextcloud.folders", ["Contrats", "Contrats"], "Contrats is given twice"),
    _set("a folder with a slash", "nextcloud.folders", ["Contrats/2025"], "nextcloud.folders.#1"),
    _set("one folder without brackets", "nextcloud.folders", "Contrats", "nextcloud.folders = 'Contrats'"),
    _set("a project without its group", "gitlab.project", "projet", "gitlab.project = 'projet'"),
    _set("the URL of a project", "gitlab.project", "https://git.example.org/a/b", "without the server"),
    _set("the address to clone", "gitlab.project", "taaf/infra.git", "without .git at its end"),
    _set(
        "a look-alike letter in a project", "gitlab.project", "root/рrojet", "as its address in GitLab has it"
    ),
    _set("a project twice", "gitlab.projects", ["a/b", "A/B"], "given twice"),
    _set("a language that is none", "relays.language", "de", "relays.language = 'de'"),
    _set("an address with a scheme", "relays.address", "http://10.0.0.1", "relays.address"),
    _set("an address with a port", "relays.address", "10.0.0.1:8090", "relays.address"),
    _set("a footer of two lines", "relays.footer", "TAAF\nRH", "must be one line"),
    _set("a flag for a number", "nextcloud.poll_seconds", True, "must be a number"),
    _set("a digest of one", "relays.digest_from", 1, "relays.digest_from = 1"),
    _set("a database that is none", "relays.spool", "mysql://u:s3cret@db/d", "relays.spool"),
    _set("webdav without a password", "nextcloud.source", "webdav", "needs nextcloud.relay_password"),
    _set("a kind of news that is none", "nextcloud.announce", ["created"], "nextcloud.announce.#1"),
    _set(
        "news in person of a kind that is none", "gitlab.notify", {"leo": ["merges"]}, "gitlab.notify.leo.#1"
    ),
    _set(
        "news for a person of another form", "gitlab.notify", {"-leo": []}, "-leo is no user name in GitLab"
    ),
    _set(
        "a person of another form",
        "gitlab.people",
        {"-leo": "leo"},
        "gitlab.people: -leo is no user name in GitLab",
    ),
    _set("a person twice", "gitlab.people", {"leo": "a", "Leo": "b"}, "leo and Leo are one user of GitLab"),
    _set("news without a list", "gitlab.notify", {"leo": "review"}, "gitlab.notify.leo"),
    _set("reminders without a token", "gitlab.reminders", {"at": "08:30"}, "needs gitlab.read_token"),
    _set(
        "a token to act with, without commands",
        "gitlab.write_token",
        "s3cret",
        "needs mattermost.commands and",
    ),
    Mistake(
        "a token to act with, for nobody",
        "gitlab.write_token: needs gitlab.people, which says as whom",
        GOOD.replace("[mattermost]", '[mattermost]\nposting = "bot"\ncommands = ["passerelle"]'),
        "gitlab.write_token",
        "s3cret",
    ),
    _set(
        "threads of a webhook",
        "gitlab.conversations",
        "threads",
        "gitlab.conversations = 'threads': needs mattermost.posting",
    ),
    _set(
        "threads of a route of a webhook's",
        "gitlab.routes",
        [{"channels": ["ops"], "conversations": "in place"}],
        "gitlab.routes.#1.conversations = 'in place': needs mattermost.posting",
    ),
    _set(
        "a webhook that writes to people",
        "gitlab.direct_messages",
        True,
        "gitlab.direct_messages = True: needs mattermost.posting",
    ),
    _set(
        "news in person by a webhook", "gitlab.notify", {"leo": []}, "gitlab.notify: needs mattermost.posting"
    ),
    Mistake(
        "news in person where there are none",
        "gitlab.notify: needs gitlab.direct_messages = true",
        GOOD.replace("[mattermost]", '[mattermost]\nposting = "bot"') + "direct_messages = false\n",
        "gitlab.notify",
        {"leo": ["review"]},
    ),
    Mistake(
        "reminders in person by a webhook",
        "gitlab.reminders.direct = True: needs mattermost.posting",
        GOOD + 'read_token = "s3cret"\n',
        "gitlab.reminders",
        {"at": "08:30", "direct": True},
    ),
    Mistake(
        "reminders in person where there are none",
        "gitlab.reminders.direct = True: needs gitlab.direct_messages = true",
        GOOD.replace("[mattermost]", '[mattermost]\nposting = "bot"')
        + 'read_token = "s3cret"\ndirect_messages = false\n',
        "gitlab.reminders",
        {"at": "08:30", "direct": True},
    ),
    _set("reminders at no hour", "gitlab.reminders", {"at": "8h30"}, "gitlab.reminders.at"),
    _set("reminders without an hour", "gitlab.reminders", {"days": ["mon"]}, "gitlab.reminders.at"),
    _set(
        "a zone nowhere",
        "gitlab.reminders",
        {"at": "08:30", "timezone": "Paris"},
        "gitlab.reminders.timezone",
    ),
    _set(
        "a day that is none", "gitlab.reminders", {"at": "08:30", "days": ["lun"]}, "gitlab.reminders.days.#1"
    ),
    _set("a route nowhere", "gitlab.routes", [{"channels": ["Ops"]}], "gitlab.routes.#1.channels.#1"),
]


def write(mistake: Mistake, place: Path, keys: dict[str, Path]) -> Path:
    """The settings file with the mistake, in the folder `place`; `keys` are files that a value may stand for."""
    path = place / "passerelle.toml"
    if mistake.mode is None:
        path.mkdir()
        return path
    content = mistake.text
    if mistake.setting and isinstance(content, str):
        content = _with(content, mistake.setting, keys.get(str(mistake.value), mistake.value))
    path.write_bytes(content.encode() if isinstance(content, str) else content)
    path.chmod(mistake.mode)
    return path


def _with(text: str, setting: str, value: Any) -> str:
    """The settings with one of them given or altered."""
    tables: dict[str, Any] = tomllib.loads(text)
    *path, name = setting.split(".")
    table = tables
    for key in path:
        table = table.setdefault(key, {})
    table[name] = str(value) if isinstance(value, Path) else value
    return "\n".join(f"{key} = {_inline(value)}" for key, value in tables.items())


def _inline(value: Any) -> str:
    """A value of any kind on one line of TOML."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key} = {_inline(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(_inline, value)) + "]"
    return json.dumps(value, ensure_ascii=False)
