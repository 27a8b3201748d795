"""Every state that GitLab has for pipelines, jobs and deployments: whether it is announced, and in which words.

The states are those of GitLab's code (18.5 and 19.x): Ci::HasStatus, Deployment, and the decisions on a deployment.
"""

from typing import Any

import pytest

from relays.sources.gitlab.event import read_event
from relays.sources.gitlab.events import KINDS
from relays.sources.gitlab.mute import Mute
from relays.sources.gitlab.payload import Payload
from relays.wording import CATALOGUES
from tests.unit.test_relays_messages import dispatch, load

# Not announced by default: it goes on by itself, or nothing has run.
ON_THE_WAY = {
    "created": ("créé", "created"),
    "waiting_for_resource": ("en attente d'une ressource", "waiting for a resource"),
    "preparing": ("en préparation", "preparing"),
    "waiting_for_callback": ("en attente d'une réponse", "waiting for an answer"),
    "pending": ("en attente", "pending"),
    "running": ("en cours", "running"),
    "canceling": ("en cours d'annulation", "canceling"),
    "skipped": ("ignoré", "skipped"),
    "scheduled": ("programmé", "scheduled"),
}
TOLD = {
    ("pipeline", "success"): ("Le pipeline a réussi", "The pipeline passed"),
    ("pipeline", "failed"): ("Le pipeline a échoué", "The pipeline failed"),
    ("pipeline", "canceled"): ("Le pipeline a été annulé", "The pipeline was canceled"),
    ("pipeline", "manual"): (
        "Le pipeline attend qu'on lance un job",
        "The pipeline is waiting for somebody to start a job",
    ),
    ("job", "success"): ("a réussi", "passed"),
    ("job", "failed"): ("a échoué", "failed"),
    ("job", "canceled"): ("a été annulé", "was canceled"),
    ("job", "manual"): ("attend d'être lancé", "is waiting to be started"),
    ("deployment", "success"): ("Le déploiement lancé par **Camille Morel** a réussi", "succeeded"),
    ("deployment", "failed"): ("Le déploiement lancé par **Camille Morel** a échoué", "failed"),
    ("deployment", "canceled"): ("Le déploiement lancé par **Camille Morel** a été annulé", "was canceled"),
    ("deployment", "blocked"): (
        "Le déploiement demandé par **Camille Morel** attend une approbation ou un lancement manuel",
        "The deployment by **Camille Morel** is waiting for an approval or to be started by hand",
    ),
    ("deployment", "approved"): (
        "**Léo Perrin** a approuvé le déploiement",
        "**Léo Perrin** approved the deployment",
    ),
    ("deployment", "rejected"): (
        "**Léo Perrin** a refusé le déploiement",
        "**Léo Perrin** rejected the deployment",
    ),
    # What a GitLab to come may have: rather announced than passed over.
    ("pipeline", "quarantined"): ("a changé d'état (quarantined)", "changed state (quarantined)"),
    ("job", "quarantined"): ("a changé d'état (quarantined)", "changed state (quarantined)"),
    ("deployment", "quarantined"): ("a changé d'état (quarantined)", "changed state (quarantined)"),
}
SAMPLES = {"pipeline": "pipeline_running", "job": "build_created", "deployment": "deployment_rejected_ee"}
# With the one setting that jobs need to be announced at all.
MUTE = Mute(jobs=False)


def in_state(name: str, state: str) -> dict[str, Any]:
    payload = load(SAMPLES[name])
    if name == "pipeline":
        payload["object_attributes"].update(status=state, detailed_status=state)
    else:
        payload["build_status" if name == "job" else "status"] = state
    return payload


def words(payload: object, language: str) -> str:
    _, message = dispatch(payload, language, everything=True)
    assert message is not None
    return str(message.attachment.text if message.attachment else message.text)


@pytest.mark.parametrize("name", SAMPLES)
@pytest.mark.parametrize("state", ON_THE_WAY)
def test_what_gets_on_by_itself_is_announced_only_if_it_is_wanted(name: str, state: str) -> None:
    payload = in_state(name, state)
    event = read_event(Payload(payload))
    assert MUTE.reason(event) == "intermediate"
    assert Mute(jobs=False, intermediate=False).reason(event) == ""
    for language, expected in zip(CATALOGUES, ON_THE_WAY[state], strict=True):
        assert expected in words(payload, language)


@pytest.mark.parametrize(("name", "state"), TOLD)
def test_what_has_ended_or_waits_for_somebody_is_announced(name: str, state: str) -> None:
    payload = in_state(name, state)
    event = read_event(Payload(payload))
    assert MUTE.reason(event) == ""
    for language, expected in zip(CATALOGUES, TOLD[name, state], strict=True):
        assert expected in words(payload, language)


@pytest.mark.parametrize("name", SAMPLES)
def test_every_known_state_can_be_routed_by_and_has_words(name: str) -> None:
    states = {state for event, state in TOLD if event == name} - {"quarantined"}
    amounts_to = {"fixed", "broken", "still_failing"}
    assert set(KINDS[name].actions) - amounts_to - set(ON_THE_WAY) == states
    assert all(f"state.{state}" in catalogue for state in ON_THE_WAY for catalogue in CATALOGUES.values())


def test_a_state_that_is_not_said_is_no_news() -> None:
    for name in SAMPLES:
        assert MUTE.reason(read_event(Payload(in_state(name, "")))) == "intermediate"


def test_a_job_that_may_be_started_and_need_not_be_keeps_nobody_waiting() -> None:
    payload = in_state("job", "manual")
    payload["build_allow_failure"] = True
    assert MUTE.reason(read_event(Payload(payload))) == "intermediate"


def fields(payload: object) -> dict[str, str]:
    _, message = dispatch(payload, everything=True)
    assert message is not None
    assert message.attachment is not None
    return {field.title: field.value for field in message.attachment.fields}


def test_a_pipeline_that_waits_names_the_jobs_to_start() -> None:
    payload = load("pipeline_manual")
    job = payload["builds"][0]
    payload["builds"] = [
        {**job, "name": "deploy", "status": "manual", "allow_failure": False},
        {**job, "name": "review", "status": "manual", "allow_failure": True},
        {**job, "name": "lint", "status": "success"},
    ]
    assert fields(payload)["Jobs à lancer"] == "deploy"


@pytest.mark.parametrize("state", ["approved", "rejected"])
def test_a_decision_on_a_deployment_says_why_and_about_whose(state: str) -> None:
    payload = in_state("deployment", state)
    assert fields(payload)["Commentaire"] == "Pas un vendredi"
    assert fields(payload)["Lancé par"] == "Camille Morel"
    payload["approval"] = {"status": state, "comment": None}
    payload["approver"] = None
    assert "Commentaire" not in fields(payload)
    assert "**Quelqu'un**" in words(payload, "fr")
