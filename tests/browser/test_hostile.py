"""Texts that would act as something else: everywhere the page shows them as they are."""

from __future__ import annotations

import http.client
import json
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from benchmarks.many_samples import write_report
from tests.browser.conftest import OpenPage, serving

HOSTILE = (
    "<script>document.title='owned'</script>",
    "<img src=x onerror=\"document.title='owned'\">",
    "\"><svg onload=document.title='owned'>",
    "javascript:document.title='owned'",
    "';document.title='owned';'",
    "\\';document.title='owned';//",
    "</script><script>document.title='owned'</script>",
    "{{constructor.constructor('document.title=\"owned\"')()}} ${document.title='owned'}",
    '<a href="data:text/html,<script>alert(1)</script>">x</a> \u2028 \u2029 \u202e \x00 \x1b[31m',
    "<iframe srcdoc=\"<script>parent.document.title='owned'</script>\"></iframe>",
    "<style>*{display:none}</style><link rel=stylesheet href=//example.org/x.css>",
    "__proto__",
)


@pytest.mark.parametrize("text", HOSTILE)
def test_a_text_is_shown_as_text(tmp_path: Path, open_page: OpenPage, text: str) -> None:
    write_report(tmp_path / "report", 9, lambda _: text)
    page = open_page((tmp_path / "report" / "index.html").as_uri())
    assert_shown(page, text, ".overview")
    page.keyboard.press("s")
    page.wait_for_selector("article")
    assert_shown(page, text, "article")
    assert page.locator(".dialogue .said .what").first.text_content() == text
    page.locator(".piece.no").last.press("Enter")
    assert page.locator(".details blockquote").text_content() == text
    page.keyboard.press("g")
    page.wait_for_selector(".cell")
    assert_shown(page, text, ".cell")
    assert page.title() != "owned"
    made = page.locator("#page script, #page iframe, #page style, #page link, #page [onerror]")
    assert made.count() == 0
    assert page.evaluate("({}).x") is None


def assert_shown(page: Any, text: str, where: str) -> None:
    shown = page.locator(where).first.text_content()
    # In a table of meanings, what stands between two backticks is set off.
    assert text in shown or "`" in text


def test_another_origin_is_not_answered(run: Path) -> None:
    decision = json.dumps({"sample_id": "a", "decision": "accept"})
    with serving(run) as url:
        place = urlsplit(url)

        def status(method: str, path: str, **headers: str) -> int:
            connection = http.client.HTTPConnection(str(place.hostname), place.port)
            sent = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, decision if method == "POST" else None, sent)
            return connection.getresponse().status

        own = f"http://{place.netloc}"
        assert status("GET", "/", Host=place.netloc) == 200
        assert status("GET", "/", Host="evil.example") == 403
        assert status("POST", "/decisions", Origin="https://evil.example") == 403
        assert status("POST", "/decisions") == 403
        assert status("POST", "/decisions", Origin=own, Host="evil.example") == 403
        assert status("POST", "/decisions", Origin=own) == 200
        for path in ("/../run.yaml", "/%2e%2e/run.yaml", "//etc/passwd", "/data/../../run.yaml"):
            assert status("GET", path) == 404
    file = run.parent / "run" / "decisions.jsonl"
    assert json.loads(file.read_text(encoding="utf-8"))["sample_id"] == "a"
    file.unlink()
