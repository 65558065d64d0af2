"""How fast the page of a report is with many samples: its first view, and the next sample.

PYTHONPATH=.venv-browser python benchmarks/report_page.py [--samples 100000]
"""

from __future__ import annotations

import argparse
import shutil
import tempfile
from pathlib import Path
from statistics import median
from typing import Any

from playwright.sync_api import sync_playwright

from benchmarks.many_samples import write_report

REPEATS = 5
STEPS = 30
FIRST_VIEW = """() => new Promise(done => {
  const look = () => document.querySelector("main")
    ? requestAnimationFrame(() => done(performance.now())) : setTimeout(look, 1);
  look();
})"""
"""Milliseconds from the start of the navigation to the first view, drawn."""
NEXT = """key => new Promise(done => {
  const label = () => document.querySelector("article")?.getAttribute("aria-label");
  const before = label(), start = performance.now();
  const look = () => label() !== before
    ? requestAnimationFrame(() => done(performance.now() - start)) : setTimeout(look, 0);
  document.body.dispatchEvent(new KeyboardEvent("keydown", {key, bubbles: true}));
  look();
})"""
"""Milliseconds from a key to the sample that it leads to, drawn."""


def first_views_ms(browser: Any, url: str) -> list[float]:
    """Each in a context of its own, so that nothing is cached."""
    found = []
    for _ in range(REPEATS):
        page = browser.new_page()
        page.goto(url, wait_until="commit")
        found.append(float(page.evaluate(FIRST_VIEW)))
        page.close()
    return found


def switches_ms(browser: Any, url: str, number: int) -> list[float]:
    """From sample to sample, and from one end of the list to the other."""
    page = browser.new_page(viewport={"width": 1280, "height": 860})
    page.goto(url)
    page.wait_for_selector("main")
    page.keyboard.press("s")
    page.wait_for_selector("article")
    # A document takes keys where none of its elements has them.
    found = [float(page.evaluate(NEXT, "j")) for _ in range(STEPS)]
    page.get_by_label("Search questions, videos and ids").fill(f"{number - 10:016x}"[:-1])
    page.wait_for_timeout(200)
    found += [float(page.evaluate(NEXT, key)) for key in "jjjkj"]
    page.close()
    return found


def main() -> None:
    """Print both, in milliseconds and as ratios to an empty page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--samples", type=int, default=100_000)
    parser.add_argument("--chromium", default=shutil.which("chromium"))
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as text, sync_playwright() as playwright:
        folder = Path(text)
        write_report(folder / "report", given.samples)
        (folder / "empty.html").write_text("<!doctype html><title>empty</title><main>empty</main>")
        launch = playwright.chromium.launch
        browser = launch(executable_path=given.chromium, args=["--no-sandbox"])
        empty_ms = median(first_views_ms(browser, (folder / "empty.html").as_uri()))
        url = (folder / "report" / "index.html").as_uri()
        first_ms = median(first_views_ms(browser, url))
        switches = sorted(switches_ms(browser, url, given.samples))
        browser.close()
    print(f"an empty page: {empty_ms:.0f} ms")
    print(f"first view of {given.samples:,} samples: {first_ms:.0f} ms ({first_ms / empty_ms:.1f})")
    middle, most = median(switches), switches[-1]
    print(f"next sample: median {middle:.0f} ms ({middle / empty_ms:.1f}), most {most:.0f} ms")


if __name__ == "__main__":
    main()
