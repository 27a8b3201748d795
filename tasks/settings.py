"""Where the settings of the sites come from: values in the code, a settings file, the environment.

The later wins over the earlier: the values in `group_data/all.py`, a settings file (`passerelle.toml` beside
`deploy.py`, or the file that `PASSERELLE_SETTINGS` names) and environment variables (`PASSERELLE_GITLAB__TOKEN` is
`[gitlab] token`). A file with tables `[sites.NAME]` describes several sites: each is what the file and the environment
say of all of them, under what its own tables say, under its own variables (`PASSERELLE_SITES__NAME__GITLAB__TOKEN`).
"""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError, create_model
from pydantic_settings import BaseSettings, EnvSettingsSource

from tasks.addresses import is_near
from tasks.places import PROJECT
from tasks.settings_file import read_file
from tasks.site import Site, SiteError, is_site_name
from tasks.site_conflicts import rivalries

PREFIX = "PASSERELLE_"
SETTINGS_FILE = "passerelle.toml"
_SITES = f"{PREFIX}SITES__"
# What setup is given: exported once, it is there for every other run of pyinfra too.
_ANSWERS = f"{PREFIX}SETUP_"

# The names and types by which variables are read; nothing is judged by it.
_FIELDS: Any = {name: (field.annotation, None) for name, field in Site.model_fields.items()}
_VARIABLES = create_model("Variables", __base__=BaseSettings, **_FIELDS)

Values = Mapping[str, Any]


def load(values: Values, environment: Mapping[str, str] | None = None) -> dict[str, Site]:
    """The sites by name, as `values`, the settings file and the environment describe them.

    Without tables of sites there is one, called by its host's address. Raises SiteError, before anything is touched,
    for a file that cannot be read or that others may read, for each value that is missing, unknown or not acceptable,
    and for sites that would take something from each other.
    """
    environment = dict(os.environ) if environment is None else environment
    named, path = environment.get(f"{PREFIX}SETTINGS"), settings_path(environment)
    if named and not path.exists():
        raise SiteError(f"{PREFIX}SETTINGS: there is no file {named}; correct the path or unset the variable")
    _refuse_unknown_variables(environment)
    file = read_file(path) if path.exists() else {}
    common = merged(values, {key: value for key, value in file.items() if key != "sites"}, _variables(PREFIX))
    own = _tables_of_sites(file.get("sites", {}), environment, path)
    faults: list[str] = []
    sites: dict[str, Site] = {}
    for name, table in own.items():
        # Otherwise a name that is misspelt in a variable would be a further site on the host of another one.
        if "address" not in merged({"host": {}}, table)["host"]:
            faults.append(f"sites.{name}.host.address is missing: {_remedy(path, name, 'host', 'address')}")
            continue
        try:
            sites[name] = Site(**merged(common, table))
        except ValidationError as error:
            faults += _fault_lines(error, path, name)
    if not own:
        try:
            site = Site(**common)
        except ValidationError as error:
            raise SiteError("\n".join(_fault_lines(error, path))) from None
        sites = {site.host.address: site}
    for name, site in sites.items():
        faults += _needless_proxies(site, f"sites.{name}." if own else "")
    faults += rivalries(sites)
    if faults:
        raise SiteError("\n".join(faults))
    return sites


def _needless_proxies(site: Site, where: str) -> Iterator[str]:
    """A line for each proxy that what is on the host itself would be reached by."""
    for name in ("mattermost", "nextcloud", "gitlab"):
        server = getattr(site, name)
        if server.proxy and is_near(server.url, site.host.address):
            yield (
                f"{where}{name}.proxy = {server.proxy!r}: is for a server elsewhere, and {server.url} is the host "
                "itself; take it out"
            )


def begun(values: Values, path: Path) -> dict[str, Any]:
    """What a settings file says of a site, which may lack much still and need not exist.

    SiteError for what is wrong with it or with the environment.
    """
    _refuse_unknown_variables(os.environ)
    file = read_file(path) if path.exists() else {}
    try:
        Site(
            **merged(
                values, {key: value for key, value in file.items() if key != "sites"}, _variables(PREFIX)
            )
        )
    except ValidationError as error:
        if faults := [*_fault_lines(error, path, is_whole=False)]:
            raise SiteError("\n".join(faults)) from None
    return file


def settings_path(environment: Mapping[str, str] | None = None) -> Path:
    """The settings file of this run, which need not exist."""
    named = (os.environ if environment is None else environment).get(f"{PREFIX}SETTINGS")
    return Path(named) if named else PROJECT / SETTINGS_FILE


def pick(sites: Mapping[str, Site], name: str | None) -> str:
    """The name of the one site that a command is for; SiteError if `name` is missing or wrong."""
    known = ", ".join(sites)
    if not name:
        if len(sites) > 1:
            raise SiteError(
                f"there are several sites ({known}): say which one with --site NAME (make: SITE=NAME)"
            )
        return next(iter(sites))
    if name not in sites:
        raise SiteError(f"--site {name}: there is no such site; there is {known}")
    return name


def merged(*layers: Values) -> dict[str, Any]:
    """The layers on top of each other, the last one on top: tables are merged, all other values replaced."""
    result: dict[str, Any] = {}
    for layer in layers:
        for key, value in layer.items():
            below = result.get(key)
            both = isinstance(below, Mapping) and isinstance(value, Mapping)
            result[key] = merged(below, value) if both else value  # type: ignore[arg-type]
    return result


def _variables(prefix: str) -> dict[str, Any]:
    """What the variables that begin with `prefix` say, as tables."""
    source = EnvSettingsSource(_VARIABLES, env_prefix=prefix, env_nested_delimiter="__")
    try:
        return source()
    except ValueError:  # it names the section, and not the variable
        given = source.env_vars
    for variable in sorted(os.environ):
        source.env_vars = {name: value for name, value in given.items() if name == variable.lower()}
        try:
            source()
        except ValueError:
            raise SiteError(
                f'{variable}: lists and tables are given as JSON, such as ["a", "b"] or {{"a": "b"}}; correct it'
            ) from None
    raise SiteError(f"{prefix}…: a variable is not JSON where a list or table is expected; correct it")


def _tables_of_sites(tables: Any, environment: Mapping[str, str], path: Path) -> dict[str, dict[str, Any]]:
    """{name: what is said of that site alone}, by the file and by variables."""
    if not isinstance(tables, Mapping):
        raise SiteError(f"sites: must be tables such as [sites.kerguelen.host] in {path.name}")
    names = dict.fromkeys(tables)
    for variable in sorted(environment):
        if variable.startswith(_SITES):
            names[variable.removeprefix(_SITES).partition("__")[0].lower().replace("_", "-")] = None
    own = {}
    for name in names:
        table = tables.get(name, {})
        if not is_site_name(name):
            raise SiteError(
                f"sites.{name}: a site's name is made of lower-case letters, digits and single hyphens, and is not "
                "all, hosts or inventory; give it another one"
            )
        if not isinstance(table, Mapping):
            raise SiteError(f"sites.{name}: must be a table, or have some, such as [sites.{name}.host]")
        own[name] = merged(table, _variables(_variable(name)))
    return own


def _variable(site: str) -> str:
    """What the variables of a site begin with."""
    return f"{_SITES}{site.upper().replace('-', '_')}__"


def _refuse_unknown_variables(environment: Mapping[str, str]) -> None:
    """A misspelt section would otherwise be passed over in silence; within a section, pydantic is strict."""
    known = {name.upper() for name in Site.model_fields}
    for variable in sorted(environment):
        if not variable.startswith(PREFIX) or variable.startswith(_ANSWERS):
            continue
        first, _, rest = variable.removeprefix(PREFIX).partition("__")
        section = rest.partition("__")[2].partition("__")[0] if first == "SITES" else first
        if section not in known and first != "SETTINGS":
            raise SiteError(f"{variable}: there is no such setting; docs/settings.md lists them all")


def _remedy(path: Path, site: str | None, section: str, *below: str) -> str:
    variable = (_variable(site) if site else PREFIX) + "__".join((section, *below)).upper()
    table = f"sites.{site}." if site else ""
    if below:
        return f"set {variable}, or {below[0]} in [{table}{section}] of {path.name} (mode 0600)"
    where = f"[{table.rstrip('.')}] of {path.name}" if site else path.name
    return f"set {variable}, or {section} in {where} (mode 0600)"


def _fault_lines(
    error: ValidationError, path: Path, site: str | None = None, *, is_whole: bool = True
) -> Iterator[str]:
    for fault in error.errors(include_url=False, include_context=False):
        parts = [f"#{part + 1}" if isinstance(part, int) else part for part in fault["loc"]]
        where = ".".join(["sites", site, *parts] if site else parts)
        remedy = _remedy(path, site, *[str(part) for part in fault["loc"][:2]])
        if fault["type"] == "missing":
            if is_whole:
                yield f"{where} is missing: {remedy}"
        elif fault["type"] in ("extra_forbidden", "unexpected_keyword_argument"):
            yield f"{where}: there is no such setting; docs/settings.md lists them all"
        else:
            value = fault["input"]
            secret = "token" in where or "password" in where or "spool" in where or "@" in str(value)
            shown = f" = {value!r}" if isinstance(value, str | int | float) and not secret else ""
            yield f"{where}{shown}: {fault['msg'].removeprefix('Value error, ')}; {remedy}"
