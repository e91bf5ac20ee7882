"""How the pages look, in both themes and at two widths: pictures, and what can be counted."""

from __future__ import annotations

import pytest

from tests.browser.browser import CACHE, Browser
from tests.browser.conftest import DATA, OpenSite
from tests.spl.site import load_events

pytestmark = pytest.mark.browser

SCREENSHOTS = CACHE / "screenshots"
WHOLE = {"triage": ("alert_table", "full_table"), "catalogue": ("entry_list",)}
"""Tables whose every row is to be seen without a scroll in them."""
FIRST_CLICK = {"triage": ("alert_table", 1), "catalogue": ("entry_list", 0)}

_PALE = """() => {
    const parts = text => text.match(/[\\d.]+/g).map(Number);
    const light = ([r, g, b]) => [r, g, b].map(v => v / 255)
        .map(v => v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4)
        .reduce((sum, v, i) => sum + v * [0.2126, 0.7152, 0.0722][i], 0);
    const behind = element => {
        for (let at = element; at; at = at.parentElement) {
            const [r, g, b, a = 1] = parts(getComputedStyle(at).backgroundColor);
            if (a > 0.5) return [r, g, b];
        }
        return [255, 255, 255];
    };
    return [...document.querySelectorAll('[data-test="cell"]')]
        .filter(cell => cell.innerText.trim())
        .map(cell => {
            const [one, two] = [light(parts(getComputedStyle(cell).color)), light(behind(cell))];
            const contrast = (Math.max(one, two) + 0.05) / (Math.min(one, two) + 0.05);
            return [contrast, cell.innerText.trim()];
        })
        .filter(([contrast]) => contrast < 4);
}"""


@pytest.mark.parametrize("width", [1280, 1920])
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("view", ["triage", "catalogue", "coverage", "health"])
def test_looks(open_site: OpenSite, browser: Browser, view: str, theme: str, width: int) -> None:
    events = [*load_events(DATA / "evidence.jsonl"), *load_events(DATA / "events.jsonl")]
    open_site(events=events, local=DATA / "lofp_local.csv")
    browser.open(view, theme=theme, width=width)
    if view in FIRST_CLICK:
        panel, cell = FIRST_CLICK[view]
        browser.do("click", selector=f'[data-id="{panel}"] [data-test="cell"]', index=cell)
    SCREENSHOTS.mkdir(parents=True, exist_ok=True)
    browser.do("screenshot", path=str(SCREENSHOTS / f"{view}-{theme}-{width}.png"))
    assert browser.cut() == []
    assert browser.look(_PALE) == []
    text = str(browser.look("() => document.body.innerText"))
    assert "No search results returned" not in text
    assert "Too small to render" not in text
    # The panels of Save and of End are not there before there is something to save or to end.
    assert "Set token value to render visualization" not in text
    assert browser.broken_headings() == []
    assert browser.unreached() == []
    for panel in WHOLE.get(view, ()):
        row, end = browser.bottom(panel, -1)
        assert row <= end, panel
