"""The page of the local Cloud Tasks: quiet, narrow, for everybody, and without JavaScript too."""

from pathlib import Path
from typing import Any

import pytest

from tests.support.wait import wait_until

PHONE = {"width": 320, "height": 640}
DESK = {"width": 1280, "height": 800}


def open_page(browser: Any, url: str, **options: Any) -> Any:
    page = browser.new_page(**{"viewport": DESK, **options})
    page.goto(url)
    return page


def test_it_loads_and_refreshes_without_an_error_in_the_console(
    browser: Any, queue_page: str
) -> None:
    page = browser.new_page(viewport=DESK)
    complaints = list[str]()
    page.on("console", lambda message: complaints.append(f"{message.type}: {message.text}"))
    page.on("pageerror", lambda error: complaints.append(str(error)))
    page.goto(queue_page)
    with page.expect_response(queue_page, timeout=10_000):  # the script asks for the page again
        pass
    assert complaints == []
    page.close()


@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_it_fits_the_screen_and_only_its_tables_scroll(
    browser: Any, queue_page: str, viewport: dict[str, int], folder: Path | None
) -> None:
    page = open_page(browser, queue_page, viewport=viewport)
    if folder is not None:
        page.screenshot(path=folder / f"queues-{viewport['width']}.png", full_page=True)
    assert page.evaluate("document.documentElement.scrollWidth") <= viewport["width"]
    page.close()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("viewport", [PHONE, DESK], ids=["phone", "desk"])
def test_axe_finds_nothing_that_keeps_anybody_out(
    browser: Any, queue_page: str, scheme: str, viewport: dict[str, int]
) -> None:
    axe = pytest.importorskip("axe_playwright_python.sync_playwright").Axe()
    page = open_page(browser, queue_page, color_scheme=scheme, viewport=viewport)
    found = axe.run(page)
    assert found.violations_count == 0, found.generate_report()
    page.close()


def test_a_queue_is_paused_and_resumed_without_javascript(browser: Any, queue_page: str) -> None:
    page = open_page(browser, queue_page, java_script_enabled=False)
    page.get_by_role("button", name="pause").first.click()
    wait_until(lambda: "paused" in page.inner_text("main"))
    page.get_by_role("button", name="resume").first.click()
    wait_until(lambda: "paused" not in page.inner_text("main"))
    page.close()
