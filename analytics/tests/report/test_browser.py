"""The page in a real browser, the system's Chromium."""

from __future__ import annotations

import re
import shutil
from collections import Counter
from contextlib import contextmanager
from itertools import combinations
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser, Page

    from analytics.tests.report.conftest import Report

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the group `analytics` has Playwright"
)
axe = pytest.importorskip(
    "axe_playwright_python.sync_playwright", reason="the group `analytics` has axe-core"
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this system"),
]


SCREENS = (1280, 768, 390, 320)
SCHEMES: tuple[Any, ...] = ("light", "dark")


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser."""
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield started
        started.close()


@contextmanager
def opened(
    browser: Browser, report: Report, width: int = 1280, scheme: Any = "light"
) -> Iterator[Page]:
    """Show a report on a screen, with everything opened."""
    page = browser.new_page(
        viewport={"width": width, "height": 800}, color_scheme=scheme
    )
    page.goto(report.path.as_uri())
    page.eval_on_selector_all("details", "all => all.forEach(o => o.open = true)")
    yield page
    page.close()


def test_every_panel_is_drawn(browser: Browser, for_team: Report) -> None:
    with opened(browser, for_team) as page:
        heights = page.eval_on_selector_all(
            "section", "all => all.map(o => o.getBoundingClientRect().height)"
        )
        assert len(heights) >= 9
        assert min(heights) > 80
        widths = page.eval_on_selector_all(
            ".charts svg", "all => all.map(o => o.getBBox().width)"
        )
        assert len(widths) > 5
        assert min(widths) > 100


@pytest.mark.parametrize("width", SCREENS)
def test_nothing_is_off_the_screen(
    browser: Browser, with_names: Report, width: int
) -> None:
    with opened(browser, with_names, width) as page:
        right = page.eval_on_selector_all(
            "main *",
            "all => Math.max(...all.map(o => o.getBoundingClientRect().right))",
        )
        assert right <= width
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("width", SCREENS)
def test_long_names_stay_on_the_screen(
    browser: Browser, with_long_names: Report, width: int
) -> None:
    with opened(browser, with_long_names, width) as page:
        assert page.evaluate("document.documentElement.scrollWidth") <= width


@pytest.mark.parametrize("scheme", SCHEMES)
@pytest.mark.parametrize("width", SCREENS)
def test_axe_finds_no_violation(
    browser: Browser, with_names: Report, width: int, scheme: Any
) -> None:
    with opened(browser, with_names, width, scheme) as page:
        results = axe.Axe().run(page)
        assert len(results.response["passes"]) > 15
        assert results.violations_count == 0, results.generate_report()


@pytest.mark.parametrize("width", SCREENS)
def test_heads_of_tables_are_in_the_accessibility_tree(
    browser: Browser, for_team: Report, width: int
) -> None:
    with opened(browser, for_team, width) as page:
        tree = page.context.new_cdp_session(page).send("Accessibility.getFullAXTree")
        roles = Counter(
            node["role"]["value"] for node in tree["nodes"] if not node["ignored"]
        )
        assert roles["columnheader"] == page.locator("thead th").count() > 40
        assert roles["rowheader"] == page.locator("tbody th").count() > 40
        assert roles["cell"] == page.locator("td").count()


def test_all_charts_have_one_text_size_on_every_screen(
    browser: Browser, for_team: Report
) -> None:
    scales = set()
    for width in SCREENS:
        with opened(browser, for_team, width) as page:
            scales |= set(
                page.eval_on_selector_all(
                    ".charts svg",
                    "all => all.map(o => Math.round(100 * o.getScreenCTM().a))",
                )
            )
    assert scales == {100}


def test_texts_in_charts_do_not_overlap(browser: Browser, for_team: Report) -> None:
    with opened(browser, for_team) as page:
        boxes = page.eval_on_selector_all(
            ".charts svg",
            """all => all.map(svg => [...svg.querySelectorAll("text")].map(text => {
                const box = text.getBoundingClientRect();
                return [box.left, box.top + 3, box.right, box.bottom - 3];
            }))""",
        )
    assert sum(map(len, boxes)) > 40
    for texts in boxes:
        for text, other in combinations(texts, 2):
            is_beside = text[2] <= other[0] or other[2] <= text[0]
            is_above = text[3] <= other[1] or other[3] <= text[1]
            assert is_beside or is_above


def test_numbers_on_the_page_are_those_of_the_json(
    browser: Browser, for_team: Report
) -> None:
    with opened(browser, for_team) as page:
        shown = page.eval_on_selector_all(
            "[data-key]", "all => all.map(o => [o.dataset.key, o.textContent])"
        )
    assert len(shown) > 200
    for key, text in shown:
        value: Any = for_team.figures
        for name in key.split("."):
            value = value[int(name) if isinstance(value, list) else name]
        assert as_shown(text) in as_printed(value), key


def as_shown(text: str) -> float | str | None:
    """The value of a text on the page."""
    if text == "-":
        return None
    plain = text.replace(",", "").replace("\N{MINUS SIGN}", "-").removeprefix("± ")
    return float(plain) if re.fullmatch(r"-?[\d.]+", plain) else text


def as_printed(value: Any) -> set[Any]:
    """The values that a figure may have on the page: as it is, or in percent."""
    if isinstance(value, int | float):
        return {float(value), round(value, 1), round(100 * value, 0)}
    return {as_shown(value) if isinstance(value, str) else value}


def test_print_has_at_most_four_pages_in_8_pt(
    browser: Browser, for_team: Report, tmp_path: Path
) -> None:
    with opened(browser, for_team) as page:
        printed = tmp_path / "report.pdf"
        page.pdf(path=printed, prefer_css_page_size=True)
        pages = re.findall(rb"/Type\s*/Page\b", printed.read_bytes())
        assert 1 < len(pages) <= 4
        page.set_viewport_size({"width": round(194 / 25.4 * 96), "height": 1000})
        page.emulate_media(media="print")
        sizes = page.eval_on_selector_all(
            "h2, h3, p, li, dt, dd, th, td, caption, summary, .charts text",
            """all => all.map(o => {
                const scale = o.ownerSVGElement ? o.getScreenCTM().a : 1;
                return [o.localName, parseFloat(getComputedStyle(o).fontSize) * scale];
            })""",
        )
    points = {(name, round(0.75 * pixels, 1)) for name, pixels in sizes}
    assert {size for name, size in points if name == "text"} == {7.5}
    assert min(size for name, size in points if name != "text") == 8


def test_fills_differ_without_colours(browser: Browser, for_team: Report) -> None:
    with opened(browser, for_team) as page:
        page.emulate_media(media="print")
        fills = page.evaluate(
            """[0, 1, 2, 3].map(n => {
                const mark = document.querySelector(`.charts .f${n}`);
                const style = getComputedStyle(mark);
                return style.fill.startsWith("url") ? style.fill : style.fillOpacity
                    + (style.stroke === "none" ? " solid" : " tint");
            })"""
        )
    assert len(set(fills)) == len(fills)
