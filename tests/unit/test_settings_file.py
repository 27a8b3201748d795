"""The file of a relay: each kind of mistake is one line that names the place, the value and the remedy."""

from pathlib import Path

import pytest

from relays.base.schema import Section
from relays.base.settings import StartError
from relays.base.settings_file import read_settings
from relays.sources.gitlab.config import GitLabSettings
from relays.sources.nextcloud.config import NextcloudSettings

TREE = '[[trees]]\ntree = "/x"\n'
LISTED = "known are language, channel, icon, digest_from, ca,"

GITLAB = [
    ("langage = 'fr'", f"langage is unknown: remove it; {LISTED}"),
    ("[listen]\nhost = 'x'", "[listen] host is unknown: remove it; known are address, port"),
    ("[mute]\njbs = true", "[mute] jbs is unknown: remove it; known are bots, child_pipelines,"),
    (
        "[[routes]]\nchannels = []\nbranch = 'x'",
        "[[routes]] 1 branch is unknown: remove it; known are channels,",
    ),
    ("[[routes]]\nevents = ['push']", "[[routes]] 1 channels is missing: add it"),
    ("[gitlab]\nurl = 'http://x'\nprojects = ['a/b']", "[gitlab] hook is missing: add it"),
    ("language = 'de'", "language = 'de' is not one of fr, en: choose one of them"),
    (
        "[[routes]]\nchannels = ['a']\n[[routes]]\nchannels = ['a']\ndetail = ''",
        "[[routes]] 2 detail = '' is not one of full, short: choose one of them",
    ),
    ("[listen]\nport = '80'", "[listen] port = '80' is not a whole number from 0 to 65535: correct it"),
    ("[listen]\nport = 80.0", "[listen] port = 80.0 is not a whole number from 0 to 65535: correct it"),
    ("[listen]\nport = 65536", "[listen] port = 65536 is not a whole number from 0 to 65535: correct it"),
    (
        "max_body_bytes = true",
        "max_body_bytes = True is not a whole number from 1024 to 67108864: correct it",
    ),
    ("digest_from = true", "digest_from = True: must be a number"),
    ("digest_from = 1", "digest_from = 1: must be a number from 2 to 10000, or 0 for no digests"),
    ("other_projects = 1", "other_projects = 1 is not true or false: write one of them, without quotes"),
    ("[mute]\nbots = 'no'", "[mute] bots = 'no' is not true or false: write one of them, without quotes"),
    ("channel = 3", "channel = 3 is not a text: write it between quotes"),
    (
        "channel = 'Dev Notifications'",
        "channel = 'Dev Notifications': must be the name of a channel as in its",
    ),
    ("icon = 'fox'", "icon = 'fox': is neither :an_emoji: nor an address (http://…): correct it"),
    ("projects = 'a/b'", 'projects = \'a/b\' is not a list of texts: write ["…", "…"]'),
    ("projects = ['a/b', 1]", "projects.#2 = 1 is not a text: write it between quotes"),
    ("projects = ['a']", "projects.#1 = 'a': must be the path of a project, such as group/project"),
    ("[[routes]]\nchannels = 'ops'", "[[routes]] 1 channels = 'ops' is not a list of texts: write"),
    (
        "[[routes]]\nchannels = ['a']\nlabels = ['']",
        "[[routes]] 1 labels.#1 = '': String should have at least 1",
    ),
    (
        "[[routes]]\nchannels = ['a']\nevents = ['psh']",
        "routes: route 1 can never match: events: there is no psh; known are",
    ),
    (
        "[routes]\nchannels = ['a']",
        "routes = {'channels': ['a']} is not an array of tables: write [[routes]]",
    ),
    ("routes = [1]", "routes.#1 = 1 is not a table: write [routes]"),
    ("mute = 3", "mute = 3 is not a table: write [mute]"),
    ("listen = 'x'", "listen = 'x' is not a table: write [listen]"),
    ("people = 1", 'people = 1 is not a table of texts: write NAME = "…" lines under its name'),
    ("[people]\nleo = 3", "[people] leo = 3 is not a text: write it between quotes"),
    ("[people]\nleo = 'all'", "[people] leo = 'all': is not the name of one user of Mattermost"),
    ("notify = 1", 'notify = 1 is not a table of lists: write NAME = ["…", "…"] lines under its name'),
    ("[notify]\nleo = 'review'", '[notify] leo = \'review\' is not a list of texts: write ["…", "…"]'),
    (
        "[notify]\nleo = ['reviews']",
        "[notify] leo.#1 = 'reviews' is not one of assigned, review, mentioned, changes, approved, merged, broken, "
        "fixed, reminders: choose one of them",
    ),
    *(
        (f"[notify]\n'{name}' = []", f"notify: {name} is no user name in GitLab: write one such as")
        for name in ("@leo", "Léo Perrin", "leo perrin", "leo@taaf.example", "-leo")
    ),
    ("[notify]\n'' = []", "notify:  is no user name in GitLab: write one such as"),
    ("[notify]\nleo = []\nLeo = []", "notify: leo and Leo are one user of GitLab: keep one of them"),
    ("[wording.de]\npush = 'x'", "[wording] de is not one of fr, en: choose one of them"),
    (
        "[wording.fr]\npsh = 'x'",
        "wording: the fr template psh cannot be used: there is no event psh; known are",
    ),
    (
        "[wording.en]\npush = '{{'",
        "wording: the en template push cannot be used: it is not a Jinja2 template",
    ),
    ("[gitlab]\nurl = 'x'", "[gitlab] url = 'x': must be the address of the server, such as http://"),
    ("[gitlab]\nurl = 'http://me:s3cret@x'", "[gitlab] url: must not hold a user name or a password"),
    (
        "[gitlab]\nurl = 'http://x'\nprojects = []\nhook = 'P'",
        "[gitlab] projects: names no project: name one, or remove the table and the credential",
    ),
    ("[reminders]\ndays = ['mon']", "[reminders] at is missing: add it"),
    *(
        (f"[reminders]\nat = {at!r}", f"[reminders] at = {at!r}: must be a time of day such as")
        for at in ("8:30", "24:00", "08:60", "08:30:00", "morning", "")
    ),
    ("[reminders]\nat = 08:30:00", "[reminders] at = '08:30:00': must be a time of day such as"),
    ("[reminders]\nat = 8", "[reminders] at = 8 is not a text: write it between quotes"),
    (
        "[reminders]\nat = '08:30'\ndays = ['lun']",
        "[reminders] days.#1 = 'lun' is not one of mon, tue, wed, thu, fri, sat, sun: choose one of them",
    ),
    ("[reminders]\nat = '08:30'\ndays = []", "[reminders] days: names no day: name one, or remove the table"),
    *(
        (
            f"[reminders]\nat = '08:30'\ntimezone = {zone!r}",
            f"[reminders] timezone = {zone!r}: is no time zone that this machine knows: write one such as",
        )
        for zone in ("Paris", "", "Europe", "../etc/passwd", "/etc/localtime", "UTC+4 ", "Europe/Pâris")
    ),
    (
        "[reminders]\nat = '08:30'\nchannels = ['À lire']",
        "[reminders] channels.#1 = 'À lire': must be the name",
    ),
    *(
        (
            f"[reminders]\nat = '08:30'\nstale_days = {days}",
            f"[reminders] stale_days = {days} is not a whole number from 1 to 365: correct it",
        )
        for days in (0, 366, -1)
    ),
    ("[reminders]\nat = '08:30'", "reminders: reads GitLab, and there is no table [gitlab]: add it with url"),
]
NEXTCLOUD = [
    ("", 'trees: there is no tree to be watched: add [[trees]] with tree = "…"'),
    (f"port = 1\n{TREE}", f"port is unknown: remove it; {LISTED}"),
    ("[[trees]]\nfooter = 'x'", "[[trees]] 1 tree is missing: add it"),
    ("[[trees]]\ntree = 'x'", "[[trees]] 1 tree = 'x': is not the absolute path of a folder: correct it"),
    ("[[trees]]\ntree = '//'", "[[trees]] 1 tree = '//': is not the absolute path of a folder: correct it"),
    (
        f'{TREE}[[trees]]\ntree = "/x/y"',
        'trees: tree = "/x/y" is, or lies in, another one: take one of them out',
    ),
    (
        f"{TREE}announce = ['new', 'news']",
        "[[trees]] 1 announce.#2 = 'news' is not one of new, moved_in, version, deleted: choose one of them",
    ),
    (f"{TREE}announce = 'new'", "[[trees]] 1 announce = 'new' is not a list of texts: write"),
    (
        f"{TREE}discretion = 'none'",
        "[[trees]] 1 discretion = 'none' is not one of full, masked, count: choose",
    ),
    (
        f"{TREE}folder_discretion = {{ Paie = 'x' }}",
        "[[trees]] 1 folder_discretion.Paie = 'x' is not one of full, masked, count: choose one of them",
    ),
    (
        f"{TREE}folder_discretion = {{ '/Paie' = 'count' }}",
        "[[trees]] 1 folder_discretion./Paie: must be the path of a folder in the tree",
    ),
    (f"{TREE}icons = {{ '.pdf' = 'x' }}", "[[trees]] 1 icons..pdf: must be an extension in small letters"),
    (
        f"{TREE}burst_from = -1",
        "[[trees]] 1 burst_from = -1 is not a whole number from 0 to 10000: correct it",
    ),
    (f"{TREE}footer = 'a\\nb'".replace("'", '"'), "[[trees]] 1 footer = 'a\\nb': must be one line"),
    (f"{TREE}wording = ['x']", "[[trees]] 1 wording = ['x'] is not a table of texts: write NAME"),
    (
        f"{TREE}wording = {{ created = 'x' }}",
        "wording: the template created cannot be used: there is no created;",
    ),
    (
        f"{TREE}wording = {{ new = '{{{{' }}",
        "wording: the template new cannot be used: it is not a Jinja2 template",
    ),
    (f"source = 'webdav'\n{TREE}", "source = 'webdav': needs an account: add [nextcloud] with url and user"),
    (f"poll_seconds = 0\n{TREE}", "poll_seconds = 0 is not a whole number from 1 to 3600: correct it"),
    (f"[nextcloud]\nurl = 'http://x'\n{TREE}", "[nextcloud] user is missing: add it"),
]
FILES = [
    ("language = ", "is not valid TOML: Invalid value"),
    ("x = " + "[" * 100_000, "is not valid TOML"),
]
ROWS = [
    (model, *row)
    for model, rows in ((GitLabSettings, GITLAB), (NextcloudSettings, NEXTCLOUD))
    for row in rows
]


@pytest.mark.parametrize(("model", "text", "words"), ROWS)
def test_a_mistake_is_one_line_with_its_place_and_remedy(
    tmp_path: Path, model: type[Section], text: str, words: str
) -> None:
    file = tmp_path / "relay.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StartError) as caught:
        read_settings(file, model)
    (line,) = str(caught.value).splitlines()
    assert line.startswith(f"{file}: ")
    assert words in line
    assert "s3cret" not in line


@pytest.mark.parametrize(("text", "words"), FILES)
def test_what_is_no_toml_is_one_line(tmp_path: Path, text: str, words: str) -> None:
    file = tmp_path / "relay.toml"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(StartError) as caught:
        read_settings(file, GitLabSettings)
    assert str(caught.value).startswith(f"{file} {words}")
    assert len(str(caught.value).splitlines()) == 1


@pytest.mark.parametrize("model", [GitLabSettings, NextcloudSettings])
def test_every_setting_of_a_file_is_described(model: type[Section]) -> None:
    for name, field in model.model_fields.items():
        assert field.description, name
