"""The dashboard and the alerts (files/monitoring/) ask for what a relay exposes, and leave nothing of it out."""

import json
import re
from pathlib import Path

import pytest

from tests import promtool
from tests.relays.events import issue, send
from tests.relays.process import Relay, health, wait_for
from tests.relays.sink import Reply, Sink
from tests.relays.test_delivery import send_all
from tests.relays.test_metrics import scrape

MONITORING = Path(__file__).parents[2] / "files" / "monitoring"
DASHBOARD = MONITORING / "passerelle-dashboard.json"
ALERTS = MONITORING / "passerelle-alerts.yml"
# When a counter or histogram began, which prometheus_client adds to each: nobody asks for it.
LEFT_OUT = re.compile(r"passerelle_\w+_created")


def expressions() -> list[str]:
    """What the dashboard's panels and its variable ask Prometheus, with Grafana's own variables filled in."""
    dashboard = json.loads(DASHBOARD.read_text(encoding="utf-8"))
    asked = [target["expr"] for panel in dashboard["panels"] for target in panel["targets"]]
    return [re.sub(r"\$__\w+", "5m", each).replace("$instance", ".*") for each in asked]


def names(text: str) -> set[str]:
    """The relay's metrics that are named, a histogram's parts as the histogram."""
    found = set(re.findall(r"\bpasserelle_\w+", text))
    return {re.sub(r"_seconds_(?:bucket|sum|count)$", "_seconds", name) for name in found}


@pytest.fixture
def exposition(gitlab: Relay, sink: Sink) -> str:
    """What a relay exposes that has delivered, and that a webhook holds up."""
    gitlab.start()
    send_all(gitlab, range(1))
    wait_for(lambda: sink.posts)
    sink.behave = lambda payload: Reply(404, b"{}")
    send(gitlab, issue(1))
    wait_for(lambda: health(gitlab)[1]["status"] == "degraded")
    send(gitlab, issue(2), {"X-Gitlab-Token": "wrong"})
    return scrape(gitlab).text


def test_every_metric_that_is_asked_for_is_exposed_and_the_other_way_round(exposition: str) -> None:
    exposed = {
        name
        for name in re.findall(r"^# TYPE (\S+) ", exposition, re.MULTILINE)
        if not LEFT_OUT.fullmatch(name)
    }
    assert names("\n".join(expressions())) == exposed
    assert names(ALERTS.read_text(encoding="utf-8")) <= exposed


def test_every_label_that_is_asked_for_is_exposed(exposition: str) -> None:
    """What legends, sums and alerts name; `job` and `instance` come from Prometheus, `site` from its settings."""
    texts = [DASHBOARD.read_text(encoding="utf-8"), ALERTS.read_text(encoding="utf-8")]
    asked = {
        label
        for text in texts
        for found in re.findall(r"(?:by|on) \(([\w, ]+)\)|\$labels\.(\w+)|\{\{(\w+)\}\}", text)
        for label in re.findall(r"\w+", " ".join(found))
    }
    exposed = set(re.findall(r'[{,](\w+)="', exposition))
    assert asked - exposed == {"job", "instance", "site"}


def test_promtool_finds_no_fault_with_what_is_exposed(exposition: str) -> None:
    promtool.run("check", "metrics", given=exposition)


def test_promtool_finds_no_fault_with_the_rules() -> None:
    assert "9 rules found" in promtool.run("check", "rules", ALERTS)


def test_promtool_finds_no_fault_with_the_scrape_configuration() -> None:
    promtool.run("check", "config", MONITORING / "passerelle-scrape.yml")


def test_prometheus_can_read_what_the_dashboard_asks(tmp_path: Path) -> None:
    # A rule for each expression: that is how promtool reads expressions without a server.
    rules = [{"record": f"panel:{number}", "expr": each} for number, each in enumerate(expressions())]
    file = tmp_path / "dashboard.yml"
    file.write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    promtool.run("check", "rules", file)


def test_the_dashboard_is_whole() -> None:
    """Panels have a number of their own, the chosen source, a description, and a place that no other one has."""
    panels = json.loads(DASHBOARD.read_text(encoding="utf-8"))["panels"]
    assert len({panel["id"] for panel in panels}) == len(panels)
    taken: set[tuple[int, int]] = set()
    for panel in panels:
        assert panel["description"]
        sources = [panel["datasource"], *(target["datasource"] for target in panel["targets"])]
        assert {source["uid"] for source in sources} == {"${datasource}"}
        place = panel["gridPos"]
        cells = {
            (x, y)
            for x in range(place["x"], place["x"] + place["w"])
            for y in range(place["y"], place["y"] + place["h"])
        }
        assert place["x"] + place["w"] <= 24
        assert not cells & taken, panel["title"]
        taken |= cells
