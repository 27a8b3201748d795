"""Each alert fires on what it is for, alone, and does not on what is like it (promtool runs the rules on series)."""

import json
import re
from pathlib import Path

import pytest

from tests import promtool
from tests.relays.test_monitoring import ALERTS

LABELS = 'job="passerelle", instance="host:8090", site="taaf"'
# A relay at work, read twice a minute for an hour.
WELL = {
    "up{}": "1x120",
    "passerelle_storage_failing{}": "0x120",
    "passerelle_backlog_oldest_age_seconds{}": "0x40 3x2 0x80",
    "passerelle_parked_notifications{}": "0x120",
    "passerelle_dead_letters{}": "0x120",
    "passerelle_pending_events{}": "0x10 2x3 0x110",
    'passerelle_events_total{kind="push", outcome="accepted"}': "0+1x120",
    'passerelle_accept_seconds_bucket{le="0.01"}': "0+9x120",
    'passerelle_accept_seconds_bucket{le="10.0"}': "0+9x120",
    'passerelle_accept_seconds_bucket{le="+Inf"}': "0+9x120",
}
HELD = 'passerelle_channel_held{channel="dev", reason="HTTP 404"}'
TOKEN = 'passerelle_refused_total{reason="wrong_token"}'
EVENTS = 'passerelle_events_total{kind="push", outcome="accepted"}'

# What differs from a relay at work, and what fires at the minute given.
TABLE = {
    "all is well": ({}, 60, None),
    "the relay is gone": ({"up{}": "0x120"}, 10, "PasserelleDown"),
    "the relay restarts": ({"up{}": "1x20 0x8 1x80"}, 14, None),
    "another job is down": ({'up{job="other"}': "0x120"}, 30, None),
    "nothing can be stored": ({"passerelle_storage_failing{}": "0x20 1x100"}, 15, "PasserelleStorageFailing"),
    "a moment's failure of the storage": ({"passerelle_storage_failing{}": "0x20 1x3 0x90"}, 11, None),
    "a channel is held up": ({HELD: "1x120"}, 10, "PasserelleChannelHeld"),
    "a channel was held up": ({HELD: "1x8 _x110"}, 10, None),
    "Mattermost is down": (
        {"passerelle_backlog_oldest_age_seconds{}": "0x2 0+30x118"},
        30,
        "PasserelleBacklogOld",
    ),
    "Mattermost was down for ten minutes": (
        {"passerelle_backlog_oldest_age_seconds{}": "0x20 0+30x20 0x80"},
        25,
        None,
    ),
    "a message is a dead letter": (
        {"passerelle_parked_notifications{}": "1x120"},
        10,
        "PasserelleMessagesParked",
    ),
    "an operator has dropped it": ({"passerelle_parked_notifications{}": "1x6 0x110"}, 10, None),
    "an event is a dead letter": ({"passerelle_dead_letters{}": "2x120"}, 10, "PasserelleDeadLetters"),
    "an operator has it processed again": ({"passerelle_dead_letters{}": "2x6 0x110"}, 10, None),
    "events wait and none is processed": (
        {"passerelle_pending_events{}": "0x10 1+1x110", EVENTS: "0+1x10 10x110"},
        40,
        "PasserelleEventsStuck",
    ),
    "none was ever processed": (
        {"passerelle_pending_events{}": "7x120", EVENTS: "_x120"},
        40,
        "PasserelleEventsStuck",
    ),
    "events always wait, and are processed": ({"passerelle_pending_events{}": "5x120"}, 40, None),
    "there are no events at all": ({EVENTS: "10x120"}, 40, None),
    "the hook has another secret": ({TOKEN: "0+1x120"}, 30, "PasserelleRequestsRefused"),
    "one request is refused, the first one": ({TOKEN: "_x60 1x60"}, 31, "PasserelleRequestsRefused"),
    "one was refused an hour ago": ({TOKEN: "1x120"}, 59, None),
    "one was refused after the relay's restart": (
        {TOKEN: "7x40 _x40 1x40"},
        41,
        "PasserelleRequestsRefused",
    ),
    "Prometheus was away, and one was refused before": (
        {**dict.fromkeys(WELL, "_x60 0x60"), "up{}": "_x60 1x60", TOKEN: "_x60 4x60"},
        32,
        None,
    ),
    "GitLab waits too long for the answer": (
        {
            'passerelle_accept_seconds_bucket{le="0.01"}': "0x120",
            'passerelle_accept_seconds_bucket{le="10.0"}': "0+9x120",
        },
        40,
        "PasserelleAcceptSlow",
    ),
    "one answer in two hundred is slow": (
        {
            'passerelle_accept_seconds_bucket{le="0.01"}': "0+199x120",
            'passerelle_accept_seconds_bucket{le="10.0"}': "0+200x120",
            'passerelle_accept_seconds_bucket{le="+Inf"}': "0+200x120",
        },
        40,
        None,
    ),
}


def labelled(series: str) -> str:
    """The series with the labels that Prometheus adds, unless it has a job of its own."""
    name, own = series.rstrip("}").split("{")
    return f"{name}{{{', '.join(filter(None, (own, '' if 'job=' in own else LABELS)))}}}"


@pytest.mark.parametrize("case", TABLE)
def test_alert(tmp_path: Path, case: str) -> None:
    differing, minute, alert = TABLE[case]
    series = [{"series": labelled(name), "values": values} for name, values in {**WELL, **differing}.items()]
    firing = {
        "expr": 'count by (alertname) (ALERTS{alertstate="firing"})',
        "eval_time": f"{minute}m",
        "exp_samples": [{"labels": f'{{alertname="{alert}"}}', "value": 1}] if alert else [],
    }
    test = {"interval": "30s", "input_series": series, "promql_expr_test": [firing]}
    file = tmp_path / "test.yml"
    file.write_text(json.dumps({"rule_files": [str(ALERTS)], "evaluation_interval": "30s", "tests": [test]}))
    promtool.run("test", "rules", file)


def test_each_alert_has_a_case_that_fires_it() -> None:
    alerts = re.findall(r"- alert: (\w+)", ALERTS.read_text(encoding="utf-8"))
    assert set(alerts) == {alert for _, _, alert in TABLE.values() if alert}
