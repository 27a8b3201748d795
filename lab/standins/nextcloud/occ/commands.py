"""The occ commands: what each prints and returns.

Each takes the site and the arguments after its name, prints, and returns the exit code.
"""

import io
import json
import os
import secrets
from collections.abc import Callable, Sequence
from pathlib import Path

from lab.standins.nextcloud.occ import console
from lab.standins.nextcloud.occ.files_scan import files_scan
from lab.standins.nextcloud.state import users
from lab.standins.nextcloud.state.activity import Actor
from lab.standins.nextcloud.state.home import Home
from lab.standins.nextcloud.state.instance import Instance

Command = Callable[[Instance, Sequence[str]], int]


def status(instance: Instance, arguments: Sequence[str]) -> int:
    parser = console.Parser("status", "[--output [OUTPUT]] [-e|--exit-code]")
    parser.add_argument("--output", default="plain")
    parser.add_argument("-e", "--exit-code", action="store_true")
    options = parser.parse(arguments)
    values = instance.status()
    if options.exit_code:
        return 1 if values["maintenance"] else 0
    # occ and status.php name the same values in another order
    order = ("installed", "version", "versionstring", "edition", "maintenance", "needsDbUpgrade")
    ordered = {key: values[key] for key in (*order, "productname", "extendedSupport")}
    print(console.listing(ordered, options.output))
    return 0


def maintenance_mode(instance: Instance, arguments: Sequence[str]) -> int:
    parser = console.Parser("maintenance:mode", "[--on] [--off]")
    parser.add_argument("--on", action="store_true")
    parser.add_argument("--off", action="store_true")
    options = parser.parse(arguments)
    if not (options.on or options.off):
        print(f"Maintenance mode is currently {'enabled' if instance.maintenance else 'disabled'}")
        return 0
    word = "enabled" if options.on else "disabled"
    if instance.maintenance is options.on:
        print(f"Maintenance mode already {word}")
        return 0
    instance.save({**instance.settings(), "maintenance": options.on})
    print(f"Maintenance mode {word}")
    return 0


def user_list(instance: Instance, arguments: Sequence[str]) -> int:
    parser = console.Parser("user:list", "[--output [OUTPUT]]")
    parser.add_argument("--output", default="plain")
    options = parser.parse(arguments)
    print(console.listing(dict(users.names(instance)), options.output))
    return 0


def user_add(instance: Instance, arguments: Sequence[str]) -> int:
    parser = console.Parser(
        "user:add", "[--password-from-env] [--generate-password] [--display-name [DISPLAY-NAME]] [--] <uid>"
    )
    parser.add_argument("--password-from-env", action="store_true")
    parser.add_argument("--generate-password", action="store_true")
    parser.add_argument("--display-name")
    parser.add_argument("uid")
    options = parser.parse(arguments)
    if options.uid in users.names(instance):
        print(f'The account "{options.uid}" already exists.')
        return 1
    if options.password_from_env:
        password = os.environ.get("NC_PASS") or os.environ.get("OC_PASS") or ""
        if not password:
            print("--password-from-env given, but NC_PASS/OC_PASS is empty!")
            return 1
    elif options.generate_password:
        password = secrets.token_urlsafe(15)
    else:
        print(
            "Interactive input or --password-from-env or --generate-password is needed for setting a password!"
        )
        return 1
    try:
        users.create(instance, options.uid, password, options.display_name)
    except users.LoginRefused as error:
        print(error)
        return 1
    print(f'The account "{options.uid}" was created successfully')
    if options.display_name:
        print(f'Display name set to "{options.display_name}"')
    return 0


def auth_tokens_add(instance: Instance, arguments: Sequence[str]) -> int:
    parser = console.Parser("user:auth-tokens:add", "[--password-from-env] [--name [NAME]] [--] <user>")
    parser.add_argument("--password-from-env", action="store_true")
    parser.add_argument("--name")
    parser.add_argument("user")
    options = parser.parse(arguments)
    if options.user not in users.names(instance):
        raise console.CommandFailed("invalid user")
    if not options.password_from_env:
        print(
            "No password provided. The generated app password will therefore have limited capabilities. "
            "Any operation that requires the login password will fail."
        )
    print(f"app password:\n{users.add_app_password(instance, options.user)}")
    return 0


def auth_tokens_list(instance: Instance, arguments: Sequence[str]) -> int:
    parser = console.Parser("user:auth-tokens:list", "[--output [OUTPUT]] [--] <user>")
    parser.add_argument("--output", default="plain")
    parser.add_argument("user")
    options = parser.parse(arguments)
    if options.user not in users.names(instance):
        print("user not found")
        return 1
    # Of what a real one says of each, only its name: those made here all bear the same name.
    tokens = [
        {"id": number, "name": "cli", "type": 1} for number in users.app_passwords(instance, options.user)
    ]
    print(
        json.dumps(tokens)
        if options.output == "json"
        else "\n".join(f"  - id: {each['id']}" for each in tokens)
    )
    return 0


def auth_tokens_delete(instance: Instance, arguments: Sequence[str]) -> int:
    parser = console.Parser("user:auth-tokens:delete", "[--] <uid> [<id>]")
    parser.add_argument("uid")
    parser.add_argument("id", type=int)
    options = parser.parse(arguments)
    users.delete_app_password(instance, options.uid, options.id)  # none of that number: nothing is said
    return 0


def config_system_get(instance: Instance, arguments: Sequence[str]) -> int:
    parser = console.Parser("config:system:get", "[--output [OUTPUT]] [--] <name>...")
    parser.add_argument("--output", default="plain")
    parser.add_argument("name", nargs="+")
    options = parser.parse(arguments)
    # The official image takes this one from the environment (config/reverse-proxy.config.php).
    overwritten = {"overwrite.cli.url": os.environ.get("OVERWRITECLIURL")}
    value = overwritten.get(options.name[0]) or instance.settings().get(options.name[0])
    if value is None or len(options.name) > 1:
        return 1
    print(
        json.dumps(value)
        if options.output == "json"
        else str(value).lower()
        if value in (True, False)
        else value
    )
    return 0


def files_put(instance: Instance, arguments: Sequence[str]) -> int:
    parser = console.Parser("files:put", "<input> <file>")
    parser.add_argument("input")
    parser.add_argument("file")
    options = parser.parse(arguments)
    user, _, path = options.file.strip("/").partition("/")
    if user not in users.names(instance):
        print(f"{options.file} not found")
        return 1
    home = Home(instance, user, Actor())
    known = home.find(path)
    if known and known.folder:
        print(f"{options.file} is a folder")
        return 1
    try:
        content = Path("/dev/stdin" if options.input == "-" else options.input).read_bytes()
    except OSError:
        print(f"Failed to open {options.input}")
        return 1
    try:
        home.write(path, io.BytesIO(content))
    except OSError as error:
        raise console.CommandFailed(f'Could not create path "/{user}/{path}"') from error
    return 0


ALWAYS: dict[str, Command] = {"status": status, "maintenance:mode": maintenance_mode}
INSTALLED: dict[str, Command] = {
    "user:list": user_list,
    "user:add": user_add,
    "user:auth-tokens:add": auth_tokens_add,
    "user:auth-tokens:list": auth_tokens_list,
    "user:auth-tokens:delete": auth_tokens_delete,
    "config:system:get": config_system_get,
}
# The commands of apps: gone in maintenance mode.
APPS: dict[str, Command] = {"files:scan": files_scan, "files:put": files_put}
