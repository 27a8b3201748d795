"""Whoever gitlab.notify names has to be a user of GitLab: a name that is misspelt would silently be nobody's."""

import pytest
from pydantic import SecretStr

from tasks.context import gitlab_api
from tasks.operations.resource import ResourceError
from tasks.references import check_notified
from tests.standins.gitlab_site import TOKEN, Site
from tests.unit.site_data import taaf

# What the site says that people are called in Mattermost, who is named, the remedy if that is nobody. Root is there.
NAMED: dict[str, tuple[dict[str, str], list[str], str]] = {
    "nobody": ({}, [], ""),
    "somebody": ({}, ["root"], ""),
    "in other letters": ({}, ["Root"], ""),
    "misspelt": ({}, ["rooot"], "correct the name"),
    "the beginning of a name": ({}, ["roo"], "correct the name"),
    "behind one who is there": ({}, ["root", "rooot"], "correct the name"),
    "with what an address would take for something else": ({}, ["root."], "correct the name"),
    "what they are called in Mattermost": (
        {"root": "boss"},
        ["Boss"],
        "Boss is what root is called in Mattermost: write root",
    ),
    "called as somebody else is in Mattermost": ({"camille.morel": "root"}, ["root"], ""),
}


@pytest.mark.parametrize("name", NAMED)
def test_who_is_named_is_there(site: Site, name: str) -> None:
    people, names, remedy = NAMED[name]
    own = {"url": site.url, "notify": {each: [] for each in names}, "people": people}
    described = taaf({"host": {"api_access": "direct"}, "mattermost": {"posting": "bot"}, "gitlab": own})
    api = gitlab_api(described, SecretStr(TOKEN))
    if not remedy:
        check_notified(described, api)
        return
    with pytest.raises(ResourceError) as refused:
        check_notified(described, api)
    assert (
        str(refused.value) == f"gitlab.notify.{names[-1]}: GitLab has no such user; {remedy}, or take it out"
    )
