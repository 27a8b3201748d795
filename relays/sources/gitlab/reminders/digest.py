"""Things become a message: in groups, each thing a line with its link and how long it has been so."""

from collections.abc import Callable, Sequence
from datetime import date

from relays.mattermost import markup, parts
from relays.mattermost.markup import Label, Markup
from relays.mattermost.message import Message
from relays.sources.gitlab.events.common import ICON, NAME, PROJECT, SHORT_TITLE, USERNAME, number
from relays.sources.gitlab.events.subject import title_of
from relays.sources.gitlab.payload import Payload
from relays.sources.gitlab.reminders.things import GROUPS, OWN_GROUPS, Group, Thing
from relays.wording import Wording

_MOST_LINES = 10
_MOST_PEOPLE = 3
# Mattermost takes 16,383 characters; what is longer than this nobody reads in a morning.
_MOST_CHARACTERS = 8_000
# For a heading and for how many others there are.
_RESERVE = 200
_HOUR, _DAY = 3600.0, 86400.0


class Digest:
    """What is said of things on a day, at a moment; `project` is what a project is called there, or nothing."""

    def __init__(
        self, wording: Wording, day: date, now: float, project: Callable[[str], str] = lambda path: ""
    ) -> None:
        self._wording = wording
        self._day = day
        self._now = now
        self._project = project

    def of_channel(self, things: Sequence[Thing]) -> Message:
        """The message for a channel."""
        text = self._text("reminder.channel", things, with_people=True)
        return Message(USERNAME, ICON, summary=self._heading("reminder.summary", len(things)), text=text)

    def of_person(self, things: Sequence[Thing]) -> Markup:
        """The text for a person, who knows who that is."""
        return self._text("reminder.person", things, with_people=False)

    def of_own(self, things: Sequence[Thing]) -> Markup:
        """The text for a person who asks what waits for them."""
        return self._text("command.todo", things, with_people=False, groups=OWN_GROUPS)

    def _heading(self, key: str, count: int) -> Markup:
        shown = markup.plain(self._day.strftime(self._wording["date_format"]), NAME)
        return markup.fill(self._wording[key], date=shown, count=count)

    def _text(
        self, key: str, things: Sequence[Thing], *, with_people: bool, groups: Sequence[Group] = GROUPS
    ) -> Markup:
        lines = [self._heading(key, len(things))]
        left = _MOST_CHARACTERS - _RESERVE * len(groups)
        for group in groups:
            members = self._ordered(group, things)
            if not members:
                continue
            lines += [Markup(""), markup.fill(self._wording[f"{key}.{group}"])]
            shown = 0
            for thing in members[:_MOST_LINES]:
                line = Markup(f"- {self._line(thing, with_people=with_people)}")
                left -= parts.cost(line)
                if left < 0:
                    break
                lines.append(line)
                shown += 1
            if others := len(members) - shown:
                lines.append(Markup(f"- {self._counted('reminder.others', others)}"))
        return Markup("\n".join(lines))

    def _ordered(self, group: Group, things: Sequence[Thing]) -> list[Thing]:
        """What has waited longest comes first; of what falls due, that which does so today or around it."""
        members = [thing for thing in things if thing.group == group]
        return sorted(members, key=lambda each: abs((each.due - self._day).days) if each.due else each.since)

    def _line(self, thing: Thing, *, with_people: bool) -> Markup:
        shown = markup.from_label(self._title(thing))
        address = parts.web_address(thing.url)
        names = [markup.plain(each.name or each.username, NAME) for each in thing.people]
        if len(names) > _MOST_PEOPLE:
            names = [*names[:_MOST_PEOPLE], Markup("…")]
        return markup.fill(
            self._wording["reminder.line"],
            subject=parts.link(shown, address) if address else shown,
            project=markup.given(markup.plain, self._project(thing.project), PROJECT),
            when=self._late(thing.due) if thing.due else self._since(thing.since),
            people=Markup(", ".join(names)) if names and with_people else None,
        )

    def _title(self, thing: Thing) -> Label:
        title = markup.given(markup.label, thing.title, SHORT_TITLE)
        if thing.kind == "pipeline":
            shown = number(str(thing.number))
            return markup.fill_label(self._wording["root.pipeline"], number=shown, branch=title)
        if thing.kind == "milestone":
            return markup.fill_label(self._wording["milestone.title"], title=title)
        if thing.kind == "merge_request":
            return markup.fill_label(
                self._wording["reminder.merge_request"], iid=number(str(thing.number)), title=title
            )
        subject = Payload({"type": thing.type, "iid": thing.number, "title": thing.title})
        return title_of(thing.kind, subject, self._wording, SHORT_TITLE)

    def _since(self, moment: float) -> Markup:
        seconds = max(0.0, self._now - moment)
        if seconds < _HOUR:
            return Markup(self._wording["reminder.since.now"])
        unit, length = ("day", _DAY) if seconds >= _DAY else ("hour", _HOUR)
        return self._counted(f"reminder.since.{unit}", int(seconds // length))

    def _late(self, due: date) -> Markup:
        days = (self._day - due).days
        if days > 0:
            return self._counted("reminder.late", days)
        if days < -1:
            return markup.fill(
                self._wording["reminder.due.on"],
                date=markup.plain(due.strftime(self._wording["date_format"]), NAME),
            )
        return Markup(self._wording["reminder.due.tomorrow" if days else "reminder.due.today"])

    def _counted(self, key: str, count: int) -> Markup:
        return markup.fill(self._wording[f"{key}.{'one' if count == 1 else 'many'}"], count=count)
