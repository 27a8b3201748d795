"""What a post with its buttons looks like on a phone, in each language; docs/pictures holds these pictures.

They are written anew with UPDATE_PICTURES=1.
"""

import os
from pathlib import Path

import pytest

from relays.wording import CATALOGUES, Language
from tests.evidence import browser
from tests.evidence.camera import seek
from tests.relays.events import body, send
from tests.relays.process import undelivered, wait_for
from tests.relays.test_buttons_pressed import made

PICTURES = Path(__file__).parents[2] / "docs" / "pictures"
UPDATE = bool(os.environ.get("UPDATE_PICTURES"))
WIDTH, HEIGHT = 390, 844
# Of a page: how wide it is, and of each button how it lies, whether it is cut, and how large its letters are.
LOOK = """() => ({
    width: document.documentElement.scrollWidth,
    buttons: [...document.querySelectorAll(".post button[name=action]")].map(button => {
        const place = button.getBoundingClientRect(), style = getComputedStyle(button);
        return {
            text: button.textContent.trim(), left: place.left, right: place.right, height: place.height,
            cut: button.scrollWidth > button.clientWidth, size: parseFloat(style.fontSize),
        };
    }),
})"""


@pytest.mark.parametrize("language", CATALOGUES)
def test_a_post_with_its_buttons_can_be_read_on_a_phone(tmp_path: Path, language: Language) -> None:
    program = browser.find()
    if program is None:
        pytest.skip("no browser")
    settings, forge = f'language = "{language}"', '[commands.gitlab]\nurl = "http://127.0.0.1:9"\n'
    with (
        made(tmp_path, settings, forge, "glpat-x") as world,
        browser.Browser(program, language=language) as tab,
    ):
        for event in ("merge_request_open.json", "pipeline_failed_merge_request.json"):
            send(world.relay, body(event))
            wait_for(lambda: undelivered(world.relay) == 0)
        words = [CATALOGUES[language][f"button.{action}"] for action in ("review", "retry", "mute")]
        wait_for(lambda: words[1] in world.page())
        world.press("bob", "review")
        wait_for(lambda: undelivered(world.relay) == 0)
        tab.resize(WIDTH, HEIGHT)
        tab.open(f"{world.server.url}/taaf/pl/{world.root()['id']}")
        assert seek(tab, f"#post_{world.root()['id']}", words[1], 20)
        seen = tab.evaluate(LOOK)
        assert seen["width"] <= WIDTH, "nobody has to move the page sideways"
        assert [each["text"] for each in seen["buttons"]] == words
        for each in seen["buttons"]:
            assert 0 <= each["left"] < each["right"] <= WIDTH, each
            assert not each["cut"], each
            assert each["size"] >= 12, each
            assert each["height"] >= 24, each
        if UPDATE:
            (PICTURES / f"buttons.{language}.png").write_bytes(tab.picture("png"))
