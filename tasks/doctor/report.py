"""The verdicts in words."""

from collections.abc import Iterator

from tasks.doctor.chain import Behind, Broken, Noted, Unclear, Verdict
from tasks.doctor.wording import Catalogue


def lines(verdicts: list[Verdict], catalogue: Catalogue) -> Iterator[str]:
    """The first broken link with its remedy, the others, what could not be judged; if none is broken, limits."""
    phrases = catalogue.phrases
    broken = [(verdict, verdict.finding) for verdict in verdicts if isinstance(verdict.finding, Broken)]
    for number, (verdict, finding) in enumerate(broken):
        saying = catalogue.broken[finding.code]
        heading = phrases["also" if number else "first"]
        yield heading.format(link=catalogue.links[verdict.link], code=finding.code)
        yield phrases["why"].format(text=saying.why.format(**finding.values))
        yield phrases["remedy"].format(text=saying.remedy.format(**finding.values))
    for cause, _ in broken:
        behind = [catalogue.links[v.link] for v in verdicts if v.finding == Behind(cause.link)]
        if behind:
            yield phrases["behind"].format(cause=catalogue.links[cause.link], links=", ".join(behind))
    for verdict in verdicts:
        if isinstance(verdict.finding, Unclear):
            text = catalogue.unclear[verdict.finding.code].format(**verdict.finding.values)
            yield phrases["unclear"].format(link=catalogue.links[verdict.link], text=text)
    if not broken:
        limits = [(verdict, verdict.finding) for verdict in verdicts if isinstance(verdict.finding, Noted)]
        sound = [verdict for verdict in verdicts if verdict.finding is None]
        yield phrases["sound"].format(count=len(sound) + len(limits))
        for verdict, limit in limits:
            text = catalogue.noted[limit.code].format(**limit.values)
            yield phrases["noted"].format(link=catalogue.links[verdict.link], text=text)
