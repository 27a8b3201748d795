"""pytest's side of the evidence: tests tied to the checklist, run in its order, each with what it proved."""

import inspect
from collections.abc import Generator
from pathlib import Path

import pytest

from tests.evidence import report
from tests.evidence.checklist import ITEMS
from tests.evidence.dossier import Dossier, Proof
from tests.evidence.failure import Comparison, Failure, explain

DOSSIER = pytest.StashKey[Dossier]()
_COMPARISON = pytest.StashKey[Comparison]()
_ORDER = [item.id for item in ITEMS]
_CHECKS = Path(__file__).parent.parent / "acceptance"


def pytest_configure(config: pytest.Config) -> None:
    config.stash[DOSSIER] = Dossier()


@pytest.fixture(scope="session")
def dossier(pytestconfig: pytest.Config) -> Dossier:
    """The evidence of this run."""
    return pytestconfig.stash[DOSSIER]


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """The list's own order; what breaks things only when asked for. Other tests stay as they are."""
    checks = [item for item in items if item.path.is_relative_to(_CHECKS)]
    others = [item for item in items if not item.path.is_relative_to(_CHECKS)]
    for check in checks:
        _set_items(check)
    wanted = [
        check
        for check in checks
        if config.getoption("disruptive") or not check.get_closest_marker("disruptive")
    ]
    left_out = [check for check in checks if check not in wanted]
    config.stash[DOSSIER].left_out = len(left_out)
    config.hook.pytest_deselected(items=left_out)
    items[:] = others + sorted(wanted, key=lambda check: _ORDER.index(_items(check)[0]))


def _set_items(check: pytest.Item) -> None:
    """Tie it to its items, in the JUnit report too; refuse a test that proves nothing of the list."""
    named = [str(name) for mark in check.iter_markers("checklist") for name in mark.args]
    if not named or set(named) - set(_ORDER):
        raise pytest.UsageError(f"{check.nodeid}: mark it with the items of the checklist that it proves")
    # A property of the class would be reported for each of its tests again.
    check.user_properties += [("checklist", name) for name in dict.fromkeys(named)]


def _items(check: pytest.Item) -> list[str]:
    return [str(value) for name, value in check.user_properties if name == "checklist"]


def pytest_assertrepr_compare(config: pytest.Config, op: str, left: object, right: object) -> None:
    """Keep a comparison that does not hold, for the report's words; pytest words it for itself."""
    config.stash[_COMPARISON] = Comparison(op, left, right)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Mask what pytest says of a test, wherever it says it, and keep it."""
    reported = yield
    dossier = item.config.stash[DOSSIER]
    if reported.failed:
        reported.longrepr = dossier.mask(reported.longreprtext)
    reported.sections = [(title, dossier.mask(text)) for title, text in reported.sections]
    function = getattr(item, "function", None)
    promise = inspect.cleandoc(getattr(function, "__doc__", "") or "")
    proof = dossier.proofs.setdefault(
        item.nodeid, Proof(item.name, _items(item), promise, number=len(dossier.proofs))
    )
    proof.seconds += reported.duration
    proof.exchanges += dossier.journal.take()
    comparison = item.config.stash.get(_COMPARISON, None)
    if comparison:
        del item.config.stash[_COMPARISON]
    if reported.failed and call.excinfo:
        proof.outcome, proof.reason = "failed", reported.longreprtext
        found = explain(proof.function, proof.items, call.excinfo.value, comparison, dossier.language)
        proof.failure = Failure(dossier.mask(found.expected), dossier.mask(found.seen), found.remedy)
    elif reported.skipped and proof.outcome == "passed":
        proof.outcome, proof.reason = (
            "skipped",
            str(reported.longrepr[2] if isinstance(reported.longrepr, tuple) else ""),
        )
    return reported


def pytest_sessionfinish(session: pytest.Session) -> None:
    """Write the report, where one is wanted and something was proved."""
    folder = session.config.getoption("evidence")
    dossier = session.config.stash[DOSSIER]
    if folder and dossier.proofs:
        report.write(dossier, Path(folder))


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Say where the report is."""
    folder = config.getoption("evidence")
    if folder and config.stash[DOSSIER].proofs:
        terminalreporter.write_line(f"the evidence is in {Path(folder) / 'report.html'}")
