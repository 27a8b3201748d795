"""GitLab's events of conversations, as tests send them."""

from typing import Any

from tests.unit.acts_world import (
    HEAD,
    MERGE,
    Payload,
    branch_gone,
    comment,
    merge_push,
    merge_request,
    push,
)
from tests.unit.test_relays_messages import load


def at(payload: Payload, minute: int) -> Payload:
    """The event of a merge request or an issue as it was changed at a minute."""
    payload["object_attributes"]["updated_at"] = f"2026-11-20 09:{minute:02d}:00 UTC"
    payload["object_attributes"].pop("actioned_at", None)
    return payload


def pipeline(status: str, number: int, sha: str = HEAD, ref: str = "feature/quota", **more: Any) -> Payload:
    """A pipeline of a branch."""
    payload = load("pipeline_failed" if status == "failed" else "pipeline_success") | more
    ended = f"2026-11-20 09:{number % 60:02d}:30 UTC" if status in ("success", "failed", "canceled") else None
    payload["object_attributes"] |= {
        "id": number,
        "status": status,
        "sha": sha,
        "ref": ref,
        "finished_at": ended,
    }
    payload["object_attributes"] |= {
        "detailed_status": status,
        "url": f"https://git.taaf.internal/p/{number}",
    }
    payload["commit"]["id"] = sha
    return payload


def person(user: str, name: str = "", **more: Any) -> dict[str, Any]:
    """Somebody of GitLab."""
    number = {"cmorel": 7, "lperrin": 9}.get(user, sum(user.encode()))
    return {"id": number, "username": user, "name": name or user.title(), "email": "[REDACTED]", **more}


def by(payload: Payload, user: str, name: str = "") -> Payload:
    """The event as somebody's act."""
    return payload | {"user": person(user, name)}


CAMILLE, LEO, ALEX = ("cmorel", "Camille Morel"), ("lperrin", "Léo Perrin"), ("arichard", "Alex Richard")
SHAS = ["b" * 40, "d" * 40, "e" * 40, "f" * 40]


def change(action: str, minute: int, sha: str, **attributes: Any) -> Payload:
    """An event of the merge request at a minute, as it is then."""
    payload = at(merge_request(action, last_commit={"id": sha}, **attributes), minute)
    reviewers = [person(*LEO, state="unreviewed"), person(*ALEX, state="unreviewed")]
    return payload | {"assignees": [person(*CAMILLE)], "reviewers": reviewers}


def remarks(who: tuple[str, str], first: int, *texts: str) -> list[Payload]:
    """Comments of somebody, one for each text."""
    made = (comment(first + number, text, line=first + number) for number, text in enumerate(texts))
    return [by(each, *who) for each in made]


def life() -> list[list[Payload]]:
    """The life of a merge request in its moments: 25 events, as GitLab sends them."""
    moments = [[by(change("open", 0, SHAS[0]), *CAMILLE)]]
    for number, end in enumerate(("success", "failed", "success", "success")):
        if number:
            pushed = push(SHAS[number - 1], SHAS[number], commits=[f"Étape {number}"])
            pushed |= {"user_name": CAMILLE[1], "user_username": CAMILLE[0]}
            update = change("update", 10 * number, SHAS[number], oldrev=SHAS[number - 1])
            moments.append([pushed, by(update, *CAMILLE)])
        moments += [[pipeline(status, 500 + number, SHAS[number])] for status in ("running", end)]
        if number == 1:
            moments.append(
                remarks(LEO, 11, "Pourquoi **deux** fois ?", "`quota` est faux ici", "Voir @cmorel @all")
            )
    suggestion = "Plutôt :\n```suggestion:-0+0\nreturn quota\n```"
    moments.append(
        [*remarks(ALEX, 41, "Presque", suggestion, "Merci"), by(change("approved", 41, SHAS[3]), *ALEX)]
    )
    removing = {"merge_params": {"force_remove_source_branch": "1"}, "merge_commit_sha": MERGE}
    merge = by(change("merge", 50, SHAS[3], state="merged", **removing), *LEO)
    return [*moments, [merge, merge_push(), branch_gone(SHAS[3])]]


def issue(action: str, minute: int, number: int = 14, **attributes: Any) -> Payload:
    """An event of an issue at a minute."""
    payload = load("issue_close" if action == "close" else "issue_open")
    payload["changes"] = {}
    payload["object_attributes"] |= {"action": action, "iid": number} | attributes
    return at(payload, minute)


def relabeled(payload: Payload) -> Payload:
    """The update by which it gets a label."""
    labels = [{"id": 1, "title": "urgent"}]
    return payload | {"labels": labels, "changes": {"labels": {"previous": [], "current": labels}}}


def on_issue(text: str, internal: bool = False) -> Payload:
    """A comment on the issue."""
    payload = load("note_issue_internal" if internal else "note_issue")
    payload["issue"]["iid"] = 14
    payload["object_attributes"]["note"] = text
    return payload


def deployment(status: str, number: int, ref: str = "main", environment: str = "production") -> Payload:
    """A deployment, the later the higher its number."""
    changed = {"status": status, "deployment_id": number, "ref": ref, "environment": environment}
    return (
        load("deployment_success") | changed | {"status_changed_at": f"2026-11-20 10:{number:02d}:00 +0100"}
    )


def job(status: str, number: int, ref: str = "main") -> Payload:
    return load("build_failed") | {"build_status": status, "build_id": number, "ref": ref}


def main(status: str, number: int) -> Payload:
    return pipeline(status, number, ref="main")


def elsewhere(payload: Payload) -> Payload:
    """The event in another project."""
    return payload | {"project": payload["project"] | {"path_with_namespace": "ops/web"}}


OPEN = change("open", 0, HEAD)
