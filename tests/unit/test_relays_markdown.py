"""Comments keep their shape and stay text, whatever they hold and wherever they are cut."""

import html
import re
import time
from collections.abc import Iterator
from typing import Any
from urllib.parse import unquote

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from markdown_it import MarkdownIt
from markdown_it.tree import SyntaxTreeNode

from lab.standins.mattermost.pages import render
from lab.standins.mattermost.state import text_nodes
from lab.standins.mattermost.state.references import hashtags
from relays.mattermost import markdown, markup, parts
from relays.wording import CATALOGUES
from tests.relays import hostile
from tests.unit.test_relays_markup import PIECES
from tests.unit.test_relays_messages import announce

PLACE = parts.LinkBase("https://git.example.org/ops/web", "https://git.example.org")
MOST = 1_500
GAP = "\u200b"
# As CommonMark reads it, which Mattermost's mobile clients do.
COMMONMARK = MarkdownIt("commonmark").enable(["table", "strikethrough"])
WRITTEN = {
    *("root", "inline", "text", "softbreak", "paragraph", "strong", "em", "link", "code_inline"),
    *("blockquote", "bullet_list", "ordered_list", "list_item", "fence"),
}


def shown(text: str, most: int = MOST, language: str = "fr", *, boxed: bool = False) -> str:
    """A comment as it goes into a message, empty if there is nothing to show."""
    written = markdown.render(text, PLACE, CATALOGUES[language], most, boxed=boxed)
    return markup.without_slack_links(written) if written else ""


def nodes(tree: SyntaxTreeNode) -> Iterator[SyntaxTreeNode]:
    yield tree
    for child in tree.children:
        yield from nodes(child)


def assert_inert(written: str, source: str) -> None:
    """Nobody is mentioned, no link is made up, nothing is fetched, and nothing stays open behind it."""
    ending = f"{written}\n\nEND"
    tree = SyntaxTreeNode(COMMONMARK.parse(ending))
    assert {node.type for node in nodes(tree)} <= WRITTEN, ascii(written)
    assert [tree.children[-1].type, tree.children[-1].children[0].content] == ["paragraph", "END"], ascii(
        written
    )
    # As Mattermost's server looks for mentions, and its web client for the rest.
    for run in text_nodes.texts(ending):
        assert not re.search(r"@(?:all|channel|here|user|alice|bob)\b", run), ascii(written)
    page = render.block(ending)
    assert page.endswith("<p>END</p>"), ascii(written)
    outside_code = re.sub(r"<(code|pre)>.*?</\1>", "", page, flags=re.DOTALL)
    assert not re.search(r'class="(?:mention|hashtag|heading|image)"', outside_code), ascii(written)
    assert not re.search(r"\B~[a-zA-Z0-9_-]", written, re.ASCII), ascii(written)
    assert hashtags(written) == "", ascii(written)
    assert not re.search(r"<([^<|]+)\|([^>]+)>|<[!@]", written), ascii(written)
    assert not re.search(
        "[\x00-\x08\x0b-\x1f\x7f\u2028\u2029\u202a-\u202e\u2066-\u2069\ud800-\udfff]", written
    )
    # Every link is an address of the text, whatever that is written in, or below the project or the GitLab.
    source = re.sub("[\ud800-\udfff]", "\ufffd", source)
    readings = [source, html.unescape(source), html.unescape(html.unescape(source))]
    said = "\n".join(unquote(reading.replace("\\", "").replace("\0", "")) for reading in readings)
    links = [str(node.attrs["href"]) for node in nodes(tree) if node.type == "link"]
    for link in [*links, *map(html.unescape, re.findall('href="([^"]*)"', page))]:
        address = unquote(link)
        address = re.sub(r"xn--[a-z0-9-]+", lambda name: name.group().encode().decode("idna"), address)
        address = address.replace("\\", "")
        known = address.partition("://")[2] in said or address.removeprefix(PLACE.project) in said
        assert known or address.removeprefix(PLACE.gitlab) in said, ascii((address, source))


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Bien vu.", "Bien vu."),
        ("un\ndeux\n\ntrois", "un\ndeux\n\ntrois"),
        ("un  \ndeux\\\ntrois", "un\ndeux\ntrois"),
        ("# Titre\ntexte", "**Titre**\n\ntexte"),
        ("a **b *c* d** *e* __f__", "a **b c d** *e* **f**"),
        ("- a\n- b\n  - c\n- [ ] d\n- [x] e", "- a\n- b\n  - c\n- ☐ d\n- ☑ e"),
        ("3. a\n4. b", "3. a\n4. b"),
        ("> a\n> > b\n\nc", "> a\n>\n> > b\n\nc"),
        ("`a<b>` `` `c` ``", "`a<b>` `` `c` ``"),
        ("```python\nif x < y:\n\ty()\n```", "```python\nif x < y:\n\ty()\n```"),
        ("~~~\n```\n~~~", "````\n```\n````"),
        ("    indented", "```\nindented\n```"),
        ("```latex\n\\sum\n```", "```\n\\sum\n```"),
        ("```a`b\nx", "\\`\\`\\`a\\`b\nx"),
        ("```suggestion:-0+1\nreturn 0\n```", "💡 Suggestion :\n```\nreturn 0\n```"),
        ("Mieux :\n````suggestion\n```\n````", "Mieux :\n\n💡 Suggestion :\n````\n```\n````"),
        ("```suggestion:-0+0\n```", "💡 Suggestion : supprimer ces lignes"),
        ("```suggestions\nx\n```", "```suggestions\nx\n```"),
        ("Done.\n<!-- template: keep -->", "Done."),
        ("a <!-- b --> c\n<!-- d\ne -->\nf", "a  c\n\nf"),
        ("a\n\n<!-- never closed\n\nb", "a"),
        ("<details><summary>Journal</summary>\n\nligne\n</details>", "Journal\n\nligne"),
        ("a<br>b <kbd>c</kbd>", "a\nb c"),
        ("| a | b |\n|---|--:|\n| `1` | 2 |", "```\na | b\n1 | 2\n```"),
        ("a\n***\nb", "a\n\nb"),
        ("&lt;b&gt; &copy;", "<b> ©"),
        (
            "![shot](/uploads/0123/shot.png)",
            "[🖼️ shot](https://git.example.org/ops/web/uploads/0123/shot.png)",
        ),
        (
            "![image](/uploads/0123/shot.png){width=900 height=60} et",
            "[🖼️ shot.png](https://git.example.org/ops/web/uploads/0123/shot.png) et",
        ),
        (
            '<img src="/-/project/4/uploads/1/a%20b.png" alt="plan" width="3">',
            "[🖼️ plan](https://git.example.org/-/project/4/uploads/1/a%20b.png)",
        ),
        ("![](data:image/png;base64,AAAA)", "🖼️ image"),
        ("![x](other/folder.png)", "🖼️ x"),
        (
            "[log.txt](/uploads/1/log.txt)",
            "[log.txt](https://git.example.org/ops/web/uploads/1/log.txt)",
        ),
        (
            "voir https://git.example.org/a?b=1#c.",
            "voir [https://git.example.org/a?b=1#c](https://git.example.org/a?b=1#c).",
        ),
        ("[doc](https://docs.example.net/x)", "[doc](https://docs.example.net/x) (docs.example.net)"),
        (
            "[https://git.example.org/login](https://git.example.org.evil.net/)",
            "[https://git.example.org/login](https://git.example.org.evil.net/) (git.example.org.evil.net)",
        ),
        (
            "[git.example.org](https://example.org/)",
            "[git.example.org](https://example.org/) (example.org)",
        ),
        ("[a [b] `c`](https://git.example.org/~d)", "[a (b) c](https://git.example.org/%7Ed)"),
        (
            "[a](javascript:alert(1)) [b](//evil.net) [c](doc/x.md) [d](#e)",
            "\\[a\\](javascript:alert(1)) b c d",
        ),
        ("[x](https://user:pass@git.example.org/)", "x"),
        ("[1]: https://git.example.org/x\n\n[1] et [2]", "[1](https://git.example.org/x) et \\[2\\]"),
        ("\\![x](https://git.example.org/i.png)", "![x](https://git.example.org/i.png)"),
        (
            "```c\nint f(a < b || c > d) <@x> ~dev ~/x\n#include <stdio.h>\n```",
            "```c\nint f(a < b ∣∣ c > d) <@x> ~\u2060dev ~/x\n#include <stdio.h>\n```",
        ),
        ("", ""),
        (" \n\n", ""),
        ("<!-- x -->", ""),
        (">\n>\n", ""),
        ("-", ""),
    ],
)
def test_a_comment_keeps_its_shape(text: str, expected: str) -> None:
    assert shown(text, boxed=True).replace(GAP, "") == expected
    assert_inert(shown(text), text)


def test_code_names_no_topic_in_the_text_of_a_post() -> None:
    text = "```c\n#include <stdio.h>\n#1 # a C#\n```"
    assert shown(text) == "```c\n#\u2060include <stdio.h>\n#1 # a C#\n```"
    assert shown(text, boxed=True) == text


def note(text: str, **project: Any) -> dict[str, Any]:
    """A comment as GitLab sends it."""
    known = {"name": "web", "web_url": "https://git.example.org/ops/web", "path_with_namespace": "ops/web"}
    return {
        "object_kind": "note",
        "event_type": "note",
        "user": {"name": "Alex"},
        "project": {**known, **project},
        "object_attributes": {"note": text, "url": "https://git.example.org/ops/web/-/issues/4#note_1"},
        "issue": {"iid": 4, "title": "Quota"},
    }


@pytest.mark.parametrize(("language", "title"), [("fr", "Commentaire"), ("en", "Comment")])
def test_a_comment_is_a_long_field_of_its_message(language: str, title: str) -> None:
    message = announce(note("a\n\n- b\n\n```suggestion\nc\n```"), language)
    assert message is not None
    field = message["attachments"][0]["fields"][-1]
    colon = " :" if language == "fr" else ":"
    assert (field["title"], field["short"]) == (title, False)
    assert field["value"] == f"a\n\n- b\n\n💡 Suggestion{colon}\n```\nc\n```"


def test_a_comment_that_shows_nothing_has_no_field() -> None:
    message = announce(note("<!-- nothing -->"))
    assert message is not None
    assert [field["title"] for field in message["attachments"][0]["fields"]] == ["Projet"]


@pytest.mark.parametrize(
    ("project", "picture"),
    [
        ({}, "https://git.example.org/ops/web/uploads/1/a.png"),
        (
            {"web_url": "https://example.org/git/ops/web"},
            "https://example.org/git/ops/web/uploads/1/a.png",
        ),
        ({"web_url": None}, None),
    ],
)
def test_pictures_are_found_in_the_project(project: dict[str, Any], picture: str | None) -> None:
    message = announce(note("![a](/uploads/1/a.png) [b](/-/snippets/1)", **project))
    assert message is not None
    (value,) = [f["value"] for f in message["attachments"][0]["fields"] if f["title"] == "Commentaire"]
    assert (f"[🖼️ a]({picture})" in value) == (picture is not None)
    root = "https://example.org/git" if picture and "/git/" in picture else "https://git.example.org"
    assert f"[b]({root}/-/snippets/1)" in value


MULTILINE = [
    "```\n@all\n``` @all\n~~~\n@here\n~~~ @here",
    "````\n```\n@all\n````\n```\n@all",
    "~~~ `@all` ~~~\n@all\n~~~~\n@here",
    "```\n> @all\n- @all\n```@all\n``` x\n@here",
    "> ```\n@all\n> @here\n```\n@all",
    "- ```\n  @all\n@here\n  ```\n@all",
    "1. a\n\n       @all\n   > @here\n@all",
    "> > > > > > > > > > > > > > @all",
    "<!-- @all --> @all <!--\n@here\n--> @here <!--@all",
    "<!-->@all<!--->@here",
    "<![CDATA[@all]]><?php @all ?><!X @here>",
    "<b\n@all\n>@here</b",
    "[@all]: http://evil.invalid/x\n[@all] [@all][] [x][@all]",
    "[a]: <http://evil.invalid/x> '@all'\n[a]",
    "![@all][a]\n\n[a]: http://evil.invalid/x.png",
    "<http://evil.invalid/@all> <mailto:all@all> <x+y:@all>",
    "http://evil.invalid/@all?@here#@all www.evil.invalid/@all ftp://@all",
    "| @all | ~dev |\n|:--|--:|\n| `@here | <!here> |\n| x",
    "@all\n====\n@here\n---\n# @all #\n###### @here",
    "*@all* **@here** ***@all*** __@here__ _@all_ ~~@all~~ *@all **@here* x**",
    "&#64;all &commat;here &#x40;all &lt;!channel&gt; &amp;commat;all &<b>commat;all",
    "<!channel>\n<!here|x>\n<@user>\n<http://evil.invalid|@all>\n<a\n|b>",
    "`<`!channel> `a|` <`b|c`> ```<http://evil.invalid|x``` >",
    "\\@all \\`@here\\` \\![x](http://evil.invalid/i.png) \\[@all](http://evil.invalid/x)",
    "!<b>[x](http://evil.invalid/i.png) `a`<b>``@all`` `x`<i>`@all",
    "[`a`](javascript:x)`b` [``a`b``](javascript:x)`c` @all",
    "![![@all](http://evil.invalid/a)](http://evil.invalid/b) [![x](http://evil.invalid/c)](http://evil.invalid/d)",
    "[a\n@all\n](http://evil.invalid/x\n'@all')",
    "[x](http://evil.invalid/x\"onclick='@all')",
    "[x](http://evil.invalid:80:80/) [x](http://[::1]/) [x](http://évil.invalid/é)",
    "[x](<http://evil.invalid/a b> '@all') ![x](<http://evil.invalid/(a)>)",
    "- [ ] @all\n- [x] [@all](http://evil.invalid/x)\n* @here\n+ @all",
    "$@all$ $$\n@all\n$$ \\(@all\\) :@all: :all:",
    "\u202e@all\u2066\n\u2028@here\x00@all\x85@here\r@all\r\n@here\t@all",
    "\ud800@all\udfff\n`\ud800`\n```\n\ud800\n```",
    "~dev-notifications\n`~dev-notifications`\n```\n~dev-notifications ~~dev\n```\n#topic `#topic`",
    ">>>\n@all\n>>>\n<details>\n<summary>@all</summary>\n\n@here\n</details>",
    '<img src="http://evil.invalid/i.png" alt="@all"><img src=http://evil.invalid/j.png><a href="http://evil.invalid">@all</a>',
    "```suggestion:-0+0\n@all\n``` \n@here\n```suggestion @all\n<!here>",
    "```@all\n@here\n```\n```[x](http://evil.invalid/y)\n```",
    "    @all\n\t@here\n  \t ```\n@all",
    "1) @all\n999999999. @here\n1234567890. @all\n-1. @all",
    "END\n\n> ",
    "**a `@all**` b** *a `x*@all` b* # `**@all`\n===",
    "[a <http://evil.invalid/@all> `@here`](http://evil.invalid/z) [a http://evil.invalid/b](http://evil.invalid/c)",
    "x@<!-- -->all @<b>here</b> &<!-- -->commat;all http:<b>//evil.invalid/x <<!-- -->!channel>",
]
ATTACKS = [*MULTILINE, *hostile.TEXTS]


def around(attack: str) -> Iterator[str]:
    """An attack at every place that a comment has."""
    yield attack
    for line in ("> ", "- ", "  ", "1. ", "    ", "# "):
        yield "\n".join(f"{line}{part}" for part in attack.split("\n"))
    for before, after in (
        ("```\n", "\n```"),
        ("~~~\n", ""),
        ("`", "`"),
        ("**", "**"),
        ("[", "](http://evil.invalid/z)"),
        ("![", "](http://evil.invalid/z)"),
        ("<!-- ", ""),
        ("<b>", "</b>"),
        ("| ", " |\n|---|\n"),
        ("a\n", "\nb"),
        ("\\", ""),
        ("x`", ""),
        ("<", ""),
        ("&", ";"),
        ("!", ""),
    ):
        yield f"{before}{attack}{after}"


@pytest.mark.parametrize("attack", ATTACKS, ids=range(len(ATTACKS)))
def test_an_attack_at_any_place_stays_text(attack: str) -> None:
    for text in around(attack):
        assert_inert(shown(text), text)
    # What is cut anywhere is as inert as the whole.
    for most in range(1, 200, 7):
        assert_inert(shown(attack, most), attack)


@pytest.mark.parametrize("first", range(0, len(ATTACKS), 5))
def test_attacks_behind_each_other_stay_text(first: int) -> None:
    for second in ATTACKS:
        for between in ("", "\n", "\n\n"):
            text = f"{ATTACKS[first]}{between}{second}"
            assert_inert(shown(text, 10_000), text)


BLOCKS = st.sampled_from(
    [
        *(
            "\n",
            "\n\n",
            "\n> ",
            "\n- ",
            "\n1. ",
            "\n    ",
            "\n```\n",
            "\n~~~\n",
            "\n````\n",
            "\n```suggestion\n",
            "```",
            "~~~",
        ),
        *(
            "<!--",
            "-->",
            "<b>",
            "</b>",
            "<br>",
            "<img src='http://evil.invalid/i'>",
            "[x]: http://evil.invalid/r\n",
            "[x]",
        ),
        *(
            "](http://evil.invalid/l)",
            "![",
            "|",
            "\n|-|-|\n",
            "\n===\n",
            "\n---\n",
            "# ",
            "**",
            "`",
            "``",
            "\\",
            "&#64;",
            "&lt;",
        ),
        *(
            "@all",
            "@here",
            "<!channel>",
            "<a|b>",
            "http://evil.invalid/u",
            "~dev",
            "#topic",
            ":",
            "!",
            "*",
            "_",
            "  \n",
        ),
    ]
)


@given(
    st.lists(BLOCKS | PIECES | st.text(max_size=3), max_size=25).map("".join),
    st.sampled_from([20, 80, 400, MOST]),
)
@example("!<b>[x](http://evil.invalid/i)", MOST)
def test_whatever_a_comment_holds_stays_text(text: str, most: int) -> None:
    assert_inert(shown(text, most), text)


RICH = """Bonjour @all, voir https://git.example.org/x et [la doc](https://docs.example.net/y).

> cité **en gras `et code`**
> > encore

1. un
   - deux
     ```python
     def f(x):
         return x < 3
     ```
2. [ ] trois

![image](/uploads/1/plan.png){width=10}

| a | b |
|---|---|
| 1 | 2 |

```suggestion:-1+0
    return "<b>" | y
```
<!-- fin -->
Fin.
"""


@pytest.mark.parametrize("language", CATALOGUES)
def test_wherever_it_is_cut_nothing_stays_open(language: str) -> None:
    whole = shown(RICH, 10_000, language)
    assert whole.endswith("\n\nFin.")
    for most in range(1, parts.cost(whole) + 60):
        cut = shown(RICH, most, language)
        assert_inert(cut, RICH)
        assert parts.cost(cut) <= most + 60, most
        assert cut == whole or "…" in cut


def test_a_long_comment_is_cut_at_a_sensible_length() -> None:
    assert 1_400 < len(shown("mot " * 5_000)) < 1_600
    assert len(shown("ligne\n" * 500).split("\n")) <= 32
    assert len(shown("```\n" + "ligne\n" * 500).split("\n")) <= 32
    assert shown("ligne\n\n" * 500).endswith("ligne\n\n…")


REPEATED = [
    *(
        "`",
        "``` ",
        "~~~\n",
        "```\n",
        "[",
        "![",
        "](",
        "[a](",
        "<",
        "<!--",
        "<!-- -->",
        "<a ",
        "<img src='",
        "&",
        "&#64;",
        "*",
        "*a ",
        "**a ",
    ),
    *(
        "_a_",
        "> ",
        ">\n",
        "- ",
        "- a\n  ",
        "1. ",
        "\\",
        "|",
        "|-",
        "a\n",
        "\n",
        " ",
        "\t",
        "http://a ",
        "http://",
        "<b>",
        "{",
        "[a]: b\n",
    ),
    *("```suggestion\n", "`a", "a`", "!<b>[", "<br>", "@all ", "~a ", "#a ", "\ud800", "\0", "x"),
]


@pytest.mark.parametrize("piece", REPEATED)
def test_a_megabyte_of_anything_is_announced_at_once(piece: str) -> None:
    text = piece * (1_000_000 // len(piece))
    begun = time.process_time()
    written = shown(text)
    assert time.process_time() - begun < 1.5
    assert_inert(written, text[:10_000])


@pytest.mark.parametrize("text", ["\u3164", "\u2800\u200b", "> \u3164", "- \u2800", "\u3164\n\u3164"])
def test_a_comment_of_which_nothing_shows_has_no_line(text: str) -> None:
    assert markdown.render(text, PLACE, CATALOGUES["fr"], 1500) is None
