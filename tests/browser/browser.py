"""A browser for the tests: what a person sees on a dashboard, and what a person can do there."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

HERE = Path(__file__).resolve().parent
CACHE = HERE.parent.parent / "build" / "browser"
"""Where `make test-browser` puts the npm packages and the bundle; git ignores it."""

_ROWS = """id => {
    const panel = document.querySelector(`[data-id="${id}"]`);
    const text = cell => cell.innerText.replace(/\\s+/g, " ").trim();
    const names = [...panel.querySelectorAll('[data-test="head-cell"]')].map(text);
    const rows = [...panel.querySelectorAll('[data-test="body"] [data-test="row"]')];
    const cells = row => [...row.querySelectorAll('[data-test="cell"]')].map(text);
    return rows.map(row => Object.fromEntries(cells(row).map((cell, at) => [names[at], cell])));
}"""
_CELLS = """id => [...document.querySelectorAll(
    `[data-id="${id}"] [data-test="body"] [data-test="row"]`)]
    .map(row => [...row.querySelectorAll('[data-test="cell"]')]
        .map(cell => cell.innerText.replace(/\\s+/g, " ").trim()))"""
_BOTTOM = """([id, row]) => {
    const panel = document.querySelector(`[data-id="${id}"]`);
    const rows = panel.querySelectorAll('[data-test="body"] [data-test="row"]');
    const end = panel.querySelector('[data-test="scroll-container"]') ?? panel;
    return [[...rows].at(row), end].map(each => Math.ceil(each.getBoundingClientRect().bottom));
}"""
_CUT = """() => [...document.querySelectorAll('[data-test="scroll-container"]')]
    .filter(box => box.scrollWidth > box.clientWidth + 2)
    .map(box => box.closest("[data-id]").dataset.id)"""
_BROKEN = """() => [...document.querySelectorAll('[data-test="head-cell"]')].filter(cell => {
    const texts = document.createTreeWalker(cell, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) {
        for (const word of texts.currentNode.data.matchAll(/\\S+/g)) {
            const range = document.createRange();
            range.setStart(texts.currentNode, word.index);
            range.setEnd(texts.currentNode, word.index + word[0].length);
            const tops = [...range.getClientRects()].map(line => Math.round(line.top));
            if (new Set(tops).size > 1) return true;
        }
    }
    return false;
}).map(cell => cell.innerText)"""
_UNREACHED = """() => {
    // What a person can scroll to and then point at: nothing lies over it or outside the window.
    const things = 'button, input, [role="button"], [data-test="body"] [data-test="row"]';
    const lost = [];
    for (const each of document.querySelectorAll(things)) {
        if (each.closest('[aria-hidden="true"], [hidden]')) continue;
        if (!each.getClientRects().length) continue;
        const target = each.matches('[data-test="row"]')
            ? each.querySelector('[data-test="cell"]') ?? each : each;
        target.scrollIntoView({ block: "center", inline: "nearest" });
        const box = target.getBoundingClientRect();
        const x = box.left + Math.min(box.width, 40) / 2;
        const there = document.elementFromPoint(x, box.top + Math.min(box.height, 24) / 2);
        if (!there || !(target.contains(there) || there.contains(target))) {
            const panel = target.closest("[data-id]")?.dataset.id;
            lost.push(`${panel}: ${target.innerText || target.id}`);
        }
    }
    window.scrollTo(0, 0);
    return lost;
}"""
_COLOR = """([id, row, column]) => {
    const panel = document.querySelector(`[data-id="${id}"]`);
    const heads = [...panel.querySelectorAll('[data-test="head-cell"]')];
    const names = heads.map(cell => cell.innerText.trim());
    const cells = panel.querySelectorAll('[data-test="body"] [data-test="row"]')[row]
        .querySelectorAll('[data-test="cell"]');
    const style = getComputedStyle(cells[names.indexOf(column)]);
    return [style.color, style.backgroundColor];
}"""


class BrowserError(AssertionError):
    """What a person tried to do was not possible on the page."""


def absence() -> str:
    """What is missing to run these tests, and what to do about it; empty where nothing is."""
    if not chromium():
        return "there is no chromium; run make test-browser"
    if not shutil.which("node"):
        return "there is no node; run make test-browser"
    if not (CACHE / "page.js").exists():
        return "the page is not bundled; run make test-browser"
    return ""


def chromium() -> str | None:
    """Debian's browser, or one of the same name."""
    return shutil.which("chromium") or shutil.which("chromium-browser")


class Browser:
    """One page of a headless browser; every action ends when the page has come to rest."""

    def __init__(self, process: subprocess.Popen[str], address: str) -> None:
        self._process = process
        self._address = address

    def open(
        self,
        view: str,
        tokens: Mapping[str, str] | None = None,
        *,
        theme: str = "light",
        width: int = 1280,
    ) -> None:
        """Opens a view from a link, with `form.` tokens."""
        query = urlencode({"theme": theme, **{f"form.{k}": v for k, v in (tokens or {}).items()}})
        url = f"{self._address}/app/lofp_enrich/{view}?{query}"
        self.do("open", url=url, width=width, height=900)

    def rows(self, panel: str) -> list[dict[str, str]]:
        """The rows of the table's page that is shown, by the headings of their columns."""
        rows: list[dict[str, str]] = self.look(_ROWS, panel)
        return rows

    def cells(self, panel: str) -> list[list[str]]:
        """The rows of a table without headings."""
        cells: list[list[str]] = self.look(_CELLS, panel)
        return cells

    def bottom(self, panel: str, row: int) -> tuple[int, int]:
        """Where a row of a table ends, and where what is seen of the table does."""
        ends: list[int] = self.look(_BOTTOM, [panel, row])
        return ends[0], ends[1]

    def column(self, panel: str, name: str) -> list[str]:
        """A column of a table, as far as it is shown."""
        return [row[name] for row in self.rows(panel)]

    def text(self, panel: str) -> str:
        """All that a panel says, on one line."""
        source = """id => document.querySelector(`[data-id="${id}"]`).innerText"""
        return " ".join(str(self.look(source, panel)).split())

    def number(self, panel: str) -> str:
        """What a single value shows, without its unit."""
        source = """id => document.querySelector(
            `[data-id="${id}"] [data-test="SingleValueWrapper"]`).innerText"""
        return "".join(str(self.look(source, panel)).split())

    def color(self, panel: str, row: int, column: str) -> tuple[str, str]:
        """(text, background) of a cell."""
        text, background = self.look(_COLOR, [panel, row, column])
        return text, background

    def value(self, name: str) -> str:
        """What stands in a text input."""
        return str(self.look("id => document.querySelector(`input[id='${id}']`).value", name))

    def click(self, panel: str, text: str) -> None:
        """Clicks the cell, or whatever else of a panel has this text."""
        self.do("clickText", selector=f'[data-id="{panel}"]', text=text)

    def turn_to(self, panel: str, page: int) -> None:
        """Turns a table to another page."""
        pages = f'[data-id="{panel}"] [data-test="paginator"]'
        self.do("clickText", selector=pages, text=str(page))

    def fill(self, name: str, text: str) -> None:
        """Types into a text input and leaves it."""
        self.do("fill", selector=f'input[id="{name}"]', text=text)

    def choose(self, name: str, text: str) -> None:
        """Takes an item of a dropdown."""
        selector = f'[data-input-id="{name}"] button, [id="{name}"] [data-test="select"]'
        self.do("choose", selector=selector, text=text)

    def opened(self) -> list[str]:
        """The links that were followed to a new tab."""
        links: list[str] = self.look("() => window.lofpOpened")
        return links

    def cut(self) -> list[str]:
        """The tables that are wider than their panel."""
        tables: list[str] = self.look(_CUT)
        return tables

    def shows(self, panel: str) -> bool:
        """Whether a panel is on the page."""
        return bool(self.look("id => document.querySelector(`[data-id='${id}']`) !== null", panel))

    def broken_headings(self) -> list[str]:
        """The headings of columns that take two lines for one word."""
        headings: list[str] = self.look(_BROKEN)
        return headings

    def unreached(self) -> list[str]:
        """The rows and buttons that nobody can scroll to and point at."""
        things: list[str] = self.look(_UNREACHED)
        return things

    def look(self, source: str, argument: Any = None) -> Any:
        """What a function of JavaScript makes of the page."""
        return self.do("look", source=source, argument=argument)

    def do(self, action: str, **arguments: Any) -> Any:
        """What bridge.mjs does under this name; raises BrowserError."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(json.dumps({"action": action, **arguments}) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        if not line:
            raise BrowserError("the browser has ended")
        reply = json.loads(line)
        if "error" in reply:
            raise BrowserError(f"{action} {arguments}: {reply['error']}")
        return reply["value"]


@contextmanager
def start(address: str) -> Iterator[Browser]:
    """A browser for the pages at an address, until the block ends."""
    command = ["node", str(HERE / "bridge.mjs"), str(CACHE), str(chromium())]
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8"
    ) as process:
        try:
            yield Browser(process, address)
        finally:
            assert process.stdin
            process.stdin.close()
            process.wait(timeout=20)
