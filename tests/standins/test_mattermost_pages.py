"""The pages people read: what they show, and that text from outside stays text."""

from __future__ import annotations

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from lab.standins.mattermost.pages import render
from tests.standins.mattermost_server import MattermostServer, Site, furnished, running


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    with running(tmp_path_factory.mktemp("mattermost")) as server:
        made = furnished(server)
        overrides = {"EnablePostUsernameOverride": True, "EnablePostIconOverride": True}
        server.api("PUT", "/config/patch", {"ServiceSettings": overrides})
        yield made


def _page(site: Site, path: str) -> str:
    answer = site.server.request("GET", path, token="")
    assert answer.status_code == 200
    return answer.text


def test_empty_server_has_a_page(tmp_path: Path) -> None:
    with running(tmp_path) as server:
        assert "Aucune équipe" in server.request("GET", "/").text


def test_home_leads_to_the_channel_where_integrations_post(site: Site) -> None:
    site.send({"text": "x"})
    answer = site.server.http.get(f"{site.server.url}/")
    assert answer.url.endswith("/taaf/channels/dev-notifications")


def test_channel_shows_a_notification(site: Site) -> None:
    attachment = {
        "color": "#00ff00",
        "title": "Merge Request !1: Titre",
        "title_link": "http://git.example.invalid/mr/1",
        "text": "**Alice** a ouvert une merge request",
        "fields": [{"title": "Projet", "value": "`taaf`", "short": True}],
    }
    site.send({"username": "GitLab Bot", "icon_emoji": ":rocket:", "attachments": [attachment]})
    page = _page(site, "/taaf/channels/dev-notifications")
    for shown in (
        "GitLab Bot",
        "🚀",
        "background: #00ff00",
        '<a href="http://git.example.invalid/mr/1" rel="noreferrer">Merge Request !1: Titre</a>',
        "<strong>Alice</strong> a ouvert",
        "<code>taaf</code>",
    ):
        assert shown in page


def test_text_from_outside_stays_text(site: Site) -> None:
    evil = "<script>alert(1)</script>"
    link = "javascript:alert(1)"
    part = dict.fromkeys(("title", "text", "pretext", "author_name", "footer", "color"), evil)
    fields = [{"title": evil, "value": f"[{evil}]({link})"}]
    attachment = part | {"title_link": link, "fields": fields}
    site.send({"text": f"{evil} `{evil}` [x]({link})", "username": evil, "attachments": [attachment]})
    page = _page(site, "/taaf/channels/dev-notifications")
    assert "<script>alert" not in page
    assert 'href="javascript:' not in page


def test_pages_load_nothing_from_elsewhere(site: Site) -> None:
    image = "http://elsewhere.example.invalid/i.png"
    site.send(
        {"text": f"![x]({image})", "icon_url": image, "attachments": [{"image_url": image, "text": "y"}]}
    )
    page = _page(site, "/taaf/channels/dev-notifications")
    assert "src=" not in page
    assert re.findall(r"<(?:img|link|script|iframe)\b[^>]*>", page) == [
        '<link rel="icon" href="data:,">',
        "<script>",
    ]


def test_hooks_and_settings_are_listed(site: Site) -> None:
    page = _page(site, "/taaf/integrations/incoming_webhooks")
    assert "GitLab" in page
    assert f"/hooks/{site.hook_id}" in page
    page = _page(site, "/admin_console/integrations/integration_management")
    assert len(re.findall(r'data-testid="ServiceSettings\.\w+true"[^>]* checked', page)) == 6
    assert len(re.findall(r'data-testid="ServiceSettings\.\w+false"[^>]* checked', page)) == 2
    assert re.search(r'data-testid="ServiceSettings\.EnableIncomingWebhookstrue"[^>]* checked', page)


def test_link_of_a_post_shows_its_channel_with_the_post_marked(site: Site) -> None:
    for number in (1, 2, 3):
        site.send({"text": f"lien {number}"})
    linked = next(post for post in site.server.posts(site.channel_id) if post["message"] == "lien 2")
    page = _page(site, f"/taaf/pl/{linked['id']}")
    assert f'<article class="post linked" id="post_{linked["id"]}">' in page
    assert "lien 1" in page
    assert page.count("post linked") == 1
    assert site.server.request("GET", "/taaf/pl/nosuch").status_code == 404


def test_unknown_pages_are_not_found(site: Site) -> None:
    for path in ("/nosuch/channels/x", "/taaf/channels/nosuch", "/nosuch/integrations/incoming_webhooks"):
        assert site.server.request("GET", path).status_code == 404


@pytest.mark.parametrize(
    ("markdown", "html"),
    [
        ("a **b** *c* ~~d~~", "<p>a <strong>b</strong> <em>c</em> <del>d</del></p>"),
        ("snake_case_name", "<p>snake_case_name</p>"),
        ("`**a**`", "<p><code>**a**</code></p>"),
        ("``a`b``", "<p><code>a`b</code></p>"),
        (r"\*a\* \[x](y)", "<p>*a* [x](y)</p>"),
        ("&#64;all", "<p>@all</p>"),
        ("<b>&", "<p>&lt;b&gt;&amp;</p>"),
        (
            "[a **b**](http://x/?a=1&b=2)",
            '<p><a href="http://x/?a=1&amp;b=2" rel="noreferrer">a <strong>b</strong></a></p>',
        ),
        ("see http://x/y.", '<p>see <a href="http://x/y" rel="noreferrer">http://x/y</a>.</p>'),
        ("```\n<a> **b**\n```\nc", "<pre>&lt;a&gt; **b**\n</pre><p>c</p>"),
        (
            "# Titre\n> cité\n- un",
            '<p class="heading">Titre</p><blockquote>cité</blockquote><p class="item">un</p>',
        ),
        ("> a\n> ```\n> <b>\n> ```", "<blockquote><p>a</p><pre>&lt;b&gt;\n</pre></blockquote>"),
        ("- a\n\n  b\n- c", '<div class="item"><p>a</p><p>b</p></div><p class="item">c</p>'),
        ("````\n```\n````\n~~~\nc", "<pre>```\n</pre><pre>c\n</pre>"),
        (":rocket: :nosuch:", "<p>🚀 :nosuch:</p>"),
        ("@alice a@b.c", '<p><span class="mention">@alice</span> a@b.c</p>'),
        ("a\nb\n\nc", "<p>a<br>b</p><p>c</p>"),
    ],
)
def test_markdown_subset(markdown: str, html: str) -> None:
    assert render.block(markdown) == html


def _thread(server: MattermostServer, channel: str) -> tuple[str, str]:
    """A root that was edited and has a reaction, and its reply."""
    box = {"color": "#2EB67D", "title": "Ouverte", "fallback": "Ouverte", "text": "état"}
    root = server.api(
        "POST", "/posts", {"channel_id": channel, "message": "", "props": {"attachments": [box]}}
    )["id"]
    reply = server.api(
        "POST", "/posts", {"channel_id": channel, "message": "Alice approuve", "root_id": root}
    )["id"]
    server.api("PUT", f"/posts/{root}/patch", {"props": {"attachments": [{**box, "title": "Fusionnée"}]}})
    me = server.api("GET", "/users/me")["id"]
    server.api("POST", "/reactions", {"user_id": me, "post_id": root, "emoji_name": "rocket"})
    return root, reply


def test_a_thread_is_below_its_root_and_an_edited_post_says_so(site: Site) -> None:
    root, reply = _thread(site.server, site.channel_id)
    page = _page(site, "/taaf/channels/dev-notifications")
    shown = page[page.index(f'id="post_{root}"') :]
    order = (
        "Fusionnée",
        "Modifié",
        "🚀 1",
        "1 réponse, la dernière à",
        f'id="post_{reply}"',
        "Alice approuve",
    )
    assert [shown.index(each) for each in order] == sorted(shown.index(each) for each in order)
    assert "Ouverte</div>" not in shown
    assert page.count("Alice approuve") == 1
    assert " open>" not in page
    linked = _page(site, f"/taaf/pl/{reply}")
    assert f'id="thread_{root}" open>' in linked
    assert f'class="post linked" id="post_{reply}"' in linked
    site.server.api("DELETE", f"/posts/{root}")
    assert "Alice approuve" not in _page(site, "/taaf/channels/dev-notifications")


def test_without_collapsed_threads_a_reply_says_what_it_is_about(tmp_path: Path) -> None:
    with running(tmp_path, "--version", "5.37") as server:
        made = furnished(server)
        root, reply = _thread(server, made.channel_id)
        page = _page(made, "/taaf/channels/dev-notifications")
        assert page.index(f'id="post_{root}"') < page.index(f'id="post_{reply}"')
        assert "En réponse à : Ouverte" in page
        assert 'class="thread"' not in page


def test_direct_messages_have_a_page(site: Site) -> None:
    bob = site.server.add_user("bob")
    me = site.server.api("GET", "/users/me")["id"]
    direct = site.server.api("POST", "/channels/direct", [me, bob])
    site.server.api("POST", "/posts", {"channel_id": direct["id"], "message": "à relire"})
    assert f'href="/taaf/messages/{direct["name"]}"' in _page(site, "/taaf/channels/dev-notifications")
    page = _page(site, f"/taaf/messages/{direct['name']}")
    assert "à relire" in page
    assert "admin ↔ bob" in page
