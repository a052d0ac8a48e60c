"""The page in a real browser, the system's Chromium."""

from __future__ import annotations

import re
import shutil
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from playwright.sync_api import Browser

    from analytics.tests.report.conftest import Report

playwright = pytest.importorskip(
    "playwright.sync_api", reason="the group `analytics` has Playwright"
)
CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "google-chrome"))), None)
pytestmark = [
    pytest.mark.pipeline,
    pytest.mark.skipif(CHROMIUM is None, reason="there is no Chromium on this system"),
]


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """A browser."""
    with playwright.sync_playwright() as driver:
        started = driver.chromium.launch(
            executable_path=CHROMIUM, args=["--no-sandbox"]
        )
        yield started
        started.close()


def test_every_panel_is_drawn(browser: Browser, for_team: Report) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(for_team.path.as_uri())
    sections = page.query_selector_all("section")
    assert len(sections) >= 10
    for section in sections:
        box = section.bounding_box()
        assert box
        assert box["height"] > 80
    drawn = page.eval_on_selector_all(
        "svg", "all => all.map(one => one.getBBox().width)"
    )
    assert len(drawn) > 10
    assert min(drawn) > 100
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_nothing_is_off_a_small_screen(
    browser: Browser, for_team: Report, for_others: Report, scheme: Any
) -> None:
    for made in (for_team, for_others):
        page = browser.new_page(
            viewport={"width": 390, "height": 800}, color_scheme=scheme
        )
        page.goto(made.path.as_uri())
        page.eval_on_selector_all("details", "all => all.forEach(o => o.open = true)")
        right = page.eval_on_selector_all(
            "main *",
            "all => Math.max(...all.map(o => o.getBoundingClientRect().right))",
        )
        assert right <= 390
        assert page.evaluate("document.documentElement.scrollWidth") <= 390
        page.close()


def test_all_charts_have_one_text_size(browser: Browser, for_team: Report) -> None:
    page = browser.new_page(viewport={"width": 1280, "height": 900})
    page.goto(for_team.path.as_uri())
    scales = page.eval_on_selector_all(
        "svg", "all => all.map(o => Math.round(100 * o.getScreenCTM().a))"
    )
    assert len(set(scales)) == 1
    page.close()


def test_numbers_on_the_page_are_those_of_the_json(
    browser: Browser, for_team: Report, for_others: Report
) -> None:
    for made in (for_team, for_others):
        page = browser.new_page()
        page.goto(made.path.as_uri())
        shown = page.eval_on_selector_all(
            "[data-key]", "all => all.map(o => [o.dataset.key, o.textContent])"
        )
        assert len(shown) > 200
        for key, text in shown:
            value: Any = made.figures
            for name in key.split("."):
                value = value[int(name) if isinstance(value, list) else name]
            assert as_shown(text) in as_printed(value), key
        page.close()


def as_shown(text: str) -> float | str | None:
    """The value of a text on the page."""
    if text in {"-", "< 5", "many"}:
        return None
    plain = text.replace(",", "").replace("\N{MINUS SIGN}", "-").removeprefix("± ")
    return float(plain) if re.fullmatch(r"-?[\d.]+", plain) else text


def as_printed(value: Any) -> set[Any]:
    """The values that a figure may have on the page: as it is, or in percent."""
    if isinstance(value, int | float):
        return {float(value), round(value, 1), round(100 * value, 0)}
    return {value}


def test_the_print_has_two_pages_with_numbers(
    browser: Browser, for_team: Report, tmp_path: Path
) -> None:
    page = browser.new_page()
    page.goto(for_team.path.as_uri())
    printed = tmp_path / "report.pdf"
    page.pdf(path=printed, prefer_css_page_size=True)
    pages = re.findall(rb"/Type\s*/Page\b", printed.read_bytes())
    assert len(pages) == 2
    page.emulate_media(media="print")
    heights = page.eval_on_selector_all(
        "details table", "all => all.map(o => o.getBoundingClientRect().height)"
    )
    assert min(heights) > 10
    page.close()
