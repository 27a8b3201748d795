"""`help`: what there is to ask for."""

from collections.abc import Iterable

from relays.mattermost import markup
from relays.mattermost.markup import Markup
from relays.sources.gitlab.commands.subcommand import Asked, Subcommand

_WORD = 64


class Help(Subcommand):
    """The list of the subcommands, of which it is one."""

    name = "help"

    def __init__(self, others: Iterable[Subcommand]) -> None:
        self._names = [self.name, *(each.name for each in others)]

    def answer(self, asked: Asked) -> Markup:
        wording = asked.wording
        lines = [
            markup.fill(wording["command.help.title"], word=markup.code(asked.command.word, _WORD)),
            *(
                markup.fill(
                    wording["command.help.line"],
                    usage=markup.code(f"{asked.command.word} {wording[f'command.usage.{name}']}", _WORD),
                    what=Markup(wording[f"command.help.{name}"]),
                )
                for name in self._names
            ),
        ]
        return Markup("\n".join(lines))
