"""The report of a run in a browser: from a file, by keyboard, for everyone, and served."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from pipeline.cli.options import planned
from pipeline.records import VerifiedEvent
from pipeline.run import main
from pipeline.workflow.outputs import done_parts, read_dialogues, rows_of
from stages.agree import Config, agree
from tests.browser.conftest import AXE, OpenPage, lines_of, serving

RULES = ("wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "best-practice")


def shown_time_s(page: Any) -> float:
    return float(page.locator(".controls .time").inner_text().split(" / ")[0])


def until(page: Any, holds: Callable[[], bool]) -> None:
    """Wait for what the page will show; its policy lets no text be looked at as code."""
    for _ in range(200):
        if holds():
            return
        page.wait_for_timeout(50)
    raise AssertionError("it did not come to that")


def sample_of(page: Any, task: str, least: int) -> str:
    """Show a sample of a task with so many responses at least; returns its id."""
    page.keyboard.press("s")
    page.get_by_label("task", exact=True).select_option(task)
    for _ in range(30):
        page.keyboard.press("j")
        page.wait_for_timeout(60)
        if page.locator(".dialogue .said").count() >= least:
            return str(page.locator("article").get_attribute("aria-label")).split()[1]
    raise AssertionError(f"no {task} has {least} responses")


def test_a_sample_plays_and_all_follows_one_clock(report: Path, open_page: OpenPage) -> None:
    page = open_page((report / "index.html").as_uri())
    assert "samples" in page.locator(".totals").inner_text()
    sample_id = sample_of(page, "event_caption", 3)
    page.wait_for_selector(".screen img")
    first = page.locator(".screen img").get_attribute("src")
    page.keyboard.press("Shift+ArrowRight")
    said_s = shown_time_s(page)
    now = page.locator(".dialogue .said.now .when").first.inner_text()
    assert now == f"{said_s:g} s said"
    assert page.locator(".screen .state").inner_text() == "response"
    assert page.locator(".screen img").get_attribute("src") != first
    assert re.search(rf"#sample={sample_id}&t={said_s:g}$", page.url)
    page.keyboard.press(" ")
    until(page, lambda: shown_time_s(page) > said_s + 1.2)
    page.keyboard.press(" ")
    stopped_s = shown_time_s(page)
    head = str(page.locator(".head").get_attribute("transform"))
    place = float(head.removeprefix("translate(").split()[0])
    width = float(str(page.locator("svg.bands").get_attribute("width")))
    end_s = float(page.locator(".controls .time").inner_text().split(" / ")[1].removesuffix(" s"))
    assert place / width * end_s == pytest.approx(stopped_s, abs=1.0)
    assert page.locator(".player p.small").inner_text().startswith(f"turn {int(stopped_s)},")
    page.wait_for_timeout(300)
    assert shown_time_s(page) == stopped_s


def test_the_address_leads_back_to_sample_and_second(report: Path, open_page: OpenPage) -> None:
    url = (report / "index.html").as_uri()
    page = open_page(url)
    sample_id = sample_of(page, "tsqa", 2)
    again = open_page(f"{url}#sample={sample_id}&t=7.5")
    again.wait_for_selector("article")
    assert sample_id in again.locator("article").get_attribute("aria-label")
    assert shown_time_s(again) == 7.5


def test_filters_and_search_narrow(run: Path, report: Path, open_page: OpenPage) -> None:
    dialogues = list(read_dialogues(planned(run, None, None)[1]))
    page = open_page((report / "index.html").as_uri())
    page.keyboard.press("g")
    found = page.locator(".found span")
    assert found.inner_text() == f"{len(dialogues)} samples"
    page.get_by_label("task", exact=True).select_option("event_grounding")
    grounding = [d for d in dialogues if d.task == "event_grounding"]
    assert found.inner_text() == f"{len(grounding)} of {len(dialogues)} samples"
    page.get_by_label("negative", exact=True).select_option("no")
    right = sum(not d.is_negative for d in grounding)
    assert found.inner_text() == f"{right} of {len(dialogues)} samples"
    page.get_by_role("button", name="show all").click()
    page.keyboard.press("/")
    page.keyboard.type("scene-12")
    expected = sum(d.video_id == "scene-12" for d in dialogues)
    assert found.inner_text() == f"{expected} of {len(dialogues)} samples"
    page.wait_for_selector(".cell img")


def test_the_slider_counts_as_the_stage_does(run: Path, report: Path, open_page: OpenPage) -> None:
    plans = planned(run, None, None)[1]
    page = open_page((report / "index.html").as_uri())
    for plan in plans:
        if plan.node.stage.writes is not VerifiedEvent:
            continue
        rows = [row for made in done_parts([plan]) for row in rows_of(VerifiedEvent, made.part)]
        slider = page.get_by_label(f"min_iou of {plan.node.name}")
        for hundredths in (0, 37, 50, 95, 100):
            slider.fill(str(hundredths))
            expected = kept(rows, hundredths / 100, plan.node.config)
            card = page.locator(".agreement", has_text=plan.node.name)
            assert card.locator(".kept").inner_text() == str(expected)


def kept(rows: Sequence[VerifiedEvent], min_iou: float, config: Any) -> int:
    """As the stage decides anew."""
    settings = Config(min_iou=min_iou, policy=config.policy)
    videos = dict.fromkeys((row.video_id, row.family) for row in rows)
    groups = ([r for r in rows if (r.video_id, r.family) == key] for key in videos)
    grounded = VerifiedEvent.model_fields.keys() - {"iou", "kept", "reason"}
    bare = ([_grounded(row, grounded) for row in group] for group in groups)
    return sum(event.kept for group in bare for event in agree(group, settings))


def _grounded(row: VerifiedEvent, fields: set[str]) -> Any:
    from pipeline.records import GroundedEvent

    return GroundedEvent.model_validate(row.model_dump(include=fields))


def test_the_keyboard_alone_reaches_all(report: Path, open_page: OpenPage) -> None:
    page = open_page((report / "index.html").as_uri())
    reached = set()
    sample_of(page, "event_caption", 2)
    for view in ("o", "s", "g"):
        page.keyboard.press(view)
        page.wait_for_timeout(150)
        page.evaluate("document.activeElement.blur()")
        for _ in range(150):
            page.keyboard.press("Tab")
            reached.add(
                page.evaluate(
                    "(document.activeElement.getAttribute('aria-label')"
                    " ?? document.activeElement.innerText ?? '').trim()"
                )
            )
        page.evaluate("document.activeElement.blur()")
    for name in ("Overview", "Play", "Second", "Note", "task", "Keys", "Zoom in", "show all"):
        assert name in reached, name
    assert any(name.startswith("min_iou of") for name in reached)
    assert any(name.startswith("evidence of") for name in reached)
    assert any(name.startswith("Accept") for name in reached)
    page.keyboard.press("?")
    page.get_by_role("dialog").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("s")
    page.keyboard.press("a")
    assert page.locator(".judge .said").inner_text().startswith("✓")
    page.keyboard.press("u")
    assert "✓" not in page.locator(".judge .said").inner_text()


def test_axe_finds_no_violation(report: Path, open_page: OpenPage) -> None:
    for width, scheme in ((1280, "light"), (400, "light"), (1280, "dark")):
        page = open_page(
            (report / "index.html").as_uri(),
            viewport={"width": width, "height": 860},
            color_scheme=scheme,
            bypass_csp=True,
        )
        page.add_script_tag(path=AXE)
        for view in ("o", "s", "g"):
            page.keyboard.press(view)
            page.wait_for_timeout(250)
            found = page.evaluate(f"axe.run({{preload: false, runOnly: {list(RULES)}}})")
            problems = [
                (v["id"], v["nodes"][0]["html"][:150], v["nodes"][0]["failureSummary"][:300])
                for v in found["violations"]
            ]
            assert not problems, (view, width, scheme)
        wide = page.evaluate("document.documentElement.scrollWidth")
        assert wide <= width


def test_decisions_of_a_page_from_a_file_are_taken_away(report: Path, open_page: OpenPage) -> None:
    page = open_page((report / "index.html").as_uri())
    sample_id = sample_of(page, "tsqa", 2)
    page.keyboard.press("n")
    page.keyboard.type("a note")
    page.keyboard.press("Enter")
    page.keyboard.press("r")
    page.get_by_text("1 decision", exact=True).click()
    with page.expect_download() as downloading:
        page.get_by_role("button", name="Download decisions").click()
    (line,) = lines_of(Path(downloading.value.path()))
    assert (line["sample_id"], line["decision"], line["note"]) == (sample_id, "reject", "a note")
    page.reload()
    page.wait_for_selector("main")
    assert page.get_by_text("1 decision", exact=True).count() == 1


def test_a_decision_is_applied_by_the_next_run_and_taken_back(
    run: Path, open_page: OpenPage
) -> None:
    file = run.parent / "run" / "decisions.jsonl"

    def ids() -> set[str]:
        assert main(["run", "-c", str(run)]) == 0
        return {d.sample_id for d in read_dialogues(planned(run, None, None)[1])}

    before = ids()
    with serving(run) as url:
        page = open_page(url)
        sample_id = sample_of(page, "tsqa", 1)
        page.keyboard.press("r")
        page.locator(".judge .mark.reject").wait_for()
        page.context.close()
    assert before - ids() == {sample_id}
    with serving(run) as url:
        page = open_page(f"{url}#sample={sample_id}")
        page.locator(".judge .mark.reject").wait_for()
        page.keyboard.press("u")
        until(page, lambda: page.locator(".judge .mark").count() == 0)
        page.context.close()
    assert ids() == before
    file.unlink()


def test_decisions_of_a_served_page_are_lines_of_the_run(run: Path, open_page: OpenPage) -> None:
    file = run.parent / "run" / "decisions.jsonl"
    file.unlink(missing_ok=True)
    with serving(run) as url:
        page = open_page(url)
        sample_id = sample_of(page, "event_caption", 2)
        page.keyboard.press("a")
        page.locator(".mark.accept").first.wait_for()
        page.keyboard.press("c")
        page.get_by_label("text", exact=True).fill("Something else.")
        page.get_by_role("button", name="Save the change").click()
        page.locator(".mark.change").first.wait_for()
        page.keyboard.press("u")
        until(page, lambda: page.locator(".judge .mark.accept").count() == 0)
        page.wait_for_selector(".screen img")
        page.get_by_role("button", name="play video").click()
        until(page, lambda: page.locator("video").evaluate("video => video.readyState") >= 2)
        again = open_page(f"{url}#sample={sample_id}")
        again.locator(".mark.change").first.wait_for()
        for each in (page, again):  # before the server is gone
            each.context.close()
    accepted, changed, undone = lines_of(file)
    file.unlink()
    assert (accepted["sample_id"], accepted["decision"]) == (sample_id, "accept")
    assert (changed["decision"], changed["text"]) == ("change", "Something else.")
    assert changed["rid"]
    assert undone["decision"] == "none"
    assert all(line["at"].endswith("+00:00") and line["who"] for line in (accepted, changed))
