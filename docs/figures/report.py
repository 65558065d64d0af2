"""Take the two pictures of the page that README and the documents show, in Chromium.

After `make demo` and `make test-browser`, which installs Playwright,

    turnwise report -c configs/demo.yaml
    PYTHONPATH=.:.venv-browser python docs/figures/report.py runs/demo/report -o docs/images
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from typing import Any

import cv2
from playwright.sync_api import sync_playwright

WIDTH, HEIGHT = 1200, 880
TASK, SEARCH = "event_caption", "scene-10"


def overview(page: Any) -> None:
    """The first view, as it is."""
    page.wait_for_selector(".overview")


def sample(page: Any) -> None:
    """A sample at its second response."""
    page.get_by_label("task", exact=True).select_option(TASK)
    page.get_by_label("Search questions, videos and ids").fill(SEARCH)
    page.locator(".item").first.click()
    page.wait_for_selector(".screen img")
    page.get_by_role("button", name="Play").focus()
    for _ in range(2):
        page.keyboard.press("Shift+ArrowRight")
    page.evaluate("document.activeElement.blur()")
    page.wait_for_timeout(300)


def main() -> None:
    """Write both as WebP."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("report", type=Path)
    parser.add_argument("-o", "--out", type=Path, required=True)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    given = parser.parse_args()
    url = (given.report.resolve() / "index.html").as_uri()
    with sync_playwright() as playwright, tempfile.TemporaryDirectory() as folder:
        launch = playwright.chromium.launch
        browser = launch(executable_path=given.chromium, args=["--no-sandbox"])
        for name, show, at in (("overview", overview, ""), ("sample", sample, "#sample=")):
            page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
            page.goto(url + at)
            show(page)
            taken = Path(folder) / f"{name}.png"
            page.screenshot(path=taken)
            quality = [cv2.IMWRITE_WEBP_QUALITY, 82]
            picture: Any = cv2.imread(str(taken))
            cv2.imwrite(str(given.out / f"report-{name}.webp"), picture, quality)
        browser.close()


if __name__ == "__main__":
    main()
