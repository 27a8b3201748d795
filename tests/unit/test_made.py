"""What is remembered of what was made: kept as text, joined, compared with what is described."""

import pytest

from tasks.made import Made, described, hooks_of, set_aside
from tasks.site_machines import Machine
from tests.unit.site_data import taaf

RELAY = "192.0.2.1:8090"


def machine(**values: object) -> Machine:
    return Machine.model_validate(values)


ONE, TWO = (
    machine(address="Relay1.example.org"),
    machine(address="relay2.example.org", ssh_port=2222, sudo=True),
)
MADE = Made(
    gitlab="http://git",
    mattermost="http://chat",
    projects=frozenset({"root/a", "Root/B"}),
    addresses=frozenset({RELAY}),
    webhooks=frozenset({("taaf", "GitLab"), ("taaf", "Réunion")}),
    files=frozenset({"/srv/scripts/status.sh"}),
    machines=frozenset({ONE, TWO}),
    in_use=frozenset({"secret"}),
)


def test_it_is_kept_whole_but_for_secrets() -> None:
    text = MADE.to_json()
    assert Made.from_json(text) == MADE
    assert Made.from_json(text).to_json() == text
    assert "secret" not in text
    assert "secret" not in repr(MADE)


@pytest.mark.parametrize("text", ["", "{}", "[]", "null", '{"gitlab": 1}', MADE.to_json()[:-10]])
def test_what_is_no_record_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        Made.from_json(text)


@pytest.mark.parametrize(
    ("made", "wanted", "left"),
    [
        (MADE, MADE, Made()),
        (MADE, Made(), MADE),
        # GitLab takes paths in any case, DNS names.
        (Made(projects=frozenset({"Root/A"})), Made(projects=frozenset({"root/a"})), Made()),
        (
            Made(machines=frozenset({ONE})),
            Made(machines=frozenset({machine(address="relay1.EXAMPLE.org")})),
            Made(),
        ),
        # Who logs in makes no other host, and another port does.
        (
            Made(machines=frozenset({ONE})),
            Made(machines=frozenset({ONE.model_copy(update={"ssh_user": "ops"})})),
            Made(),
        ),
        (Made(machines=frozenset({TWO})), Made(machines=frozenset({ONE})), Made(machines=frozenset({TWO}))),
        (
            Made(webhooks=frozenset({("old", "GitLab"), ("taaf", "GitLab")})),
            Made(webhooks=frozenset({("taaf", "GitLab")})),
            Made(webhooks=frozenset({("old", "GitLab")})),
        ),
    ],
)
def test_what_is_left_is_what_is_described_no_longer(made: Made, wanted: Made, left: Made) -> None:
    found = made - wanted
    assert bool(found) == bool(left)
    for kind in ("projects", "addresses", "webhooks", "files", "machines"):
        assert getattr(found, kind) == getattr(left, kind)
        assert getattr(made | wanted, kind) >= getattr(wanted, kind) | getattr(left, kind)


def test_of_what_is_in_both_the_later_word_counts() -> None:
    later = ONE.model_copy(update={"ssh_user": "ops"})
    both = MADE | Made(gitlab="http://new", machines=frozenset({later}))
    assert both.machines == {later, TWO}
    assert (both.gitlab, both.mattermost, both.in_use) == ("http://new", "http://chat", MADE.in_use)


def test_a_site_describes_all_that_its_deploy_makes_elsewhere() -> None:
    site = taaf({"gitlab": {"projects": ["root/b"]}})
    found = described(site, RELAY, ["/srv/scripts/status.sh"])
    assert found.projects == {"root/projet-test-taaf", "root/b"}
    assert found.addresses == {RELAY}
    assert found.webhooks == {("taaf", "GitLab Notifications"), ("taaf", "Nextcloud File Monitor")}
    assert found.files == {"/srv/scripts/status.sh"}
    assert (found.gitlab, found.mattermost) == (site.gitlab.url, site.mattermost.url)


def test_a_name_that_is_set_aside_fits_mattermost() -> None:
    hook = hooks_of(taaf())[0].model_copy(update={"display_name": "é" * 32})
    assert len(set_aside(hook).encode()) <= 64
    assert set_aside(hook).endswith(" (replaced)")
